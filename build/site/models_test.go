package site

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/demo"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// The manifest lists each model once, with the address that it has in the site.
func TestManifest(t *testing.T) {
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.1, MaxChannels: 64, Classes: []string{"a", "b"}, Size: 64, Height: 96})
	if err != nil {
		t.Fatal(err)
	}
	float, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string]string{"My Model_2.onnx": string(float), "My Model_2.txt": "small, for a test\nmore", "other.onnx": "no model"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	more, err := ModelFiles(dir)
	if err != nil || len(more) != 2 {
		t.Fatalf("%v, %v", more, err)
	}
	more = append(more, ModelFile{Data: demo.Model, Name: "the first again"})
	files := tree{}
	if err := model(t.Context(), files, Options{ModelData: demo.Model, ModelName: "demo", Film: []byte("film"), Models: more}); err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(files["model.json"], &m); err != nil {
		t.Fatal(err)
	}
	if m.Name != "demo" || !m.Demo || m.Size != int64(len(demo.Model)) || m.Precision != "int8" || m.Classes == 0 || len(m.Models) != 3 || m.Models[0] != m.ModelInfo {
		t.Errorf("%+v", m)
	}
	want := ModelInfo{Name: "My Model_2.onnx", Size: int64(len(float)), SHA256: digest(float), File: hashed("models/my-model-2.onnx", float),
		Description: "small, for a test", Classes: 2, Width: 64, Height: 96, Precision: "float"}
	if m.Models[1] != want {
		t.Errorf("%+v, want %+v", m.Models[1], want)
	}
	if b := m.Models[2]; b.Name != "other.onnx" || b.Classes != 0 || b.Precision != "" {
		t.Errorf("%+v", b)
	}
	named, _, err := files.name()
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := named.write(out); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(out, filepath.FromSlash(want.File))); err != nil || string(data) != string(float) {
		t.Errorf("%s: %d bytes, %v", want.File, len(data), err)
	}
	if _, err := ModelFiles(t.TempDir()); err == nil {
		t.Error("a folder without models is taken")
	}
	if first("models/x.onnx") || first("convert.wasm") || !first("engine.wasm") {
		t.Error("what every visitor fetches")
	}
}
