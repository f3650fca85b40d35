package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"eagleeye/wasm/graph"
)

// A group in float has no pair, its convolutions keep int8 weights; the others
// are as they were. With all in float no statistics are asked for.
func TestFloatGroups(t *testing.T) {
	g := toyDetector(2)
	l, err := Analyze(g)
	if err != nil {
		t.Fatal(err)
	}
	group := groupsOf(l)
	float := make([]bool, l.Groups)
	float[group["cat"]] = true // c2f.cv1.act, split, add
	q, err := Quantize(g, calibrated(t, g), Options{FloatGroups: float})
	if err != nil {
		t.Fatal(err)
	}
	paired := map[string]bool{}
	weights := 0
	for _, n := range q.Nodes {
		switch n.Op {
		case "QuantizeLinear":
			paired[n.In[0].Name] = true
		case "DequantizeLinear":
			if n.In[0].Const != nil {
				weights++
			}
		}
	}
	for name, g := range group {
		if paired[name] != !float[g] {
			t.Errorf("%s has a pair: %t", name, paired[name])
		}
	}
	if weights != len(l.Convs) {
		t.Errorf("%d int8 weights, want %d", weights, len(l.Convs))
	}
	if _, err := Quantize(g, calibrated(t, g), Options{FloatGroups: float[1:]}); err == nil {
		t.Error("too few choices were taken")
	}

	all := slices.Repeat([]bool{true}, l.Groups)
	q, err = Quantize(g, NewCalibrator(l), Options{FloatGroups: all})
	if err != nil {
		t.Fatal(err)
	}
	// By hand: the float graph with its weights on their grids. Float kernels set
	// no bounds, so these are those of Weights.
	want := graph.Clone(g)
	for _, n := range want.Nodes {
		if n.Op != "Conv" || n.Name == "dfl" {
			continue
		}
		w, scale, err := Weights(n.In[1].Const)
		if err != nil {
			t.Fatal(err)
		}
		per := len(w.Data) / len(scale)
		x := make([]float32, len(w.Data))
		for i, b := range w.Data {
			x[i] = float32(int8(b)) * scale[i/per]
		}
		n.In[1] = &graph.Value{Name: n.In[1].Name, DType: graph.Float32, Shape: w.Shape, Const: graph.FloatTensor(x, w.Shape...)}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	image := make([]float32, 3*16*16)
	for i := range image {
		image[i] = rng.Float32()
	}
	run := func(g *graph.Graph) []float32 {
		out, err := graph.Eval(g, map[string]*graph.Tensor{"images": graph.FloatTensor(image, 1, 3, 16, 16)})
		if err != nil {
			t.Fatal(err)
		}
		return out["output0"].Floats()
	}
	if got, want := run(q), run(want); !slices.Equal(got, want) {
		t.Error("weights alone in int8 are not the rounded weights")
	}
}

// The noise of a fine and of a coarse grid over uniform values: a twelfth of the
// step's square each.
func TestNoise(t *testing.T) {
	g := toyDetector(2)
	l, _ := Analyze(g)
	c := NewCalibrator(l)
	rng := rand.New(rand.NewPCG(5, 5))
	x := make([]float32, 1<<16)
	for i := range x {
		x[i] = rng.Float32()
	}
	for _, name := range l.Taps() {
		if err := c.Observe(name, x); err != nil {
			t.Fatal(err)
		}
	}
	grids := slices.Repeat([]graph.Quant{Grid(0, 1)}, l.Groups)
	coarse := groupsOf(l)["down.act"]
	grids[coarse] = Grid(0, 16)
	noise, err := c.Noise(l, grids)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range noise {
		step := 1.0 / 255
		switch i {
		case coarse:
			step *= 16
		case groupsOf(l)[l.Input]:
			step = 0
		}
		if want := step * step; math.Abs(n-want) > 0.1*want {
			t.Errorf("group %d: noise %g, want %g", i, n, want)
		}
	}
	if _, err := NewCalibrator(l).Noise(l, grids); err == nil {
		t.Error("noise without statistics")
	}
}
