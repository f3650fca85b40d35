// Package export writes detectors in the formats that people deploy: ONNX,
// TensorFlow Lite, TensorFlow.js, ncnn, OpenVINO, and the ONNX that TensorRT
// builds its engines from. It may import wasm/graph, wasm/onnx and the formats
// in build/export.
package export

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/export/form"
	"eagleeye/build/export/ncnn"
	"eagleeye/build/export/openvino"
	"eagleeye/build/export/tensorflow"
	"eagleeye/wasm/graph"
)

// Formats are the names that Encode knows.
var Formats = []string{"onnx", "tflite", "tfjs", "ncnn", "openvino", "tensorrt"}

// Check refuses what Encode would refuse of any model.
func Check(format string, o ONNXOptions) error {
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("format %q: want one of %s", format, strings.Join(Formats, ", "))
	}
	if err := form.Check(o.Options); err != nil {
		return err
	}
	if format == "tfjs" && o.Precision == form.Int8 {
		return tensorflow.ErrJSFloat
	}
	if format == "onnx" || format == "tensorrt" {
		_, err := o.opset()
		return err
	}
	if o.Dynamic {
		return fmt.Errorf("%s: only onnx and tensorrt leave sizes open", format)
	}
	if o.Opset != 0 {
		return fmt.Errorf("%s: only onnx and tensorrt have an opset", format)
	}
	return nil
}

// Names returns the files of a format in the order of Encode. A format with
// several files has a folder of its own, named as Ultralytics names it. base is
// the model's name, without an ending.
func Names(format, base string, precision form.Precision) []string {
	suffix := base
	if precision != "" && precision != form.Float32 {
		suffix += "_" + string(precision)
	}
	in := func(dir string, names ...string) []string {
		for i, n := range names {
			names[i] = filepath.Join(suffix+dir, n)
		}
		return names
	}
	switch format {
	case "onnx", "tflite":
		return []string{suffix + "." + format}
	case "tensorrt":
		return []string{suffix + "_tensorrt.onnx"}
	case "tfjs":
		return in("_web_model", tensorflow.WeightsFile, "model.json")
	case "ncnn":
		return in("_ncnn_model", "model.ncnn.bin", "metadata.yaml", "model.ncnn.param")
	case "openvino":
		return in("_openvino_model", base+".bin", base+".xml")
	}
	return nil
}

// Encode returns the files of g, as read from a file, in a format, and perhaps
// a hint of what to do with them.
func Encode(g *graph.Graph, format, base string, o ONNXOptions) (files []File, hint string, err error) {
	if err := Check(format, o); err != nil {
		return nil, "", err
	}
	parts, err := contents(g, format, o)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", format, err)
	}
	for i, name := range Names(format, base, o.Precision) {
		files = append(files, File{name, parts[i]})
	}
	if format == "tensorrt" {
		hint = "an engine is built on the machine that runs it: " + trtexec(files[0].Name, g.Inputs[0].Name, o)
	}
	return files, hint, nil
}

// contents returns the data of a format's files, in the order of Names.
func contents(g *graph.Graph, format string, o ONNXOptions) ([][]byte, error) {
	one := func(data []byte, err error) ([][]byte, error) { return [][]byte{data}, err }
	switch format {
	case "tflite":
		return one(tensorflow.Encode(g, o.Options))
	case "tfjs":
		m, err := tensorflow.EncodeJS(g, o.Options)
		if err != nil {
			return nil, err
		}
		return [][]byte{m.Weights, m.JSON}, nil
	case "ncnn":
		m, err := ncnn.Encode(g, o.Options)
		if err != nil {
			return nil, err
		}
		return [][]byte{m.Bin, m.Metadata, m.Param}, nil
	case "openvino":
		m, err := openvino.Encode(g, o.Options)
		if err != nil {
			return nil, err
		}
		return [][]byte{m.Bin, m.XML}, nil
	}
	return one(ONNX(g, o))
}

// trtexec is the command that builds a TensorRT engine from the file.
func trtexec(name, input string, o ONNXOptions) string {
	c := fmt.Sprintf("trtexec --onnx=%s --saveEngine=%s.engine", name, name[:len(name)-len(".onnx")])
	switch o.Precision {
	case form.Int8:
		c += " --int8 --fp16"
	case form.Float16:
		c += " --fp16"
	}
	if o.Dynamic {
		c += fmt.Sprintf(" --minShapes=%[1]s:1x3x320x320 --optShapes=%[1]s:1x3x640x640 --maxShapes=%[1]s:1x3x1280x1280", input)
	}
	return c
}
