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
)

// UseFixedSiLU makes the descriptor's activation ActSiLUFixed, for outputs of
// step size step and residuals of step size resStep (0: none), and reports
// whether that is possible: step must be from 0.0093 to 9 and more than a quarter
// of resStep. Else the descriptor stays as it is.
func (d *ConvDesc) UseFixedSiLU(step, resStep float32) bool {
	unit, spread := fixedRange/(1<<15), int32(1)
	for ; spread < 1<<10 && 2*unit < float64(step)/(1<<fixedFraction); spread *= 2 {
		unit *= 2
	}
	gain := math.Round(unit / float64(step) * (1 << (15 + fixedFraction)))
	resGain := math.Round(float64(resStep) / float64(step) * (1 << (8 + fixedFraction)))
	if !(gain < 1<<15 && gain >= 1<<14-1) || !(resGain < 1<<15) {
		return false
	}
	d.Act, d.Unit, d.Spread = ActSiLUFixed, float32(1/unit), spread
	d.OutGain, d.ResGain = int32(gain), int32(resGain)
	return true
}
