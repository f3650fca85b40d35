package prune

import (
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/wasm/graph"
)

// two is a chain of two convolutions, 3 → 8 → 3 channels.
func two() (g *graph.Graph, a, b *graph.Node) {
	in := &graph.Value{Name: "x", DType: graph.Float32, Shape: []int{1, 3, side, side}}
	m := &maker{g: &graph.Graph{Opset: 12, Inputs: []*graph.Value{in}}, rng: rand.New(rand.NewPCG(1, 2)), ch: map[*graph.Value]int{in: 3}}
	m.g.Outputs = []*graph.Value{m.conv(m.conv(in, 8, 3, 1), 3, 1, 1)}
	return m.g, m.g.Nodes[0], m.g.Nodes[1]
}

// A channel counts by what those that read it would miss, batch by batch.
func TestTaylor(t *testing.T) {
	g, a, b := two()
	taylor, err := NewTaylor(g)
	if err != nil {
		t.Fatal(err)
	}
	w := b.In[1].Const.Floats() // [3,8,1,1]
	for _, sign := range []float32{1, -1} {
		grad := make([]float32, len(w))
		for o := range 3 {
			grad[o*8+5] = sign * w[o*8+5]
		}
		if err := taylor.Add(map[string][]float32{b.In[1].Name: grad}); err != nil {
			t.Fatal(err)
		}
	}
	score := taylor.Score()
	want := 0.0
	for o := range 3 {
		want += float64(w[o*8+5]) * float64(w[o*8+5])
	}
	for i := range 8 {
		got := score(a, nil, i)
		if i == 5 && math.Abs(got-want) > 1e-6 || i != 5 && got != 0 {
			t.Errorf("channel %d: %g, want %g for channel 5 and 0 else", i, got, want)
		}
	}
	if taylor.Add(map[string][]float32{b.In[1].Name: {1}}) == nil {
		t.Error("a gradient of another size was taken")
	}
	if taylor.Add(nil) == nil {
		t.Error("gradients of another model were taken")
	}
}

// With times known, pruning goes as far as the time that is asked for.
func TestTime(t *testing.T) {
	g := yolo(t)
	score, _ := ParseScore("l2", 0)
	cost := Cost{}
	for i, n := range g.Nodes {
		if n.Op == "Conv" {
			cost[n.Name] = float64(1 + i%3)
		}
	}
	for _, per := range []string{PerChannel, PerParam, PerTime} {
		small, _, err := Prune(g, Options{Time: 0.8, Per: per, Cost: cost, Score: score})
		if err != nil {
			t.Fatal(err)
		}
		if left := cost.TimeLeft(g, small); left > 0.8 || left < 0.7 {
			t.Errorf("per %s: %.3f of the time is left, want 0.8 at most", per, left)
		}
	}
	for name, o := range map[string]Options{
		"unknown measure": {Ratio: 0.2, Per: "money", Score: score},
		"no times":        {Ratio: 0.2, Per: PerTime, Score: score},
		"time of one":     {Time: 1, Cost: cost, Score: score},
	} {
		if _, _, err := Prune(g, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
