package plan

import (
	"math"

	"eagleeye/wasm/graph"
)

// A map that the file leaves in float, for its noise's sake, need not be computed
// on as float: numbers of 16 bits are fine enough and a convolution of them takes
// half the time. Their step follows from what the map can hold at the most, which
// is known where it comes from a map of 8 bits: an interval through one
// convolution. Intervals widen with each further one, so there are no others.

// fineTaps is the most products in an output for which the interval is tight
// enough: Σ|w| is at most √taps times the norm of w, which is what outputs are
// about as large as, so that of the 16 bits 10 and more are left for them.
const fineTaps = 320

// fineMost is the largest number; signs take the sixteenth bit.
const fineMost = math.MaxInt16

// bound notes how large the results of a convolution of a map of 8 bits can be.
func (b *builder) bound(c *conv, x ref, n numbers, bias []float32) {
	y, taps := c.n.Out[0], c.i*c.kh*c.kw
	if b.refs[y].u8 || !x.u8 || x.fine || c.residual != nil || taps > fineTaps {
		return
	}
	most := 0.0
	lo, hi := float64(-x.zero)*float64(x.scale), float64(255-x.zero)*float64(x.scale)
	w := n.floats()
	for o, s := range n.scale {
		var up, down float64
		for _, v := range w[o*taps : (o+1)*taps] {
			if v := float64(v); v > 0 {
				up, down = up+v*hi, down+v*lo
			} else {
				up, down = up+v*lo, down+v*hi
			}
		}
		up, down = up*float64(s)+float64(bias[o]), down*float64(s)+float64(bias[o])
		if c.silu { // which is never less than −0.2785
			down = -0.2785
		}
		most = max(most, up, -down)
	}
	b.most[y] = most * (1 + 1e-4) // the kernels' own rounding
}

// passBound notes the same for what picks among the elements of its inputs.
func (b *builder) passBound(n *graph.Node) {
	y, most := n.Out[0], 0.0
	if !picks(n) || b.refs[y].u8 {
		return
	}
	for _, v := range n.In {
		m, ok := b.most[v]
		if x := b.refs[v]; x.u8 {
			m, ok = float64(x.reach())*float64(x.scale), true
		}
		if !ok {
			return
		}
		most = max(most, m)
	}
	b.most[y] = most
}

// fine returns a convolution's input as numbers of 16 bits if it is a float map
// that they serve and the weights are integers, else as it is.
func (b *builder) fine(c *conv, x ref) ref {
	most := b.most[c.n.In[0]]
	if x.u8 || b.exact || most == 0 {
		return x
	}
	n, err := c.weights()
	if err != nil || n.q == nil { // weights tells what is wrong
		return x
	}
	for _, sum := range n.magnitudes() {
		if sum*fineMost > math.MaxInt32 {
			return x
		}
	}
	x.repr, x.fine = repr{u8: true, scale: float32(most / fineMost)}, true
	return x
}

// reach is the largest magnitude of a map's centred numbers.
func (r ref) reach() int32 {
	if r.fine {
		return fineMost
	}
	return max(r.zero, 255-r.zero)
}
