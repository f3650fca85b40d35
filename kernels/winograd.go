//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// winograd is the kernel being emitted.
type winograd struct {
	*registerTile
	src, dst, res mapLocals
	outH, outW    asm.Local
	bytes, pitch  asm.Local // of a pixel's channels, of a block's transformed input
	v, sums, offs asm.Local // the parts of scratch
	n             asm.Local // blocks of the tile
	m             asm.Local // the current sums
	out, residual asm.Local // addresses of the current block at the panel's channels
	tmp           []asm.Local
}

// The Winograd kernels take four blocks at a time.
var (
	winogradI16 = convKind{pixels: 4}
	winogradF32 = convKind{floatIn: true, floatOut: true, pixels: 4}
)

// emitWinograd emits the kernel: for each tile's rows of blocks, the transformed
// input of all, then for each panel the products and outputs of four blocks at a
// time.
func (k convKind) emitWinograd(e *emitter) {
	var d WinogradDesc
	w := &winograd{registerTile: e.newRegisterTile(k), tmp: e.Locals(asm.V128, 8)}
	w.src = e.mapField(unsafe.Offsetof(d.Conv.Src))
	w.dst = e.mapField(unsafe.Offsetof(d.Conv.Dst))
	w.res = e.mapField(unsafe.Offsetof(d.Conv.Res))
	w.outH, w.outW = e.field(unsafe.Offsetof(d.Conv.OutH)), e.field(unsafe.Offsetof(d.Conv.OutW))
	w.bytes = e.Let(asm.I32Mul(e.field(unsafe.Offsetof(d.Conv.RunLen)), asm.Int(k.element())))
	w.pitch = e.Let(asm.I32Add(asm.I32Mul(w.bytes, asm.Int(winogradPositions)), asm.Int(winogradGap)))
	blockRows := e.field(unsafe.Offsetof(d.BlockRows))
	rows := e.Let(asm.I32ShrS(asm.I32Add(w.outH, asm.Int(1)), asm.Int(1)))
	columns := e.Let(asm.I32ShrS(asm.I32Add(w.outW, asm.Int(1)), asm.Int(1)))
	groups := e.Let(asm.I32DivU(asm.I32Sub(asm.I32Add(rows, blockRows), asm.Int(1)), blockRows))
	w.v = e.field(unsafe.Offsetof(d.Scratch))
	if e.variant.Threads {
		e.Add(w.v, asm.I32Mul(e.thread, e.field(unsafe.Offsetof(d.ScratchStep))))
	}
	w.sums = e.Let(asm.I32Add(w.v, asm.I32Mul(asm.I32Mul(blockRows, columns), w.pitch)))
	w.offs = e.Let(asm.I32Add(w.sums, asm.Int(winogradSums)))
	w.n, w.m = e.Local(asm.I32), e.Local(asm.I32)
	w.out, w.residual = e.Local(asm.I32), e.Local(asm.I32)
	pixel := func(m mapLocals, base asm.Local) func(i int) asm.Value {
		return func(i int) asm.Value {
			at := asm.Value(base)
			if i >= 2 {
				at = asm.I32Add(at, m.row)
			}
			if i%2 == 1 {
				at = asm.I32Add(at, m.pix)
			}
			return at
		}
	}
	finish := w.newEpilogue(pixel(w.dst, w.out), pixel(w.res, w.residual))
	panels := e.newPanels(e.Let(asm.I32Mul(w.bytes, asm.Int(winogradPositions*panelWidth))))
	first, last := e.Local(asm.I32), e.Local(asm.I32)

	e.tiles(func(t asm.Local) {
		e.Set(first, asm.I32Mul(asm.I32RemU(t, groups), blockRows))
		e.minimum(last, asm.I32Add(first, blockRows), rows)
		w.transformRows(first, last, columns)
		e.Set(w.n, asm.I32Mul(asm.I32Sub(last, first), columns))
		panels.each(asm.I32DivU(t, groups), func() {
			finish.panel(panels.index)
			w.blocks(panels, finish)
		})
	})
}

// transformRows emits Bᵀ d B for the blocks of block rows [first, last), and
// their offsets. The last block of a row or column moves back inside, over
// outputs that its neighbour computes too.
func (w *winograd) transformRows(first, last, columns asm.Local) {
	by, bx, y, x := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	v, offs, next := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	s := w.Locals(asm.I32, 4)
	w.Set(next, w.v)
	w.Set(offs, w.offs)
	offset := func(m mapLocals) asm.Expr { return asm.I32Add(asm.I32Mul(y, m.row), asm.I32Mul(x, m.pix)) }
	w.For(by, first, last, 1, func() {
		w.minimum(y, asm.I32Shl(by, asm.Int(1)), asm.I32Sub(w.outH, asm.Int(2)))
		w.For(bx, asm.Int(0), columns, 1, func() {
			w.minimum(x, asm.I32Shl(bx, asm.Int(1)), asm.I32Sub(w.outW, asm.Int(2)))
			w.Do(asm.I32Store(offs, 0, offset(w.dst)), asm.I32Store(offs, 4, offset(w.res)))
			w.Add(offs, asm.Int(8))
			w.Set(s[0], asm.I32Add(w.src.addr, offset(w.src)))
			w.Set(v, next)
			w.Add(next, w.pitch)
			w.Set(w.end, asm.I32Add(s[0], w.bytes))
			w.DoWhile(func() {
				w.transform(s[0], v)
				w.Add(s[0], asm.Int(16))
				w.Add(v, asm.Int(16))
			}, asm.I32LtU(s[0], w.end))
		})
	})
}

// transform emits Bᵀ d B of 16 bytes of channels at s (the block's first pixel) to v. Row
// r of the result needs two rows of d only, which keeps it in registers.
func (w *winograd) transform(s, v asm.Local) {
	at := w.p[:2]
	add, sub := asm.I16x8Add, asm.I16x8Sub
	if w.floatIn {
		add, sub = asm.F32x4Add, asm.F32x4Sub
	}
	for r, in := range []struct {
		a, b int32
		op   asm.Binary
	}{{0, 2, sub}, {1, 2, add}, {2, 1, sub}, {1, 3, sub}} {
		w.Set(at[0], asm.I32Add(s, asm.I32Mul(w.src.row, asm.Int(in.a))))
		w.Set(at[1], asm.I32Add(s, asm.I32Mul(w.src.row, asm.Int(in.b))))
		t := w.tmp[:4]
		for x := range t {
			w.Set(t[x], in.op(asm.V128Load(at[0], 0), asm.V128Load(at[1], 0)))
			if x < 3 {
				w.Add(at[0], w.src.pix)
				w.Add(at[1], w.src.pix)
			}
		}
		w.Set(at[0], asm.I32Add(v, asm.I32Mul(w.bytes, asm.Int(int32(4*r)))))
		for x, row := range []asm.Expr{sub(t[0], t[2]), add(t[1], t[2]), sub(t[2], t[1]), sub(t[1], t[3])} {
			w.Do(asm.V128Store(at[0], 0, row))
			if x < 3 {
				w.Add(at[0], w.bytes)
			}
		}
	}
}

// blocks emits the products and the outputs of one panel, four blocks at a time.
func (w *winograd) blocks(panels *panelLoop, finish *epilogue) {
	i, k, b, end := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	w.For(i, asm.Int(0), w.n, int32(w.pixels), func() {
		for j, p := range w.p {
			w.minimum(p, asm.I32Add(i, asm.Int(int32(j))), asm.I32Sub(w.n, asm.Int(1)))
			w.Set(p, asm.I32Add(w.v, asm.I32Mul(p, w.pitch)))
		}
		w.Set(w.w, panels.weights)
		w.Set(w.m, w.sums)
		w.Set(end, asm.I32Add(w.sums, asm.Int(winogradSums)))
		w.DoWhile(func() { // positions follow one another in input and weights
			w.clear()
			w.accumulate(w.bytes)
			for j, acc := range w.acc {
				w.Do(asm.V128Store(w.m, uint32(16*j), acc))
			}
			w.Add(w.m, asm.Int(16*int32(len(w.acc))))
		}, asm.I32LtU(w.m, end))

		w.Set(w.m, w.sums)
		w.minimum(k, asm.I32Add(i, asm.Int(int32(w.pixels))), w.n)
		w.For(b, i, k, 1, func() {
			at := asm.I32Add(w.offs, asm.I32Shl(b, asm.Int(3)))
			channels := w.channels(panels.index)
			w.Set(w.out, asm.I32Add(asm.I32Add(w.dst.addr, asm.I32Load(at, 0)), channels))
			w.Set(w.residual, asm.I32Add(asm.I32Add(w.res.addr, asm.I32Load(at, 4)), channels))
			w.inverse()
			finish.emit()
			w.Add(w.m, asm.Int(4*panelWidth))
		})
	})
}

// inverse emits acc = Aᵀ M A for the block whose sums begin at m; integers are
// a quarter of it.
func (w *winograd) inverse() {
	add, sub := asm.I32x4Add, asm.I32x4Sub
	scaled := func(v asm.Expr) asm.Expr { return asm.I32x4ShrS(v, asm.Int(2)) }
	if w.floatIn {
		add, sub = asm.F32x4Add, asm.F32x4Sub
		scaled = func(v asm.Expr) asm.Expr { return v }
	}
	for half := range 2 {
		load := func(y, x int) asm.Expr {
			return asm.V128Load(w.m, uint32((4*y+x)*4*panelWidth*4+16*half))
		}
		top, bottom := w.tmp[:4], w.tmp[4:]
		for x := range 4 {
			w.Set(top[x], add(load(1, x), load(2, x)))
			w.Set(bottom[x], sub(load(1, x), load(2, x)))
			w.Set(top[x], add(top[x], load(0, x)))
			w.Set(bottom[x], sub(bottom[x], load(3, x)))
		}
		for y, s := range [][]asm.Local{top, bottom} {
			w.Set(w.acc[4*y+half], scaled(add(add(s[0], s[1]), s[2])))
			w.Set(w.acc[4*y+2+half], scaled(sub(sub(s[1], s[2]), s[3])))
		}
	}
}
