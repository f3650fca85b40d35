package quant

import (
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// RoundWeights quantizes the weights of a convolution of one group as
// ConvWeights does, with its scales, but chooses the integers so that the
// results change least on the inputs that m has seen: weights are rounded one
// by one, and each error is made good in those still to come. That is GPTQ
// (arXiv:2210.17323) in its form as Babai's nearest plane (arXiv:2507.18553),
// which needs no inverse. Lanes stay within the bounds of DotWeights.
func RoundWeights(n *graph.Node, wide bool, m *Moments) (q *graph.Tensor, scale []float32, err error) {
	w := n.In[1].Const
	if q, scale, err = ConvWeights(n, wide); err != nil {
		return nil, nil, err
	}
	out := w.Shape[0]
	k := len(q.Data) / out
	if n.Int("group", 1) != 1 || m.K != k {
		return nil, nil, fmt.Errorf("moments of %d elements for windows of %d", m.K, k)
	}
	data, err := Floats(w)
	if err != nil {
		return nil, nil, err
	}
	order, l, err := m.factor()
	if err != nil {
		return nil, nil, err
	}
	var of []int32
	lanesN := 0
	if !wide && dotted(n) {
		of, lanesN = lanes(w.Shape[1], w.Shape[2], w.Shape[3], 0, w.Shape[1])
	}
	// The change of the results is |Lᵀ·e|² for errors e: term i is that of the
	// weights from i on. owed is what the ones already rounded add to it.
	owed := make([]float64, k)
	used := make([]int32, 2*lanesN)
	for o := range out {
		clear(owed)
		clear(used)
		s := float64(scale[o])
		for i := k - 1; i >= 0; i-- {
			e, row := order[k-1-i], l[i*k:i*k+i+1]
			was := float64(data[o*k+e])
			v := max(-127, min(127, math.RoundToEven((was+owed[i]/row[i])/s)))
			if of != nil {
				at := 2 * of[e]
				if v < 0 {
					at++
				}
				size := min(math.Abs(v), float64(laneLimit-used[at]))
				used[at] += int32(size)
				v = math.Copysign(size, v)
			}
			q.Data[o*k+e] = byte(int8(v))
			miss := was - v*s
			for j, x := range row[:i] {
				owed[j] += x * miss
			}
		}
	}
	return q, scale, nil
}
