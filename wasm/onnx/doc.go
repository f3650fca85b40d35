// Package onnx reads and writes ONNX files as graphs.
//
// Reading has three stages, each refusing what it cannot vouch for:
//
//	parse  wire bytes → model   protowire, payloads alias the file, sizes bounded
//	check  model → model        names, operators, opset, shapes, order of nodes
//	drive  model → graph.Graph  one builder, driven by onnx-go or by a plain loop
//
// Natively onnx-go drives: the builder is its backend, and it is handed a
// stripped model that holds no tensors. In a page the wire driver makes the same
// calls, because onnx-go's tensor library is larger than the whole engine.
//
// The message layout is that of onnx.proto (onnx/onnx, IR version 3 to 12). The
// package may import wasm/graph.
package onnx

import "eagleeye/wasm/graph"

// ReadWire reads an ONNX file without onnx-go, on any platform.
//
// Constants alias data: it must not change while the graph is in use, and
// payloads have no alignment. float16 tensors, inputs and outputs become float32
// (exactly), and so do Casts to float16. Declared shapes of intermediate values
// are claims, so they are not kept. The errors wrap this package's sentinels.
func ReadWire(data []byte) (*graph.Graph, error) {
	m, err := load(data)
	if err != nil {
		return nil, err
	}
	b := newBuilder(m)
	if err := driveWire(b, m); err != nil {
		return nil, err
	}
	return b.finish()
}

// load parses and checks a file.
func load(data []byte) (*model, error) {
	m, err := parse(data)
	if err != nil {
		return nil, err
	}
	if err := check(m); err != nil {
		return nil, err
	}
	return m, nil
}

// ReadHeader returns what a file that can be read says about itself.
func ReadHeader(data []byte) (Header, error) {
	m, err := load(data)
	if err != nil {
		return Header{}, err
	}
	return m.header, nil
}
