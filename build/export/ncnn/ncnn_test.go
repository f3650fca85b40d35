package ncnn

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

var packages = []string{"ncnn==1.0.20261020", "numpy==2.4.6"}

// runtime is ncnn on a model that Encode writes.
func runtime(t *testing.T) exporttest.Runner {
	return exporttest.Script(exporttest.Python(t, packages...), "run.py", func(g *graph.Graph, o form.Options) (map[string][]byte, error) {
		m, err := Encode(g, o)
		if err != nil {
			return nil, err
		}
		return map[string][]byte{"model.param": m.Param, "model.bin": m.Bin}, nil
	}, "model.param", "model.bin")
}

func encode(t *testing.T, g *graph.Graph, o form.Options) *Model {
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
	exporttest.Numbers(t, runtime(t), exporttest.Tolerance{Box: 0.05, Score: 1e-3})
}

func TestBoxesOfPhotos(t *testing.T) {
	exporttest.Boxes(t, runtime(t), form.Float32, form.Float16, form.Int8)
}

// The text has the numbers of its lines and blobs in its head, and every blob
// one writer and one reader.
func TestParam(t *testing.T) {
	m := encode(t, exporttest.Tiny(t, 64, 64), form.Options{})
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
	if !bytes.Contains(m.Metadata, []byte("names:\n  0: \"a\"\n  1: \"it's <b>\"\n")) || !bytes.Contains(m.Metadata, []byte("imgsz:\n- 64\n- 64\n")) {
		t.Errorf("metadata are %s", m.Metadata)
	}
}

func TestRefusals(t *testing.T) {
	exporttest.Refusals(t, func(g *graph.Graph, o form.Options) error {
		_, err := Encode(g, o)
		return err
	})
}

func TestReach(t *testing.T) {
	q := &graph.Quant{DType: graph.Uint8, Scale: []float32{0.5}, Zero: []int32{3}}
	if r := reach(q); math.Abs(float64(r)-126) > 0 {
		t.Errorf("the grid −1.5..126 reaches to %g", r)
	}
}
