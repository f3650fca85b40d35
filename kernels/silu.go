//go:build !js

package kernels

import (
	"math"

	"eagleeye/kernels/asm"
)

// The quantized convolutions' SiLU needs no exponential. With a = min(|x|, A):
//
//	SiLU(x) = max(x, 0) − a·σ(−a)  ≈  max(x, 0) − a·r(A − a)⁸
//
// where r is a polynomial of degree 4 without a constant term, fitted to
// σ(−a)^⅛ so that the largest error of the result over [0, A] is least (linear
// programs on the linearized error). The eighth root is flat enough for so low
// a degree, and beyond A the result is exactly x or 0. It is off by at most
// SiLUApproxError anywhere.
const siluRange float32 = 11.5

// SiLUApproxError bounds |SiLUApprox(x) − SiLU(x)| over all x.
const SiLUApproxError = 0.00055

// siluPoly holds r's coefficients, highest power (4) first, down to power 1.
var siluPoly = [4]float32{
	-0.00013959177992643607, 0.0038536660643724153, -0.03506909341418765, 0.18575360084993905,
}

// SiLUApprox is the approximation of x·σ(x) that the quantized convolutions
// apply, with the same rounding after each operation. SiLUApprox(NaN) is 0.
func SiLUApprox(x float32) float32 {
	a := float32(math.Abs(float64(x)))
	if !(a < siluRange) {
		a = siluRange
	}
	v := siluRange - a
	r := siluPoly[0]
	for _, c := range siluPoly[1:] {
		r = float32(r*v) + c
	}
	r = float32(r * v)
	for range 3 {
		r = float32(r * r)
	}
	y := x
	if !(x > 0) {
		y = 0
	}
	return y - float32(a*r)
}

// siluApprox holds the constants of SiLUApprox in locals.
type siluApprox struct {
	limit, zero, a, r asm.Local
	poly              []asm.Local
}

func (e *emitter) newSiLUApprox() *siluApprox {
	s := &siluApprox{
		limit: e.Let(asm.VecF32(siluRange)), zero: e.Let(asm.VecF32(0)),
		a: e.Local(asm.V128), r: e.Local(asm.V128),
	}
	for _, c := range siluPoly {
		s.poly = append(s.poly, e.Let(asm.VecF32(c)))
	}
	return s
}

// apply emits y = SiLUApprox(y) in each lane.
func (s *siluApprox) apply(e *emitter, y asm.Local) {
	e.Set(s.a, asm.F32x4Pmin(s.limit, asm.F32x4Abs(y)))
	v := asm.Tee(s.r, asm.F32x4Sub(s.limit, s.a))
	r := asm.F32x4Mul(s.poly[0], v)
	for _, c := range s.poly[1:] {
		r = asm.F32x4Mul(asm.F32x4Add(r, c), s.r)
	}
	e.Set(s.r, r)
	for range 3 {
		e.Set(s.r, asm.F32x4Mul(s.r, s.r))
	}
	e.Set(y, asm.F32x4Sub(asm.F32x4Pmax(s.zero, y), asm.F32x4Mul(s.a, s.r)))
}
