// Package times tells what each convolution of a model takes on the page's
// kernels, by the planner's table of costs. It may import build/calib, wasm/zoo,
// wasm/graph and wasm/plan.
package times

import (
	"context"
	"fmt"

	"eagleeye/build/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/plan"
	"eagleeye/wasm/zoo"
)

// Times of a frame in ms, on one thread of the machine of the table.
type Times struct {
	Conv map[string]float64 // by node
	Rest float64            // all other steps
}

// Total is a frame's time.
func (t Times) Total() float64 {
	sum := t.Rest
	for _, v := range t.Conv {
		sum += v
	}
	return sum
}

// Of predicts the times of a model as read, at size×size pixels (0: its own). With
// int8, those of the int8 form that quantizing a float model gives.
func Of(ctx context.Context, g *graph.Graph, size int, int8 bool) (Times, error) {
	if int8 && !quantized(g) {
		f, err := zoo.Fold(g)
		if err != nil {
			return Times{}, err
		}
		// Times depend on where the grids are, not on what they are: one drawn scene does.
		if g, _, err = calib.Graph(ctx, f, nil, calib.Options{Images: 1, BiasImages: -1, RoundImages: -1, Size: size}); err != nil {
			return Times{}, err
		}
	}
	h, w := size, size
	if size == 0 {
		h, w = graph.InputSize(g)
	}
	p, err := graph.Prepare(g, h, w)
	if err != nil {
		return Times{}, err
	}
	if !int8 {
		p = graph.FloatOnly(p)
	}
	steps, err := plan.Build(p, plan.Options{Relaxed: true})
	if err != nil {
		return Times{}, err
	}
	t := Times{Conv: map[string]float64{}}
	for _, s := range steps.Steps[1:] { // after the letterbox
		if s.MACs == 0 {
			t.Rest += s.Predicted
		} else {
			t.Conv[s.Name] += s.Predicted
		}
	}
	if len(t.Conv) == 0 {
		return t, fmt.Errorf("times: no convolution in the plan")
	}
	return t, nil
}

func quantized(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" {
			return true
		}
	}
	return false
}
