package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm makes the kernel of the forward pass and of the input's gradient: tiles
// of 8 output channels × 32 pixels, all sums in registers. Its right-hand matrix
// is never formed: row k of it is the feature map moved by off[k], so that a
// 3×3 convolution over a padded map is nine moved reads of the same memory (the
// idea of XNNPACK's indirect convolution, with one offset a weight).
func (e *emitter) gemm() {
	e.gemmFunction()
	tiles, k, a := e.pointer("tiles"), e.pointer("k"), e.pointer("a")
	x, off, c, ldc := e.pointer("x"), e.pointer("off"), e.pointer("c"), e.pointer("ldc")
	e.SHLQ(operand.Imm(2), ldc)
	// Rows of sums that fit into the registers at once: 8×32 in 16 of 32 wide
	// registers, 4×16 in 8 of 16.
	rows, columns := 8, 32
	if !e.wide {
		rows, columns = 4, 16
	}
	per := columns * 4 / e.bytes()
	e.loop(tiles, func() {
		for top := 0; top < 8; top += rows {
			for left := 0; left < 32; left += columns {
				e.gemmTile(top, left*4, rows, per, k, a, x, off, c, ldc)
			}
		}
		e.ADDQ(operand.Imm(128), x)
		e.ADDQ(operand.Imm(128), c)
	})
	e.end()
}

func (e *emitter) gemmFunction() {
	e.function("gemm", "tiles, k int, a, x *float32, off *int32, c *float32, ldc int",
		"writes c[r·ldc+j] = Σ_k a[8k+r]·x[off[k]/4+j] for r < 8 and j < 32·tiles;\noff counts bytes, ldc floats.")
}

func (e *emitter) gemmTile(top, left, rows, per int, k, a, x, off, c, ldc reg.Register) {
	acc := e.vectors(rows * per)
	for _, v := range acc {
		e.zero(v)
	}
	n, pa, po := e.GP64(), e.GP64(), e.GP64()
	e.MOVQ(k, n)
	e.MOVQ(a, pa)
	e.MOVQ(off, po)
	step := e.GP64()
	e.loop(n, func() {
		e.MOVLQSX(at(po, 0), step)
		b := e.vectors(per)
		for j := range b {
			m := indexed(x, step, 1)
			m.Disp = left + j*e.bytes()
			e.VMOVUPS(m, b[j])
		}
		for r := range rows {
			w := e.vector()
			e.VBROADCASTSS(at(pa, 4*(top+r)), w)
			for j := range b {
				e.VFMADD231PS(b[j], w, acc[r*per+j])
			}
		}
		e.ADDQ(operand.Imm(32), pa)
		e.ADDQ(operand.Imm(4), po)
	})
	row := e.GP64()
	e.MOVQ(c, row)
	for range top {
		e.ADDQ(ldc, row)
	}
	for r := range rows {
		for j := range per {
			e.VMOVUPS(acc[r*per+j], at(row, left+j*e.bytes()))
		}
		if r < rows-1 {
			e.ADDQ(ldc, row)
		}
	}
}

// dot makes the kernel of the weights' gradient: 8 output channels times
// columns moved reads of the input, summed over the pixels of some images.
func (e *emitter) dot(columns int) {
	e.dotFunction(columns)
	row := e.pointer("row")
	e.SHLQ(operand.Imm(2), row)
	row3 := e.GP64()
	e.LEAQ(indexed(row, row, 2), row3)
	// All 8 rows at once need 8·columns sums and some more.
	rows := 8
	if !e.wide {
		rows = 4
	}
	for top := 0; top < 8; top += rows {
		left, pd, px := e.pointer("images"), e.pointer("d"), e.pointer("x")
		if top > 0 {
			e.LEAQ(indexed(pd, row, 4), pd)
		}
		sums := e.vectors(rows * columns)
		for _, v := range sums {
			e.zero(v)
		}
		e.loop(left, func() {
			e.dotImage(sums, rows, columns, pd, px, row, row3)
			step := e.GP64()
			e.Load(e.Param("dImage"), step)
			e.LEAQ(indexed(pd, step, 4), pd)
			e.Load(e.Param("xImage"), step)
			e.LEAQ(indexed(px, step, 4), px)
		})
		acc := e.pointer("acc")
		for i, v := range sums {
			s := e.total(v)
			m := at(acc, 4*(top*columns+i))
			e.VADDSS(m, s, s)
			e.VMOVSS(s, m)
		}
	}
	e.end()
}

func (e *emitter) dotFunction(columns int) {
	name := map[int]string{1: "dot8x1", 3: "dot8x3"}[columns]
	e.function(name, "n, images int, d *float32, row, dImage int, x *float32, xImage int, off *int32, acc *float32",
		"adds Σ d[i·dImage+r·row+p]·x[i·xImage+off[j]/4+p] over i < images, p < n to\nacc[r·columns+j]; n is a multiple of the vector, off counts bytes, the strides count floats.")
}

func (e *emitter) dotImage(sums []reg.VecVirtual, rows, columns int, d, x, row, row3 reg.Register) {
	off := e.pointer("off")
	from := make([]reg.Register, columns)
	for j := range from {
		from[j] = e.GP64()
		e.MOVLQSX(at(off, 4*j), from[j])
		e.ADDQ(x, from[j])
	}
	p, q, n := e.GP64(), e.GP64(), e.pointer("n")
	e.MOVQ(d, p)
	e.LEAQ(indexed(d, row, 4), q)
	shift := uint64(3)
	if e.wide {
		shift = 4
	}
	e.SHRQ(operand.Imm(shift), n)
	e.loop(n, func() {
		in := e.vectors(columns)
		for j, v := range in {
			e.VMOVUPS(at(from[j], 0), v)
			e.ADDQ(operand.Imm(uint64(e.bytes())), from[j])
		}
		for r := range rows {
			base, m := p, operand.Mem{}
			if r >= 4 {
				base = q
			}
			switch r % 4 {
			case 0:
				m = at(base, 0)
			case 1:
				m = indexed(base, row, 1)
			case 2:
				m = indexed(base, row, 2)
			case 3:
				m = indexed(base, row3, 1)
			}
			v := e.vector()
			e.VMOVUPS(m, v)
			for j := range in {
				e.VFMADD231PS(in[j], v, sums[r*columns+j])
			}
		}
		e.ADDQ(operand.Imm(uint64(e.bytes())), p)
		e.ADDQ(operand.Imm(uint64(e.bytes())), q)
	})
}
