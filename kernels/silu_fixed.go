//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// mulQ15 is a·b/2¹⁵, rounded half up: i16x8.q15mulr_sat_s, as long as not both
// are −2¹⁵.
func mulQ15(a, b int16) int16 { return int16((int32(a)*int32(b) + 1<<14) >> 15) }

func saturate16(v int32) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

// of is the activation of x, in units.
func (f *FixedSiLU) of(x int16) int16 {
	size := max(int32(x), -int32(x))
	v := int16(max(int32(f.Limit.value())-size, 0) * int32(f.Spread.value()))
	r := f.Poly[0].value()
	for _, c := range f.Poly[1:] {
		r = mulQ15(r, v) + c.value()
	}
	r = mulQ15(r, v) << 3
	r = mulQ15(r, r)
	r = mulQ15(r, r)
	return max(x, 0) - mulQ15(int16(size), r)
}

// storeFixed is the epilogue of ActSiLUFixed from the bias on; v is in units.
func (d *ConvDesc) storeFixed(mem []byte, y, x, o int32, v float32) {
	v += *at[float32](mem, d.Bias+uint32(4*o))
	arg := saturate16(int32(math.Float32bits(v)) - int32(math.Float32bits(roundMagic)))
	q := mulQ15(d.Fixed.of(arg), d.Fixed.OutGain.value())
	if d.Res.Addr != 0 {
		r := (int16(mem[d.Res.pixel(y, x)+uint32(o)]) - d.Fixed.ResZero.value()) << 7
		q = saturate16(int32(q) + int32(mulQ15(r, d.Fixed.ResGain.value())))
	}
	q = saturate16(int32(q) + int32(d.Fixed.OutZero.value()))
	mem[d.Dst.pixel(y, x)+uint32(o)] = uint8(min(max(q>>fixedFraction, 0), 255))
}

// fixedSiLU emits the epilogue of ActSiLUFixed, a pixel's channels a vector. It
// reads all constants from the descriptor where it needs them, which leaves the
// registers to the sums.
type fixedSiLU struct {
	*epilogue
	c, back asm.Local   // a constant, −roundMagic
	s, b    []asm.Local // the panel's scales and biases
	x, v, r []asm.Local // of each pixel
}

func (f *epilogue) newFixedSiLU() *fixedSiLU {
	return &fixedSiLU{epilogue: f, c: f.Local(asm.V128), back: f.Let(asm.VecI32(-int32(math.Float32bits(roundMagic)))),
		s: f.Locals(asm.V128, 2), b: f.Locals(asm.V128, 2),
		x: f.Locals(asm.V128, f.pixels), v: f.Locals(asm.V128, f.pixels), r: f.Locals(asm.V128, f.pixels),
	}
}

// on tells whether the descriptor asks for this activation.
func (s *fixedSiLU) on() asm.Expr { return asm.I32Eq(s.act, asm.Int(ActSiLUFixed)) }

// constant reads a Pair of FixedSiLU into c.
func (s *fixedSiLU) constant(offset uintptr) asm.Local {
	var d ConvDesc
	s.Set(s.c, asm.V128Load32Splat(s.desc, uint32(unsafe.Offsetof(d.Fixed)+offset)))
	return s.c
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
	var f FixedSiLU
	each := func(step func(i int, x, v, r asm.Local)) {
		for i := range s.x {
			step(i, s.x[i], s.v[i], s.r[i])
		}
	}
	for j := range s.b {
		s.Set(s.b[j], asm.V128Load(s.bias, uint32(16*j)))
		if s.integers() {
			s.Set(s.s[j], asm.V128Load(s.scale, uint32(16*j)))
		}
	}
	each(func(i int, x, _, _ asm.Local) { s.Set(x, asm.I16x8NarrowI32x4S(s.argument(i, 0), s.argument(i, 1))) })
	c := s.constant(unsafe.Offsetof(f.Limit))
	each(func(_ int, x, v, _ asm.Local) { s.Set(v, asm.I16x8SubSatU(c, asm.I16x8Abs(x))) })
	c = s.constant(unsafe.Offsetof(f.Spread))
	each(func(_ int, x, v, _ asm.Local) { s.Set(v, asm.I16x8Mul(v, c)) })
	c = s.constant(unsafe.Offsetof(f.Poly))
	each(func(_ int, _, v, r asm.Local) { s.Set(r, s.mul(c, v)) })
	for i := range len(f.Poly) - 1 {
		c = s.constant(unsafe.Offsetof(f.Poly) + uintptr(i+1)*unsafe.Sizeof(f.Limit))
		each(func(_ int, _, v, r asm.Local) { s.Set(r, s.mul(asm.I16x8Add(r, c), v)) })
	}
	each(func(_ int, _, _, r asm.Local) { s.Set(r, asm.I16x8Shl(r, asm.Int(3))) })
	for range 2 {
		each(func(_ int, _, _, r asm.Local) { s.Set(r, s.mul(r, r)) })
	}
	each(func(_ int, x, _, r asm.Local) { s.Set(r, s.mul(asm.I16x8Abs(x), r)) })
	c = s.constant(unsafe.Offsetof(f.OutGain))
	each(func(_ int, x, _, r asm.Local) {
		s.Set(x, s.mul(asm.I16x8Sub(asm.I16x8MaxS(x, asm.VecI16(0)), r), c))
	})
	s.If(s.resAddr, func() {
		zero := s.v[0]
		s.Set(zero, s.constant(unsafe.Offsetof(f.ResZero)))
		c := s.constant(unsafe.Offsetof(f.ResGain))
		each(func(i int, x, _, _ asm.Local) {
			res := asm.I16x8Shl(asm.I16x8Sub(asm.V128Load8x8U(s.res(i), 0), zero), asm.Int(7))
			s.Set(x, asm.I16x8AddSatS(x, s.mul(res, c)))
		})
	})
	c = s.constant(unsafe.Offsetof(f.OutZero))
	round := func(x asm.Local) asm.Expr { return asm.I16x8ShrS(asm.I16x8AddSatS(x, c), asm.Int(fixedFraction)) }
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
	return asm.I32x4Add(asm.F32x4Add(y, s.b[j]), s.back)
}
