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

// yoloSet makes a data set of two scenes in YOLO's format.
func yoloSet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"images", "labels"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b"} {
		writePNG(t, filepath.Join(dir, "images", name+".png"))
		if err := os.WriteFile(filepath.Join(dir, "labels", name+".txt"), []byte("1 0.5 0.5 0.25 0.5\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data.yaml"), []byte("train: images\nval: images\nnames: [cat, dog]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTrain(t *testing.T) {
	set, out := yoloSet(t), filepath.Join(t.TempDir(), "run")
	code, text, msg := command(t, "train", "--width", "0.05", "--data", set, "--out", out, "--imgsz", "32", "--batch", "2", "--steps", "2")
	if code != 0 || !strings.Contains(text, "2 epochs, 2 steps") || !strings.Contains(text, train.BestFile) {
		t.Fatalf("exit %d: %s%s", code, text, msg)
	}
	// The model that it wrote is one to use and to start from.
	best := filepath.Join(out, train.BestFile)
	if code, text, msg := command(t, "info", best); code != 0 {
		t.Errorf("info: exit %d: %s%s", code, text, msg)
	}
	code, text, msg = command(t, "train", "--model", best, "--data", set, "--out", out+"2", "--batch", "1", "--steps", "1", "--val", "none")
	if code != 0 || strings.Contains(text, train.BestFile) {
		t.Errorf("from its own model: exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := command(t, "train", "--resume", out); code != 0 || !strings.Contains(text, "2 steps") {
		t.Errorf("resuming what is done: exit %d: %s%s", code, text, msg)
	}

	other := filepath.Join(t.TempDir(), "other.onnx")
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.05, MaxChannels: 64, Size: 32, Classes: []string{"cat"}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, file, 0o644); err != nil {
		t.Fatal(err)
	}
	// A model of other classes gives all but its class layers.
	dir := out + "3"
	code, text, msg = command(t, "train", "--model", other, "--data", set, "--out", dir, "--imgsz", "32", "--batch", "2", "--steps", "1", "--val", "none")
	if code != 0 || !strings.Contains(msg, `a class "dog" that the model has not`) || !strings.Contains(msg, "for the data's 2") {
		t.Errorf("from a model of other classes: exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := command(t, "info", filepath.Join(dir, train.LastFile)); code != 0 || !strings.Contains(text, "2 classes") {
		t.Errorf("its classes: exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := command(t, "train", "--resume", dir); code != 0 {
		t.Errorf("resuming it: exit %d: %s%s", code, text, msg)
	}
	if code, text, msg := command(t, "qat", "--model", other, "--data", set, "-o", out+"4"); code != exitUsage || !strings.Contains(msg, `no class "dog"`) {
		t.Errorf("qat with other classes: exit %d: %s%s", code, text, msg)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no data":         {nil, exitUsage, "--data"},
		"no such data":    {[]string{"--data", set + "x"}, exitFailed, "no such file"},
		"no data set":     {[]string{"--data", t.TempDir()}, exitFailed, "data.yaml"},
		"no such model":   {[]string{"--data", set, "--model", "q"}, exitUsage, "neither a scale"},
		"width of a file": {[]string{"--data", set, "--model", other, "--width", "1"}, exitUsage, "--width"},
		"size":            {[]string{"--data", set, "--imgsz", "100"}, exitUsage, "multiple of 32"},
		"rate":            {[]string{"--data", set, "--lr=-1", "--imgsz", "32", "-o", t.TempDir()}, exitUsage, "lr -1"},
		"folder in use":   {[]string{"--data", set, "--imgsz", "32", "-o", out}, exitFailed, "resume it"},
		"not a training":  {[]string{"--resume", set}, exitFailed, "nothing to resume"},
		"resume and more": {[]string{"--resume", out, "--lr", "1"}, exitUsage, "alone"},
		"not to judge on": {[]string{"--data", set, "--val", set + "x"}, exitFailed, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			code, text, msg := command(t, append([]string{"train"}, c.args...)...)
			if code != c.code || !strings.Contains(msg, c.want) {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, text, msg)
			}
		})
	}
}
