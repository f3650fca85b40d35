// Package openvino writes detectors as OpenVINO's intermediate representation:
// a graph in XML and its constants in a binary file. It may import wasm/graph.
//
// Input and output are those of the ONNX file. Quantized models keep their
// grids: activations as FakeQuantize, weights as int8 constants with a scale an
// output channel, which the runtime turns into integer arithmetic. Source:
// OpenVINO's "Operation Sets" and "Model IR" documentation.
package openvino

import (
	"errors"
	"fmt"

	"eagleeye/wasm/graph"
)

// Precision is how weights are stored and convolutions computed.
type Precision string

const (
	Float32 Precision = "fp32"
	Float16 Precision = "fp16"
	Int8    Precision = "int8" // of a quantized model
)

// Options choose the form of the files.
type Options struct {
	Precision     Precision
	Width, Height int // of the input; 0: the model's own
}

// Model is the content of a model's two files, which share their name but for
// the ending.
type Model struct{ XML, Bin []byte }

// ErrUnsupported marks models that cannot be held in the form asked for.
var ErrUnsupported = errors.New("no OpenVINO form")

// Encode returns g, as read from a file, as version 11 of the representation.
func Encode(g *graph.Graph, o Options) (*Model, error) {
	if o.Precision == "" {
		o.Precision = Float32
	}
	meta := g.Meta
	if o.Precision != Int8 {
		g = graph.FloatOnly(g)
	}
	p, err := graph.Prepare(g, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	w := &writer{half: o.Precision == Float16, at: map[*graph.Value]port{}}
	quantized := false
	for _, n := range p.Nodes {
		quantized = quantized || n.Op == "Conv" && n.In[1].Quant != nil
	}
	if o.Precision == Int8 && !quantized {
		return nil, fmt.Errorf("%w: the model is not quantized; quantize it first", ErrUnsupported)
	}
	in := p.Inputs[0]
	x := w.layer(layer{kind: "Parameter", name: in.Name, set: 1, attrs: []attr{{"shape", list(in.Shape)}, {"element_type", "f32"}}, tensor: in.Name}, in.Shape)
	w.made(in, nil, x)
	for _, n := range p.Nodes {
		if err := w.node(n, in.Shape); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	return &Model{w.xml(g.Name, meta, in.Shape), w.bin}, nil
}
