package onnx

import (
	"bytes"
	"testing"

	"eagleeye/wasm/graph"

	"github.com/google/go-cmp/cmp"
)

// equal compares graphs and their sharing of values.
func equal(t *testing.T, what string, got, want *graph.Graph) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); d != "" {
		t.Errorf("%s: graphs differ (-want +got):\n%.2000s", what, d)
	}
	for name, g := range map[string]*graph.Graph{"first": want, "second": got} {
		seen := map[string]*graph.Value{}
		visit := func(list []*graph.Value) {
			for _, v := range list {
				if v == nil {
					continue
				}
				if old, ok := seen[v.Name]; ok && old != v {
					t.Errorf("%s: %s graph has two values %q", what, name, v.Name)
				}
				seen[v.Name] = v
			}
		}
		visit(g.Inputs)
		for _, n := range g.Nodes {
			visit(n.In)
			visit(n.Out)
		}
		visit(g.Outputs)
	}
}

// bothDrivers reads a file with both drivers and compares the graphs.
func bothDrivers(t *testing.T, what string, data []byte) *graph.Graph {
	t.Helper()
	a, err := ReadWire(data)
	if err != nil {
		t.Fatalf("%s: wire driver: %v", what, err)
	}
	b, err := ReadOnnxGo(data)
	if err != nil {
		t.Fatalf("%s: onnx-go driver: %v", what, err)
	}
	equal(t, what+", onnx-go against wire", b, a)
	return a
}

func TestSharedModelsRoundTrip(t *testing.T) {
	for _, name := range []string{"yolov8n.onnx", "yolov8n-320.onnx"} {
		g := bothDrivers(t, name, readShared(t, name))
		first, err := Write(g)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, name+", written and read", bothDrivers(t, name+" written", first), g)
		second, err := Write(g)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: two writes differ (%v)", name, err)
		}
	}
}
