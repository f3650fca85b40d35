//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// refMaxPoolU8 is the oracle of OpMaxPoolU8.
func refMaxPoolU8(mem []byte, desc uint32, begin, end int32) {
	refMaxPool[uint8](mem, desc, begin, end, 0)
}

// refMaxPoolF32 is the oracle of OpMaxPoolF32; NaN does not count.
func refMaxPoolF32(mem []byte, desc uint32, begin, end int32) {
	refMaxPool(mem, desc, begin, end, float32(math.Inf(-1)))
}

// refMaxPool goes over a window column by column and keeps the first of equals
// (that tells −0 from 0). A window without pixels gives lowest.
func refMaxPool[T uint8 | float32](mem []byte, desc uint32, begin, end int32, lowest T) {
	d := at[PoolDesc](mem, desc)
	for oy := begin; oy < end; oy++ {
		for ox := range d.OutW {
			dst := view[T](mem, d.Dst.pixel(oy, ox), int(d.C))
			for c := range dst {
				best := lowest
				y0, x0 := oy*d.Stride-d.Pad, ox*d.Stride-d.Pad
				for x := max(x0, 0); x < min(x0+d.K, d.InW); x++ {
					for y := max(y0, 0); y < min(y0+d.K, d.InH); y++ {
						if v := view[T](mem, d.Src.pixel(y, x), int(d.C))[c]; best < v {
							best = v
						}
					}
				}
				dst[c] = best
			}
		}
	}
}

// pool is the state of emitMaxPool.
type pool struct {
	*emitter
	src, dst    mapLocals
	inW, outW   asm.Local
	k, s, pad   asm.Local
	rows        asm.Local // rows of the window that lie in the input
	top         asm.Local // address of the first of them, channels under way
	lowest      asm.Expr
	maximum     asm.Binary
	p, n, value asm.Local // scratch of column
}

// emitMaxPoolU8 emits OpMaxPoolU8: 16 channels at a time, then 8.
func emitMaxPoolU8(e *emitter) {
	emitMaxPool(e, 1, asm.VecI32(0), asm.I8x16MaxU)
}

// emitMaxPoolF32 emits OpMaxPoolF32: 4 channels at a time.
func emitMaxPoolF32(e *emitter) {
	emitMaxPool(e, 4, asm.VecF32(float32(math.Inf(-1))), asm.F32x4Pmax)
}

// emitMaxPool goes over a row for each group of channels. Windows of 5×5 with
// stride 1 and padding 2, SPPF's, keep the maxima of the last five columns.
func emitMaxPool(e *emitter, size int32, lowest asm.Expr, maximum asm.Binary) {
	var d PoolDesc
	l := &pool{emitter: e, lowest: lowest, maximum: maximum,
		src: e.mapField(unsafe.Offsetof(d.Src)), dst: e.mapField(unsafe.Offsetof(d.Dst)),
		inW: e.field(unsafe.Offsetof(d.InW)), outW: e.field(unsafe.Offsetof(d.OutW)),
		k: e.field(unsafe.Offsetof(d.K)), s: e.field(unsafe.Offsetof(d.Stride)), pad: e.field(unsafe.Offsetof(d.Pad)),
		rows: e.Local(asm.I32), top: e.Local(asm.I32),
		p: e.Local(asm.I32), n: e.Local(asm.I32), value: e.Local(asm.V128),
	}
	inH := e.field(unsafe.Offsetof(d.InH))
	bytes := e.Let(asm.I32Mul(e.field(unsafe.Offsetof(d.C)), asm.Int(size)))
	y, first, c, to := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	sppf := e.Let(asm.I32And(asm.I32And(asm.I32Eq(l.k, asm.Int(5)), asm.I32Eq(l.s, asm.Int(1))), asm.I32Eq(l.pad, asm.Int(2))))

	e.tiles(func(t asm.Local) {
		e.Set(y, asm.I32Sub(asm.I32Mul(t, l.s), l.pad))
		e.Set(first, asm.Select(y, asm.Int(0), asm.I32GtS(y, asm.Int(0))))
		last := asm.I32Add(y, l.k)
		e.Set(l.rows, asm.I32Sub(asm.Select(last, inH, asm.I32LtS(last, inH)), first))
		row := func(load loadVector, store storeVector) {
			e.Set(l.top, asm.I32Add(asm.I32Add(l.src.addr, c), asm.I32Mul(first, l.src.row)))
			e.Set(to, asm.I32Add(asm.I32Add(l.dst.addr, c), asm.I32Mul(t, l.dst.row)))
			e.If(sppf, func() { l.slide(to, load, store) }, func() { l.windows(to, load, store) })
		}
		e.For(c, asm.Int(0), whole(bytes, 16), 16, func() {
			row(load16, store16)
		})
		if size == 1 {
			e.If(asm.I32LtS(c, bytes), func() { row(load8, store8) })
		}
	})
}

// loadVector and storeVector move 16 or 8 bytes.
type (
	loadVector  func(p asm.Value) asm.Expr
	storeVector func(p, v asm.Value) asm.Expr
)

func load16(p asm.Value) asm.Expr     { return asm.V128Load(p, 0) }
func store16(p, v asm.Value) asm.Expr { return asm.V128Store(p, 0, v) }
func load8(p asm.Value) asm.Expr      { return asm.V128Load64Zero(p, 0) }
func store8(p, v asm.Value) asm.Expr  { return asm.V128Store64Lane(p, 0, v, 0) }

// column puts the maximum of the window's rows at column x in value.
func (l *pool) column(x asm.Value, load loadVector) {
	l.Set(l.value, l.lowest)
	l.Set(l.p, asm.I32Add(l.top, asm.I32Mul(x, l.src.pix)))
	l.Set(l.n, l.rows)
	l.While(asm.I32GtS(l.n, asm.Int(0)), func() {
		l.Set(l.value, l.maximum(l.value, load(l.p)))
		l.Add(l.p, l.src.row)
		l.Add(l.n, asm.Int(-1))
	})
}

// windows computes a row of any windows.
func (l *pool) windows(to asm.Local, load loadVector, store storeVector) {
	ox, x, end := l.Local(asm.I32), l.Local(asm.I32), l.Local(asm.I32)
	best := l.Local(asm.V128)
	l.For(ox, asm.Int(0), l.outW, 1, func() {
		l.Set(best, l.lowest)
		l.Set(x, asm.I32Sub(asm.I32Mul(ox, l.s), l.pad))
		l.Set(end, asm.I32Add(x, l.k))
		l.Set(end, asm.Select(end, l.inW, asm.I32LtS(end, l.inW)))
		l.For(x, asm.Select(x, asm.Int(0), asm.I32GtS(x, asm.Int(0))), end, 1, func() {
			l.column(x, load)
			l.Set(best, l.maximum(best, l.value))
		})
		l.Do(store(to, best))
		l.Add(to, l.dst.pix)
	})
}

// slide computes a row of 5-wide windows from column maxima c[0..4] that move
// along with the window.
func (l *pool) slide(to asm.Local, load loadVector, store storeVector) {
	c := l.Locals(asm.V128, 5)
	ox, x := l.Local(asm.I32), l.Local(asm.I32)
	for i := range c {
		l.Set(c[i], l.lowest)
	}
	l.For(x, asm.Int(0), asm.I32Add(l.outW, asm.Int(2)), 1, func() {
		for i := range 4 {
			l.Set(c[i], c[i+1])
		}
		l.If(asm.I32LtS(x, l.inW), func() {
			l.column(x, load)
			l.Set(c[4], l.value)
		}, func() { l.Set(c[4], l.lowest) })
		l.Set(ox, asm.I32Sub(x, asm.Int(2)))
		l.If(asm.I32GeS(ox, asm.Int(0)), func() {
			v := asm.Expr(l.maximum(c[0], c[1]))
			for _, next := range c[2:] {
				v = l.maximum(v, next)
			}
			l.Do(store(to, v))
			l.Add(to, l.dst.pix)
		})
	})
}
