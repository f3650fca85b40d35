//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// grey is the letterbox's fill: R = G = B = 114, no fourth channel.
const grey uint32 = 114<<16 | 114<<8 | 114

// refLetterbox is the oracle of OpLetterbox.
func refLetterbox(mem []byte, desc uint32, begin, end int32) {
	d := at[LetterboxDesc](mem, desc)
	refLetterboxRows(mem, d, begin, end, func(y int32) uint32 { return d.Src + uint32(y*d.SrcRow) })
}

// refLetterboxRows letterboxes RGBA rows that row finds.
func refLetterboxRows(mem []byte, d *LetterboxDesc, begin, end int32, row func(y int32) uint32) {
	xtab := view[int32](mem, d.XTab, int(2*d.NewW))
	ytab := view[int32](mem, d.YTab, int(2*d.NewH))
	put := func(y, x int32, rgb [3]int32) {
		p := d.Dst.pixel(y, x)
		if d.Float == 0 {
			copy(mem[p:p+4], []byte{byte(rgb[0]), byte(rgb[1]), byte(rgb[2]), 0})
			return
		}
		v := view[float32](mem, p, 4)
		for c := range 3 {
			v[c] = float32(rgb[c]) / 255
		}
		v[3] = 0
	}
	for y := begin; y < end; y++ {
		for x := range d.DstW {
			nx, ny := x-d.Left, y-d.Top
			if nx < 0 || nx >= d.NewW || ny < 0 || ny >= d.NewH {
				put(y, x, [3]int32{114, 114, 114})
				continue
			}
			x0, wx0, wx1 := xtab[2*nx], xtab[2*nx+1]&0xffff, xtab[2*nx+1]>>16
			y0, wy0, wy1 := ytab[2*ny], ytab[2*ny+1]&0xffff, ytab[2*ny+1]>>16
			row0 := row(min(max(y0, 0), d.SrcH-1)) + uint32(4*x0)
			row1 := row(min(max(y0+1, 0), d.SrcH-1)) + uint32(4*x0)
			var rgb [3]int32
			for c := range uint32(3) {
				s0 := int32(mem[row0+c])*wx0 + int32(mem[row0+4+c])*wx1
				s1 := int32(mem[row1+c])*wx0 + int32(mem[row1+4+c])*wx1
				rgb[c] = (wy0*(s0>>4)>>16 + wy1*(s1>>4)>>16 + 2) >> 2
			}
			put(y, x, rgb)
		}
	}
}

// letterbox is the state of emitLetterbox.
type letterbox struct {
	*emitter
	dst        mapLocals
	float      asm.Local   // writes floats
	dense      asm.Local   // no gaps between the written pixels
	copied     asm.Local   // the scale is 1
	p          asm.Local   // where the next pixel goes
	n          asm.Local   // pixels to write there
	row0, row1 asm.Local   // source rows
	wy0, wy1   asm.Local   // their weights, a 16-bit lane out of two
	xtab       asm.Local   // table entry of the next pixel
	quad       []asm.Local // four pixels
}

// emitLetterbox emits OpLetterbox.
func emitLetterbox(e *emitter) {
	var d LetterboxDesc
	src, srcRow := e.field(unsafe.Offsetof(d.Src)), e.field(unsafe.Offsetof(d.SrcRow))
	emitLetterboxRows(e, func(row, y asm.Local) { e.Set(row, asm.I32Add(src, asm.I32Mul(y, srcRow))) }, nil)
}

// emitLetterboxRows emits a letterbox of RGBA rows, whose addresses find sets:
// each row is grey to the left, pixels, grey to the right. A row that is copied
// to dense bytes is left to the optional direct, which writes the n pixels of
// source row y at p, n a multiple of 8.
func emitLetterboxRows(e *emitter, find func(row, y asm.Local), direct func(p, y, n asm.Local)) {
	var d LetterboxDesc
	l := &letterbox{emitter: e, dst: e.mapField(unsafe.Offsetof(d.Dst)), float: e.field(unsafe.Offsetof(d.Float))}
	srcW, srcH := e.field(unsafe.Offsetof(d.SrcW)), e.field(unsafe.Offsetof(d.SrcH))
	dstW := e.field(unsafe.Offsetof(d.DstW))
	left, top := e.field(unsafe.Offsetof(d.Left)), e.field(unsafe.Offsetof(d.Top))
	newW, newH := e.field(unsafe.Offsetof(d.NewW)), e.field(unsafe.Offsetof(d.NewH))
	xtab, ytab := e.field(unsafe.Offsetof(d.XTab)), e.field(unsafe.Offsetof(d.YTab))

	l.dense = e.Let(asm.I32Eq(l.dst.pix, asm.Int(4)))
	l.copied = e.Let(asm.I32And(asm.I32Eq(newW, srcW), asm.I32Eq(newH, srcH)))
	l.p, l.n, l.xtab = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	l.row0, l.row1 = e.Local(asm.I32), e.Local(asm.I32)
	l.wy0, l.wy1 = e.Local(asm.V128), e.Local(asm.V128)
	l.quad = e.Locals(asm.V128, 4)
	ny, entry, sy := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)

	sourceRow := func(row asm.Local, y asm.Value) {
		e.Set(sy, y)
		e.Set(sy, asm.Select(sy, asm.Int(0), asm.I32GtS(sy, asm.Int(0))))
		last := asm.I32Sub(srcH, asm.Int(1))
		e.Set(sy, asm.Select(sy, last, asm.I32LtS(sy, last)))
		find(row, sy)
	}
	rows := func() {
		sourceRow(l.row0, asm.I32Load(entry, 0))
		e.If(l.copied, l.copyRow, func() {
			sourceRow(l.row1, asm.I32Add(asm.I32Load(entry, 0), asm.Int(1)))
			e.Set(l.wy0, asm.I32x4Splat(asm.I32Load16U(entry, 4)))
			e.Set(l.wy1, asm.I32x4Splat(asm.I32Load16U(entry, 6)))
			e.Set(l.xtab, xtab)
			l.resizeRow()
		})
	}
	pixels := rows
	if direct != nil {
		plain := e.Let(asm.I32And(asm.I32And(l.copied, l.dense),
			asm.I32And(asm.I32Eqz(l.float), asm.I32Eqz(asm.I32And(newW, asm.Int(7))))))
		pixels = func() {
			e.If(plain, func() {
				direct(l.p, ny, l.n)
				e.Add(l.p, asm.I32Mul(newW, asm.Int(4)))
			}, rows)
		}
	}
	e.tiles(func(y asm.Local) {
		e.Set(l.p, asm.I32Add(l.dst.addr, asm.I32Mul(y, l.dst.row)))
		e.Set(ny, asm.I32Sub(y, top))
		e.If(asm.I32GeU(ny, newH), func() {
			l.fill(dstW)
		}, func() {
			l.fill(left)
			e.Set(entry, asm.I32Add(ytab, asm.I32Shl(ny, asm.Int(3))))
			e.Set(l.n, newW)
			pixels()
			l.fill(asm.I32Sub(asm.I32Sub(dstW, left), newW))
		})
	})
}

// pixels runs body for each pixel left, advancing p.
func (l *letterbox) pixels(body func()) {
	l.While(asm.I32GtS(l.n, asm.Int(0)), func() {
		body()
		l.Add(l.p, l.dst.pix)
		l.Add(l.n, asm.Int(-1))
	})
}

// quads runs body, which stores 16 bytes, for four pixels at once as long as
// there are four and they have no gaps.
func (l *letterbox) quads(body func()) {
	l.If(l.dense, func() {
		l.While(asm.I32GeS(l.n, asm.Int(4)), func() {
			body()
			l.Add(l.p, asm.Int(16))
			l.Add(l.n, asm.Int(-4))
		})
	})
}

// fill writes n grey pixels.
func (l *letterbox) fill(n asm.Value) {
	l.Set(l.n, n)
	l.If(l.float, func() {
		const g = float32(114) / 255
		l.pixels(func() { l.Do(asm.V128Store(l.p, 0, asm.VecF32(g, g, g, 0))) })
	}, func() {
		l.quads(func() { l.Do(asm.V128Store(l.p, 0, asm.VecI32(int32(grey)))) })
		l.pixels(func() { l.Do(asm.I32Store(l.p, 0, asm.Int(int32(grey)))) })
	})
}

// opaque clears the fourth byte of every pixel.
const opaque = int32(0x00ffffff)

// copyRow writes n pixels of row0.
func (l *letterbox) copyRow() {
	l.If(l.float, func() {
		l.pixels(func() {
			wide := asm.I32x4ExtendLowI16x8U(asm.I16x8ExtendLowI8x16U(asm.V128Load32Zero(l.row0, 0)))
			l.storeFloats(wide)
			l.Add(l.row0, asm.Int(4))
		})
	}, func() {
		l.quads(func() {
			l.Do(asm.V128Store(l.p, 0, asm.V128And(asm.V128Load(l.row0, 0), asm.VecI32(opaque))))
			l.Add(l.row0, asm.Int(16))
		})
		l.pixels(func() {
			l.Do(asm.I32Store(l.p, 0, asm.I32And(asm.I32Load(l.row0, 0), asm.Int(opaque))))
			l.Add(l.row0, asm.Int(4))
		})
	})
}

// resizeRow writes n pixels between row0 and row1.
func (l *letterbox) resizeRow() {
	q := l.quad
	l.If(l.float, func() {
		l.pixels(func() {
			l.storeFloats(l.blend(0))
			l.Add(l.xtab, asm.Int(8))
		})
	}, func() {
		l.quads(func() {
			for i := range q {
				l.Set(q[i], l.blend(i))
			}
			l.Do(asm.V128Store(l.p, 0, narrowPixels(q[0], q[1], q[2], q[3])))
			l.Add(l.xtab, asm.Int(32))
		})
		l.pixels(func() {
			l.Set(q[0], l.blend(0))
			l.Do(asm.V128Store32Lane(l.p, 0, narrowPixels(q[0], q[0], q[0], q[0]), 0))
			l.Add(l.xtab, asm.Int(8))
		})
	})
}

// blend is the pixel i entries further in the table, a channel an int32 lane.
func (l *letterbox) blend(i int) asm.Expr {
	at := l.Let(asm.I32Shl(asm.I32Load(l.xtab, uint32(8*i)), asm.Int(2)))
	wx := l.Let(asm.V128Load32Splat(l.xtab, uint32(8*i+4)))
	row := func(row, wy asm.Local) asm.Expr {
		// Two neighbours' bytes, channel by channel, so that one 16-bit dot
		// product is the horizontal sum; the vertical product is a dot whose
		// odd lanes are zero.
		two := l.Let(asm.V128Load64Zero(asm.I32Add(row, at), 0))
		pairs := asm.I8x16Shuffle(two, two, [16]byte{0, 4, 1, 5, 2, 6, 3, 7, 0, 4, 1, 5, 2, 6, 3, 7})
		sum := asm.I32x4DotI16x8S(asm.I16x8ExtendLowI8x16U(pairs), wx)
		return asm.I32x4ShrU(asm.I32x4DotI16x8S(asm.I32x4ShrU(sum, asm.Int(4)), wy), asm.Int(16))
	}
	sum := asm.I32x4Add(row(l.row0, l.wy0), row(l.row1, l.wy1))
	return asm.I32x4ShrU(asm.I32x4Add(sum, asm.VecI32(2)), asm.Int(2))
}

// narrowPixels packs four pixels of int32 lanes to bytes without alpha.
func narrowPixels(a, b, c, d asm.Value) asm.Expr {
	bytes := asm.I8x16NarrowI16x8U(asm.I16x8NarrowI32x4S(a, b), asm.I16x8NarrowI32x4S(c, d))
	return asm.V128And(bytes, asm.VecI32(opaque))
}

// storeFloats stores int32 lanes over 255, the fourth as 0, at p.
func (l *letterbox) storeFloats(v asm.Value) {
	rgb := asm.V128And(v, asm.VecI32(-1, -1, -1, 0))
	l.Do(asm.V128Store(l.p, 0, asm.F32x4Div(asm.F32x4ConvertI32x4S(rgb), asm.VecF32(255))))
}
