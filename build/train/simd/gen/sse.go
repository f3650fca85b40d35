package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The products in SSE2, which every amd64 processor has: registers of 4 floats,
// and instructions that overwrite one of their operands.

const sseBytes = 16

func (e *emitter) zeroed(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = e.XMM()
		e.XORPS(v[i], v[i])
	}
	return v
}

// addProduct adds x·y to sum.
func (e *emitter) addProduct(x, y, sum reg.Register) {
	t := e.XMM()
	e.MOVAPS(x, t)
	e.MULPS(y, t)
	e.ADDPS(t, sum)
}

// gemmSSE is gemm with sums of 4×8 in 8 of 16 registers.
func (e *emitter) gemmSSE() {
	e.gemmFunction()
	tiles, k, a := e.pointer("tiles"), e.pointer("k"), e.pointer("a")
	x, off, c, ldc := e.pointer("x"), e.pointer("off"), e.pointer("c"), e.pointer("ldc")
	e.SHLQ(operand.Imm(2), ldc)
	e.loop(tiles, func() {
		for top := 0; top < 8; top += 4 {
			for left := 0; left < 32; left += 8 {
				e.gemmTileSSE(top, left*4, k, a, x, off, c, ldc)
			}
		}
		e.ADDQ(operand.Imm(128), x)
		e.ADDQ(operand.Imm(128), c)
	})
	e.RET()
}

func (e *emitter) gemmTileSSE(top, left int, k, a, x, off, c, ldc reg.Register) {
	const rows, per = 4, 2
	acc := e.zeroed(rows * per)
	n, pa, po, step := e.GP64(), e.GP64(), e.GP64(), e.GP64()
	e.MOVQ(k, n)
	e.MOVQ(a, pa)
	e.MOVQ(off, po)
	e.loop(n, func() {
		e.MOVLQSX(at(po, 0), step)
		b := [per]reg.VecVirtual{}
		for j := range b {
			b[j] = e.XMM()
			m := indexed(x, step, 1)
			m.Disp = left + j*sseBytes
			e.MOVUPS(m, b[j])
		}
		weights := e.XMM()
		e.MOVUPS(at(pa, 4*top), weights)
		for r := range rows {
			w := e.XMM()
			e.PSHUFD(operand.Imm(uint64(0x55*r)), weights, w) // row r in all lanes
			e.addProduct(b[0], w, acc[r*per])
			e.MULPS(b[1], w)
			e.ADDPS(w, acc[r*per+1])
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
			e.MOVUPS(acc[r*per+j], at(row, left+j*sseBytes))
		}
		if r < rows-1 {
			e.ADDQ(ldc, row)
		}
	}
}

// dotSSE is dot, two rows of d at a time.
func (e *emitter) dotSSE(columns int) {
	const rows = 2
	e.dotFunction(columns)
	row := e.pointer("row")
	e.SHLQ(operand.Imm(2), row)
	for top := 0; top < 8; top += rows {
		left, pd, px := e.pointer("images"), e.pointer("d"), e.pointer("x")
		for range top {
			e.ADDQ(row, pd)
		}
		sums := e.zeroed(rows * columns)
		e.loop(left, func() {
			e.dotImageSSE(sums, columns, pd, px, row)
			step := e.GP64()
			e.Load(e.Param("dImage"), step)
			e.LEAQ(indexed(pd, step, 4), pd)
			e.Load(e.Param("xImage"), step)
			e.LEAQ(indexed(px, step, 4), px)
		})
		acc := e.pointer("acc")
		for i, v := range sums {
			m := at(acc, 4*(top*columns+i))
			e.totalSSE(v)
			e.ADDSS(m, v)
			e.MOVSS(v, m)
		}
	}
	e.RET()
}

func (e *emitter) dotImageSSE(sums []reg.VecVirtual, columns int, d, x, row reg.Register) {
	off := e.pointer("off")
	from := make([]reg.Register, columns)
	for j := range from {
		from[j] = e.GP64()
		e.MOVLQSX(at(off, 4*j), from[j])
		e.ADDQ(x, from[j])
	}
	p, n := e.GP64(), e.pointer("n")
	e.MOVQ(d, p)
	e.SHRQ(operand.Imm(2), n)
	e.loop(n, func() {
		in := make([]reg.VecVirtual, columns)
		for j := range in {
			in[j] = e.XMM()
			e.MOVUPS(at(from[j], 0), in[j])
			e.ADDQ(operand.Imm(sseBytes), from[j])
		}
		for r, m := range []operand.Mem{at(p, 0), indexed(p, row, 1)} {
			v := e.XMM()
			e.MOVUPS(m, v)
			for j := range in {
				e.addProduct(v, in[j], sums[r*columns+j])
			}
		}
		e.ADDQ(operand.Imm(sseBytes), p)
	})
}

// totalSSE adds up the lanes of v into its lowest.
func (e *emitter) totalSSE(v reg.VecVirtual) {
	t := e.XMM()
	for _, lanes := range []uint64{0x0e, 0x01} {
		e.PSHUFD(operand.Imm(lanes), v, t)
		e.ADDPS(t, v)
	}
}
