// Package tflite writes detectors as TensorFlow Lite files, which LiteRT,
// LiteRT.js and the mobile runtimes read. It may import wasm/graph.
//
// Activations are NHWC. The result is laid out as Ultralytics exports it:
// [1, 4+classes, anchors], boxes as centre and size in 0..1 of the input, class
// scores in 0..1.
package tflite

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"eagleeye/wasm/graph"
)

// Precision is how a file stores and computes.
type Precision string

const (
	Float32 Precision = "fp32"
	Float16 Precision = "fp16" // weights are float16, arithmetic is the runtime's
	Int8    Precision = "int8" // of a quantized model: convolutions in int8
)

// Options choose the form of a file.
type Options struct {
	Precision     Precision
	Width, Height int // of the input; 0: the model's own
}

// ErrUnsupported marks models that TensorFlow Lite cannot hold in the form asked for.
var ErrUnsupported = errors.New("no TensorFlow Lite form")

// Encode returns g, as read from a file, as a TensorFlow Lite model whose
// input is [1,H,W,3] RGB in 0..1. Float precisions of a quantized model use its
// rounded weights and drop the grids of activations. Metadata lie behind the
// model as a zip file, where Ultralytics' loaders look for them.
func Encode(g *graph.Graph, o Options) ([]byte, error) {
	if o.Precision == "" {
		o.Precision = Float32
	}
	meta := g.Meta
	quantized := false
	if o.Precision != Int8 {
		g = graph.FloatOnly(g)
	}
	p, err := graph.Prepare(g, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Nodes {
		quantized = quantized || n.Op == "Conv" && n.In[1].Quant != nil
	}
	if o.Precision == Int8 && !quantized {
		return nil, fmt.Errorf("%w: the model is not quantized; quantize it first", ErrUnsupported)
	}
	l := &lowering{file: file{buffers: [][]byte{nil}, description: "YOLOv8 detector by Eagle Eye"}, half: o.Precision == Float16, at: map[*graph.Value]int{}}
	for _, n := range p.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const == nil {
				l.uses(v, n)
			}
		}
	}
	l.input(p.Inputs[0])
	for _, n := range p.Nodes {
		if err := l.node(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	in := p.Inputs[0].Shape
	return appendMetadata(l.encode(), meta, in[2], in[3])
}

// appendMetadata puts a zip file with metadata.json behind a model: readers of
// the model start at its front, readers of zip files at its end.
func appendMetadata(model []byte, meta map[string]string, h, w int) ([]byte, error) {
	m := map[string]any{"imgsz": []int{h, w}}
	for k, v := range meta {
		switch k {
		case "imgsz":
		case "names":
			m[k] = names(v)
		case "stride", "batch":
			if n, err := strconv.Atoi(v); err == nil {
				m[k] = n
				continue
			}
			fallthrough
		default:
			m[k] = v
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	var tail bytes.Buffer
	z := zip.NewWriter(&tail)
	z.SetOffset(int64(len(model)))
	f, err := z.Create("metadata.json")
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return append(model, tail.Bytes()...), nil
}

// names turns a Python dictionary of class names into a JSON object where it
// is one; else it stays text.
func names(text string) any {
	list, err := parseNames(text)
	if err != nil {
		return text
	}
	m := make(map[string]string, len(list))
	for i, n := range list {
		m[strconv.Itoa(i)] = strings.TrimSpace(n)
	}
	return m
}
