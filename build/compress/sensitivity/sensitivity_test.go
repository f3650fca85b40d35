package sensitivity

import (
	"context"
	"errors"
	"slices"
	"testing"

	"eagleeye/build/fidelity"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

func TestModule(t *testing.T) {
	for value, want := range map[string]string{
		"/model.1/act/Mul_output_0":                   "model.1",
		"/model.2/cv1/act/Mul_output_0":               "model.2.cv1",
		"/model.2/m.0/Add_output_0":                   "model.2.m.0",
		"/model.22/cv2.0/cv2.0.0/act/Mul_output_0":    "model.22.cv2.0.0",
		"/model.2/m.0/cv1/act/Mul_output_0":           "model.2.m.0.cv1",
		"images":                                      "images",
		"stem.act":                                    "stem.act",
		"/model.22/model.22/cv2.0/conv/Conv_output_0": "model.22.model.22.cv2.0",
	} {
		if got := module(value); got != want {
			t.Errorf("%s is %s, want %s", value, got, want)
		}
	}
}

func layout(t *testing.T) (*graph.Graph, *quant.Layout) {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 128, Size: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := quant.Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	return g, l
}

// Every quantized convolution but the stem, which reads the picture, is in one
// layer.
func TestLayers(t *testing.T) {
	_, l := layout(t)
	seen := map[string]int{}
	for _, layer := range Layers(l) {
		if layer.Name == "" || len(layer.Convs) == 0 {
			t.Errorf("%+v", layer)
		}
		for _, c := range layer.Convs {
			seen[c]++
		}
	}
	for _, c := range l.Convs {
		if want := 1; c.In[0].Name != l.Input && seen[c.Name] != want || c.In[0].Name == l.Input && seen[c.Name] != 0 {
			t.Errorf("%s is in %d layers", c.Name, seen[c.Name])
		}
	}
}

// A drop that is known to fall with each layer is met with as few as possible.
func TestSearch(t *testing.T) {
	g, l := layout(t)
	all := Layers(l)
	a := &Analysis{All: fidelity.Result{Anchors: 1, RMSScore: 1}}
	for i, layer := range all {
		layer.Cost = 0.01
		layer.Int8 = fidelity.Result{Anchors: 1, RMSScore: float64(1+i*7%len(all)) / 100}
		a.Layers = append(a.Layers, layer)
	}
	order := a.Order()
	if !slices.IsSortedFunc(order, func(x, y Layer) int {
		return -int(1e6 * (x.Int8.RMSScore - y.Int8.RMSScore))
	}) {
		t.Error("equal costs, but not the worst first")
	}
	count := 0 // of the layers in the model that is measured
	maker := func(_ context.Context, float []bool, _ map[string]bool) (*graph.Graph, error) {
		count = 0
		for _, f := range float {
			if f {
				count++
			}
		}
		return g, nil
	}
	runs := 0
	drop := func(*graph.Graph) (float64, error) { runs++; return 1 / float64(1+count), nil }
	for _, c := range []struct {
		limit float64
		want  int
	}{{1, 0}, {0.5, 1}, {0.21, 4}, {0.1, 9}, {0.06, 16}} {
		runs = 0
		m, err := Search(t.Context(), l, order, maker, c.limit, 0, drop)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Layers) != c.want || m.Drop > c.limit || runs > 11 {
			t.Errorf("limit %g: %d layers with %g in %d runs, want %d", c.limit, len(m.Layers), m.Drop, runs, c.want)
		}
	}
	if _, err := Search(t.Context(), l, order, maker, 0.001, 0, drop); !errors.Is(err, ErrDrop) {
		t.Errorf("%v, want ErrDrop", err)
	}
}
