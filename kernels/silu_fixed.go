//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// fixedPoly are the coefficients of ActSiLUFixed's r times 2¹², highest power (4)
// first, down to power 1: a fit of σ(−|x|)^¼, then a search among integers.
var fixedPoly = [4]int16{-8317, 19035, -12041, 4785}

// Bounds that keep the sum of a number, its bias and roundMagic exact.
const (
	leastFixed float32 = -1 << 22
	fixedBias  float32 = 1 << 21
)

// mulQ15 is a·b/2¹⁵, rounded half up: i16x8.q15mulr_sat_s, as long as not both
// are −2¹⁵.
func mulQ15(a, b int16) int16 { return int16((int32(a)*int32(b) + 1<<14) >> 15) }

func saturate16(v int32) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

// fixedArgument is y + bias in 16 bits: both in units, y without its bias.
func fixedArgument(y, bias float32) int16 {
	if !(y > leastFixed) {
		y = leastFixed
	}
	if !(bias > -fixedBias) {
		bias = -fixedBias
	}
	if !(bias < fixedBias) {
		bias = fixedBias
	}
	y += float32(bias + roundMagic)
	return saturate16(int32(math.Float32bits(y)) - int32(math.Float32bits(roundMagic)))
}

// fixedSiLU is the activation of x, in units.
func (d *ConvDesc) fixedSiLU(x int16) int16 {
	size := max(int32(x), -int32(x))
	v := int16(max(1<<15/d.Spread-1-size, 0) * d.Spread)
	r := fixedPoly[0]
	for _, c := range fixedPoly[1:] {
		r = mulQ15(r, v) + c
	}
	r = mulQ15(r, v) << 3
	r = mulQ15(r, r)
	r = mulQ15(r, r)
	return max(x, 0) - mulQ15(int16(size), r)
}

// storeFixed is the epilogue of ActSiLUFixed; v is in units, without its bias.
func (d *ConvDesc) storeFixed(mem []byte, y, x, o int32, v float32) {
	bias := float32(*at[float32](mem, d.Bias+uint32(4*o)) * d.Unit)
	q := mulQ15(d.fixedSiLU(fixedArgument(v, bias)), int16(d.OutGain))
	if d.Res.Addr != 0 {
		r := int16(int32(mem[d.Res.pixel(y, x)+uint32(o)])-d.ResZero) << 7
		q = saturate16(int32(q) + int32(mulQ15(r, int16(d.ResGain))))
	}
	q = saturate16(int32(q) + d.OutZero<<fixedFraction + 1<<(fixedFraction-1))
	mem[d.Dst.pixel(y, x)+uint32(o)] = uint8(min(max(q>>fixedFraction, 0), 255))
}

// fixedSiLU emits the epilogue of ActSiLUFixed, a pixel's channels a vector.
type fixedSiLU struct {
	*epilogue
	unit, least, magic, back     asm.Local
	s, b                         []asm.Local // the panel's scales and biases, in units
	limit, spread, gain, resGain asm.Local
	resZero, zero                asm.Local
	poly                         []asm.Local
	x, v, r                      []asm.Local // of each pixel
}

func (f *epilogue) newFixedSiLU() *fixedSiLU {
	var d ConvDesc
	splat := func(v asm.Value) asm.Local { return f.Let(asm.I16x8Splat(v)) }
	field := func(offset uintptr) asm.Value { return asm.I32Load(f.desc, uint32(offset)) }
	s := &fixedSiLU{epilogue: f,
		unit: f.splatField(unsafe.Offsetof(d.Unit)), least: f.Let(asm.VecF32(leastFixed)),
		magic: f.Let(asm.VecF32(roundMagic)), back: f.Let(asm.VecI32(-int32(math.Float32bits(roundMagic)))),
		s: f.Locals(asm.V128, 2), b: f.Locals(asm.V128, 2),
		limit: f.Local(asm.V128), spread: splat(field(unsafe.Offsetof(d.Spread))),
		gain: splat(field(unsafe.Offsetof(d.OutGain))), resGain: splat(field(unsafe.Offsetof(d.ResGain))),
		resZero: splat(field(unsafe.Offsetof(d.ResZero))),
		zero:    splat(asm.I32Add(asm.I32Shl(field(unsafe.Offsetof(d.OutZero)), asm.Int(fixedFraction)), asm.Int(1<<(fixedFraction-1)))),
		x:       f.Locals(asm.V128, f.pixels), v: f.Locals(asm.V128, f.pixels), r: f.Locals(asm.V128, f.pixels),
	}
	for _, c := range fixedPoly {
		s.poly = append(s.poly, f.Let(asm.VecI16(c)))
	}
	f.If(s.on(), func() {
		f.Set(s.limit, asm.I16x8Splat(asm.I32Sub(asm.I32DivU(asm.Int(1<<15), field(unsafe.Offsetof(d.Spread))), asm.Int(1))))
	})
	return s
}

// on tells whether the descriptor asks for this activation.
func (s *fixedSiLU) on() asm.Expr { return asm.I32Eq(s.act, asm.Int(ActSiLUFixed)) }

// panel takes the panel's scales and biases to units.
func (s *fixedSiLU) panel() {
	s.If(s.on(), func() {
		for j := range s.b {
			bias := asm.F32x4Mul(asm.V128Load(s.bias, uint32(16*j)), s.unit)
			bias = asm.F32x4Pmin(asm.VecF32(fixedBias), asm.F32x4Pmax(asm.VecF32(-fixedBias), bias))
			s.Set(s.b[j], asm.F32x4Add(bias, s.magic))
			if s.integers() {
				s.Set(s.s[j], asm.F32x4Mul(asm.V128Load(s.scale, uint32(16*j)), s.unit))
			}
		}
	})
}

// mul emits mulQ15. The relaxed instruction differs where both are −2¹⁵ only.
func (s *fixedSiLU) mul(a, b asm.Value) asm.Expr {
	if s.variant.Relaxed {
		return asm.I16x8RelaxedQ15mulrS(a, b)
	}
	return asm.I16x8Q15mulrSatS(a, b)
}

// emit emits the epilogue of the sums. All pixels take each step together, so
// that a processor can overlap their chains of dependent operations.
func (s *fixedSiLU) emit() {
	each := func(step func(i int, x, v, r asm.Local)) {
		for i := range s.x {
			step(i, s.x[i], s.v[i], s.r[i])
		}
	}
	each(func(i int, x, _, _ asm.Local) { s.Set(x, asm.I16x8NarrowI32x4S(s.argument(i, 0), s.argument(i, 1))) })
	each(func(_ int, x, v, _ asm.Local) {
		s.Set(v, asm.I16x8Mul(asm.I16x8SubSatU(s.limit, asm.I16x8Abs(x)), s.spread))
	})
	each(func(_ int, _, v, r asm.Local) { s.Set(r, asm.I16x8Add(s.mul(s.poly[0], v), s.poly[1])) })
	for _, c := range s.poly[2:] {
		each(func(_ int, _, v, r asm.Local) { s.Set(r, asm.I16x8Add(s.mul(r, v), c)) })
	}
	each(func(_ int, _, v, r asm.Local) { s.Set(r, asm.I16x8Shl(s.mul(r, v), asm.Int(3))) })
	for range 2 {
		each(func(_ int, _, _, r asm.Local) { s.Set(r, s.mul(r, r)) })
	}
	each(func(_ int, x, _, r asm.Local) { s.Set(r, s.mul(asm.I16x8Abs(x), r)) })
	each(func(_ int, x, _, r asm.Local) {
		s.Set(x, s.mul(asm.I16x8Sub(asm.I16x8MaxS(x, asm.VecI16(0)), r), s.gain))
	})
	s.If(s.resAddr, func() {
		each(func(i int, x, _, _ asm.Local) {
			res := asm.I16x8Shl(asm.I16x8Sub(asm.V128Load8x8U(s.res(i), 0), s.resZero), asm.Int(7))
			s.Set(x, asm.I16x8AddSatS(x, s.mul(res, s.resGain)))
		})
	})
	round := func(x asm.Local) asm.Expr {
		return asm.I16x8ShrS(asm.I16x8AddSatS(x, s.zero), asm.Int(fixedFraction))
	}
	for i := 0; i < len(s.x); i += 2 {
		s.Set(s.a, asm.I8x16NarrowI16x8U(round(s.x[i]), round(s.x[i+1])))
		s.Do(asm.V128Store64Lane(s.dst(i), 0, s.a, 0), asm.V128Store64Lane(s.dst(i+1), 0, s.a, 1))
	}
}

// argument yields half j of pixel i's numbers as int32 units.
func (s *fixedSiLU) argument(i, j int) asm.Expr {
	y := asm.Value(s.acc[2*i+j])
	if s.integers() {
		y = asm.F32x4Mul(asm.F32x4ConvertI32x4S(y), s.s[j])
	}
	return asm.I32x4Add(asm.F32x4Add(asm.F32x4Pmax(s.least, y), s.b[j]), s.back)
}
