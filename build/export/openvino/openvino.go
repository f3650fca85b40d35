// Package openvino writes detectors as OpenVINO's intermediate representation:
// a graph in XML and its constants in a binary file. It may import
// build/export/form and wasm/graph.
//
// Input and output are those of the ONNX file. Quantized models keep their
// grids: activations as FakeQuantize, weights as int8 constants with a scale an
// output channel, which the runtime turns into integer arithmetic. Source:
// OpenVINO's "Operation Sets" and "Model IR" documentation.
package openvino

import (
	"fmt"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

// Model is the content of a model's two files, which share their name but for
// the ending.
type Model struct{ XML, Bin []byte }

// Encode returns g, as read from a file, as version 11 of the representation.
func Encode(g *graph.Graph, o form.Options) (*Model, error) {
	p, err := form.Prepare(g, o)
	if err != nil {
		return nil, err
	}
	w := &writer{half: o.Precision == form.Float16, at: map[*graph.Value]port{}}
	in := p.Inputs[0]
	x := w.layer(layer{kind: "Parameter", name: in.Name, set: 1, attrs: []attr{{"shape", list(in.Shape)}, {"element_type", "f32"}}, tensor: in.Name}, in.Shape)
	w.made(in, nil, x)
	for _, n := range p.Nodes {
		if err := w.node(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	return &Model{w.xml(g.Name, g.Meta, in.Shape), w.bin}, nil
}
