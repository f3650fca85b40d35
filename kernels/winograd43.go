//go:build !js

package kernels

import (
	"eagleeye/kernels/asm"
)

// refWinograd43I16 is the oracle of OpWinograd43I16.
func refWinograd43I16(mem []byte, desc uint32, begin, end int32) {
	k := refWinogradKind[int16, int32]{
		winogradBlock: winograd4, group: 2,
		line: winograd43Input[int16],
		keep: func(mem []byte, c *ConvDesc, addr uint32, pos, o, acc int32) {
			scale := c.Scale + uint32(4*(o/panelWidth*winograd4.positions()*panelWidth+pos*panelWidth+o%panelWidth))
			*at[float32](mem, addr) = float32(acc) * *at[float32](mem, scale)
		},
		outputs: func(mem []byte, c *ConvDesc, addr uint32, y, x, skip, o int32) {
			m := func(i, j int) *float32 { return at[float32](mem, addr+uint32(6*i+j)*uint32(winograd4.sum())) }
			for j := range 6 {
				for i, v := range winograd43Output([6]float32{*m(0, j), *m(1, j), *m(2, j), *m(3, j), *m(4, j), *m(5, j)}) {
					*m(i, j) = v
				}
			}
			bias := *at[float32](mem, c.Bias+uint32(4*o))
			for i := skip; i < 4; i++ {
				row := int(i)
				for j, v := range winograd43Output([6]float32{*m(row, 0), *m(row, 1), *m(row, 2), *m(row, 3), *m(row, 4), *m(row, 5)}) {
					if c.Act == ActSiLUFixed {
						c.storeFixed(mem, y+i, x+int32(j), o, v)
					} else {
						c.storeU8(mem, y+i, x+int32(j), o, v+bias)
					}
				}
			}
		},
	}
	k.run(mem, at[WinogradDesc](mem, desc), begin, end)
}

// winograd43Output is Aᵀ m of a line, each operation rounded, in this order;
// products with powers of two round nothing.
func winograd43Output(m [6]float32) [4]float32 {
	p, q := m[1]+m[2], m[1]-m[2]
	r, s := m[3]+m[4], m[3]-m[4]
	return [4]float32{m[0] + p + r, q + float32(2*s), p + float32(4*r), q + float32(8*s) + m[5]}
}

// winograd4Input emits Bᵀ d of a line in place, as winograd43Input.
func (w *winograd) winograd4Input(d []asm.Local) {
	add, sub := asm.I16x8Add, asm.I16x8Sub
	twice := func(v asm.Value, n int32) asm.Expr { return asm.I16x8Shl(v, asm.Int(n)) }
	c, f := w.tmp[6], w.tmp[7]
	w.Set(c, sub(d[4], d[2]))
	w.Set(f, sub(d[3], d[1]))
	w.Set(d[0], add(twice(sub(d[0], d[2]), 2), c))
	w.Set(d[5], sub(sub(d[5], d[3]), twice(f, 2)))
	w.Set(d[4], sub(d[4], twice(d[2], 2))) // a
	w.Set(d[3], sub(d[3], twice(d[1], 2))) // b
	w.Set(d[1], add(d[4], d[3]))
	w.Set(d[2], sub(d[4], d[3]))
	w.Set(f, twice(f, 1))
	w.Set(d[3], add(c, f))
	w.Set(d[4], sub(c, f))
}

// transform4 emits Bᵀ d B of 16 bytes of channels at s (the block's first pixel)
// to v: columns first, by way of the place of the sums.
func (w *winograd) transform4(s, v asm.Local) {
	d, at := w.tmp[:6], w.p[0]
	for x := range 6 {
		w.Set(at, asm.I32Add(s, asm.I32Mul(w.src.pix, asm.Int(int32(x)))))
		for y := range d {
			w.Set(d[y], asm.V128Load(at, 0))
			if y < 5 {
				w.Add(at, w.src.row)
			}
		}
		w.winograd4Input(d)
		for y := range d {
			w.Do(asm.V128Store(w.sums, uint32(16*(6*y+x)), d[y]))
		}
	}
	w.Set(at, v)
	for y := range 6 {
		for x := range d {
			w.Set(d[x], asm.V128Load(w.sums, uint32(16*(6*y+x))))
		}
		w.winograd4Input(d)
		for x := range d {
			w.Do(asm.V128Store(at, 0, d[x]))
			w.Add(at, w.bytes)
		}
	}
}

// scale emits acc = float(acc)·scale of the position, and goes to the next.
func (w *winograd) scale() {
	for j, s := range w.wv {
		w.Set(s, asm.V128Load(w.scales, uint32(16*j)))
	}
	for j, acc := range w.acc {
		w.Set(acc, asm.F32x4Mul(asm.F32x4ConvertI32x4S(acc), w.wv[j%2]))
	}
	w.Add(w.scales, asm.Int(4*panelWidth))
}

// winograd4Output emits Aᵀ m of a line, as winograd43Output; each result goes
// to set as it comes.
func (w *winograd) winograd4Output(load func(i int) asm.Expr, set func(i int, v asm.Expr)) {
	add, sub := asm.F32x4Add, asm.F32x4Sub
	p, q, r, s := w.tmp[0], w.tmp[1], w.tmp[2], w.tmp[3]
	w.Set(p, add(load(1), load(2)))
	w.Set(q, sub(load(1), load(2)))
	w.Set(r, add(load(3), load(4)))
	w.Set(s, sub(load(3), load(4)))
	set(0, add(add(load(0), p), r))
	w.Set(s, add(s, s))
	set(1, add(q, s))
	w.Set(r, add(r, r))
	set(2, add(p, add(r, r)))
	w.Set(s, add(s, s))
	set(3, add(add(q, add(s, s)), load(5)))
}

// outputs4 emits the outputs of the block whose sums begin at m: columns in
// place, then row by row.
func (w *winograd) outputs4(finish *epilogue) {
	place := func(y, x, half int) uint32 { return uint32(6*y+x)*uint32(w.sum()) + uint32(16*half) }
	for half := range 2 {
		for x := range 6 {
			w.winograd4Output(
				func(y int) asm.Expr { return asm.V128Load(w.m, place(y, x, half)) },
				func(y int, v asm.Expr) { w.Do(asm.V128Store(w.m, place(y, x, half), v)) })
		}
	}
	row := w.end
	w.Set(row, asm.I32Add(w.m, asm.I32Mul(w.skip, asm.Int(6*w.sum()))))
	w.Add(w.out, asm.I32Mul(w.skip, w.dst.row))
	w.Add(w.residual, asm.I32Mul(w.skip, w.res.row))
	w.DoWhile(func() {
		for half := range 2 {
			w.winograd4Output(
				func(x int) asm.Expr { return asm.V128Load(row, place(0, x, half)) },
				func(x int, v asm.Expr) { w.Set(w.acc[2*x+half], v) })
		}
		finish.emit()
		w.Add(w.out, w.dst.row)
		w.Add(w.residual, w.res.row)
		w.Add(row, asm.Int(6*w.sum()))
	}, asm.I32LtU(row, asm.I32Add(w.m, asm.Int(4*6*w.sum()))))
}
