//go:build !js

package kernels

import (
	"fmt"
	"math"
	"testing"
)

// The error of the fixed-point SiLU over all its arguments is a small part of
// an output step: that of the polynomial, 0.0019 at the most, or where a unit is
// larger than that, of the roundings between.
func TestFixedSiLUErrorIsBounded(t *testing.T) {
	for _, step := range []float32{0.0094, 0.0138, 0.0185, 0.0199, 0.025, 0.05, 0.1, 0.39, 0.7, 2, 9} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			f, unit, ok := NewFixedSiLU(step, 0, 0, 0)
			if !ok {
				t.Fatal("refused")
			}
			worst, where := 0.0, 0.0
			for i := math.MinInt16; i <= math.MaxInt16; i++ {
				x := float64(i) / float64(unit)
				if e := math.Abs(float64(f.of(int16(i)))/float64(unit) - silu64(x)); e > worst {
					worst, where = e, x
				}
			}
			t.Logf("%d spread: largest error %.5f at %.3f, %.3f of a step", f.Spread.value(), worst, where, worst/float64(step))
			if bound := 0.0018 + 0.8/float64(unit); worst > bound {
				t.Errorf("error %v at %v, bound %v", worst, where, bound)
			}
		})
	}
}

// The output is SiLU in steps, rounded: off by one at the most, and rarely.
func TestFixedSiLUOutput(t *testing.T) {
	mem := make([]byte, 256)
	for _, step := range []float32{0.0094, 0.025, 0.39} {
		d := ConvDesc{Dst: Map{Addr: 128}, Bias: 64}
		var unit float32
		var ok bool
		if d.Fixed, unit, ok = NewFixedSiLU(step, 20, 0, 0); !ok {
			t.Fatal("refused")
		}
		*at[float32](mem, d.Bias), _ = FixedBias(0, 0)
		differ, n := 0, 0
		for x := float32(-12); x < 200*step; x += step / 7 {
			d.storeFixed(mem, 0, 0, 0, x*unit)
			want := min(255, max(0, math.Round(silu64(float64(x))/float64(step))+20))
			diff := int(mem[128]) - int(want)
			if diff < -1 || diff > 1 {
				t.Fatalf("step %v: SiLU(%v) is %d, want %v", step, x, mem[128], want)
			}
			n++
			differ += diff * diff
		}
		if differ > n/5 {
			t.Errorf("step %v: %d of %d outputs are off by one", step, differ, n)
		}
	}
}

func TestNewFixedSiLURefuses(t *testing.T) {
	for _, c := range []struct {
		name      string
		step, res float32
		ok        bool
	}{
		{"usual", 0.025, 0.025, true},
		{"finest", 0.0093, 0, true},
		{"too fine", 0.0092, 0, false},
		{"coarsest", 9, 9, true},
		{"too coarse", 20, 20, false},
		{"coarse residual", 0.05, 0.19, true},
		{"too coarse a residual", 0.05, 0.21, false},
		{"zero", 0, 0, false},
		{"NaN", float32(math.NaN()), 0, false},
		{"infinite", float32(math.Inf(1)), 0, false},
		{"infinite residual", 0.025, float32(math.Inf(1)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, ok := NewFixedSiLU(c.step, 128, c.res, 128); ok != c.ok {
				t.Errorf("%v, want %v", ok, c.ok)
			}
		})
	}
}

// Numbers beyond 16 bits saturate, in module and oracle alike, and so do those
// beyond what FixedBias allows, though nobody says to what.
func TestFixedSiLUExtremes(t *testing.T) {
	for _, scale := range []float32{0, 1e-30, 1, 30, 1e9, 1e30} {
		for _, bias := range []float32{0, -2e6, 2e6, -1e9, 1e9} {
			im := newImage(3)
			d, _, _ := convCase{op: OpConvI16, inC: 8, outC: 8, k: 1, h: 2, w: 5, stride: 1, dil: 1, panels: 1, act: ActSiLUFixed, res: true}.desc(im)
			for i := range uint32(8) {
				*at[float32](im.mem, d.Scale+4*i) = scale
				*at[float32](im.mem, d.Bias+4*i), _ = FixedBias(bias, 0)
			}
			step(im, OpConvI16, d, 2)
			im.compare(t)
		}
	}
}

func TestFixedBias(t *testing.T) {
	for _, c := range []struct {
		bias float32
		sum  float64
		ok   bool
	}{
		{0, 0, true}, {-1e6, 1e6, true}, {1e6, 1.2e6, false}, {-3e6, 0, false}, {0, math.Inf(1), false},
		{float32(math.NaN()), 0, false}, {0, math.NaN(), false},
	} {
		if _, ok := FixedBias(c.bias, c.sum); ok != c.ok {
			t.Errorf("bias %v and sums of %v: %v, want %v", c.bias, c.sum, ok, c.ok)
		}
	}
}
