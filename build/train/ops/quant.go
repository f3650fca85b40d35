package ops

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
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

// runs calls f for each contiguous run of values that share a scale.
func (f *fakeQuant) runs(n int, do func(entry, from, to int)) {
	for at, e := 0, 0; at < n; at += f.inner {
		do(e, at, at+f.inner)
		if e++; e == f.entries {
			e = 0
		}
	}
}

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
	low, high := make([]float32, f.entries), make([]float32, f.entries)
	f.runs(len(x), func(e, from, to int) {
		for _, v := range x[from:to] {
			low[e], high[e] = min(low[e], v), max(high[e], v)
		}
	})
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
	f.runs(len(out), func(e, from, to int) {
		s, lo, hi := f.Scale[e], float32(f.Min-f.Zero[e]), float32(f.Max-f.Zero[e])
		inv := 1 / s
		for i := from; i < to; i++ {
			out[i] = s * min(max(roundEven(in[0][i]*inv), lo), hi)
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
	factor := 1 / math.Sqrt(float64(f.each)*float64(f.Max))
	f.runs(len(out), func(e, from, to int) {
		s, lo, hi := f.Scale[e], float32(f.Min-f.Zero[e]), float32(f.Max-f.Zero[e])
		inv := 1 / s
		var total float64
		for i := from; i < to; i++ {
			v := in[0][i] * inv
			r := roundEven(v)
			pass := dout[i]
			slope := r - v
			if r < lo {
				pass, slope = 0, lo
			} else if r > hi {
				pass, slope = 0, hi
			}
			if din[0] != nil {
				din[0][i] = pass
			}
			total += float64(slope * dout[i])
		}
		if ds != nil {
			ds[e] += float32(total * factor)
		}
	})
}

// roundEven rounds halves to even: adding and taking away 1.5·2²³ drops the
// fraction in the current rounding mode, for |x| < 2²². Larger ones are beyond
// every integer range here and keep their size.
func roundEven(x float32) float32 {
	const magic = 3 << 22
	if x > 1<<22 || x < -(1<<22) {
		return x
	}
	return (x + magic) - magic
}
