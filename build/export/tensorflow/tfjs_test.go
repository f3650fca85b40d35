package tensorflow

import (
	"bytes"
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

var nodePackages = []string{"@tensorflow/tfjs-core@4.22.0", "@tensorflow/tfjs-converter@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"}

// runtimeJS is TensorFlow.js on a model that EncodeJS writes.
func runtimeJS(t *testing.T) exporttest.Runner {
	packages := exporttest.Node(t, nodePackages...)
	return func(t *testing.T, g *graph.Graph, o form.Options, h, w int, input []float32) []float32 {
		m, err := EncodeJS(g, o)
		if err != nil {
			t.Fatal(err)
		}
		dir := exporttest.Files(t, map[string][]byte{"model.json": m.JSON, WeightsFile: m.Weights})
		return exporttest.Run(t, "node", filepath.Join("testdata", "tfjs.mjs"), input, packages, dir, strconv.Itoa(h), strconv.Itoa(w))
	}
}

func TestNumbersOfJS(t *testing.T) {
	exporttest.Numbers(t, runtimeJS(t), exporttest.Tolerance{Box: 2e-3, Score: 1e-5})
}

func TestBoxesOfPhotosInJS(t *testing.T) {
	exporttest.Boxes(t, runtimeJS(t), form.Float32)
}

func TestJSModel(t *testing.T) {
	g := exporttest.Tiny(t, 64, 64)
	a, err := EncodeJS(g, form.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := EncodeJS(g, form.Options{Precision: form.Float16})
	if err != nil {
		t.Fatal(err)
	}
	again, err := EncodeJS(g, form.Options{})
	if err != nil || !bytes.Equal(a.JSON, again.JSON) || !bytes.Equal(a.Weights, again.Weights) {
		t.Errorf("the same model gave other bytes (%v)", err)
	}
	if len(b.Weights) > len(a.Weights)*6/10 {
		t.Errorf("halves take %d bytes, floats %d", len(b.Weights), len(a.Weights))
	}
	if _, err := EncodeJS(g, form.Options{Precision: form.Int8}); !errors.Is(err, form.ErrUnsupported) {
		t.Errorf("int8: %v", err)
	}
}
