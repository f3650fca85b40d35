package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/shared"
)

// An Ultralytics checkpoint goes where an ONNX file goes.
func TestCheckpointVerbs(t *testing.T) {
	data := shared.Gunzip(t, filepath.Join("..", "wasm", "pt", "testdata", "trained.pt.gz"))
	dir := t.TempDir()
	model, int8, scene := filepath.Join(dir, "m.pt"), filepath.Join(dir, "int8.onnx"), filepath.Join(dir, "1.png")
	if err := os.WriteFile(model, data, 0o644); err != nil {
		t.Fatal(err)
	}
	writePNG(t, scene)
	must := func(args ...string) string {
		t.Helper()
		code, out, errs := command(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, errs)
		}
		return out
	}
	var info struct {
		Params, FLOPs int64
		Width         int
		Classes       []string
	}
	if err := json.Unmarshal([]byte(must("info", "--json", model)), &info); err != nil {
		t.Fatal(err)
	}
	// As Ultralytics prints of this model: 150177 parameters.
	if info.Params != 150177 || info.FLOPs < 1e7 || info.Width != 320 || strings.Join(info.Classes, " ") != "circle cat's eye näh" {
		t.Errorf("info: %+v", info)
	}
	must("quantize", "--images", "2", "--bias-images=-1", "--size", "64", model, "-o", int8)
	must("detect", "--size", "64", "--model", model, scene)
	must("detect", "--size", "64", "--model", int8, scene)
	must("eval", "--size", "64", "--model", model, "--data", tinyData(t))
	if err := os.WriteFile(model, data[:9000], 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, "info", model); code == 0 || !strings.Contains(errs, "m.pt") {
		t.Errorf("a short checkpoint: exit %d, %s", code, errs)
	}
}
