package net

import (
	"errors"
	"os"
	"slices"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/yolo"
	"eagleeye/wasm/zoo"
)

// reclassed gives a model other classes, writes and reads it, and wants a network
// for them with everything but the class layers as it was.
func reclassed(t *testing.T, g *graph.Graph, names []string) {
	t.Helper()
	before, err := Build(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, r, err := WithClasses(g, names, 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnx.Write(c)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = onnx.Read(file); err != nil {
		t.Fatal(err)
	}
	n, err := Build(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := yolo.ParseNames(c.Meta["names"]); err != nil || !slices.Equal(got, names) || !slices.Equal(n.Names, names) || n.Classes != len(names) {
		t.Errorf("classes %v (%v), %d of the network, want %v", got, err, n.Classes, names)
	}
	if r.Classes != before.Classes || r.Convs != 3 || r.Weights < 6*len(names) || r.All <= r.Weights {
		t.Errorf("told %+v", r)
	}
	if shape := c.Outputs[0].Shape; shape[1] != 4+len(names) {
		t.Errorf("output %v", shape)
	}
	was := map[string][]float32{}
	for _, s := range before.State() {
		was[s.Name] = s.Data
	}
	fresh := 0
	for _, s := range n.State() {
		if !slices.Equal(s.Data, was[s.Name]) {
			fresh++
		}
	}
	if len(n.State()) != len(was) || fresh != 6 {
		t.Errorf("%d of %d tensors are new, want 6 of %d", fresh, len(n.State()), len(was))
	}
}

func TestWithClasses(t *testing.T) {
	one, nine, eighty := []string{"gopher"}, []string{"a", "b'c", "d", "e", "f", "g", "h", "i", "j"}, zoo.COCO
	for name, c := range map[string]struct {
		config zoo.Config
		names  []string
	}{
		"fewer":           {zoo.Config{BN: true}, one},
		"more":            {zoo.Config{}, nine},
		"from one":        {zoo.Config{Classes: one, BN: true}, eighty},
		"as many":         {zoo.Config{Classes: zoo.COCO[:9]}, nine},
		"any size":        {zoo.Config{Dynamic: true}, nine},
		"as many as bins": {zoo.Config{Classes: zoo.COCO[:64]}, one},
		"old operators":   {zoo.Config{Opset: 11}, nine},
	} {
		t.Run(name, func(t *testing.T) { reclassed(t, model(t, c.config), c.names) })
	}
	if _, _, err := WithClasses(model(t, zoo.Config{}), nil, 1); !errors.Is(err, ErrClasses) {
		t.Errorf("no classes: %v", err)
	}
}

// TestWithClassesReal takes the official model, whose tail others wrote.
func TestWithClassesReal(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "models", "yolov8n-320.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	reclassed(t, g, []string{"gopher", "badger"})
}
