// Package modelfile is the one place where the toolchain reads models: ONNX
// files as they are, Ultralytics' checkpoints (.pt) by way of wasm/pt. It may
// import the rooms of wasm/.
package modelfile

import (
	"fmt"
	"os"

	"eagleeye/wasm/convert/job"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/pt"
)

// Read returns a model as the bytes of an ONNX file: those of the file, or what
// a checkpoint exports to, its batch norms folded.
func Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil || !pt.Is(data) {
		return data, err
	}
	data, err = job.ONNX(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// Graph reads a model for training: a checkpoint's batch norms stay nodes.
func Graph(path string) (*graph.Graph, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := onnx.Read
	if pt.Is(data) {
		read = pt.Read
	}
	g, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}
