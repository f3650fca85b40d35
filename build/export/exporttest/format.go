package exporttest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/form"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

// Runner writes a model in a format and runs it with the format's own runtime
// on pictures of h×w, given as Inputs gives them.
type Runner func(t *testing.T, g *graph.Graph, o form.Options, h, w int, input []float32) []float32

// Script is a Runner by a Python script, testdata/NAME: it writes the files of
// encode and calls the script as `NAME MODEL… HEIGHT WIDTH INPUT OUTPUT`, with
// the paths of models.
func Script(python, name string, encode func(*graph.Graph, form.Options) (map[string][]byte, error), models ...string) Runner {
	return func(t *testing.T, g *graph.Graph, o form.Options, h, w int, input []float32) []float32 {
		t.Helper()
		files, err := encode(g, o)
		if err != nil {
			t.Fatal(err)
		}
		dir := Files(t, files)
		var args []string
		for _, m := range models {
			args = append(args, filepath.Join(dir, m))
		}
		return Run(t, python, filepath.Join("testdata", name), input, append(args, strconv.Itoa(h), strconv.Itoa(w))...)
	}
}

// Tiny is a seeded model of three classes, for w×h pixels.
func Tiny(t *testing.T, w, h int) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: []string{"a", "it's <b>", "c"}, Size: w, Height: h, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Files writes files into a folder of the test's.
func Files(t *testing.T, files map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Tolerance is how far a runtime's numbers may lie from the engine's.
type Tolerance struct{ Box, Score float64 } // pixels, probability

// Half is the tolerance of float16 weights, which differ by 2⁻¹¹ of each.
var Half = Tolerance{0.5, 5e-3}

// Numbers compares all that a runtime computes from a seeded model, in fp32 and
// in fp16, with the engine's results.
func Numbers(t *testing.T, run Runner, single Tolerance) {
	t.Helper()
	const h, w = 96, 128
	g := Tiny(t, w, h)
	p := Scenes(1, w, h)[0]
	d := Engine(t, g, wasm.Options{})
	for precision, most := range map[form.Precision]Tolerance{form.Float32: single, form.Float16: Half} {
		t.Run(string(precision), func(t *testing.T) {
			Within(t, d, p, run(t, g, form.Options{Precision: precision}, h, w, p.Input()), most)
		})
	}
}

// Within fails where an output lies further from the engine's results on p.
func Within(t *testing.T, d *wasm.Detector, p Picture, y []float32, most Tolerance) {
	t.Helper()
	box, score := Distance(t, d, p, y)
	t.Logf("boxes within %.2g px, scores within %.2g", box, score)
	if !(box <= most.Box && score <= most.Score) {
		t.Errorf("boxes differ by %g px, scores by %g", box, score)
	}
}

// Boxes compares a runtime's boxes on photos, from the real model, with the
// engine's: 0.98 is the least mean IoU in float, 0.93 in int8.
func Boxes(t *testing.T, run Runner, precisions ...form.Precision) {
	t.Helper()
	const size, count = 320, 20
	photos := Photos(t, count, size)
	float, int8ed := Reference(t)
	for _, precision := range precisions {
		t.Run(string(precision), func(t *testing.T) {
			g, want := float, 0.98
			if precision == form.Int8 {
				g, want = int8ed, 0.93
			}
			Agree(t, g, photos, run(t, g, form.Options{Precision: precision}, size, size, Inputs(photos)), want)
		})
	}
}

// Refusals gives a writer what every format must refuse.
func Refusals(t *testing.T, encode func(*graph.Graph, form.Options) error) {
	t.Helper()
	g := Tiny(t, 64, 64)
	if err := encode(g, form.Options{Precision: form.Int8}); !errors.Is(err, form.ErrFloat) && !errors.Is(err, form.ErrUnsupported) {
		t.Errorf("int8 of a float model: %v", err)
	}
	if err := encode(g, form.Options{Width: 65, Height: 64}); err == nil {
		t.Error("a width of 65 was accepted")
	}
	if err := encode(g, form.Options{Precision: "fp8"}); !errors.Is(err, form.ErrPrecision) {
		t.Errorf("an unknown precision: %v", err)
	}
	headless := *g
	headless.Nodes = g.Nodes[:len(g.Nodes)/2]
	headless.Outputs = headless.Nodes[len(headless.Nodes)-1].Out[:1]
	if err := encode(&headless, form.Options{}); !errors.Is(err, graph.ErrNotYOLOv8) {
		t.Errorf("a model without a detector's head: %v", err)
	}
}
