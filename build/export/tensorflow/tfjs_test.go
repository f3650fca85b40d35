package tensorflow

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

var nodePackages = []string{"@tensorflow/tfjs-core@4.22.0", "@tensorflow/tfjs-converter@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"}

// runJS executes a graph model with TensorFlow.js on pictures of one size.
func runJS(t *testing.T, packages string, g *graph.Graph, p Precision, h, w int, input []float32) []float32 {
	t.Helper()
	m, err := EncodeJS(g, Options{Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"model.json": m.JSON, WeightsFile: m.Weights} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return exporttest.Run(t, "node", filepath.Join("testdata", "tfjs.mjs"), input, packages, dir, strconv.Itoa(h), strconv.Itoa(w))
}

func TestNumbersOfJS(t *testing.T) {
	packages := exporttest.Node(t, nodePackages...)
	const h, w = 96, 128
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: []string{"a", "it's", "c"}, Size: w, Height: h, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	p := exporttest.Scenes(1, w, h)[0]
	d := exporttest.Engine(t, g, wasm.Options{})
	for _, c := range []struct {
		precision  Precision
		box, score float64
	}{
		{Float32, 2e-3, 1e-5},
		{Float16, 0.5, 5e-3},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			box, score := exporttest.Distance(t, d, p, runJS(t, packages, g, c.precision, h, w, p.Input()))
			t.Logf("boxes within %.2g px, scores within %.2g", box, score)
			if !(box <= c.box && score <= c.score) {
				t.Errorf("boxes differ by %g px, scores by %g", box, score)
			}
		})
	}
}

func TestBoxesOfPhotosInJS(t *testing.T) {
	const size, count = 320, 20
	photos := exporttest.Photos(t, count, size)
	packages := exporttest.Node(t, nodePackages...)
	float, _ := exporttest.Reference(t)
	exporttest.Agree(t, float, photos, runJS(t, packages, float, Float32, size, size, exporttest.Inputs(photos)), 0.98)
}

func TestJSModel(t *testing.T) {
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a"}, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	a, err := EncodeJS(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := EncodeJS(g, Options{Precision: Float16})
	if err != nil {
		t.Fatal(err)
	}
	again, err := EncodeJS(g, Options{})
	if err != nil || !bytes.Equal(a.JSON, again.JSON) || !bytes.Equal(a.Weights, again.Weights) {
		t.Errorf("the same model gave other bytes (%v)", err)
	}
	if len(b.Weights) > len(a.Weights)*6/10 {
		t.Errorf("halves take %d bytes, floats %d", len(b.Weights), len(a.Weights))
	}
	if _, err := EncodeJS(g, Options{Precision: Int8}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("int8: %v", err)
	}
}
