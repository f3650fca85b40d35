package plan

import (
	"errors"
	"fmt"
	"math"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// byteWeights are the packed weights of a convolution that multiplies bytes.
type byteWeights struct {
	numbers numbers
	packed  []int8
	start   []int32 // first sums
}

// chooseBytes finds the convolutions that multiply bytes: where SIMD is relaxed,
// those that no Winograd kernel takes and whose weights fit 16-bit lanes. Their
// sums are those of the 16-bit kernels, so the choice does not change results.
// It comes before the lowering, as they read a border around their input.
func (b *builder) chooseBytes(n *graph.Node, c *conv) error {
	x, y := b.refs[n.In[0]], b.refs[n.Out[0]]
	op := kernels.OpConvI16
	if !y.u8 || c.residual != nil && !b.refs[c.residual].u8 {
		op = kernels.OpConvI16F32
	}
	if !b.relaxed || c.algorithm(x, y, op, b.exact) != direct {
		return nil
	}
	w, err := c.weights()
	if err != nil {
		return err
	}
	if w.q == nil {
		return nil
	}
	for _, sum := range w.magnitudes() {
		if sum*255 > math.MaxInt32 {
			return nil
		}
	}
	a, _ := x.area.root(x.at)
	pack := c.packing(x, y)
	pack.Merged = c.merged(x, a)
	packed, start, err := kernels.PackConvU8(dense(c, w.q), x.zero, pack)
	switch {
	case errors.Is(err, kernels.ErrLanes):
		return nil
	case err != nil:
		return fmt.Errorf("plan: conv %q: %w", n.Name, err)
	}
	b.bytes[n] = byteWeights{w, packed, start}
	a.pad = max(a.pad, c.border())
	return nil
}

// merged says that a row of taps is one run: that x has its pixels in the area a
// to itself.
func (c *conv) merged(x ref, a *area) bool {
	return x.width() == a.width && (c.dx == 1 || c.kw == 1)
}

// firstSums puts a convolution's first sums into the image and returns their
// address, 0 where it does not multiply bytes.
func (b *builder) firstSums(n *graph.Node) uint32 {
	w, ok := b.bytes[n]
	if !ok {
		return 0
	}
	return b.put(bytesOf(w.start), 16)
}
