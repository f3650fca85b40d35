//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// refAddU8 is the oracle of OpAddU8.
func refAddU8(mem []byte, desc uint32, begin, end int32) {
	d := at[AddDesc](mem, desc)
	for y := begin; y < end; y++ {
		for x := range d.W {
			a, b := mem[d.A.pixel(y, x):][:d.C], mem[d.B.pixel(y, x):][:d.C]
			dst := mem[d.Dst.pixel(y, x):][:d.C]
			for i := range dst {
				va := float32(float32(int32(a[i])-d.AZero) * d.AScale)
				vb := float32(float32(int32(b[i])-d.BZero) * d.BScale)
				dst[i] = quantize(va+vb, d.OutInv, d.OutZero)
			}
		}
	}
}

// refAddF32 is the oracle of OpAddF32, refMulF32 that of OpMulF32.
func refAddF32(mem []byte, desc uint32, begin, end int32) {
	refBinaryF32(mem, desc, begin, end, func(a, b float32) float32 { return a + b })
}

func refMulF32(mem []byte, desc uint32, begin, end int32) {
	refBinaryF32(mem, desc, begin, end, func(a, b float32) float32 { return a * b })
}

func refBinaryF32(mem []byte, desc uint32, begin, end int32, op func(a, b float32) float32) {
	d := at[AddDesc](mem, desc)
	for y := begin; y < end; y++ {
		for x := range d.W {
			a := view[float32](mem, d.A.pixel(y, x), int(d.C))
			b := view[float32](mem, d.B.pixel(y, x), int(d.C))
			dst := view[float32](mem, d.Dst.pixel(y, x), int(d.C))
			for i := range dst {
				dst[i] = op(a[i], b[i])
			}
		}
	}
}

// emitAddU8 emits OpAddU8.
func emitAddU8(e *emitter) {
	var d AddDesc
	aScale, aZero := e.splatField(unsafe.Offsetof(d.AScale)), e.splatZero(unsafe.Offsetof(d.AZero))
	bScale, bZero := e.splatField(unsafe.Offsetof(d.BScale)), e.splatZero(unsafe.Offsetof(d.BZero))
	quant := e.newQuantizer(unsafe.Offsetof(d.OutInv), unsafe.Offsetof(d.OutZero))
	e.walkAdd(1, 8, func(a, b, dst asm.Local) {
		aLo, aHi := e.real(a, aZero, aScale)
		bLo, bHi := e.real(b, bZero, bScale)
		q := quant.bytes(asm.F32x4Add(aLo, bLo), asm.F32x4Add(aHi, bHi))
		e.Do(asm.V128Store64Lane(dst, 0, q, 0))
	})
}

// emitAddF32 emits OpAddF32, emitMulF32 OpMulF32.
func emitAddF32(e *emitter) { emitBinaryF32(e, asm.F32x4Add) }

func emitMulF32(e *emitter) { emitBinaryF32(e, asm.F32x4Mul) }

func emitBinaryF32(e *emitter, op asm.Binary) {
	e.walkAdd(4, 4, func(a, b, dst asm.Local) {
		e.Do(asm.V128Store(dst, 0, op(asm.V128Load(a, 0), asm.V128Load(b, 0))))
	})
}

// walkAdd walks an AddDesc of elements of size bytes, unit at a time.
func (e *emitter) walkAdd(size, unit int32, body func(a, b, dst asm.Local)) {
	var d AddDesc
	maps := []mapLocals{
		e.mapField(unsafe.Offsetof(d.A)), e.mapField(unsafe.Offsetof(d.B)), e.mapField(unsafe.Offsetof(d.Dst)),
	}
	w, c := e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.C))
	e.walk(maps, []int32{size, size, size}, w, c, unit, func(p []asm.Local) { body(p[0], p[1], p[2]) })
}
