// Package export writes detectors in the formats that people deploy: ONNX,
// TensorFlow Lite, TensorFlow.js, ncnn, OpenVINO, and the ONNX that TensorRT
// builds its engines from. It may import wasm/graph, wasm/onnx and the formats
// in build/export.
package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"eagleeye/build/export/form"
	"eagleeye/build/export/ncnn"
	"eagleeye/build/export/openvino"
	"eagleeye/build/export/tensorflow"
	"eagleeye/wasm/graph"
)

// Formats are the names that Encode knows.
var Formats = []string{"onnx", "tflite", "tfjs", "ncnn", "openvino", "tensorrt"}

// File is one file of an exported model.
type File struct {
	Name string
	Data []byte
}

// Encode returns the files of g, as read from a file, in a format. A format
// with several files has a folder of its own, named as Ultralytics names it.
// base is the model's name, without an ending.
func Encode(g *graph.Graph, format, base string, o ONNXOptions) (files []File, hint string, err error) {
	if o.Dynamic && format != "onnx" && format != "tensorrt" {
		return nil, "", fmt.Errorf("%s: only ONNX leaves sizes open", format)
	}
	if o.Opset != 0 && format != "onnx" && format != "tensorrt" {
		return nil, "", fmt.Errorf("%s: only ONNX has an opset", format)
	}
	suffix := base
	if o.Precision != "" && o.Precision != form.Float32 {
		suffix += "_" + string(o.Precision)
	}
	switch format {
	case "onnx", "tensorrt":
		data, err := ONNX(g, o)
		if err != nil {
			return nil, "", err
		}
		name := suffix + ".onnx"
		if format == "tensorrt" {
			name = suffix + "_tensorrt.onnx"
			hint = "an engine is built on the machine that runs it: " + trtexec(name, g.Inputs[0].Name, o)
		}
		return []File{{name, data}}, hint, nil
	case "tflite":
		data, err := tensorflow.Encode(g, o.Options)
		if err != nil {
			return nil, "", err
		}
		return []File{{suffix + ".tflite", data}}, "", nil
	case "tfjs":
		m, err := tensorflow.EncodeJS(g, o.Options)
		if err != nil {
			return nil, "", err
		}
		dir := suffix + "_web_model"
		return []File{{filepath.Join(dir, tensorflow.WeightsFile), m.Weights}, {filepath.Join(dir, "model.json"), m.JSON}}, "", nil
	case "ncnn":
		m, err := ncnn.Encode(g, o.Options)
		if err != nil {
			return nil, "", err
		}
		dir := suffix + "_ncnn_model"
		return []File{{filepath.Join(dir, "model.ncnn.bin"), m.Bin}, {filepath.Join(dir, "metadata.yaml"), m.Metadata},
			{filepath.Join(dir, "model.ncnn.param"), m.Param}}, "", nil
	case "openvino":
		m, err := openvino.Encode(g, o.Options)
		if err != nil {
			return nil, "", err
		}
		dir := suffix + "_openvino_model"
		return []File{{filepath.Join(dir, base+".bin"), m.Bin}, {filepath.Join(dir, base+".xml"), m.XML}}, "", nil
	}
	return nil, "", fmt.Errorf("format %q: want one of %v", format, Formats)
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

// Write puts the files under dir: each first under a temporary name, and no
// name is taken before all are written.
func Write(dir string, files []File) (err error) {
	var temporary []string
	defer func() {
		for _, t := range temporary {
			os.Remove(t)
		}
	}()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		t, err := os.CreateTemp(filepath.Dir(path), ".export-*")
		if err != nil {
			return err
		}
		temporary = append(temporary, t.Name())
		_, err = t.Write(f.Data)
		if err = errors.Join(err, t.Chmod(0o644), t.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for i, f := range files {
		if err := os.Rename(temporary[i], filepath.Join(dir, f.Name)); err != nil {
			return err
		}
	}
	return nil
}
