//go:build !js

package kernels

import (
	"math"

	"eagleeye/kernels/asm"
)

// The exponential is Cephes' expf: x = n·ln 2 + r with n = roundEven(x·log₂e),
// |r| ≤ ln 2 / 2, eʳ by a polynomial of degree 7 in Horner form, then 2ⁿ by an
// addition to the exponent field. ln 2 is split so that n·expLn2Hi is exact.
// Its relative error stays under 2e-7. Every operation is rounded on its own,
// so that the emitted code and expf32 agree bit for bit.
const (
	expMin   float32 = -87 // e⁻⁸⁷ is still a normal number
	expMax   float32 = 88
	expLog2e float32 = 1.44269504088896341
	expLn2Hi float32 = 0.693359375
	expLn2Lo float32 = -2.12194440e-4
)

// expPoly holds the coefficients of (eʳ − 1 − r)/r², highest power first.
var expPoly = [6]float32{
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
	4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
}

// expf32 is e to the x clamped to [−87, 88]; NaN stays NaN.
func expf32(x float32) float32 {
	if x < expMin {
		x = expMin
	}
	if x > expMax {
		x = expMax
	}
	if x != x {
		return x
	}
	n := float32(math.RoundToEven(float64(x * expLog2e)))
	r := x - float32(n*expLn2Hi)
	r = r - float32(n*expLn2Lo)
	p := expPoly[0]
	for _, c := range expPoly[1:] {
		p = float32(p*r) + c
	}
	p = float32(p*float32(r*r)) + r
	p = p + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

// sigmoidf32 is 1/(1 + e⁻ˣ).
func sigmoidf32(x float32) float32 { return 1 / (1 + expf32(-x)) }

// siluf32 is x/(1 + e⁻ˣ).
func siluf32(x float32) float32 { return x / (1 + expf32(-x)) }

// exp emits expf32 of four lanes, into a new local. Adding roundMagic rounds n and
// leaves it in the low bits: no rounding instruction, no saturating conversion.
func (e *emitter) exp(x asm.Value) asm.Local {
	r, n, p, power := e.Local(asm.V128), e.Local(asm.V128), e.Local(asm.V128), e.Local(asm.V128)
	e.Set(r, asm.F32x4Pmin(asm.F32x4Pmax(x, asm.VecF32(expMin)), asm.VecF32(expMax)))
	e.Set(n, asm.F32x4Add(asm.F32x4Mul(r, asm.VecF32(expLog2e)), asm.VecF32(roundMagic)))
	e.Set(power, asm.I32x4Add(asm.I32x4Shl(n, asm.Int(23)), asm.VecI32(127<<23)))
	e.Set(n, asm.F32x4Sub(n, asm.VecF32(roundMagic)))
	e.Set(r, asm.F32x4Sub(r, asm.F32x4Mul(n, asm.VecF32(expLn2Hi))))
	e.Set(r, asm.F32x4Sub(r, asm.F32x4Mul(n, asm.VecF32(expLn2Lo))))
	e.Set(p, asm.VecF32(expPoly[0]))
	for _, c := range expPoly[1:] {
		e.Set(p, asm.F32x4Add(asm.F32x4Mul(p, r), asm.VecF32(c)))
	}
	e.Set(p, asm.F32x4Add(asm.F32x4Mul(p, asm.F32x4Mul(r, r)), r))
	e.Set(p, asm.F32x4Add(p, asm.VecF32(1)))
	e.Set(p, asm.F32x4Mul(p, power))
	return p
}

// sigmoid emits sigmoidf32 of four lanes.
func (e *emitter) sigmoid(x asm.Value) asm.Expr {
	return asm.F32x4Div(asm.VecF32(1), asm.F32x4Add(asm.VecF32(1), e.exp(asm.F32x4Neg(x))))
}

// silu emits siluf32 of four lanes; x is a local because it is read twice.
func (e *emitter) silu(x asm.Local) asm.Expr {
	return asm.F32x4Div(x, asm.F32x4Add(asm.VecF32(1), e.exp(asm.F32x4Neg(x))))
}
