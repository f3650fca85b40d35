package quant

import (
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// RoundWeights quantizes the weights of a convolution of one group as
// ConvWeights does, with its scales, but chooses the integers so that the
// results change least on the inputs that m has seen: weights are rounded one
// by one, and each error is made good in those still to come (optimal brain
// quantization in the fixed order of GPTQ, arXiv:2210.17323). Lanes stay within
// the bounds of DotWeights.
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
	order, u, err := m.factor()
	if err != nil {
		return nil, nil, err
	}
	var of []int32
	lanesN := 0
	if !wide && dotted(n) {
		of, lanesN = lanes(w.Shape[1], w.Shape[2], w.Shape[3], 0, w.Shape[1])
	}
	rest := make([]float64, k)
	used := make([]int32, 2*lanesN)
	for o := range out {
		for i, e := range order {
			rest[i] = float64(data[o*k+e])
		}
		clear(used)
		s := float64(scale[o])
		for i, e := range order {
			v := max(-127, min(127, math.RoundToEven(rest[i]/s)))
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
			row := u[i*k : (i+1)*k]
			miss := (rest[i] - v*s) / row[i]
			for j := i + 1; j < k; j++ {
				rest[j] -= miss * row[j]
			}
		}
	}
	return q, scale, nil
}
