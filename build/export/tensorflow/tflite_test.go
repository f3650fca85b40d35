package tensorflow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

var packages = []string{"ai-edge-litert==2.3.0", "numpy==2.4.6"}

// run executes a file with LiteRT on pictures of one size.
func run(t *testing.T, python string, file []byte, h, w int, input []float32) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	return exporttest.Run(t, python, filepath.Join("testdata", "litert.py"), input, path, strconv.Itoa(h), strconv.Itoa(w))
}

func encode(t *testing.T, g *graph.Graph, o Options) []byte {
	t.Helper()
	data, err := Encode(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// LiteRT computes the engine's numbers: float sums in another order differ by
// some 1e-5 of a box's size, float16 weights by 2⁻¹¹ of each weight.
func TestNumbers(t *testing.T) {
	python := exporttest.Python(t, packages...)
	const h, w = 96, 128
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: []string{"a", "it's", "c"}, Size: w, Height: h, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	p := exporttest.Scenes(1, w, h)[0]
	d := exporttest.Engine(t, g, wasm.Options{})
	for _, c := range []struct {
		precision  Precision
		box, score float64 // pixels, probability
	}{
		{Float32, 2e-3, 1e-5},
		{Float16, 0.5, 5e-3},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, g, Options{Precision: c.precision}), h, w, p.Input())
			worst, far := exporttest.Distance(t, d, p, y)
			t.Logf("boxes within %.2g px, scores within %.2g", worst, far)
			if !(worst <= c.box && far <= c.score) {
				t.Errorf("boxes differ by %g px, scores by %g", worst, far)
			}
		})
	}
}

func TestBoxesOfPhotos(t *testing.T) {
	const size, count = 320, 20
	photos := exporttest.Photos(t, count, size)
	python := exporttest.Python(t, packages...)
	float, int8ed := exporttest.Reference(t)
	for _, c := range []struct {
		precision Precision
		g         *graph.Graph
		iou       float64
	}{
		{Float32, float, 0.98},
		{Float16, float, 0.98},
		{Int8, int8ed, 0.93},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, c.g, Options{Precision: c.precision}), size, size, exporttest.Inputs(photos))
			exporttest.Agree(t, c.g, photos, y, c.iou)
		})
	}
}

func TestMetadata(t *testing.T) {
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a", "it's"}, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	data := encode(t, g, Options{})
	if !bytes.Equal(data[4:8], []byte("TFL3")) {
		t.Errorf("the file's identifier is %q", data[4:8])
	}
	if again := encode(t, g, Options{}); !bytes.Equal(data, again) {
		t.Error("the same model gave other bytes")
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("metadata.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Names  map[string]string
		Imgsz  []int
		Stride int
		Task   string
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.Names["1"] != "it's" || len(m.Imgsz) != 2 || m.Imgsz[0] != 64 || m.Stride != 32 || m.Task != "detect" {
		t.Errorf("metadata are %s", text)
	}
}

func TestRefusals(t *testing.T) {
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a"}, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Encode(g, Options{Precision: Int8}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("int8 of a float model: %v", err)
	}
	if _, err := Encode(g, Options{Width: 65, Height: 64}); err == nil {
		t.Error("a width of 65 was accepted")
	}
}
