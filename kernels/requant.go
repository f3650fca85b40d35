//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// real emits (q − zero)·scale of eight bytes at p, into two new locals.
func (e *emitter) real(p, zero, scale asm.Local) (lo, hi asm.Local) {
	q := e.Let(asm.I16x8Sub(asm.V128Load8x8U(p, 0), zero))
	lo = e.Let(asm.F32x4Mul(asm.F32x4ConvertI32x4S(asm.I32x4ExtendLowI16x8S(q)), scale))
	hi = e.Let(asm.F32x4Mul(asm.F32x4ConvertI32x4S(asm.I32x4ExtendHighI16x8S(q)), scale))
	return lo, hi
}

// splatZero reads a zero point of the descriptor into 16-bit lanes.
func (e *emitter) splatZero(offset uintptr) asm.Local {
	return e.Let(asm.I16x8Splat(asm.I32Load(e.desc, uint32(offset))))
}

// refRequant is the oracle of OpRequant.
func refRequant(mem []byte, desc uint32, begin, end int32) {
	d := at[RequantDesc](mem, desc)
	d.each(begin, end, func(y, x int32) {
		src, dst := mem[d.Src.pixel(y, x):][:d.C], mem[d.Dst.pixel(y, x):][:d.C]
		for i, q := range src {
			v := float32(int32(q)-d.SrcZero) * d.SrcScale
			dst[i] = quantize(v, d.OutInv, d.OutZero)
		}
	})
}

// refQuantize is the oracle of OpQuantize.
func refQuantize(mem []byte, desc uint32, begin, end int32) {
	d := at[RequantDesc](mem, desc)
	d.each(begin, end, func(y, x int32) {
		dst := mem[d.Dst.pixel(y, x):][:d.C]
		for i, v := range view[float32](mem, d.Src.pixel(y, x), int(d.C)) {
			dst[i] = quantize(v, d.OutInv, d.OutZero)
		}
	})
}

// refDequantize is the oracle of OpDequantize.
func refDequantize(mem []byte, desc uint32, begin, end int32) {
	d := at[RequantDesc](mem, desc)
	d.each(begin, end, func(y, x int32) {
		dst := view[float32](mem, d.Dst.pixel(y, x), int(d.C))
		for i, q := range mem[d.Src.pixel(y, x):][:d.C] {
			dst[i] = float32(int32(q)-d.SrcZero) * d.SrcScale
		}
	})
}

// each runs body for every pixel of rows [begin, end).
func (d *RequantDesc) each(begin, end int32, body func(y, x int32)) {
	for y := begin; y < end; y++ {
		for x := range d.W {
			body(y, x)
		}
	}
}

// emitRequant emits OpRequant.
func emitRequant(e *emitter) {
	var d RequantDesc
	scale, zero := e.splatField(unsafe.Offsetof(d.SrcScale)), e.splatZero(unsafe.Offsetof(d.SrcZero))
	quant := e.newQuantizer(unsafe.Offsetof(d.OutInv), unsafe.Offsetof(d.OutZero))
	e.walkRequant(1, 1, func(src, dst asm.Local) {
		lo, hi := e.real(src, zero, scale)
		e.Do(asm.V128Store64Lane(dst, 0, quant.bytes(lo, hi), 0))
	})
}

// emitQuantize emits OpQuantize.
func emitQuantize(e *emitter) {
	var d RequantDesc
	quant := e.newQuantizer(unsafe.Offsetof(d.OutInv), unsafe.Offsetof(d.OutZero))
	e.walkRequant(4, 1, func(src, dst asm.Local) {
		e.Do(asm.V128Store64Lane(dst, 0, quant.bytes(asm.V128Load(src, 0), asm.V128Load(src, 16)), 0))
	})
}

// emitDequantize emits OpDequantize.
func emitDequantize(e *emitter) {
	var d RequantDesc
	scale, zero := e.splatField(unsafe.Offsetof(d.SrcScale)), e.splatZero(unsafe.Offsetof(d.SrcZero))
	e.walkRequant(1, 4, func(src, dst asm.Local) {
		lo, hi := e.real(src, zero, scale)
		e.Do(asm.V128Store(dst, 0, lo), asm.V128Store(dst, 16, hi))
	})
}

// walkRequant walks a RequantDesc, eight elements at a time.
func (e *emitter) walkRequant(srcSize, dstSize int32, body func(src, dst asm.Local)) {
	var d RequantDesc
	maps := []mapLocals{e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))}
	w, c := e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.C))
	e.walk(maps, []int32{srcSize, dstSize}, w, c, 8, func(p []asm.Local) { body(p[0], p[1]) })
}
