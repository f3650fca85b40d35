package quant

import "math"

// leastDivergence searches the range whose grid tells most about the values:
// with the least Kullback-Leibler divergence between their distribution, what is
// outside moved to the ends, and the one that the grid's levels leave of it. It
// is TensorRT's calibrator (Migacz, "8-bit inference with TensorRT", 2017) for a
// grid with a zero point.
func leastDivergence(h *Histogram) (lo, hi float32) {
	at, weight := h.bins()
	bottom, top := min(h.Min, 0), max(h.Max, 0)
	lo, hi = bottom, top
	for range 2 {
		hi = least(hiSteps, func(i int) float32 {
			return top * float32(1-(1-hiLeast)*float64(i)/hiSteps)
		}, func(end float32) float64 { return divergence(at, weight, lo, end) })
		lo = least(loSteps, func(i int) float32 {
			return bottom * (1 - float32(i)/loSteps)
		}, func(end float32) float64 { return divergence(at, weight, end, hi) })
	}
	return lo, hi
}

// divergence is Σ p·log(p/q) over the points at, which rise, with p their
// weights, those outside [lo, hi] moved to its ends, and q what is left when
// each level of the grid spreads what it has seen inside evenly over its points.
// Outliers count in p only: that is what clipping costs.
func divergence(at, weight []float64, lo, hi float32) float64 {
	g := Grid(lo, hi)
	inv := 1 / float64(g.Scale[0])
	first, last := 0, len(at)-1
	below, above, total := 0.0, 0.0, 0.0
	for ; first < last && at[first] < float64(lo); first++ {
		below += weight[first]
	}
	for ; last > first && at[last] > float64(hi); last-- {
		above += weight[last]
	}
	inside := 0.0
	for _, w := range weight[first : last+1] {
		inside += w
	}
	total = inside + below + above
	sum := 0.0
	for i := first; i <= last; {
		level := math.RoundToEven(at[i] * inv)
		end, seen := i, 0.0
		for ; end <= last && math.RoundToEven(at[end]*inv) == level; end++ {
			seen += weight[end]
		}
		q := seen / inside / float64(end-i)
		for ; i < end; i++ {
			p := weight[i]
			if i == first {
				p += below
			}
			if i == last {
				p += above
			}
			sum += p / total * math.Log(p/total/q)
		}
	}
	return sum
}
