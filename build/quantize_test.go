package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/shared"
)

// What cannot work is refused before anything runs, and leaves nothing behind.
func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	model := tinyModel(t)
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.onnx")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"observer", []string{"--observer=best"}, exitUsage, "--observer"},
		{"drop", []string{"--max-drop=1.5"}, exitUsage, "--max-drop=1.5"},
		{"drop of AP without labels", []string{"--max-drop=0.01", "--drop-of=ap"}, exitUsage, "--data"},
		{"labels for nothing", []string{"--data", empty}, exitUsage, "--drop-of=ap"},
		{"weights only, mixed", []string{"--weights-only", "--max-drop=0.1"}, exitUsage, "--weights-only"},
		{"layer", []string{"--float=model.99"}, exitUsage, "model.1,"},
		{"two choices", []string{"--float=model.1", "--max-drop=0.1"}, exitUsage, "--max-drop"},
		{"budget", []string{"--float-budget=3"}, exitFailed, "budget"},
		{"table", []string{"--sensitivity=" + filepath.Join(dir, "s.txt")}, exitUsage, ".csv"},
		{"table's folder", []string{"--sensitivity=" + filepath.Join(dir, "no", "s.csv")}, exitUsage, "cannot be written"},
		{"no photos", []string{"--calib", empty}, exitFailed, "no calibration images"},
		{"no data set", []string{"--max-drop=0.1", "--drop-of=ap", "--data", empty}, exitFailed, "instances.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, text := command(t, append([]string{"quantize", model, "-o", out}, c.args...)...)
			if code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("exit %d with %q, want %d and a message with %q", code, text, c.code, c.want)
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A model that finds nothing cannot be judged, which is said before its layers
// are gone through; nothing is written.
func TestQuantizeJudges(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.onnx")
	model := tinyModel(t)
	code, _, text := command(t, "quantize", model, "-o", out, "--images=2", "--judge-images=1", "--max-drop=0.1", "--round-images=-1")
	if code != exitFailed || !strings.Contains(text, "finds nothing") {
		t.Errorf("exit %d\n%s", code, text)
	}
	if code, _, text = command(t, "quantize", model, "-o", out, "--weights-only", "--round-images=-1"); code != 0 || !strings.Contains(text, "the weights of 63") {
		t.Errorf("exit %d\n%s", code, text)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); err != nil || len(left) != 1 {
		t.Errorf("%q, %v, want the second model alone", left, err)
	}
}

// YOLOv8n within a bound: the fewest layers, named in the chart.
func TestQuantizeMixes(t *testing.T) {
	if os.Getenv("EAGLEEYE_LONG") == "" {
		t.Skip("judges YOLOv8n layer by layer, which takes minutes: set EAGLEEYE_LONG=1")
	}
	dir := t.TempDir()
	table, out := filepath.Join(dir, "s.csv"), filepath.Join(dir, "out.onnx")
	model := shared.File(t, "models", "yolov8n-320.onnx")
	code, _, text := command(t, "quantize", model, "-o", out, "--images=8", "--judge-images=4", "--calib", shared.File(t, "coco", "calib"), "--max-drop=0.04", "--sensitivity", table)
	if code != 0 || !strings.Contains(text, "layers in float") {
		t.Fatalf("exit %d\n%s", code, text)
	}
	t.Log(text)
	csv, err := os.ReadFile(table)
	if err != nil || strings.Count(string(csv), "\n") < 30 {
		t.Errorf("%d lines of layers, %v", strings.Count(string(csv), "\n"), err)
	}
	chart, err := os.ReadFile(filepath.Join(dir, "s.svg"))
	if err != nil || !strings.Contains(string(chart), "model.1") {
		t.Errorf("no layer in the chart, %v", err)
	}
}
