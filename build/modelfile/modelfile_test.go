package modelfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/shared"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

func TestFormats(t *testing.T) {
	dir := t.TempDir()
	checkpoint := shared.Gunzip(t, filepath.Join("..", "..", "wasm", "pt", "testdata", "trained.pt.gz"))
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 128, Size: 64, BN: true})
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		data          []byte
		norms, folded int
		err           string
	}{
		{"a.onnx", file, 57, 57, ""},
		{"a.pt", checkpoint, 57, 0, ""},
		{"named.onnx", checkpoint, 57, 0, ""}, // the content decides
		{"short.pt", checkpoint[:5000], 0, 0, "short.pt"},
		{"empty.onnx", nil, 0, 0, "empty.onnx"},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		g, err := Graph(path)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		read, err := onnx.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		norms, folded := 0, 0
		for _, n := range g.Nodes {
			if n.Op == "BatchNormalization" {
				norms++
			}
		}
		for _, n := range read.Nodes {
			if n.Op == "BatchNormalization" {
				folded++
			}
		}
		if norms != c.norms || folded != c.folded {
			t.Errorf("%s: %d batch norms to train, %d to run, want %d and %d", c.name, norms, folded, c.norms, c.folded)
		}
	}
}
