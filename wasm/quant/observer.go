package quant

import (
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// Observer is a rule that chooses the range of real numbers that an activation
// keeps; what lies outside saturates.
type Observer string

// Observers. The figures of docs/QUANTIZATION.md rank them.
const (
	MSE        Observer = "mse"        // the range with the least mean squared error
	MinMax     Observer = "minmax"     // everything seen
	Percentile Observer = "percentile" // all but a share of outliers at each end
	Entropy    Observer = "entropy"    // the range that keeps most information
)

// DefaultPercentile is the percentage of values that Percentile keeps on each
// side. 99.9 ruins detectors: the rare large values are the objects.
const DefaultPercentile = 99.999

// ParseObserver returns the observer of that name.
func ParseObserver(name string) (Observer, error) {
	switch o := Observer(name); o {
	case MSE, MinMax, Percentile, Entropy:
		return o, nil
	}
	return "", fmt.Errorf("unknown observer %q: use mse, minmax, percentile or entropy", name)
}

// Range returns the range that the observer keeps of what h counted. It always
// holds zero, so that zero (padding, silence) is represented exactly.
func (o Observer) Range(h *Histogram, percentile float64) (lo, hi float32) {
	switch o {
	case Percentile:
		p := percentile / 100
		lo, hi = h.Quantile(1-p), h.Quantile(p)
	case MSE:
		lo, hi = leastError(h)
	case Entropy:
		lo, hi = leastDivergence(h)
	default:
		lo, hi = h.Min, h.Max
	}
	return min(lo, 0), max(hi, 0)
}

// Grid returns the uint8 representation of [lo, hi] ∋ 0: the scale is a 255th
// of the range and zero falls on an integer.
func Grid(lo, hi float32) graph.Quant {
	scale := (hi - lo) / 255
	// A range too small for a float32 scale holds nothing but zeros.
	if !(scale > math.SmallestNonzeroFloat32*(1<<23)) {
		scale = 1
	}
	zero := math.RoundToEven(float64(-lo) / float64(scale))
	return graph.Quant{
		DType: graph.Uint8,
		Scale: []float32{scale},
		Zero:  []int32{int32(max(0, min(255, zero)))},
	}
}

// Steps of the search: the upper end is tried at 90 fractions of the maximum
// from 1 down to a tenth, the lower end at 40 from the minimum up to 0. Below a
// tenth of the range the error of what saturates always wins on SiLU outputs.
const (
	hiSteps, hiLeast = 90, 0.1
	loSteps          = 40
)

// leastError searches the range with the least squared rounding and saturation
// error over the histogram, one end after the other, twice.
func leastError(h *Histogram) (lo, hi float32) {
	at, weight := h.bins()
	bottom, top := min(h.Min, 0), max(h.Max, 0)
	lo, hi = bottom, top
	for range 2 {
		hi = least(hiSteps, func(i int) float32 {
			return top * float32(1-(1-hiLeast)*float64(i)/hiSteps)
		}, func(end float32) float64 { return squaredError(at, weight, Grid(lo, end)) })
		lo = least(loSteps, func(i int) float32 {
			return bottom * (1 - float32(i)/loSteps)
		}, func(end float32) float64 { return squaredError(at, weight, Grid(end, hi)) })
	}
	return lo, hi
}

// least returns the candidate 0..n with the least cost, the first among equals.
func least(n int, candidate func(int) float32, cost func(float32) float64) float32 {
	best, bestCost := candidate(0), math.Inf(1)
	for i := 0; i <= n; i++ {
		c := candidate(i)
		if e := cost(c); e < bestCost {
			best, bestCost = c, e
		}
	}
	return best
}

// squaredError sums weight·(x − Q(x))² over the points.
func squaredError(at, weight []float64, q graph.Quant) float64 {
	scale, zero := float64(q.Scale[0]), float64(q.Zero[0])
	inv := 1 / scale
	sum := 0.0
	for i, x := range at {
		n := math.RoundToEven(x*inv) + zero
		d := (max(0, min(255, n))-zero)*scale - x
		sum += weight[i] * d * d
	}
	return sum
}
