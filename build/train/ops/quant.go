package ops

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"eagleeye/build/train/simd"
)

// Quant says how FakeQuant rounds, and holds what it observes. Fields other
// than Learned may be changed between runs.
type Quant struct {
	// Min and Max are the ends of the integer range, such as −127, 127 or 0, 255.
	Min, Max int32
	// Axis is the axis whose entries have their own scale (0 for weights
	// [O,I,kh,kw]), or −1 for one scale.
	Axis int
	// Scale and Zero are the step and the zero point of each entry; Zero is all
	// 0 for symmetric quantization. With Learned, Scale mirrors its value.
	Scale []float32
	Zero  []int32
	// Observe makes each forward pass update Low and High, the averages of the
	// smallest and the largest value (weight Momentum for the new one, the first
	// pass sets them), and Scale and Zero from them.
	Observe   bool
	Momentum  float32
	Low, High []float32
	// Symmetric makes observed scales symmetric: Zero stays 0.
	Symmetric bool
	// Learned is the scale as a parameter [len(Scale)], in place of an observed
	// one (LSQ); set before FakeQuant.
	Learned *gorgonia.Node
	// Off passes values and gradients through unchanged; observation goes on.
	Off bool

	seen bool
}

// FakeQuant is (clamp(round(x/s)+z, Min, Max) − z)·s, rounding halves to even as
// ONNX does. The gradient goes straight through where nothing was clamped and is
// 0 elsewhere; a learned scale gets the one of LSQ (arXiv:1902.08153), that is
// the rounding error inside and the end of the range outside, times
// 1/√(n·Max) for n values of a scale.
func FakeQuant(x *gorgonia.Node, q *Quant) (*gorgonia.Node, error) {
	if x == nil || q == nil {
		return nil, fmt.Errorf("fakequant: input or settings are missing")
	}
	s := x.Shape()
	entries, inner := 1, s.TotalSize()
	if q.Axis >= 0 {
		if q.Axis >= s.Dims() {
			return nil, fmt.Errorf("fakequant: axis %d of shape %v", q.Axis, s)
		}
		entries, inner = s[q.Axis], s[q.Axis+1:].TotalSize()
		if q.Axis == s.Dims()-1 {
			inner = 1
		}
	}
	if q.Max-q.Min >= 1<<21 {
		return nil, fmt.Errorf("fakequant: range %d to %d is wider than 21 bits", q.Min, q.Max)
	}
	if q.Min >= q.Max || q.Min > 0 || q.Max <= 0 {
		return nil, fmt.Errorf("fakequant: range %d to %d must hold 0 and more", q.Min, q.Max)
	}
	if q.Scale == nil && (q.Observe || q.Learned != nil) {
		q.Scale = make([]float32, entries)
		for i := range q.Scale {
			q.Scale[i] = 1
		}
	}
	if q.Zero == nil {
		q.Zero = make([]int32, entries)
	}
	if len(q.Scale) != entries || len(q.Zero) != entries {
		return nil, fmt.Errorf("fakequant: %d scales and %d zero points for %d entries", len(q.Scale), len(q.Zero), entries)
	}
	if q.Low == nil {
		q.Low, q.High = make([]float32, entries), make([]float32, entries)
	}
	in := []*gorgonia.Node{x}
	if q.Learned != nil {
		if err := wantVector("fakequant", "the learned scale", q.Learned, entries); err != nil {
			return nil, err
		}
		in = append(in, q.Learned)
	}
	f := &fakeQuant{Quant: q, entries: entries, inner: inner, each: s.TotalSize() / entries}
	return apply(&operation{name: "fakequant", shape: s, forward: f.forward, backward: f.backward, check: f.check, diff: []bool{true, true}[:len(in)]}, in)
}

type fakeQuant struct {
	*Quant
	entries, inner, each int
}

// pieceSize is how many values are worked on at a time, at most.
const pieceSize = 1 << 14

// runs calls do for pieces of values that share a scale, several at a time. The
// same values make the same pieces each time.
func (f *fakeQuant) runs(n int, do func(piece, entry, from, to int)) {
	cut := ceil(f.inner, pieceSize) // pieces of one run
	simd.Parallel(f.pieces(n), func(_, i int) {
		run, c := i/cut, i%cut
		do(i, run%f.entries, run*f.inner+f.inner*c/cut, run*f.inner+f.inner*(c+1)/cut)
	})
}

func (f *fakeQuant) pieces(n int) int { return n / f.inner * ceil(f.inner, pieceSize) }

// check keeps a broken scale from spreading as NaN.
func (f *fakeQuant) check(in [][]float32) error {
	if f.Learned != nil {
		copy(f.Scale, in[1])
	} else if f.Observe {
		f.observe(in[0])
	}
	for i, s := range f.Scale {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("scale %d is %g, want a positive number: lower the learning rate of learned scales or look for NaN in the input", i, s)
		}
	}
	return nil
}

func (f *fakeQuant) observe(x []float32) {
	ends := make([][2]float32, f.pieces(len(x)))
	entry := make([]int, len(ends))
	f.runs(len(x), func(piece, e, from, to int) {
		var low, high float32 // 0 is always held exactly
		for _, v := range x[from:to] {
			if v < low {
				low = v
			}
			if v > high {
				high = v
			}
		}
		ends[piece], entry[piece] = [2]float32{low, high}, e
	})
	low, high := make([]float32, f.entries), make([]float32, f.entries)
	for i, e := range entry {
		low[e], high[e] = min(low[e], ends[i][0]), max(high[e], ends[i][1])
	}
	for e := range low {
		m := f.Momentum
		if !f.seen {
			m = 1
		}
		f.Low[e] += m * (low[e] - f.Low[e])
		f.High[e] += m * (high[e] - f.High[e])
		f.Scale[e], f.Zero[e] = f.fit(f.Low[e], f.High[e])
	}
	f.seen = true
}

// fit returns the step and the zero point that cover low to high and hold 0
// exactly.
func (q *Quant) fit(low, high float32) (float32, int32) {
	const least = 1e-12
	if q.Symmetric {
		s := high / float32(q.Max)
		if q.Min < 0 {
			s = max(s, low/float32(q.Min))
		}
		return max(s, least), 0
	}
	s := max((high-low)/float32(q.Max-q.Min), least)
	z := float64(q.Min) - math.RoundToEven(float64(low/s))
	return s, int32(min(max(z, float64(q.Min)), float64(q.Max)))
}

func (f *fakeQuant) forward(in [][]float32, out []float32) {
	if f.Off {
		copy(out, in[0])
		return
	}
	f.runs(len(out), func(_, e, from, to int) {
		s, lo, hi := f.Scale[e], float32(f.Min-f.Zero[e]), float32(f.Max-f.Zero[e])
		inv := 1 / s
		x, y := in[0][from:to], out[from:to]
		for i, v := range x {
			v *= inv
			// Clamping first keeps the argument small; the ends are integers.
			if v < lo {
				v = lo
			} else if v > hi {
				v = hi
			}
			y[i] = s * roundEven(v)
		}
	})
}

func (f *fakeQuant) backward(in [][]float32, out, dout []float32, din [][]float32) {
	var ds []float32
	if len(din) > 1 && din[1] != nil {
		ds = din[1]
		clear(ds)
	}
	if f.Off {
		if din[0] != nil {
			copy(din[0], dout)
		}
		return
	}
	sums, entry := make([]float64, f.pieces(len(out))), make([]int, f.pieces(len(out)))
	f.runs(len(out), func(piece, e, from, to int) {
		s, lo, hi := f.Scale[e], float32(f.Min-f.Zero[e]), float32(f.Max-f.Zero[e])
		inv := 1 / s
		x, d, dx := in[0][from:to], dout[from:to], din[0]
		if dx != nil {
			dx = dx[from:to]
		}
		var total float64
		for i, v := range x {
			v *= inv
			pass, slope := d[i], float32(0)
			// Half a step beyond the ends rounds to them, or past them.
			if v > lo-1 && v < hi+1 {
				r := roundEven(v)
				slope = r - v
				if r < lo {
					pass, slope = 0, lo
				} else if r > hi {
					pass, slope = 0, hi
				}
			} else if pass = 0; v > 0 {
				slope = hi
			} else {
				slope = lo
			}
			if dx != nil {
				dx[i] = pass
			}
			total += float64(slope * d[i])
		}
		sums[piece], entry[piece] = total, e
	})
	if ds != nil {
		factor := 1 / math.Sqrt(float64(f.each)*float64(f.Max))
		totals := make([]float64, f.entries)
		for i, e := range entry {
			totals[e] += sums[i]
		}
		for e, t := range totals {
			ds[e] = float32(t * factor)
		}
	}
}

// roundEven rounds halves to even, for |x| < 2²²: adding and taking away 1.5·2²³
// drops the fraction in the processor's rounding mode.
func roundEven(x float32) float32 {
	const magic = 3 << 22
	return (x + magic) - magic
}
