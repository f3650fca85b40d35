package calib

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/build/render"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// small is a detector that runs in milliseconds.
var small = zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 256, Classes: []string{"a", "b", "c"}, Size: 64, Seed: 5}

func model(t *testing.T, c zoo.Config) *graph.Graph {
	t.Helper()
	g, err := zoo.YOLOv8(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func writeModel(t *testing.T, path string, g *graph.Graph) string {
	t.Helper()
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, data)
	return path
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// photos fills dir with n drawn pictures.
func photos(t *testing.T, dir string, n int) string {
	t.Helper()
	for i := range n {
		var b bytes.Buffer
		if err := png.Encode(&b, render.Scene(int64(i), 96, 64)); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("%03d.png", i)), b.Bytes())
	}
	return dir
}

func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	in := writeModel(t, filepath.Join(dir, "in.onnx"), model(t, small))
	pics := photos(t, filepath.Join(dir, "set", "images"), 5)
	writeFile(t, filepath.Join(pics, "004.png"), []byte("no picture"))
	writeFile(t, filepath.Join(pics, "notes.txt"), []byte("no picture either"))
	for _, observer := range []quant.Observer{"", quant.MinMax, quant.Percentile} {
		t.Run("observer "+string(observer), func(t *testing.T) {
			bias := 2
			if observer != "" { // once is enough
				bias = -1
			}
			var log, bar bytes.Buffer
			out := filepath.Join(dir, "out.onnx")
			r, err := Quantize(context.Background(), Options{
				In: in, Out: out, CalibDir: filepath.Join(dir, "set"), BiasImages: bias, Choice: Choice{Observer: observer}, Log: &log, Progress: &bar,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Images != 4 || r.Skipped != 1 || r.BiasImages != max(bias, 0) || r.Convs != 63 || r.Scenes {
				t.Errorf("%+v", r)
			}
			if !strings.Contains(log.String(), "004.png") || strings.Contains(log.String(), "warning") {
				t.Errorf("log %q", log.String())
			}
			if !strings.Contains(bar.String(), "calibrating") || strings.Contains(bar.String(), "matching") != (bias > 0) {
				t.Errorf("progress %q", bar.String())
			}
			data, err := os.ReadFile(out)
			if err != nil || len(data) != r.Bytes {
				t.Fatalf("%d bytes, %v; reported %d", len(data), err, r.Bytes)
			}
			checkInt8(t, data)
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// checkInt8 reads the file as the engine does: int8 weights and a grid on the
// input of every convolution, the head's outputs float, box and class branches
// on their own grids.
func checkInt8(t *testing.T, data []byte) {
	t.Helper()
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := graph.Prepare(g, 64, 64)
	if err != nil {
		t.Fatal(err)
	}
	convs := 0
	grid := map[float32]string{}
	for _, n := range p.Nodes {
		switch n.Op {
		case "Conv":
			convs++
			if n.In[1].Const.DType != graph.Int8 || len(n.In[1].Quant.Scale) != n.In[1].Shape[0] {
				t.Errorf("%s: weights are not int8 with a scale a channel", n.Name)
			}
			if q := n.In[0].Quant; q == nil || q.DType != graph.Uint8 {
				t.Errorf("%s: its input has no grid", n.Name)
			}
			if strings.Contains(n.Name, "model.22") && n.Out[0].Quant != nil {
				branch := n.Name[:strings.LastIndex(n.Name, "conv")]
				scale := n.Out[0].Quant.Scale[0]
				if other, taken := grid[scale]; taken {
					t.Errorf("%s and %s share a grid", branch, other)
				}
				grid[scale] = branch
			}
		case "Detect":
			for _, v := range n.In {
				if v.Quant != nil {
					t.Errorf("the head's input %q is quantized", v.Name)
				}
			}
		}
	}
	if convs != 63 || len(grid) != 12 {
		t.Errorf("%d convolutions, %d grids in the head; want 63 and 12", convs, len(grid))
	}
}

// The same photos in files of other names, and one worker instead of many, give
// the same file.
func TestQuantizeRepeats(t *testing.T) {
	dir := t.TempDir()
	in := writeModel(t, filepath.Join(dir, "in.onnx"), model(t, small))
	pics := photos(t, filepath.Join(dir, "pics"), 3)
	var first []byte
	for i, procs := range []string{"1", "4"} {
		out := filepath.Join(dir, "out"+procs+".onnx")
		if _, err := Quantize(context.Background(), Options{In: in, Out: out, CalibDir: pics, workers: 1 + 3*i}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		}
		if !bytes.Equal(first, data) {
			t.Errorf("%s workers give another file", procs)
		}
	}
}

func TestScenesWarn(t *testing.T) {
	dir := t.TempDir()
	in := writeModel(t, filepath.Join(dir, "in.onnx"), model(t, small))
	var log bytes.Buffer
	r, err := Quantize(context.Background(), Options{In: in, Out: filepath.Join(dir, "out.onnx"), Images: 3, BiasImages: -1, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Scenes || r.Images != 3 || r.BiasImages != 0 || !strings.Contains(log.String(), "warning: no --calib") {
		t.Errorf("%+v, log %q", r, log.String())
	}
}

func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	good := writeModel(t, filepath.Join(dir, "good.onnx"), model(t, small))
	pics := photos(t, filepath.Join(dir, "pics"), 2)
	if _, err := Quantize(context.Background(), Options{In: good, Out: filepath.Join(dir, "int8.onnx"), CalibDir: pics, BiasImages: -1}); err != nil {
		t.Fatal(err)
	}

	headless := model(t, small)
	for _, n := range headless.Nodes {
		for _, v := range n.Out {
			if strings.Contains(v.Name, "model.21") && n.Op == "Mul" {
				headless.Outputs = []*graph.Value{v}
				v.DType, v.Shape = graph.Float32, []int{1, -1, 2, 2}
			}
		}
	}
	// The writer refuses NaN weights, so one is patched into a file.
	broken, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(broken, model(t, small).Nodes[0].In[1].Const.Data)
	binary.LittleEndian.PutUint32(broken[at+8:], math.Float32bits(float32(math.NaN())))
	writeFile(t, filepath.Join(dir, "nan.onnx"), broken)
	huge := model(t, small) // finite weights whose activations are not
	for _, n := range huge.Nodes {
		if n.Op == "Conv" && n.In[1].Const.Shape[2] == 3 {
			w, _ := quant.Floats(n.In[1].Const)
			for i := range w {
				w[i] *= 1e30
			}
			n.In[1].Const = graph.FloatTensor(w, n.In[1].Const.Shape...)
		}
	}
	photosNone := filepath.Join(dir, "none")
	writeFile(t, filepath.Join(photosNone, "a.jpg"), nil)
	writeFile(t, filepath.Join(photosNone, "b.png"), []byte("PNG"))
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text.onnx"), []byte("<html>not found</html>"), 0o644); err != nil {
		t.Fatal(err)
	}

	out := filepath.Join(dir, "out.onnx")
	for _, c := range []struct {
		name string
		o    Options
		is   error
		says string
	}{
		{"no model", Options{In: filepath.Join(dir, "missing.onnx"), Out: out}, os.ErrNotExist, "missing.onnx"},
		{"no output named", Options{In: good}, nil, "name a model and an output"},
		{"not ONNX", Options{In: filepath.Join(dir, "text.onnx"), Out: out}, nil, "text.onnx"},
		{"quantized already", Options{In: filepath.Join(dir, "int8.onnx"), Out: out, CalibDir: pics}, quant.ErrQuantized, "quantized already"},
		{"wrong head", Options{In: writeModel(t, filepath.Join(dir, "headless.onnx"), headless), Out: out, CalibDir: pics}, nil, "headless.onnx"},
		{"NaN weights", Options{In: filepath.Join(dir, "nan.onnx"), Out: out, CalibDir: pics}, nil, "model.0.conv.weight"},
		{"infinite activations", Options{In: writeModel(t, filepath.Join(dir, "huge.onnx"), huge), Out: out, CalibDir: pics}, nil, "weights or this input are broken"},
		{"empty folder", Options{In: good, Out: out, CalibDir: filepath.Join(dir, "empty")}, ErrNoImages, "empty"},
		{"missing folder", Options{In: good, Out: out, CalibDir: filepath.Join(dir, "nowhere")}, os.ErrNotExist, "nowhere"},
		{"none readable", Options{In: good, Out: out, CalibDir: photosNone}, ErrNoImages, "none of 2"},
		{"output in no folder", Options{In: good, Out: filepath.Join(dir, "no", "out.onnx"), CalibDir: pics}, os.ErrNotExist, "cannot be written"},
		{"output is a folder", Options{In: good, Out: dir, CalibDir: pics}, nil, "is a folder"},
		{"output is the model", Options{In: good, Out: good, CalibDir: pics}, nil, "name another file"},
		{"odd size", Options{In: good, Out: out, CalibDir: pics, Size: 65}, nil, "65"},
		{"observer", Options{In: good, Out: out, Choice: Choice{Observer: "best"}}, nil, "mse, minmax, percentile or entropy"},
		{"percentile", Options{In: good, Out: out, Choice: Choice{Observer: quant.Percentile, Percentile: 0.999}}, nil, "percentile"},
		{"negative images", Options{In: good, Out: out, Images: -3}, nil, "at least 1"},
		{"budget", Options{In: good, Out: out, Choice: Choice{FloatBudget: 2}}, nil, "budget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Quantize(context.Background(), c.o)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want it to say %q", err, c.says)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("an output appeared")
				os.Remove(out)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCancel(t *testing.T) {
	dir := t.TempDir()
	in := writeModel(t, filepath.Join(dir, "in.onnx"), model(t, small))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(dir, "out.onnx")
	if _, err := Quantize(ctx, Options{In: in, Out: out}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("an output appeared")
	}
}

func TestSpread(t *testing.T) {
	all := files{"a", "b", "c", "d", "e", "f", "g"}
	for n := 1; n <= 9; n++ {
		got := spread(all, n)
		if len(got) != len(all) {
			t.Fatalf("%d: %q", n, got)
		}
		sorted := slices.Sorted(slices.Values(got))
		if !slices.Equal(sorted, all) {
			t.Errorf("%d: %q", n, got)
		}
		if head := got[:min(n, 7)]; !slices.IsSorted(head) {
			t.Errorf("%d: starts with %q", n, head)
		}
	}
	if got := spread(all, 3)[:3]; !slices.Equal(got, files{"a", "d", "f"}) {
		t.Errorf("3 of 7: %q", got)
	}
}

// Unreadable pictures are replaced by later ones until the number is reached.
func TestReplacements(t *testing.T) {
	dir := photos(t, filepath.Join(t.TempDir(), "p"), 6)
	writeFile(t, filepath.Join(dir, "000.png"), nil)
	s, err := Open(t.Context(), model(t, small), Options{CalibDir: dir, Images: 3, workers: 1})
	if err != nil || s.Report.Images != 3 || s.Report.Skipped != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// The int8 form has the parameters and the cost of the float model.
func TestCostStays(t *testing.T) {
	g := model(t, small)
	q, _, err := Graph(t.Context(), g, nil, Options{Images: 1, BiasImages: -1, RoundImages: -1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := zoo.CostOf(g, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := zoo.CostOf(q, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the cost is %+v, of the float model %+v", got, want)
	}
}
