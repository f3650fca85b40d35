package calib

import (
	"cmp"
	"slices"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/plan"
	"eagleeye/wasm/quant"
)

// DefaultFloatBudget is what a model's noisiest layers may cost in float, a share
// of a frame's time.
const DefaultFloatBudget = 0.02

// noisy is the noise of a grid, as a share of the values' variance, above which a
// group may stay float: 32 dB. A uniform value over all levels has 48 dB.
const noisy = 1.0 / 1600

// Noisy returns the groups that c.FloatBudget leaves in float: of those with
// noisy grids the ones with the most noise for their time, nil for none.
func (s *Study) Noisy(c Choice) ([]bool, error) {
	if c.Observer == "" {
		c.Observer = quant.MSE
	}
	if c.Percentile == 0 {
		c.Percentile = quant.DefaultPercentile
	}
	grids, err := s.cal.Grids(s.Layout, c.Observer, c.Percentile)
	if err != nil {
		return nil, err
	}
	noise, err := s.cal.Noise(s.Layout, grids)
	if err != nil {
		return nil, err
	}
	base := 0.0
	known := map[string]roundedWeights{} // to choose them takes longest
	weights := func(n *graph.Node) (*graph.Tensor, []float32, error) {
		w, ok := known[n.Name]
		if !ok {
			var err error
			if w.q, w.scale, err = quant.ConvWeights(n, c.Wide); err != nil {
				return nil, nil, err
			}
			known[n.Name] = w
		}
		return w.q, w.scale, nil
	}
	cost := func(float []bool) (float64, error) {
		q, err := quant.Quantize(s.g, s.cal, quant.Options{Grids: grids, FloatGroups: float, Weights: weights})
		if err != nil {
			return 0, err
		}
		t, err := FrameTime(q, s.o.Size)
		return t - base, err
	}
	if base, err = cost(nil); err != nil {
		return nil, err
	}
	type candidate struct {
		group int
		cost  float64
	}
	var list []candidate
	for g, n := range noise {
		if n < noisy {
			continue
		}
		one := make([]bool, s.Layout.Groups)
		one[g] = true
		t, err := cost(one)
		if err != nil {
			return nil, err
		}
		list = append(list, candidate{g, max(t, base/1e4)})
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Compare(noise[b.group]/b.cost, noise[a.group]/a.cost)
	})
	var float []bool
	left := c.FloatBudget * base
	for _, l := range list {
		if l.cost > left {
			continue
		}
		if float == nil {
			float = make([]bool, s.Layout.Groups)
		}
		float[l.group] = true
		left -= l.cost
	}
	return float, nil
}

// FrameTime predicts a frame's time in ms on one thread of the page's kernels,
// less the letterbox, by the planner's table; size 0 is the model's own.
func FrameTime(g *graph.Graph, size int) (float64, error) {
	h, w := size, size
	if size == 0 {
		h, w = graph.InputSize(g)
	}
	p, err := graph.Prepare(g, h, w)
	if err != nil {
		return 0, err
	}
	built, err := plan.Build(p, plan.Options{Relaxed: true})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range built.Steps[1:] { // after the letterbox
		sum += s.Predicted
	}
	return sum, nil
}
