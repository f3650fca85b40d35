package kernels

import "math"

// ActSiLUFixed is SiLU in 16-bit fixed point: eight numbers a vector instead of
// four, and rounding multiplications (pmulhrsw on x86, sqrdmulh on ARM) instead
// of float ones. With A = fixedRange and v = max(A − |x|, 0)/A,
//
//	SiLU(x) ≈ max(x, 0) − |x|·r(v)⁴
//
// where r is a polynomial as in SiLUApprox. Numbers are in units of A/2^(15−m),
// so that v is a shift away from 16 bits; m makes a unit 1/64 to 1/32 of an
// output step. The result times 2⁵·unit/step is in output steps with 5 fraction
// bits; the residual is added there, before the last rounding (half up).
const (
	fixedRange    = 9.50304997
	fixedFraction = 5
	fixedReach    = 1 << 21
)

// fixedPoly are r's coefficients times 2¹², highest power (4) first, down to
// power 1: a fit of σ(−|x|)^¼.
var fixedPoly = [4]int16{-8317, 19035, -12041, 4785}

// Pair holds a 16-bit number twice, for a broadcast of 32 bits.
type Pair uint32

func pair(v int32) Pair { return Pair(uint32(uint16(v)) * 0x10001) }

// value is the number.
func (p Pair) value() int16 { return int16(p) }

// FixedSiLU are the constants of ActSiLUFixed in a ConvDesc.
type FixedSiLU struct {
	Limit   Pair    // 2^(15−m) − 1: A in units
	Spread  Pair    // 2^m
	Poly    [4]Pair // fixedPoly
	OutGain Pair    // 2⁵·unit/step, in 2⁻¹⁵
	OutZero Pair    // zero point and a half, with 5 fraction bits
	ResGain Pair    // step of the residual/step, in 2⁻¹³
	ResZero Pair
}

// NewFixedSiLU makes the constants for outputs and residuals of given step
// sizes and zero points (resStep 0: no residual). unit is how many units are 1:
// the convolution's scales and biases must be in units, see FixedBias. It
// reports false where the numbers do not fit: step must be from 0.0093 to 9
// and more than a quarter of resStep.
func NewFixedSiLU(step float32, zero int32, resStep float32, resZero int32) (f FixedSiLU, unit float32, ok bool) {
	size, spread := fixedRange/(1<<15), int32(1)
	for ; spread < 1<<10 && 2*size < float64(step)/(1<<fixedFraction); spread *= 2 {
		size *= 2
	}
	gain := math.Round(size / float64(step) * (1 << (15 + fixedFraction)))
	resGain := math.Round(float64(resStep) / float64(step) * (1 << (8 + fixedFraction)))
	if !(gain < 1<<15 && gain >= 1<<14-1) || !(resGain < 1<<15) {
		return FixedSiLU{}, 0, false
	}
	f = FixedSiLU{Limit: pair(1<<15/spread - 1), Spread: pair(spread), OutGain: pair(int32(gain)), ResGain: pair(int32(resGain)),
		OutZero: pair(zero<<fixedFraction + 1<<(fixedFraction-1)), ResZero: pair(resZero)}
	for i, c := range fixedPoly {
		f.Poly[i] = pair(int32(c))
	}
	return f, float32(1 / size), true
}

// roundMagic is 1.5·2²³: adding it to a float32 of magnitude under 2²² rounds
// to the nearest integer, ties to even, and leaves that in the low bits.
const roundMagic float32 = 12582912

// FixedBias returns a bias, in units, as ActSiLUFixed takes it, with the
// constant that rounds to integers added. It reports false where |bias| and the
// largest sum that is added to it may together leave the range of that.
func FixedBias(bias float32, sum float64) (float32, bool) {
	return bias + roundMagic, math.Abs(float64(bias))+sum < fixedReach
}
