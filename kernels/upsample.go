//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// refUpsample is the oracle of OpUpsample.
func refUpsample(mem []byte, desc uint32, begin, end int32) {
	d := at[UpsampleDesc](mem, desc)
	for y := begin * d.Factor; y < end*d.Factor; y++ {
		for x := range d.W * d.Factor {
			copy(mem[d.Dst.pixel(y, x):][:d.Bytes], mem[d.Src.pixel(y/d.Factor, x/d.Factor):][:d.Bytes])
		}
	}
}

// emitUpsample emits OpUpsample: each 16 bytes are read once and written
// Factor² times.
func emitUpsample(e *emitter) {
	var d UpsampleDesc
	src, dst := e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))
	w, size := e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.Bytes))
	factor := e.field(unsafe.Offsetof(d.Factor))
	wide := e.Let(asm.I32Mul(factor, dst.pix))
	gap := e.Let(asm.I32Sub(dst.row, wide))

	from, to := e.Local(asm.I32), e.Local(asm.I32)
	x, c, i, j, p := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	v := e.Local(asm.V128)
	spread := func(store func() asm.Expr) {
		e.Set(p, asm.I32Add(to, c))
		e.For(i, asm.Int(0), factor, 1, func() {
			e.For(j, asm.Int(0), factor, 1, func() {
				e.Do(store())
				e.Add(p, dst.pix)
			})
			e.Add(p, gap)
		})
	}
	e.tiles(func(y asm.Local) {
		e.Set(from, asm.I32Add(src.addr, asm.I32Mul(y, src.row)))
		e.Set(to, asm.I32Add(dst.addr, asm.I32Mul(asm.I32Mul(y, factor), dst.row)))
		e.For(x, asm.Int(0), w, 1, func() {
			e.For(c, asm.Int(0), whole(size, 16), 16, func() {
				e.Set(v, asm.V128Load(asm.I32Add(from, c), 0))
				spread(func() asm.Expr { return asm.V128Store(p, 0, v) })
			})
			e.If(asm.I32LtS(c, size), func() {
				e.Set(v, asm.V128Load64Zero(asm.I32Add(from, c), 0))
				spread(func() asm.Expr { return asm.V128Store64Lane(p, 0, v, 0) })
			})
			e.Add(from, src.pix)
			e.Add(to, wide)
		})
	})
}
