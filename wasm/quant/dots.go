package quant

import (
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// Byte kernels of relaxed SIMD add the products of four weights and four
// unsigned bytes in 16 bits. That is exact when the weights of a lane obey
//
//	Σ max(w, 0) ≤ laneLimit  and  Σ max(−w, 0) ≤ laneLimit
//
// as 255·128 < 2¹⁵: whatever the bytes are, every partial sum fits. Weights
// usually differ in sign and are far from the largest, so this costs much less
// than a bit of precision, which is what bounding each weight alone would take.
const laneLimit = 128

// lanes tells which weights of an output channel [in][kh][kw] meet in one lane:
// element i is in lane of[i], from 0 to n−1. Kernels read the bytes of a kernel
// row pixel by pixel, eight at a time, and add 0, 1, 4, 5 and 2, 3, 6, 7. first
// is the channel of the input at which a group convolution's weights start.
func lanes(in, kh, kw, first, inputs int) (of []int32, n int) {
	width := (inputs + 7) / 8 * 8
	row := kw * width / 4
	of = make([]int32, in*kh*kw)
	for i := range of {
		c, y, x := first+i/(kh*kw), i/kw%kh, i%kw
		k := x*width + c
		of[i] = int32(y*row + k/8*2 + k/2%2)
	}
	return of, kh * row
}

// laneScales is how many scales are tried for a channel, from the one of
// Weights to the one at which no weight need be changed to keep the lanes
// within bounds.
const laneScales = 24

// DotWeights quantizes weights [out][in][kh][kw] of a convolution of so many
// groups as Weights does, but so that every lane is within bounds. Each channel
// gets the scale, and in lanes that are too full the integers, with the least
// squared error.
func DotWeights(w *graph.Tensor, groups int) (q *graph.Tensor, scale []float32, err error) {
	if len(w.Shape) != 4 || groups < 1 || w.Shape[0]%groups != 0 {
		return nil, nil, fmt.Errorf("shape %v with %d groups, want [out in height width]", w.Shape, groups)
	}
	if q, scale, err = Weights(w); err != nil {
		return nil, nil, err
	}
	data, err := Floats(w)
	if err != nil {
		return nil, nil, err
	}
	out, in, kh, kw := w.Shape[0], w.Shape[1], w.Shape[2], w.Shape[3]
	per := in * kh * kw
	best, try := make([]int8, per), make([]int8, per)
	var of []int32
	var n, group = 0, -1
	for o := range out {
		if g := o / (out / groups); g != group {
			group = g
			of, n = lanes(in, kh, kw, g*in, groups*in)
		}
		row := data[o*per : (o+1)*per]
		full := fullest(row, of, n)
		low := float64(scale[o])
		high := max(low, full/laneLimit)
		least := math.Inf(1)
		for i := range laneScales {
			s := float32(low * math.Pow(high/low, float64(i)/(laneScales-1)))
			if e := roundLanes(row, float64(s), of, n, try); e < least {
				least, scale[o] = e, s
				best, try = try, best
			}
			if high == low {
				break
			}
		}
		for i, v := range best {
			q.Data[o*per+i] = byte(v)
		}
	}
	return q, scale, nil
}

// fullest is the largest sum of a sign in a lane.
func fullest(row []float32, of []int32, n int) float64 {
	sums := make([]float64, 2*n)
	most := 0.0
	for i, v := range row {
		at := 2 * of[i]
		if v < 0 {
			at, v = at+1, -v
		}
		sums[at] += float64(v)
		most = max(most, sums[at])
	}
	return most
}

// roundLanes rounds row/scale to integers within −127..127 whose lanes are
// within bounds and returns the squared error. In a lane that is too full it
// takes units where that adds the least error, which is the best there is: the
// error is a sum of convex functions.
func roundLanes(row []float32, scale float64, of []int32, n int, q []int8) float64 {
	sums := make([]int32, 2*n)
	side := func(i int) int32 {
		if q[i] < 0 {
			return 2*of[i] + 1
		}
		return 2 * of[i]
	}
	over := false
	for i, v := range row {
		q[i] = int8(max(-127, min(127, math.RoundToEven(float64(v)/scale))))
		at := side(i)
		sums[at] += max(int32(q[i]), -int32(q[i]))
		over = over || sums[at] > laneLimit
	}
	if over {
		members := make([][]int, 2*n)
		for i := range q {
			if at := side(i); q[i] != 0 && sums[at] > laneLimit {
				members[at] = append(members[at], i)
			}
		}
		for at, m := range members {
			for ; sums[at] > laneLimit; sums[at]-- {
				pick, most := -1, math.Inf(-1)
				for _, i := range m {
					size := math.Abs(float64(q[i]))
					if gain := size - math.Abs(float64(row[i]))/scale; size > 0 && gain > most {
						pick, most = i, gain
					}
				}
				if q[pick] < 0 {
					q[pick]++
				} else {
					q[pick]--
				}
			}
		}
	}
	e := 0.0
	for i, v := range row {
		d := float64(v) - float64(q[i])*scale
		e += d * d
	}
	return e
}

// dotted says whether the kernels for a convolution are to multiply bytes: all
// but 3×3 ones of stride 1, which Winograd's 16 bits do faster, and those of few
// channels, above all the first layer: it is 1 % of the work, but coarser
// weights there cost YOLOv8n more than in all other layers together.
func dotted(n *graph.Node) bool {
	w := n.In[1].Const.Shape
	if len(w) != 4 || w[1] <= 4 {
		return false
	}
	for _, name := range []string{"strides", "dilations"} {
		for _, v := range n.Ints(name) {
			if v != 1 {
				return true
			}
		}
	}
	return w[2] != 3 || w[3] != 3
}
