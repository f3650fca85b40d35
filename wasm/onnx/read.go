//go:build !js

package onnx

import "eagleeye/wasm/graph"

// Read reads an ONNX file: see ReadWire. onnx-go drives the builder.
func Read(data []byte) (*graph.Graph, error) { return ReadOnnxGo(data) }
