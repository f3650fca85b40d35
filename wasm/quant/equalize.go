package quant

import (
	"math"
	"slices"

	"eagleeye/wasm/graph"
)

// Equalize returns a copy of g, a float graph as read, in which the channels
// between two convolutions have been scaled so that the weights that make one and
// those that read it are of one size: cross-layer equalization (Nagel et al.,
// "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
// 2019). It is exact where what lies between is positively homogeneous: nothing
// or Relu. SiLU is not: s·silu(x/s) is off by up to 0.28·|s−1|, so its
// channels are scaled by at most silu and at least 1/silu; 1 leaves them alone.
// pairs is the number of pairs of convolutions that were changed.
func Equalize(g *graph.Graph, silu float64) (out *graph.Graph, pairs int, err error) {
	out = graph.Clone(inline(g))
	users := map[*graph.Value][]*graph.Node{}
	shared := map[*graph.Tensor]int{} // readers of a constant
	for _, n := range out.Nodes {
		for i, v := range n.In {
			if v == nil {
				continue
			}
			if !slices.Contains(n.In[:i], v) {
				users[v] = append(users[v], n)
			}
			if v.Const != nil {
				shared[v.Const]++
			}
		}
	}
	own := func(n *graph.Node) bool { // its weights and bias are its alone
		for _, v := range n.In[1:] {
			if v != nil && (v.Const == nil || shared[v.Const] != 1 || v.Const.DType != graph.Float32) {
				return false
			}
		}
		return n.Int("group", 1) == 1 && len(n.In[1].Const.Shape) == 4
	}
	for _, first := range out.Nodes {
		if first.Op != "Conv" || len(first.In) < 2 || !own(first) || isOutput(out, first.Out[0]) {
			continue
		}
		second, smooth := reader(out, users, first.Out[0])
		if second == nil || !own(second) || smooth && silu <= 1 {
			continue
		}
		limit := math.Inf(1)
		if smooth {
			limit = silu
		}
		if err := equalize(first, second, limit); err != nil {
			return nil, 0, err
		}
		pairs++
	}
	return out, pairs, nil
}

// reader returns the only convolution that reads v, straight or through an
// activation, nil where there is more; smooth says that the activation is SiLU.
func reader(g *graph.Graph, users map[*graph.Value][]*graph.Node, v *graph.Value) (conv *graph.Node, smooth bool) {
	for {
		if isOutput(g, v) {
			return nil, false
		}
		u := users[v]
		switch {
		case len(u) == 1 && u[0].Op == "Conv" && u[0].In[0] == v:
			return u[0], smooth
		case len(u) == 1 && u[0].Op == "Relu":
			v = u[0].Out[0]
		case len(u) == 2 && u[0].Op == "Sigmoid" && u[1].Op == "Mul" && len(users[u[0].Out[0]]) == 1 && slices.Contains(u[1].In, u[0].Out[0]):
			v, smooth = u[1].Out[0], true
		default:
			return nil, false
		}
	}
}

// equalize scales the channels between two convolutions by at most limit.
func equalize(first, second *graph.Node, limit float64) error {
	w1, err := Floats(first.In[1].Const)
	if err != nil {
		return err
	}
	w2, err := Floats(second.In[1].Const)
	if err != nil {
		return err
	}
	var bias []float32
	if len(first.In) > 2 && first.In[2] != nil {
		if bias, err = Floats(first.In[2].Const); err != nil {
			return err
		}
	}
	channels := first.In[1].Const.Shape[0]
	s2 := second.In[1].Const.Shape
	if s2[1] != channels || bias != nil && len(bias) != channels {
		return nil // Verify tells
	}
	per, taps := len(w1)/channels, s2[2]*s2[3]
	for c := range channels {
		makes, reads := float32(0), float32(0)
		for _, v := range w1[c*per : (c+1)*per] {
			makes = max(makes, v, -v)
		}
		for o := range s2[0] {
			for _, v := range w2[(o*channels+c)*taps:][:taps] {
				reads = max(reads, v, -v)
			}
		}
		if makes == 0 || reads == 0 {
			continue
		}
		s := float32(max(1/limit, min(limit, math.Sqrt(float64(makes)/float64(reads)))))
		for i := range per {
			w1[c*per+i] /= s
		}
		if bias != nil {
			bias[c] /= s
		}
		for o := range s2[0] {
			at := w2[(o*channels+c)*taps:][:taps]
			for i := range at {
				at[i] *= s
			}
		}
	}
	replace := func(v *graph.Value, data []float32) *graph.Value {
		return &graph.Value{Name: v.Name, DType: graph.Float32, Shape: v.Shape, Const: graph.FloatTensor(data, v.Const.Shape...)}
	}
	first.In[1], second.In[1] = replace(first.In[1], w1), replace(second.In[1], w2)
	if bias != nil {
		first.In[2] = replace(first.In[2], bias)
	}
	return nil
}
