package quant

import (
	"fmt"
	"math"
)

// Bins is the number of bins of a Histogram: 32 for each of 256 levels, so that
// the position inside a bin is no concern of an 8-bit grid.
const Bins = 8192

// minExp is the exponent of the finest bin width. Values below 2^-40·Bins have
// no part in a network whose inputs are 0..1.
const minExp = -40

// Histogram counts values in Bins bins of equal width 2^e. Widths are powers of
// two and bins start at multiples of their width, so widening merges pairs of
// bins exactly: the memory is fixed, the range is not needed beforehand, and
// neither the order of the data nor how it was divided among histograms that
// are merged later changes the result. The zero value is empty and ready.
type Histogram struct {
	Min, Max float32 // exact; 0 while N is 0
	N        uint64  // values counted

	exp    int   // bin width is 2^exp
	base   int64 // bin i holds [(base+i)·2^exp, (base+i+1)·2^exp)
	counts []uint64
}

// Add counts every value of x. Nothing is counted and an error returned when x
// holds a NaN or an infinity.
func (h *Histogram) Add(x []float32) error {
	if len(x) == 0 {
		return nil
	}
	lo, hi := x[0], x[0]
	for i, v := range x {
		// v−v is 0 for finite values and NaN for all others.
		if v-v != 0 {
			return fmt.Errorf("value %d of %d is %v", i, len(x), v)
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	h.widen(lo, hi)
	h.N += uint64(len(x))
	inv := math.Ldexp(1, -h.exp)
	for _, v := range x {
		s := float64(v) * inv
		i := int64(s)
		if float64(i) > s { // truncation is no floor below zero
			i--
		}
		h.counts[i-h.base]++
	}
	return nil
}

// Merge adds the counts of o, which stays as it is.
func (h *Histogram) Merge(o *Histogram) {
	if o.N == 0 {
		return
	}
	h.widen(o.Min, o.Max)
	h.N += o.N
	for i, c := range o.counts {
		if c == 0 {
			continue
		}
		// h's range holds o's and its width is at least o's once widened with
		// o's extremes, see widen.
		h.counts[((o.base+int64(i))>>(h.exp-o.exp))-h.base] += c
	}
}

// widen makes [lo, hi] fit. The exponent is always the least one for which the
// range seen so far fits, which makes it independent of the order of the data.
func (h *Histogram) widen(lo, hi float32) {
	exp := minExp
	if h.N > 0 {
		lo, hi, exp = min(lo, h.Min), max(hi, h.Max), h.exp
		if lo == h.Min && hi == h.Max {
			return
		}
	}
	h.Min, h.Max = lo, hi
	// Zero is always inside, which bounds the indices of lone large values.
	for index(max(hi, 0), exp)-index(min(lo, 0), exp) >= Bins {
		exp++
	}
	base := index(min(lo, 0), exp)
	if h.counts == nil {
		h.counts = make([]uint64, Bins)
	} else if exp != h.exp || base != h.base {
		moved := make([]uint64, Bins)
		for i, c := range h.counts {
			if c != 0 {
				moved[((h.base+int64(i))>>(exp-h.exp))-base] += c
			}
		}
		h.counts = moved
	}
	h.exp, h.base = exp, base
}

// index returns floor(v / 2^exp), saturated far outside of what a histogram can
// hold.
func index(v float32, exp int) int64 {
	f := math.Floor(math.Ldexp(float64(v), -exp))
	return int64(max(-1<<40, min(1<<40, f)))
}

// bins returns the centres and counts of the bins that are not empty, in
// ascending order. The centres are kept inside [Min, Max].
func (h *Histogram) bins() (at, weight []float64) {
	w := math.Ldexp(1, h.exp)
	for i, c := range h.counts {
		if c != 0 {
			x := (float64(h.base+int64(i)) + 0.5) * w
			at = append(at, max(float64(h.Min), min(float64(h.Max), x)))
			weight = append(weight, float64(c))
		}
	}
	return at, weight
}

// Quantile returns the least value v of the histogram's resolution with at
// least the share p (0..1) of all counted values at or below it.
func (h *Histogram) Quantile(p float64) float32 {
	need := p * float64(h.N)
	w := math.Ldexp(1, h.exp)
	sum := 0.0
	for i, c := range h.counts {
		sum += float64(c)
		if c != 0 && sum >= need {
			end := float32(float64(h.base+int64(i)+1) * w)
			return max(h.Min, min(h.Max, end))
		}
	}
	return h.Max
}
