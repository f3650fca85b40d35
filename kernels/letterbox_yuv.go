//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// refLetterboxYUV is the oracle of OpLetterboxYUV, on thread 0.
func refLetterboxYUV(mem []byte, desc uint32, begin, end int32) {
	d := at[LetterboxYUVDesc](mem, desc)
	convert := func(dst uint32, row, n int32) {
		for x := int32(0); x < n; x++ {
			chroma := uint32(row/2*d.ChromaRow + x/2*d.ChromaStep)
			r, g, b := d.RGB(mem[d.Box.Src+uint32(row*d.Box.SrcRow+x)], mem[d.U+chroma], mem[d.V+chroma])
			copy(mem[dst+uint32(4*x):], []byte{r, g, b, 0})
		}
	}
	held := [2]int32{-1, -1}
	if d.Box.NewW == d.Box.SrcW && d.Box.NewH == d.Box.SrcH && d.Box.Float == 0 && d.Box.Dst.Pix == 4 && d.Box.NewW%8 == 0 {
		for y := begin; y < end; y++ { // grey first: no row is held for this
			for x := range d.Box.DstW {
				copy(mem[d.Box.Dst.pixel(y, x):], []byte{114, 114, 114, 0})
			}
			if ny := y - d.Box.Top; ny >= 0 && ny < d.Box.NewH {
				convert(d.Box.Dst.pixel(y, d.Box.Left), ny, d.Box.NewW)
			}
		}
		return
	}
	refLetterboxRows(mem, &d.Box, begin, end, func(y int32) uint32 {
		dst := d.Scratch + uint32(y&1)*uint32(LetterboxYUVPitch(int(d.Box.SrcW)))
		if held[y&1] != y {
			convert(dst, y, (d.Box.SrcW+7)/8*8)
			held[y&1] = y
		}
		return dst
	})
}

// emitLetterboxYUV emits OpLetterboxYUV. Pixels that are only copied go straight
// to their place; for others the two rows that are blended are held as RGBA in
// scratch, the even one and the odd one.
func emitLetterboxYUV(e *emitter) {
	var d LetterboxYUVDesc
	src, srcRow := e.field(unsafe.Offsetof(d.Box.Src)), e.field(unsafe.Offsetof(d.Box.SrcRow))
	u, v := e.field(unsafe.Offsetof(d.U)), e.field(unsafe.Offsetof(d.V))
	chromaRow := e.field(unsafe.Offsetof(d.ChromaRow))
	scratch := e.field(unsafe.Offsetof(d.Scratch))
	if e.variant.Threads {
		e.Add(scratch, asm.I32Mul(e.thread, e.field(unsafe.Offsetof(d.ScratchStep))))
	}
	width := e.Let(asm.I32And(asm.I32Add(e.field(unsafe.Offsetof(d.Box.SrcW)), asm.Int(7)), asm.Int(-8)))
	pitch := e.Let(asm.I32Shl(asm.I32Add(width, asm.Int(yuvGap)), asm.Int(2)))
	held := [2]asm.Local{e.Let(asm.Int(-1)), e.Let(asm.Int(-1))}
	convert := emitYUVRow(e)
	row := func(dst, y, n asm.Value) {
		chroma := e.Let(asm.I32Mul(asm.I32ShrU(y, asm.Int(1)), chromaRow))
		e.Do(asm.Call(convert, e.desc, dst, asm.I32Add(src, asm.I32Mul(y, srcRow)),
			asm.I32Add(u, chroma), asm.I32Add(v, chroma), n))
	}
	find := func(at, y asm.Local) {
		odd := e.Let(asm.I32And(y, asm.Int(1)))
		e.Set(at, asm.I32Add(scratch, asm.I32Mul(odd, pitch)))
		e.If(asm.I32Ne(asm.Select(held[1], held[0], odd), y), func() {
			row(at, y, width)
			e.If(odd, func() { e.Set(held[1], y) }, func() { e.Set(held[0], y) })
		})
	}
	emitLetterboxRows(e, find, func(p, y, n asm.Local) { row(p, y, n) })
}

// emitYUVRow emits a function that converts n > 0 pixels, eight at a time.
func emitYUVRow(e *emitter) *asm.Func {
	var d LetterboxYUVDesc
	f := e.module.Func("yuv_row", asm.Types(asm.I32, asm.I32, asm.I32, asm.I32, asm.I32, asm.I32))
	desc, dst, y, u, v, n := f.Param(0), f.Param(1), f.Param(2), f.Param(3), f.Param(4), f.Param(5)
	pair := func(offset uintptr) asm.Local { return f.Let(asm.V128Load32Splat(desc, uint32(offset))) }
	r, b := pair(unsafe.Offsetof(d.R)), pair(unsafe.Offsetof(d.B))
	g, gu := pair(unsafe.Offsetof(d.G)), pair(unsafe.Offsetof(d.GU))
	zero := f.Let(asm.I16x8Splat(asm.I32Load(desc, uint32(unsafe.Offsetof(d.YZero)))))
	ys, us, vs := f.Local(asm.V128), f.Local(asm.V128), f.Local(asm.V128)
	yu, yv, sum := f.Locals(asm.V128, 2), f.Locals(asm.V128, 2), f.Locals(asm.V128, 3)
	low := [16]byte{0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23}
	high := low
	for i := range high {
		high[i] += 8
	}
	half := asm.VecI32(yuvHalf)
	// channel rounds the sums of eight pixels to int16.
	channel := func(to asm.Local, lanes func(i int) asm.Expr) {
		part := func(i int) asm.Expr { return asm.I32x4ShrS(asm.I32x4Add(lanes(i), half), asm.Int(yuvBits)) }
		f.Set(to, asm.I16x8NarrowI32x4S(part(0), part(1)))
	}
	loop := func(step int32, chroma func(at asm.Local) asm.Expr) {
		f.DoWhile(func() {
			f.Set(ys, asm.I16x8Sub(asm.I16x8ExtendLowI8x16U(asm.V128Load64Zero(y, 0)), zero))
			for _, c := range [2][2]asm.Local{{us, u}, {vs, v}} {
				f.Set(c[0], asm.I16x8Sub(asm.I16x8ExtendLowI8x16U(chroma(c[1])), asm.I16x8Splat(asm.Int(128))))
			}
			for i, half := range [2][16]byte{low, high} {
				f.Set(yu[i], asm.I8x16Shuffle(ys, us, half))
				f.Set(yv[i], asm.I8x16Shuffle(ys, vs, half))
			}
			channel(sum[0], func(i int) asm.Expr { return asm.I32x4DotI16x8S(yv[i], r) })
			channel(sum[1], func(i int) asm.Expr {
				return asm.I32x4Add(asm.I32x4DotI16x8S(yv[i], g), asm.I32x4DotI16x8S(yu[i], gu))
			})
			channel(sum[2], func(i int) asm.Expr { return asm.I32x4DotI16x8S(yu[i], b) })
			rg, blue := f.Let(asm.I8x16NarrowI16x8U(sum[0], sum[1])), f.Let(asm.I8x16NarrowI16x8U(sum[2], asm.VecI32(0)))
			for i := range byte(2) {
				var mix [16]byte
				for j := range byte(4) {
					mix[4*j], mix[4*j+1], mix[4*j+2], mix[4*j+3] = 4*i+j, 8+4*i+j, 16+4*i+j, 24+4*i+j
				}
				f.Do(asm.V128Store(dst, uint32(16*i), asm.I8x16Shuffle(rg, blue, mix)))
			}
			f.Add(dst, asm.Int(32))
			f.Add(y, asm.Int(8))
			f.Add(u, asm.Int(4*step))
			f.Add(v, asm.Int(4*step))
			f.Add(n, asm.Int(-8))
		}, asm.I32GtS(n, asm.Int(0)))
	}
	twice := func(load asm.Expr, step byte) asm.Expr {
		var each [16]byte
		for i := range each {
			each[i] = byte(i/2) * step % 16
		}
		bytes := f.Let(load)
		return asm.I8x16Shuffle(bytes, bytes, each)
	}
	f.If(asm.I32Eq(asm.I32Load(desc, uint32(unsafe.Offsetof(d.ChromaStep))), asm.Int(1)), func() {
		loop(1, func(at asm.Local) asm.Expr { return twice(asm.V128Load32Zero(at, 0), 1) })
	}, func() {
		loop(2, func(at asm.Local) asm.Expr { return twice(asm.V128Load64Zero(at, 0), 2) })
	})
	return f
}
