package recipe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	r, err := Read([]byte(`
model: a.onnx
out: /tmp/out
data: photos
prune: {params: 2400000, per: time}
recover: {}
quantize: {images: 50, wide-weights: true, exact: false}
export: {to: [ncnn, tflite]}
`), "/home/me")
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != "/home/me/a.onnx" || r.Out != "/tmp/out" || r.Data != "/home/me/photos" {
		t.Errorf("paths %q, %q, %q", r.Model, r.Out, r.Data)
	}
	steps, err := r.Steps()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		args, err := s.Flags.Args()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Name+" "+strings.Join(args, " "))
	}
	want := []string{"prune --params=2400000 --per=time", "recover ", "quantize --images=50 --wide-weights", "export --to=ncnn,tflite"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":       {"model: a\nout: b\nprunes: {}", "prunes"},
		"no YAML":           {"model: [", "recipe"},
		"a list":            {"- model", "recipe"},
		"no model":          {"out: b\nprune: {}", "no model"},
		"no folder":         {"model: a\nprune: {}", "out"},
		"no step":           {"model: a\nout: b", "no step"},
		"empty":             {"", "no model"},
		"two int8 steps":    {"model: a\nout: b\ndata: d\nquantize: {}\nqat: {}", "both"},
		"recover alone":     {"model: a\nout: b\ndata: d\nrecover: {}", "prune"},
		"no teacher":        {"model: a\nout: b\ndata: d\ndistill: {}", "teacher"},
		"no data":           {"model: a\nout: b\nprune: {}\nrecover: {}", "data"},
		"nothing to judge":  {"model: a\nout: b\nreport: {}", "val"},
		"a flag of nothing": {"model: a\nout: b\nprune: {ratio: }", "ratio"},
		"a nested flag":     {"model: a\nout: b\nprune: {ratio: {a: 1}}", "ratio"},
	} {
		r, err := Read([]byte(c.text), "/")
		if err == nil {
			var steps []Step
			if steps, err = r.Steps(); err == nil {
				_, err = steps[0].Flags.Args()
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	if s, err := Load(dir); err != nil || s.Kept(dir, "") {
		t.Fatalf("a new folder: %+v, %v", s, err)
	}
	file := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(file, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	sum, err := FileSum(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := (State{Key: "k", Done: true, Files: map[string]string{"model.onnx": sum}}).Save(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Kept(dir, "k") || s.Kept(dir, "other") {
		t.Error("the key does not decide")
	}
	if err := os.WriteFile(file, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s.Kept(dir, "k") {
		t.Error("a changed file was taken for the step's")
	}
	a, err := FolderSum(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "more.jpg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := FolderSum(dir); err != nil || a == b {
		t.Errorf("a new picture does not show: %v", err)
	}
}
