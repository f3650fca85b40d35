// Package pt reads the checkpoints (.pt) that Ultralytics writes of YOLOv8
// detectors, as graphs that train and run like any other model. It may import
// wasm/zoo and wasm/graph.
//
// Reading has three stages, each refusing what it cannot vouch for:
//
//	archive  zip → data.pkl and storages   stored entries only, sizes bounded
//	pickle   data.pkl → plain objects      a short list of globals, no code runs
//	model    objects → graph               YOLOv8's layers, every shape checked
//
// The formats are those of torch.save (PyTorch, torch/serialization.py) and of
// pickle protocols 2 and 3 (CPython, Lib/pickletools.py).
package pt

import (
	"errors"

	"eagleeye/wasm/graph"
)

// Errors that say what is wrong with a file.
var (
	ErrFormat       = errors.New("pt: not a PyTorch checkpoint that can be read")
	ErrGlobal       = errors.New("pt: the file wants a Python name that no YOLOv8 checkpoint needs")
	ErrArchitecture = errors.New("pt: not a YOLOv8 detector")
)

// Is tells whether a file looks like one that torch.save wrote.
func Is(data []byte) bool {
	return len(data) > 4 && (string(data[:4]) == "PK\x03\x04")
}

// Read returns the detector of a checkpoint as a graph in float32: the averaged
// weights (EMA) where the file has them, else the model's. Its batch norms stay
// nodes, so that it can be trained on; zoo.Fold makes them part of the
// convolutions. Names, classes, strides and image size are the checkpoint's.
func Read(data []byte) (*graph.Graph, error) {
	a, err := openArchive(data)
	if err != nil {
		return nil, err
	}
	root, err := unpickle(a.pickle)
	if err != nil {
		return nil, err
	}
	c, err := describe(a, root)
	if err != nil {
		return nil, err
	}
	return c.graph()
}
