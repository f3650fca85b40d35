//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// winogradKind is a Winograd kernel for blocks of out×out outputs.
type winogradKind struct {
	convKind
	winogradBlock
}

// winograd is the kernel being emitted.
type winograd struct {
	*registerTile
	winogradBlock
	src, dst, res mapLocals
	outH, outW    asm.Local
	bytes, pitch  asm.Local // of a pixel's channels, of a block's transformed input
	v, sums, offs asm.Local // the parts of scratch
	n             asm.Local // blocks of the tile
	m             asm.Local // the current sums
	out, residual asm.Local // addresses of the current block at the panel's channels
	skip          asm.Local // first rows of the current block that another one computes
	tmp           []asm.Local
	scales        asm.Local // F(4×4,3×3): of the panel's sums
}

var (
	winogradI16   = winogradKind{convKind{pixels: 4}, winograd2}
	winogradF32   = winogradKind{convKind{floatIn: true, floatOut: true, pixels: 4}, winograd2}
	winograd43I16 = winogradKind{convKind{scaled: true, pixels: 5}, winograd4}
)

// emit emits the kernel: for each tile's rows of blocks, the transformed input
// of all, then for each panel the products and outputs of a few blocks at a time.
func (k winogradKind) emit(e *emitter) {
	var d WinogradDesc
	w := &winograd{registerTile: e.newRegisterTile(k.convKind), winogradBlock: k.winogradBlock, tmp: e.Locals(asm.V128, 8)}
	w.src = e.mapField(unsafe.Offsetof(d.Conv.Src))
	w.dst = e.mapField(unsafe.Offsetof(d.Conv.Dst))
	w.res = e.mapField(unsafe.Offsetof(d.Conv.Res))
	w.outH, w.outW = e.field(unsafe.Offsetof(d.Conv.OutH)), e.field(unsafe.Offsetof(d.Conv.OutW))
	w.bytes = e.Let(asm.I32Mul(e.field(unsafe.Offsetof(d.Conv.RunLen)), asm.Int(k.element())))
	w.pitch = e.Let(asm.I32Add(asm.I32Mul(w.bytes, asm.Int(w.positions())), asm.Int(winogradGap)))
	blockRows := e.field(unsafe.Offsetof(d.BlockRows))
	blocks := func(n asm.Local) asm.Local {
		return e.Let(asm.I32DivU(asm.I32Add(n, asm.Int(w.size()-1)), asm.Int(w.size())))
	}
	rows, columns := blocks(w.outH), blocks(w.outW)
	groups := e.Let(asm.I32DivU(asm.I32Sub(asm.I32Add(rows, blockRows), asm.Int(1)), blockRows))
	w.v = e.field(unsafe.Offsetof(d.Scratch))
	if e.variant.Threads {
		e.Add(w.v, asm.I32Mul(e.thread, e.field(unsafe.Offsetof(d.ScratchStep))))
	}
	w.sums = e.Let(asm.I32Add(w.v, asm.I32Mul(asm.I32Mul(blockRows, columns), w.pitch)))
	w.offs = e.Let(asm.I32Add(w.sums, asm.Int(w.sumBytes())))
	w.n, w.m = e.Local(asm.I32), e.Local(asm.I32)
	w.out, w.residual, w.skip = e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	tile := *w.registerTile // of the four outputs that the epilogue takes
	tile.pixels, tile.acc = 4, w.acc[:8]
	finish := tile.newEpilogue(w.pixel(w.dst, w.out), w.pixel(w.res, w.residual))
	if w.scaled {
		w.scales = e.Local(asm.I32)
	}
	panels := e.newPanels(e.Let(asm.I32Mul(w.bytes, asm.Int(w.positions()*panelWidth))))
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

// pixel yields the addresses that the epilogue writes or reads of a block at
// base: its 2×2 outputs, or one of its 4 rows. Rows to skip go where the row
// after them overwrites them.
func (w *winograd) pixel(m mapLocals, base asm.Local) func(i int) asm.Value {
	return func(i int) asm.Value {
		at := asm.Value(base)
		if w.winogradBlock == winograd4 {
			return asm.I32Add(at, asm.I32Mul(m.pix, asm.Int(int32(i))))
		}
		if i >= 2 {
			at = asm.I32Add(at, m.row)
		} else {
			at = asm.I32Add(at, asm.I32Mul(w.skip, m.row))
		}
		if i%2 == 1 {
			at = asm.I32Add(at, m.pix)
		}
		return at
	}
}

// transformRows emits Bᵀ d B for the blocks of block rows [first, last), and
// their records. The last block of a row or column moves back inside, over
// outputs that its neighbour computes too: those of the neighbour above stay,
// as it may belong to another thread, and those of the left one are overwritten.
func (w *winograd) transformRows(first, last, columns asm.Local) {
	by, bx, y, x := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	v, offs, next := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	s := w.Local(asm.I32)
	w.Set(next, w.v)
	w.Set(offs, w.offs)
	size := asm.Int(w.size())
	transform := w.transform2
	if w.winogradBlock == winograd4 {
		transform = w.transform4
	}
	offset := func(m mapLocals) asm.Expr { return asm.I32Add(asm.I32Mul(y, m.row), asm.I32Mul(x, m.pix)) }
	w.For(by, first, last, 1, func() {
		w.minimum(y, asm.I32Mul(by, size), asm.I32Sub(w.outH, size))
		w.For(bx, asm.Int(0), columns, 1, func() {
			w.minimum(x, asm.I32Mul(bx, size), asm.I32Sub(w.outW, size))
			w.Do(asm.I32Store(offs, 0, offset(w.dst)), asm.I32Store(offs, 4, offset(w.res)),
				asm.I32Store(offs, 8, asm.I32Sub(asm.I32Mul(by, size), y)))
			w.Add(offs, asm.Int(winogradRecord))
			w.Set(s, asm.I32Add(w.src.addr, offset(w.src)))
			w.Set(v, next)
			w.Add(next, w.pitch)
			w.Set(w.end, asm.I32Add(s, w.bytes))
			w.DoWhile(func() {
				transform(s, v)
				w.Add(s, asm.Int(16))
				w.Add(v, asm.Int(16))
			}, asm.I32LtU(s, w.end))
		})
	})
}

// transform2 emits Bᵀ d B of 16 bytes of channels at s (the block's first pixel) to v. Row
// r of the result needs two rows of d only, which keeps it in registers.
func (w *winograd) transform2(s, v asm.Local) {
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

// blocks emits the products and the outputs of one panel, a few blocks at a time.
func (w *winograd) blocks(panels *panelLoop, finish *epilogue) {
	i, k, b, end := w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32), w.Local(asm.I32)
	w.For(i, asm.Int(0), w.n, int32(w.pixels), func() {
		for j, p := range w.p {
			w.minimum(p, asm.I32Add(i, asm.Int(int32(j))), asm.I32Sub(w.n, asm.Int(1)))
			w.Set(p, asm.I32Add(w.v, asm.I32Mul(p, w.pitch)))
		}
		w.Set(w.w, panels.weights)
		w.Set(w.m, w.sums)
		w.Set(end, asm.I32Add(w.sums, asm.Int(w.sumBytes())))
		if w.scaled {
			w.Set(w.scales, asm.I32Add(finish.allScale, asm.I32Mul(panels.index, asm.Int(w.positions()*panelWidth*4))))
		}
		w.DoWhile(func() { // positions follow one another in input and weights
			w.clear()
			w.accumulate(w.bytes)
			if w.scaled {
				w.scale()
			}
			for j, acc := range w.acc {
				w.Do(asm.V128Store(w.m, uint32(16*j), acc))
			}
			w.Add(w.m, asm.Int(16*int32(len(w.acc))))
		}, asm.I32LtU(w.m, end))

		w.Set(w.m, w.sums)
		w.minimum(k, asm.I32Add(i, asm.Int(int32(w.pixels))), w.n)
		w.For(b, i, k, 1, func() {
			at := asm.I32Add(w.offs, asm.I32Mul(b, asm.Int(winogradRecord)))
			channels := w.channels(panels.index)
			w.Set(w.out, asm.I32Add(asm.I32Add(w.dst.addr, asm.I32Load(at, 0)), channels))
			w.Set(w.residual, asm.I32Add(asm.I32Add(w.res.addr, asm.I32Load(at, 4)), channels))
			w.Set(w.skip, asm.I32Load(at, 8))
			if w.winogradBlock == winograd4 {
				w.outputs4(finish)
			} else {
				w.inverse2()
				finish.emit()
			}
			w.Add(w.m, asm.Int(4*panelWidth))
		})
	})
}

// inverse2 emits acc = Aᵀ M A for the block whose sums begin at m; integers are
// a quarter of it.
func (w *winograd) inverse2() {
	add, sub := asm.I32x4Add, asm.I32x4Sub
	scaled := func(v asm.Expr) asm.Expr { return asm.I32x4ShrS(v, asm.Int(2)) }
	if w.floatIn {
		add, sub = asm.F32x4Add, asm.F32x4Sub
		scaled = func(v asm.Expr) asm.Expr { return v }
	}
	for half := range 2 {
		load := func(y, x int) asm.Expr {
			return asm.V128Load(w.m, uint32(int32(4*y+x)*w.sum()+int32(16*half)))
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
