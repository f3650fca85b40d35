//go:build !js

package kernels

import (
	"math"
	"testing"
)

func silu64(x float64) float64 { return x / (1 + math.Exp(-x)) }

func TestSiLUApproxErrorIsBounded(t *testing.T) {
	worst, where := 0.0, 0.0
	for x := -20.0; x <= 20; x += 1.0 / 4096 {
		if e := math.Abs(float64(SiLUApprox(float32(x))) - silu64(float64(float32(x)))); e > worst {
			worst, where = e, x
		}
	}
	t.Logf("largest error %.6f at %.4f", worst, where)
	if worst > SiLUApproxError {
		t.Errorf("error %v at %v, bound %v", worst, where, SiLUApproxError)
	}
}

func TestSiLUApproxFarFromZero(t *testing.T) {
	for _, x := range []float32{siluRange, 12, 100, 1e6, 3e38, float32(math.Inf(1))} {
		if got := SiLUApprox(x); got != x {
			t.Errorf("SiLUApprox(%v) = %v, want x", x, got)
		}
		if got := SiLUApprox(-x); got != 0 {
			t.Errorf("SiLUApprox(%v) = %v, want 0", -x, got)
		}
	}
	if got := SiLUApprox(float32(math.NaN())); got != 0 {
		t.Errorf("SiLUApprox(NaN) = %v, want 0", got)
	}
}

// Right of SiLU's minimum at −1.278 the approximation rises wherever SiLU rises
// by more than the error bound.
func TestSiLUApproxRises(t *testing.T) {
	const step = 0.02
	for x := -1.2; x < 20; x += 1.0 / 512 {
		if silu64(x+step)-silu64(x) > 2*SiLUApproxError && SiLUApprox(float32(x+step)) <= SiLUApprox(float32(x)) {
			t.Errorf("falls from %v to %v", x, x+step)
		}
	}
}

func TestQuantize(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		y, inv float32
		zero   int32
		want   uint8
	}{
		{"zero point", 0, 10, 7, 7},
		{"tie to even below", 0.5, 1, 0, 0},
		{"tie to even above", 1.5, 1, 0, 2},
		{"half goes to even, down", 2.5, 1, 0, 2},
		{"half goes to even, up", 3.5, 1, 0, 4},
		{"negative half", -0.5, 1, 10, 10},
		{"just below", -11, 1, 10, 0},
		{"just above", 250, 1, 10, 255},
		{"negative tie", -2.5, 1, 100, 98},
		{"top", 255.4, 1, 0, 255},
		{"saturates above", 1e30, 1, 3, 255},
		{"saturates below", -1e30, 1, 250, 0},
		{"infinite", inf, 1, 128, 255},
		{"minus infinite", -inf, 1, 128, 0},
		{"infinite, zero point 0", inf, 1, 0, 255},
		{"minus infinite, zero point 255", -inf, 1, 255, 0},
		{"NaN", float32(math.NaN()), 1, 7, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := quantize(c.y, c.inv, c.zero); got != c.want {
				t.Errorf("quantize(%v, %v, %v) = %v, want %v", c.y, c.inv, c.zero, got, c.want)
			}
		})
	}
}

func TestPackingCheck(t *testing.T) {
	good := Packing{ConvShape: ConvShape{8, 3, 3, 3}, InPhys: 4, OutPhys: 8}
	for _, c := range []struct {
		name string
		edit func(p *Packing)
		ok   bool
	}{
		{"identity", func(*Packing) {}, true},
		{"mapped", func(p *Packing) { p.InMap = []int{2, 0, 3} }, true},
		{"empty dimension", func(p *Packing) { p.KH = 0 }, false},
		{"odd input slots", func(p *Packing) { p.InPhys = 6 }, false},
		{"odd output slots", func(p *Packing) { p.OutPhys = 12 }, false},
		{"too few slots", func(p *Packing) { p.InC = 5 }, false},
		{"short map", func(p *Packing) { p.InMap = []int{0, 1} }, false},
		{"slot out of range", func(p *Packing) { p.InMap = []int{0, 1, 4} }, false},
		{"slot twice", func(p *Packing) { p.OutMap = []int{0, 1, 2, 3, 4, 5, 6, 6} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good
			c.edit(&p)
			_, err := PackConvF32(make([]float32, p.OutC*p.InC*p.KH*p.KW), &p)
			if (err == nil) != c.ok {
				t.Errorf("error %v, want ok %v", err, c.ok)
			}
		})
	}
	if _, err := PackConvI16(make([]int16, 1), &good); err == nil {
		t.Error("a weight slice of the wrong length is accepted")
	}
}
