package ncnn

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

var packages = []string{"ncnn==1.0.20261020", "numpy==2.4.6"}

// run executes a model with ncnn on pictures of one size.
func run(t *testing.T, python string, m *Model, h, w int, input []float32) []float32 {
	t.Helper()
	dir := t.TempDir()
	param, bin := filepath.Join(dir, "model.ncnn.param"), filepath.Join(dir, "model.ncnn.bin")
	for path, data := range map[string][]byte{param: m.Param, bin: m.Bin} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return exporttest.Run(t, python, filepath.Join("testdata", "run.py"), input, param, bin, strconv.Itoa(h), strconv.Itoa(w))
}

func encode(t *testing.T, g *graph.Graph, o Options) *Model {
	t.Helper()
	m, err := Encode(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ncnn's convolutions may take Winograd's way and halves between layers, so
// its numbers are further from ours than a direct float convolution's.
func TestNumbers(t *testing.T) {
	python := exporttest.Python(t, packages...)
	const h, w = 96, 128
	g := tiny(t, zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: []string{"a", "it's", "c"}, Size: w, Height: h, Seed: 3})
	p := exporttest.Scenes(1, w, h)[0]
	d := exporttest.Engine(t, g, wasm.Options{})
	for _, c := range []struct {
		precision  Precision
		box, score float64 // pixels, probability
	}{
		{Float32, 0.05, 1e-3},
		{Float16, 0.5, 5e-3},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			y := run(t, python, encode(t, g, Options{Precision: c.precision}), h, w, p.Input())
			box, score := exporttest.Distance(t, d, p, y)
			t.Logf("boxes within %.2g px, scores within %.2g", box, score)
			if !(box <= c.box && score <= c.score) {
				t.Errorf("boxes differ by %g px, scores by %g", box, score)
			}
		})
	}
}

func tiny(t *testing.T, c zoo.Config) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
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

// The text has the numbers of its lines and blobs in its head, and every blob
// one writer and one reader.
func TestParam(t *testing.T) {
	m := encode(t, tiny(t, zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a", "it's"}, Size: 64}), Options{})
	lines := strings.Split(strings.TrimSpace(string(m.Param)), "\n")
	head := strings.Fields(lines[1])
	if lines[0] != "7767517" || head[0] != strconv.Itoa(len(lines)-2) {
		t.Errorf("the head is %q, %q for %d layers", lines[0], lines[1], len(lines)-2)
	}
	written, readers := map[string]int{}, map[string]int{}
	for _, line := range lines[2:] {
		f := strings.Fields(line)
		in, _ := strconv.Atoi(f[2])
		out, _ := strconv.Atoi(f[3])
		for _, b := range f[4 : 4+in] {
			readers[b]++
			if written[b] != 1 {
				t.Errorf("blob %s is read before it is written", b)
			}
		}
		for _, b := range f[4+in : 4+in+out] {
			written[b]++
		}
	}
	if head[1] != strconv.Itoa(len(written)) {
		t.Errorf("the head says %s blobs, there are %d", head[1], len(written))
	}
	for b, n := range written {
		if n != 1 || readers[b] != 1 && b != "out0" {
			t.Errorf("blob %s has %d writers and %d readers", b, n, readers[b])
		}
	}
	if !bytes.Contains(m.Metadata, []byte("names:\n  0: \"a\"\n  1: \"it's\"\n")) || !bytes.Contains(m.Metadata, []byte("imgsz:\n- 64\n- 64\n")) {
		t.Errorf("metadata are %s", m.Metadata)
	}
}

func TestRefusals(t *testing.T) {
	g := tiny(t, zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: []string{"a"}, Size: 64})
	if _, err := Encode(g, Options{Precision: Int8}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("int8 of a float model: %v", err)
	}
	if _, err := Encode(g, Options{Width: 65, Height: 64}); err == nil {
		t.Error("a width of 65 was accepted")
	}
}

func TestReach(t *testing.T) {
	q := &graph.Quant{DType: graph.Uint8, Scale: []float32{0.5}, Zero: []int32{3}}
	if r := reach(q); math.Abs(float64(r)-126) > 0 {
		t.Errorf("the grid −1.5..126 reaches to %g", r)
	}
}
