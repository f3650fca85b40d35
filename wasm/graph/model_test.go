package graph_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

func load(t testing.TB, name string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared.Dir(t), "models", name))
	if err != nil {
		t.Skip(err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func golden(t testing.TB, name string) []float32 {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared.Dir(t), "golden", name))
	if err != nil {
		t.Skip(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// The real model, prepared from the 640 file for 320 pixels, gives what ONNX
// Runtime gives for the 320 file.
func TestGolden(t *testing.T) {
	p, err := graph.Prepare(load(t, "yolov8n.onnx"), 320, 320)
	if err != nil {
		t.Fatal(err)
	}
	ops := map[string]int{}
	for _, n := range p.Nodes {
		ops[n.Op]++
	}
	t.Log(ops)
	in := golden(t, "000000397133-320.input.f32.gz")
	want := golden(t, "000000397133-320.output0.f32.gz")
	out, err := graph.Eval(p, map[string]*graph.Tensor{p.Inputs[0].Name: graph.FloatTensor(in, 1, 3, 320, 320)})
	if err != nil {
		t.Fatal(err)
	}
	got := out["output0"].Floats()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, want %d", len(got), len(want))
	}
	var box, score float64
	for i := range got {
		d := math.Abs(float64(got[i] - want[i]))
		if i < 4*2100 {
			box = max(box, d)
		} else {
			score = max(score, d)
		}
	}
	t.Logf("largest difference: boxes %g px, scores %g", box, score)
	if box > 0.1 || score > 0.002 {
		t.Errorf("boxes differ by %g px, scores by %g", box, score)
	}
}

func BenchmarkPrepare(b *testing.B) {
	g := load(b, "yolov8n.onnx")
	for b.Loop() {
		if _, err := graph.Prepare(g, 640, 640); err != nil {
			b.Fatal(err)
		}
	}
}
