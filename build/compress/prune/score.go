package prune

import (
	"fmt"
	"math"
	"math/rand/v2"

	"eagleeye/wasm/graph"
)

// Scores are the names that ParseScore knows.
var Scores = []string{"l1", "l2", "bn", "random"}

// ParseScore returns the importance that a name stands for; seed is for
// "random", the control.
func ParseScore(name string, seed uint64) (Score, error) {
	switch name {
	case "l1":
		return norm(math.Abs, func(s float64) float64 { return s }), nil
	case "l2":
		return norm(func(w float64) float64 { return w * w }, math.Sqrt), nil
	case "bn":
		return gamma, nil
	case "random":
		rng := rand.New(rand.NewPCG(seed, 0x5eed))
		return func(*graph.Node, *graph.Node, int) float64 { return rng.Float64() }, nil
	}
	return nil, fmt.Errorf("importance %q: want one of %v", name, Scores)
}

// norm is the norm of a filter as it acts: with the batch normalization behind
// it folded in.
func norm(term, root func(float64) float64) Score {
	return func(conv, bn *graph.Node, i int) float64 {
		w := row(conv.In[1].Const, i)
		scale := 1.0
		if bn != nil {
			scale = math.Abs(float64(bn.In[1].Const.Floats()[i])) /
				math.Sqrt(float64(bn.In[4].Const.Floats()[i])+float64(bn.Float("epsilon", 1e-5)))
		}
		sum := 0.0
		for _, v := range w {
			sum += term(float64(v) * scale)
		}
		return root(sum)
	}
}

// gamma is the size of a batch normalization's scale (network slimming,
// arXiv:1708.06519); where it was folded away, the filter's norm stands in.
func gamma(conv, bn *graph.Node, i int) float64 {
	if bn == nil {
		return norm(func(w float64) float64 { return w * w }, math.Sqrt)(conv, nil, i)
	}
	return math.Abs(float64(bn.In[1].Const.Floats()[i]))
}

// row is the filter of output channel i.
func row(t *graph.Tensor, i int) []float32 {
	f := t.Floats()
	n := len(f) / t.Shape[0]
	return f[i*n : (i+1)*n]
}
