package quant

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func siluSample(r *rand.Rand, n int, spread float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		v := r.NormFloat64() * spread
		x[i] = float32(v / (1 + math.Exp(-v)))
	}
	return x
}

func histogramOf(t *testing.T, parts ...[]float32) *Histogram {
	t.Helper()
	h := &Histogram{}
	for _, p := range parts {
		if err := h.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestHistogramForgetsOrderAndDivision(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		var parts [][]float32
		for range 2 + r.IntN(6) {
			spread := math.Exp(r.NormFloat64() * 4)
			p := siluSample(r, 1+r.IntN(500), spread)
			if r.IntN(3) == 0 {
				p = append(p, -float32(spread))
			}
			if r.IntN(4) == 0 {
				p = make([]float32, 5)
			}
			parts = append(parts, p)
		}
		whole := histogramOf(t, slices.Concat(parts...))
		onward := histogramOf(t, parts...)
		slices.Reverse(parts)
		backward := histogramOf(t, parts...)
		merged := histogramOf(t, parts[0])
		for _, p := range parts[1:] {
			merged.Merge(histogramOf(t, p))
		}
		for name, h := range map[string]*Histogram{"in order": onward, "reversed": backward, "merged": merged} {
			if !reflect.DeepEqual(h, whole) {
				t.Errorf("%s: [%g, %g] n=%d exp=%d base=%d differs from the whole: [%g, %g] n=%d exp=%d base=%d",
					name, h.Min, h.Max, h.N, h.exp, h.base, whole.Min, whole.Max, whole.N, whole.exp, whole.base)
			}
		}
	}
}

func TestHistogramCountsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x := siluSample(r, 5000, 7)
	h := histogramOf(t, x)
	sum := 0.0
	_, weight := h.bins()
	for _, w := range weight {
		sum += w
	}
	if h.N != 5000 || sum != 5000 || h.Min != slices.Min(x) || h.Max != slices.Max(x) {
		t.Errorf("N %d, sum %g, range [%g, %g]; want 5000, 5000, [%g, %g]", h.N, sum, h.Min, h.Max, slices.Min(x), slices.Max(x))
	}
	// The width is the least power of two with which the range fits.
	if w := math.Ldexp(1, h.exp); float64(h.Max-h.Min) < w*Bins/2-2*w {
		t.Errorf("bins of %g are too wide for [%g, %g]", w, h.Min, h.Max)
	}
}

func TestHistogramExtremes(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name string
		x    []float32
		ok   bool
	}{
		{"empty", nil, true},
		{"zeros", []float32{0, 0, 0}, true},
		{"negative zero", []float32{float32(math.Copysign(0, -1)), 1}, true},
		{"one value", []float32{-3.5}, true},
		{"tiny", []float32{1e-45, -1e-45}, true},
		{"huge", []float32{math.MaxFloat32, -math.MaxFloat32, 1}, true},
		{"NaN", []float32{1, float32(math.NaN())}, false},
		{"infinity", []float32{1, -inf}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Histogram{}
			if err := h.Add(c.x); (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if !c.ok && h.N != 0 {
				t.Errorf("%d values counted beside the error", h.N)
			}
			for _, o := range []Observer{MSE, MinMax, Percentile} {
				lo, hi := o.Range(h, DefaultPercentile)
				if !(lo <= 0 && hi >= 0) {
					t.Errorf("%s: [%g, %g] is without zero", o, lo, hi)
				}
				if q := Grid(lo, hi); !(q.Scale[0] > 0) || q.Zero[0] < 0 || q.Zero[0] > 255 {
					t.Errorf("%s: grid %+v", o, q)
				}
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	x := make([]float32, 100000)
	for i := range x {
		x[i] = float32(i) / 1000
	}
	h := histogramOf(t, x)
	for _, p := range []float64{0, 0.001, 0.5, 0.9, 0.99999, 1} {
		if got, want := h.Quantile(p), float32(100*p); math.Abs(float64(got-want)) > 0.03 {
			t.Errorf("quantile %g = %g, want %g within two bins", p, got, want)
		}
	}
}

func FuzzHistogram(f *testing.F) {
	f.Add(uint32(0), uint32(0x3f800000), uint32(0x42c80000))
	f.Add(uint32(0x80000000), uint32(1), uint32(0x7f7fffff))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		x := []float32{math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)}
		whole := &Histogram{}
		if err := whole.Add(x); err != nil {
			return
		}
		parts := &Histogram{}
		for _, v := range []float32{x[2], x[0], x[1]} {
			parts.Merge(histogramOf(t, []float32{v}))
		}
		if !reflect.DeepEqual(whole, parts) {
			t.Errorf("%v: %+v != %+v", x, whole, parts)
		}
		MSE.Range(whole, 0)
	})
}
