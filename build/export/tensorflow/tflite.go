package tensorflow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"
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
	l, p, err := lower(g, o)
	if err != nil {
		return nil, err
	}
	in := p.Inputs[0].Shape
	return appendMetadata(l.encode(), metadata(g.Meta, in[2], in[3]))
}

// lower turns g into operators with channels last; the prepared graph comes
// with them.
func lower(g *graph.Graph, o Options) (*lowering, *graph.Graph, error) {
	if o.Precision != Int8 {
		g = graph.FloatOnly(g)
	}
	p, err := graph.Prepare(g, o.Height, o.Width)
	if err != nil {
		return nil, nil, err
	}
	if o.Precision == Int8 && !slices.ContainsFunc(p.Nodes, func(n *graph.Node) bool { return n.Op == "Conv" && n.In[1].Quant != nil }) {
		return nil, nil, fmt.Errorf("%w: the model is not quantized; quantize it first", ErrUnsupported)
	}
	l := &lowering{
		file: file{buffers: [][]byte{nil}, description: "YOLOv8 detector by Eagle Eye"},
		half: o.Precision == Float16, at: map[*graph.Value]int{}, floats: map[int]int{},
	}
	l.input(p.Inputs[0])
	for _, n := range p.Nodes {
		if err := l.node(n); err != nil {
			return nil, nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	return l, p, nil
}

// metadata gathers what the model's file says of itself; h×w is its input.
func metadata(meta map[string]string, h, w int) map[string]any {
	m := map[string]any{"imgsz": []int{h, w}}
	for k, v := range meta {
		n, err := strconv.Atoi(v)
		switch {
		case k == "imgsz":
		case k == "names":
			m[k] = names(v)
		case err == nil && (k == "stride" || k == "batch"):
			m[k] = n
		default:
			m[k] = v
		}
	}
	return m
}

// appendMetadata puts a zip file with metadata.json behind a model: readers of
// the model start at its front, readers of zip files at its end.
func appendMetadata(model []byte, m map[string]any) ([]byte, error) {
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
	list, err := yolo.ParseNames(text)
	if err != nil {
		return text
	}
	m := make(map[string]string, len(list))
	for i, n := range list {
		m[strconv.Itoa(i)] = n
	}
	return m
}
