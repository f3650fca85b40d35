//go:build !js

package kernels

import (
	"encoding/binary"
	"unsafe"

	"eagleeye/kernels/asm"
)

// refFillBorder is the oracle of OpFillBorder.
func refFillBorder(mem []byte, desc uint32, begin, end int32) {
	d := at[BorderDesc](mem, desc)
	lo, hi := begin, end
	if begin == 0 {
		lo = -d.Pad
	}
	if end == d.H {
		hi = d.H + d.Pad
	}
	for y := lo; y < hi; y++ {
		for x := -d.Pad; x < d.W+d.Pad; x++ {
			if y >= 0 && y < d.H && x >= 0 && x < d.W {
				continue
			}
			p := mem[d.Dst.pixel(y, x):][:d.Bytes]
			for i := 0; i < len(p); i += 4 {
				binary.LittleEndian.PutUint32(p[i:], d.Value)
			}
		}
	}
}

// emitFillBorder emits OpFillBorder: rows outside the map are one stretch of
// W + 2·Pad pixels, rows of the map have one of Pad at each end.
func emitFillBorder(e *emitter) {
	var d BorderDesc
	dst := e.mapField(unsafe.Offsetof(d.Dst))
	h, w := e.field(unsafe.Offsetof(d.H)), e.field(unsafe.Offsetof(d.W))
	size, pad := e.field(unsafe.Offsetof(d.Bytes)), e.field(unsafe.Offsetof(d.Pad))
	value := e.splatField(unsafe.Offsetof(d.Value))
	dense := e.Let(asm.I32Eq(dst.pix, size))
	minus := e.Let(asm.I32Sub(asm.Int(0), pad))

	y, x, count := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	p, q, n := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	hi := e.Let(asm.Select(asm.I32Add(h, pad), e.end, asm.I32Eq(e.end, h)))
	lo := asm.Select(e.begin, minus, e.begin)
	inside := asm.I32LtU(y, h)
	e.For(y, lo, hi, 1, func() {
		e.Set(x, minus)
		e.Set(count, asm.Select(pad, asm.I32Add(w, asm.I32Shl(pad, asm.Int(1))), inside))
		e.Loop(func(again asm.Label) {
			e.Set(p, asm.I32Add(dst.addr, asm.I32Add(asm.I32Mul(y, dst.row), asm.I32Mul(x, dst.pix))))
			e.If(dense, func() {
				e.Set(n, asm.I32Mul(count, size))
				e.fillBytes(p, n, value)
			}, func() {
				e.While(asm.I32GtS(count, asm.Int(0)), func() {
					e.Set(q, p)
					e.Set(n, size)
					e.fillBytes(q, n, value)
					e.Add(p, dst.pix)
					e.Add(count, asm.Int(-1))
				})
			})
			e.If(asm.I32And(inside, asm.I32Ne(x, w)), func() {
				e.Set(x, w)
				e.Set(count, pad)
				e.Br(again)
			})
		})
	})
}
