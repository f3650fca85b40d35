//go:build !js

package onnx

import "eagleeye/wasm/graph"

// Read reads an ONNX file: see ReadWire.
func Read(data []byte) (*graph.Graph, error) { return ReadWire(data) }
