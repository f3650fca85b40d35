package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/train"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// catsAndDogs writes a model for yoloSet's classes, as training leaves one.
func catsAndDogs(t *testing.T, width float64, names ...string) string {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: width, MaxChannels: 64, Size: 32, Classes: names, BN: true})
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// steps are the flags of a run of two batches.
func steps(out string, more ...string) []string {
	return append([]string{"--out", out, "--imgsz", "32", "--batch", "2", "--steps", "2"}, more...)
}

func TestDistill(t *testing.T) {
	set, out, teacher := yoloSet(t), filepath.Join(t.TempDir(), "run"), catsAndDogs(t, 0.125, "cat", "dog")
	run := func(args ...string) (int, string, string) {
		t.Helper()
		return command(t, append([]string{"distill"}, args...)...)
	}
	code, text, msg := run(steps(out, "--width", "0.05", "--teacher", teacher, "--data", set)...)
	if code != 0 || !strings.Contains(text, "2 steps") || !strings.Contains(text, "kd cls") {
		t.Fatalf("exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := run("--resume", out); code != 0 || !strings.Contains(text, "2 steps") {
		t.Errorf("resuming: exit %d: %s%s", code, text, msg)
	}
	code, text, msg = run(steps(out+"2", "--width", "0.05", "--teacher", teacher, "--unlabelled", filepath.Join(set, "images"))...)
	if code != 0 || !strings.Contains(text, train.LastFile) || strings.Contains(text, train.BestFile) {
		t.Errorf("without labels: exit %d: %s%s", code, text, msg)
	}
	if code, _, msg := command(t, "info", filepath.Join(out+"2", train.LastFile)); code != 0 {
		t.Errorf("info: %s", msg)
	}
	if code, _, msg := command(t, "train", "--resume", out); code == 0 || !strings.Contains(msg, "this command began") {
		t.Errorf("train resumes it: exit %d: %s", code, msg)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no teacher":           {[]string{"--data", set}, exitUsage, "--teacher"},
		"no such teacher":      {[]string{"--data", set, "--teacher", set + "x"}, exitFailed, "teacher"},
		"no data":              {[]string{"--teacher", teacher}, exitUsage, "--data"},
		"two kinds of data":    {[]string{"--teacher", teacher, "--data", set, "--unlabelled", set}, exitUsage, "one of them"},
		"no pictures":          {[]string{"--teacher", teacher, "--unlabelled", t.TempDir()}, exitFailed, "pictures"},
		"alpha":                {[]string{"--teacher", teacher, "--data", set, "--alpha", "2"}, exitUsage, "alpha 2"},
		"another's knowledge":  {steps(out+"3", "--width", "0.05", "--teacher", catsAndDogs(t, 0.05, "cat", "cow"), "--data", set), exitFailed, "cow"},
		"not a training of it": {[]string{"--resume", set}, exitFailed, "nothing to resume"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, text, msg := run(c.args...); code != c.code || !strings.Contains(msg, c.want) {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, text, msg)
			}
		})
	}
}

func TestQAT(t *testing.T) {
	set, out, model := yoloSet(t), filepath.Join(t.TempDir(), "run"), catsAndDogs(t, 0.05, "cat", "dog")
	run := func(args ...string) (int, string, string) {
		t.Helper()
		return command(t, append([]string{"qat"}, args...)...)
	}
	code, text, msg := run(steps(out, "--model", model, "--data", set)...)
	if code != 0 || !strings.Contains(text, "2 steps") || !strings.Contains(msg, "calibrated on 2 pictures") {
		t.Fatalf("exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := run("--resume", out); code != 0 || !strings.Contains(text, "2 steps") {
		t.Errorf("resuming: exit %d: %s%s", code, text, msg)
	}
	for _, name := range []string{ptqFile, train.LastFile} {
		if code, text, msg := command(t, "info", filepath.Join(out, name)); code != 0 || !strings.Contains(text, "int8") {
			t.Errorf("%s: exit %d: %s%s", name, code, text, msg)
		}
	}
	// From the int8 form, with fewer bits.
	code, text, msg = run(steps(out+"2", "--model", filepath.Join(out, ptqFile), "--data", set, "--bits", "6", "--scales", "observed")...)
	if code != 0 || !strings.Contains(text, "2 steps") {
		t.Errorf("from int8: exit %d: %s%s", code, text, msg)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no model": {[]string{"--data", set}, exitUsage, "--model"},
		"bits":     {steps(out+"3", "--model", model, "--data", set, "--bits", "9"), exitUsage, "9 bits"},
		"freeze":   {[]string{"--model", model, "--data", set, "--freeze", "2"}, exitUsage, "--freeze"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, text, msg := run(c.args...); code != c.code || !strings.Contains(msg, c.want) {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, text, msg)
			}
		})
	}
}
