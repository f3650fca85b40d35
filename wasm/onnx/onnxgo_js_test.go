package onnx

import "eagleeye/wasm/graph"

// ReadOnnxGo stands in for the driver that js builds leave out.
func ReadOnnxGo(data []byte) (*graph.Graph, error) { return ReadWire(data) }
