//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// refWiden is the oracle of OpWiden.
func refWiden(mem []byte, desc uint32, begin, end int32) {
	d := at[WidenDesc](mem, desc)
	for t := begin; t < end; t++ {
		top, bottom := t, t+1
		if t == 0 {
			top = -d.Pad
		}
		if t == d.H-1 {
			bottom = d.H + d.Pad
		}
		for y := top; y < bottom; y++ {
			for x := -d.Pad; x < d.W+d.Pad; x++ {
				dst := view[int16](mem, d.Dst.pixel(y, x), int(d.C))
				clear(dst)
				if y != t || x < 0 || x >= d.W {
					continue
				}
				for i, q := range mem[d.Src.pixel(y, x):][:d.C] {
					dst[i] = int16(int32(q) - d.Zero)
				}
			}
		}
	}
}

// emitWiden emits OpWiden.
func emitWiden(e *emitter) {
	var d WidenDesc
	src, dst := e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))
	h, w, c := e.field(unsafe.Offsetof(d.H)), e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.C))
	zero := e.splatZero(unsafe.Offsetof(d.Zero))
	pad := e.field(unsafe.Offsetof(d.Pad))
	left := e.Let(asm.I32Mul(pad, dst.pix)) // bytes of the border beside a row
	row, p, q, n := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	v := e.Local(asm.V128)

	// zeros clears count pixels from q on.
	zeros := func(count asm.Value) {
		e.Set(n, asm.I32Mul(count, dst.pix))
		e.clearPixels(q, n, c, dst.pix)
	}
	// borderRows clears whole rows from y to end, borders at their sides included.
	y := e.Local(asm.I32)
	borderRows := func(start, end asm.Value) {
		e.For(y, start, end, 1, func() {
			e.Set(q, asm.I32Sub(asm.I32Add(dst.addr, asm.I32Mul(y, dst.row)), left))
			zeros(asm.I32Add(w, asm.I32Shl(pad, asm.Int(1))))
		})
	}
	pixels, elements := e.denseRow([]mapLocals{src, dst}, []int32{1, 2}, w, c)
	i, k := e.Local(asm.I32), e.Local(asm.I32)
	e.tiles(func(t asm.Local) {
		e.If(asm.I32Eqz(t), func() { borderRows(asm.I32Sub(asm.Int(0), pad), asm.Int(0)) })
		e.Set(row, asm.I32Add(dst.addr, asm.I32Mul(t, dst.row)))
		e.Set(q, asm.I32Sub(row, left))
		zeros(pad)
		e.For(i, asm.Int(0), pixels, 1, func() {
			e.Set(p, asm.I32Add(asm.I32Add(src.addr, asm.I32Mul(t, src.row)), asm.I32Mul(i, src.pix)))
			e.Set(q, asm.I32Add(row, asm.I32Mul(i, dst.pix)))
			e.Set(k, elements)
			// part emits lanes elements at once, as long as there are as many.
			part := func(lanes int32, step func()) {
				e.While(asm.I32GeS(k, asm.Int(lanes)), func() {
					step()
					e.Add(p, asm.Int(lanes))
					e.Add(q, asm.Int(2*lanes))
					e.Add(k, asm.Int(-lanes))
				})
			}
			wide := func(at uint32) asm.Expr { return asm.I16x8Sub(asm.V128Load8x8U(p, at), zero) }
			part(16, func() { e.Do(asm.V128Store(q, 0, wide(0)), asm.V128Store(q, 16, wide(8))) })
			part(4, func() {
				e.Set(v, asm.I16x8Sub(asm.I16x8ExtendLowI8x16U(asm.V128Load32Zero(p, 0)), zero))
				e.Do(asm.V128Store64Lane(q, 0, v, 0))
			})
		})
		e.Set(q, asm.I32Add(row, asm.I32Mul(w, dst.pix)))
		zeros(pad)
		e.If(asm.I32Eq(t, asm.I32Sub(h, asm.Int(1))), func() { borderRows(h, asm.I32Add(h, pad)) })
	})
}

// clearPixels zeroes the c int16 of each pixel in the n bytes at q; pix is the
// pixel's pitch. q and n are consumed. c is a multiple of 4.
func (e *emitter) clearPixels(q, n, c, pix asm.Local) {
	k, end := e.Local(asm.I32), e.Local(asm.I32)
	e.Set(end, asm.I32Add(q, n))
	e.While(asm.I32LtU(q, end), func() {
		e.For(k, asm.Int(0), c, 4, func() {
			e.Do(asm.I64Store(asm.I32Add(q, asm.I32Shl(k, asm.Int(1))), 0, asm.Long(0)))
		})
		e.Add(q, pix)
	})
}
