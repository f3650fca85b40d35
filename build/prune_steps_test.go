package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/compress/prune"
	"eagleeye/build/modelfile"
)

// Pruning in steps, each recovered by distillation from the whole model.
func TestPruneRecovers(t *testing.T) {
	dir := t.TempDir()
	model, out := smallModel(t, dir), filepath.Join(dir, "out.onnx")
	if code, _, msg := command(t, "train", "--model", model, "--data", yoloSet(t), "--out", filepath.Join(dir, "run"), "--imgsz", "32", "--batch", "2", "--steps", "1", "--val", "none"); code != 0 {
		t.Fatal(msg)
	}
	model = filepath.Join(dir, "run", "last.onnx")
	args := []string{"prune", model, "-o", out, "--ratio", "0.2", "--steps", "2"}
	if code, _, msg := command(t, args...); code != 0 || !strings.Contains(msg, "won back") {
		t.Fatal(code, msg)
	}
	plain, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	code, _, msg := command(t, append(args, "--recover-steps", "1", "--data", yoloSet(t), "--imgsz", "32")...)
	if code != 0 || !strings.Contains(msg, "step 2 of 2") || strings.Contains(msg, "won back") {
		t.Fatal(code, msg)
	}
	recovered, err := os.ReadFile(out)
	if err != nil || string(recovered) == string(plain) {
		t.Errorf("recovery changed nothing: %v", err)
	}
}

// The step that costs too much is not kept; where it is the first, that is said.
func TestPruneStops(t *testing.T) {
	model := smallModel(t, t.TempDir())
	g, err := modelfile.Graph(model)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		aps   []float64 // of the whole model, then after each step
		steps int       // kept
	}{
		{"never", []float64{0.5, 0.495, 0.49, 0.481}, 3},
		{"at the last", []float64{0.5, 0.495, 0.49, 0.47}, 2},
		{"at the second", []float64{0.5, 0.495, 0.4}, 1},
		{"at once", []float64{0.5, 0.4}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags := pruneFlags{Ratio: 0.3, Steps: 3, MaxDrop: 0.02, Importance: "l2", Per: "channels", Multiple: 8, MaxRatio: 0.5}
			var sizes []int // parameters of what was judged
			small, r, err := flags.inSteps(t.Context(), terminal{io.Discard, io.Discard}, model, g, nil, func(file string) (float64, error) {
				judged, err := modelfile.Graph(file)
				if err != nil {
					return 0, err
				}
				sizes = append(sizes, prune.Params(judged))
				return c.aps[len(sizes)-1], nil
			})
			if len(sizes) != len(c.aps) {
				t.Fatalf("%d models judged, want %d", len(sizes), len(c.aps))
			}
			if c.steps == 0 {
				if err == nil || !strings.Contains(err.Error(), "--max-drop 0.02") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := prune.Params(small); got != sizes[c.steps] || r.ParamsAfter != got || got >= sizes[0] {
				t.Errorf("%d parameters, %d reported, judged %v", got, r.ParamsAfter, sizes)
			}
		})
	}
}

func TestPruneStepsRefuse(t *testing.T) {
	dir := t.TempDir()
	model, out := smallModel(t, dir), filepath.Join(dir, "out.onnx")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"recovery without data": {[]string{"--recover-steps", "5"}, exitUsage, "--data"},
		"negative recovery":     {[]string{"--recover-steps=-1"}, exitUsage, "--recover-steps"},
		"drop without pictures": {[]string{"--max-drop", "0.1"}, exitUsage, "--val"},
		"drop of all":           {[]string{"--max-drop", "1", "--val", dir}, exitUsage, "--max-drop"},
		"no set to judge on":    {[]string{"--max-drop", "0.1", "--val", dir}, exitFailed, "instances.json"},
	} {
		code, _, msg := command(t, append([]string{"prune", model, "-o", out, "--ratio", "0.2"}, c.args...)...)
		if code != c.code || !strings.Contains(msg, c.want) {
			t.Errorf("%s: exit %d, %s", name, code, msg)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a model was written")
	}
}
