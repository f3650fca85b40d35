//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// refWiden is the oracle of OpWiden.
func refWiden(mem []byte, desc uint32, begin, end int32) {
	d := at[WidenDesc](mem, desc)
	refWidened(mem, d, begin, end, func(dst []int16, src uint32) {
		for i, q := range mem[src:][:len(dst)] {
			dst[i] = int16(int32(q) - d.Zero)
		}
	})
}

// refWidenF32 is the oracle of OpWidenF32.
func refWidenF32(mem []byte, desc uint32, begin, end int32) {
	d := at[WidenDesc](mem, desc)
	refWidened(mem, d, begin, end, func(dst []int16, src uint32) {
		for i, y := range view[float32](mem, src, len(dst)) {
			switch v := math.RoundToEven(float64(float32(y * d.Inv))); {
			case v != v:
				dst[i] = 0
			default:
				dst[i] = int16(max(math.MinInt16, min(v, math.MaxInt16)))
			}
		}
	})
}

// refWidened writes the rows of tiles [begin, end), their pixels by set, zeros
// around them.
func refWidened(mem []byte, d *WidenDesc, begin, end int32, set func(dst []int16, src uint32)) {
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
				set(dst, d.Src.pixel(y, x))
			}
		}
	}
}

// emitWiden emits OpWiden.
func emitWiden(e *emitter) {
	var d WidenDesc
	zero := e.splatZero(unsafe.Offsetof(d.Zero))
	v := e.Local(asm.V128)
	wide := func(p asm.Local, at uint32) asm.Expr { return asm.I16x8Sub(asm.V128Load8x8U(p, at), zero) }
	e.widen(1,
		widening{16, func(p, q asm.Local) { e.Do(asm.V128Store(q, 0, wide(p, 0)), asm.V128Store(q, 16, wide(p, 8))) }},
		widening{4, func(p, q asm.Local) {
			e.Set(v, asm.I16x8Sub(asm.I16x8ExtendLowI8x16U(asm.V128Load32Zero(p, 0)), zero))
			e.Do(asm.V128Store64Lane(q, 0, v, 0))
		}})
}

// emitWidenF32 emits OpWidenF32.
func emitWidenF32(e *emitter) {
	var d WidenDesc
	inv := e.splatField(unsafe.Offsetof(d.Inv))
	v := e.Local(asm.V128)
	round := func(p asm.Local, at uint32) asm.Expr {
		return asm.I32x4TruncSatF32x4S(asm.F32x4Nearest(asm.F32x4Mul(asm.V128Load(p, at), inv)))
	}
	e.widen(4,
		widening{8, func(p, q asm.Local) { e.Do(asm.V128Store(q, 0, asm.I16x8NarrowI32x4S(round(p, 0), round(p, 16)))) }},
		widening{4, func(p, q asm.Local) {
			e.Set(v, round(p, 0))
			e.Do(asm.V128Store64Lane(q, 0, asm.I16x8NarrowI32x4S(v, v), 0))
		}})
}

// widening widens lanes elements from p to q.
type widening struct {
	lanes int32
	step  func(p, q asm.Local)
}

// widen emits the walk over a WidenDesc whose source has elements of size bytes;
// the last of the steps takes 4 of them.
func (e *emitter) widen(size int32, steps ...widening) {
	var d WidenDesc
	src, dst := e.mapField(unsafe.Offsetof(d.Src)), e.mapField(unsafe.Offsetof(d.Dst))
	h, w, c := e.field(unsafe.Offsetof(d.H)), e.field(unsafe.Offsetof(d.W)), e.field(unsafe.Offsetof(d.C))
	pad := e.field(unsafe.Offsetof(d.Pad))
	left := e.Let(asm.I32Mul(pad, dst.pix)) // bytes of the border beside a row
	row, p, q, n := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)

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
	pixels, elements := e.denseRow([]mapLocals{src, dst}, []int32{size, 2}, w, c)
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
			for _, s := range steps { // as long as there are as many elements
				e.While(asm.I32GeS(k, asm.Int(s.lanes)), func() {
					s.step(p, q)
					e.Add(p, asm.Int(size*s.lanes))
					e.Add(q, asm.Int(2*s.lanes))
					e.Add(k, asm.Int(-s.lanes))
				})
			}
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
