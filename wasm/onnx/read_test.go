package onnx

import (
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/shared"
)

func readShared(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared.Dir(t), "models", name))
	if err != nil {
		t.Skipf("%s not found: skipped", name)
	}
	return data
}

func TestReadYOLOv8n(t *testing.T) {
	for _, name := range []string{"yolov8n.onnx", "yolov8n-320.onnx"} {
		g, err := ReadWire(readShared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		params := 0
		seen := map[string]bool{}
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if n.Op == "Conv" && v != nil && v.Const != nil && !seen[v.Name] {
					params += len(v.Const.Data) / 4
					seen[v.Name] = true
				}
			}
		}
		if len(g.Nodes) != 233 || params != 3151904 || g.Meta["task"] != "detect" || g.Opset != 13 {
			t.Errorf("%s: %d nodes, %d parameters, task %q, opset %d", name, len(g.Nodes), params, g.Meta["task"], g.Opset)
		}
	}
}

func BenchmarkReadWire(b *testing.B) {
	data := readShared(b, "yolov8n.onnx")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadWire(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadOnnxGo(b *testing.B) {
	data := readShared(b, "yolov8n.onnx")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadOnnxGo(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	g, err := ReadWire(readShared(b, "yolov8n.onnx"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Write(g); err != nil {
			b.Fatal(err)
		}
	}
}
