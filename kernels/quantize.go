//go:build !js

package kernels

import (
	"math"

	"eagleeye/kernels/asm"
)

// quantize is clamp(roundEven(y·inv) + zero, 0, 255) with zero in 0..255; NaN
// gives 0. Clamping before rounding is the same, as the bounds are integers.
func quantize(y, inv float32, zero int32) uint8 {
	v := float32(y * inv)
	if lo := float32(-zero); !(v > lo) {
		v = lo
	}
	if hi := float32(255 - zero); !(v < hi) {
		v = hi
	}
	return uint8(int32(math.RoundToEven(float64(v))) + zero)
}

// quantizer emits quantize in each lane.
type quantizer struct {
	*emitter
	inv, lo, hi, magic, back asm.Local
}

// newQuantizer reads the inverse scale (float32) and zero point (int32) at byte
// offsets of the descriptor.
func (e *emitter) newQuantizer(inv, zero uintptr) quantizer {
	q := quantizer{emitter: e, inv: e.splatField(inv), lo: e.Local(asm.V128), hi: e.Local(asm.V128),
		magic: e.Let(asm.VecF32(roundMagic)), back: e.Local(asm.V128)}
	z := e.splatField(zero)
	e.Set(q.lo, asm.F32x4ConvertI32x4S(asm.I32x4Neg(z)))
	e.Set(q.hi, asm.F32x4ConvertI32x4S(asm.I32x4Sub(asm.VecI32(255), z)))
	e.Set(q.back, asm.I32x4Sub(z, q.magic))
	return q
}

// bytes yields the quantized lanes of lo and hi in the low 8 bytes.
func (q quantizer) bytes(lo, hi asm.Value) asm.Expr {
	v := q.Let(asm.I16x8NarrowI32x4S(q.of(lo), q.of(hi)))
	return asm.I8x16NarrowI16x8U(v, v)
}

// of yields the quantized lanes of y as int32 in 0..255.
func (q quantizer) of(y asm.Value) asm.Expr {
	v := asm.F32x4Pmin(q.hi, asm.F32x4Pmax(q.lo, asm.F32x4Mul(y, q.inv)))
	return asm.I32x4Add(asm.F32x4Add(v, q.magic), q.back)
}
