// Package tensorflow writes detectors for TensorFlow's runtimes: TensorFlow Lite
// files, which LiteRT, LiteRT.js and the mobile runtimes read, and graph models
// of TensorFlow.js. It may import
// build/export/form, wasm/graph and wasm/yolo.
//
// Activations are NHWC. The result is laid out as Ultralytics exports it:
// [1, 4+classes, anchors], boxes as centre and size in 0..1 of the input, class
// scores in 0..1.
package tensorflow
