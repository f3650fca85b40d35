package tflite

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/zoo"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
)

var packages = []string{"ai-edge-litert==2.3.0", "numpy==2.4.6"}

// run executes a file with LiteRT on pictures of one size.
func run(t *testing.T, python string, file []byte, h, w int, input []float32) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	return exporttest.Run(t, python, filepath.Join("testdata", "run.py"), input, path, strconv.Itoa(h), strconv.Itoa(w))
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
	if _, _, err := d.Detect(p.RGBA.Pix, w, h, wasm.DefaultThresholds); err != nil {
		t.Fatal(err)
	}
	boxes, logits, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		precision  Precision
		box, score float64 // pixels, probability
	}{
		{Float32, 2e-3, 1e-5},
		{Float16, 0.5, 5e-3},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, g, Options{Precision: c.precision}), h, w, p.Input())
			n, classes := len(boxes)/4, 3
			if len(y) != n*(4+classes) {
				t.Fatalf("%d numbers, want %d", len(y), n*(4+classes))
			}
			worst, far := 0.0, 0.0
			for i := range n {
				b := boxes[4*i:]
				for k, v := range []float32{(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]} {
					worst = max(worst, math.Abs(float64(v-y[k*n+i])))
				}
				for k := range classes {
					far = max(far, math.Abs(1/(1+math.Exp(-float64(logits[i*classes+k])))-float64(y[(4+k)*n+i])))
				}
			}
			t.Logf("boxes within %.2g px, scores within %.2g", worst, far)
			if worst > c.box || far > c.score {
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
	var input []float32
	for _, p := range photos {
		input = append(input, p.Input()...)
	}
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
			y := run(t, python, encode(t, c.g, Options{Precision: c.precision}), size, size, input)
			d := exporttest.Engine(t, c.g, wasm.Options{})
			var a exporttest.Agreement
			for i, p := range photos {
				n := len(y) / count
				a.Compare(t, d, p, y[i*n:(i+1)*n])
			}
			t.Logf("%d boxes, mean IoU %.4f, %d missed", a.Boxes, a.IoU, a.Missed)
			if a.Boxes < count || a.IoU < c.iou {
				t.Errorf("%d boxes with a mean IoU of %.4f, want at least %d and %g", a.Boxes, a.IoU, count, c.iou)
			}
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

func TestFloat16(t *testing.T) {
	for h := range uint16(0x7c00) { // every finite half is itself
		if got := float16(graph.Float16to32(h)); got != h {
			t.Fatalf("half %#x came back as %#x", h, got)
		}
	}
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{1 + 1.0/2048, 0x3c00}, {1 + 3.0/2048, 0x3c02}, {-1e9, 0xfbff}, {1e-9, 0}, {65519, 0x7bff}, {2047.0 / 2048 / 16384 * 1.0005, 0x0400},
	} {
		if got := float16(c.x); got != c.want {
			t.Errorf("%g became %#x, want %#x", c.x, got, c.want)
		}
	}
}
