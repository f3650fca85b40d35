package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// smallModel writes a detector of few channels.
func smallModel(t *testing.T, dir string) string {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 256, Size: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "small.onnx")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is wrong with a recipe is said before anything is written.
func TestCompressRefuses(t *testing.T) {
	dir := t.TempDir()
	smallModel(t, dir)
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.onnx"), []byte("no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":        {"model: small.onnx\nout: x\npruning: {}", "pruning"},
		"unknown flag":       {"model: small.onnx\nout: x\nprune: {ratio: 0.2, colour: red}", "colour"},
		"a word for a share": {"model: small.onnx\nout: x\nprune: {ratio: much}", "ratio"},
		"ratio of 0":         {"model: small.onnx\nout: x\nprune: {ratio: 0}", "ratio"},
		"ratio of 1":         {"model: small.onnx\nout: x\nprune: {ratio: 1}", "ratio"},
		"time of 2":          {"model: small.onnx\nout: x\nprune: {time: 2}", "time"},
		"no such model":      {"model: none.onnx\nout: x\nprune: {ratio: 0.2}", "none.onnx"},
		"not a model":        {"model: bad.onnx\nout: x\nprune: {ratio: 0.2}", "bad.onnx"},
		"no pictures":        {"model: small.onnx\nout: x\ndata: empty\nquantize: {}", "empty"},
		"no such data":       {"model: small.onnx\nout: x\ndata: gone\nquantize: {}", "gone"},
		"no teacher there":   {"model: small.onnx\nout: x\ndata: empty\ndistill: {teacher: gone.onnx}", "gone.onnx"},
	} {
		path := filepath.Join(dir, "recipe.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, msg := command(t, "compress", path)
		if code == 0 || !strings.Contains(msg, c.want) {
			t.Errorf("%s: exit %d, %q, want %q in it", name, code, msg, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}

// A chain does each step once, and again what has changed.
func TestCompressGoesOn(t *testing.T) {
	dir := t.TempDir()
	smallModel(t, dir)
	path := filepath.Join(dir, "recipe.yaml")
	run := func(text string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, msg := command(t, "compress", path)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, msg)
		}
		return msg
	}
	recipe := "model: small.onnx\nout: x\nprune: {ratio: 0.2}\nexport: {to: [ncnn]}\n"
	if msg := run(recipe); strings.Contains(msg, "done before") {
		t.Errorf("a first run left steps out: %s", msg)
	}
	if _, err := os.Stat(filepath.Join(dir, "x", "1-prune", "small-prune.onnx")); err != nil {
		t.Error(err)
	}
	if msg := run(recipe); strings.Count(msg, "done before") != 2 {
		t.Errorf("a second run did something: %s", msg)
	}
	if msg := run(strings.Replace(recipe, "0.2", "0.3", 1)); strings.Contains(msg, "done before") {
		t.Errorf("other settings did not count: %s", msg)
	}
}
