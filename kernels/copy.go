//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// refCopy is the oracle of OpCopy.
func refCopy(mem []byte, desc uint32, begin, end int32) {
	d := at[CopyDesc](mem, desc)
	for y := begin; y < end; y++ {
		for x := range d.W {
			copy(mem[d.Dst.pixel(y, x):][:d.Bytes], mem[d.Src.pixel(y, x):][:d.Bytes])
		}
	}
}

// emitCopy emits OpCopy.
func emitCopy(e *emitter) {
	var d CopyDesc
	src, dst := e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))
	w, size := e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.Bytes))
	pixels, bytes := e.denseRow([]mapLocals{src, dst}, []int32{1, 1}, w, size)
	from, to, pFrom, pTo := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	n, left := e.Local(asm.I32), e.Local(asm.I32)
	e.tiles(func(y asm.Local) {
		e.Set(from, asm.I32Add(src.addr, asm.I32Mul(y, src.row)))
		e.Set(to, asm.I32Add(dst.addr, asm.I32Mul(y, dst.row)))
		e.For(n, asm.Int(0), pixels, 1, func() {
			e.Set(pFrom, from)
			e.Set(pTo, to)
			e.Set(left, bytes)
			e.copyBytes(pTo, pFrom, left)
			e.Add(from, src.pix)
			e.Add(to, dst.pix)
		})
	})
}
