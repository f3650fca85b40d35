// Package quant turns a float model into an int8 one after training: it
// observes the activations over calibration data, chooses a grid for each of
// them and writes explicit QuantizeLinear/DequantizeLinear pairs and int8
// weights into the graph, as ONNX Runtime's "QDQ" format has them.
//
// It is pure: no files, no clocks, no goroutines, so that it runs in the tab as
// well. It may import wasm/graph and nothing else of ours.
//
// Use: Analyze finds what is to be quantized, a Calibrator collects a Histogram
// for each value that Layout.Taps names, Quantize writes the new graph.
package quant
