package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// each makes a kernel over n floats, a multiple of the vector: body gets
// pointers that move along.
func (e *emitter) each(arrays []string, body func(p []operand.Mem)) {
	n := e.pointer("n")
	shift := uint64(3)
	if e.wide {
		shift = 4
	}
	e.SHRQ(operand.Imm(shift), n)
	var ptr []reg.Register
	var mem []operand.Mem
	for _, a := range arrays {
		ptr = append(ptr, e.pointer(a))
		mem = append(mem, at(ptr[len(ptr)-1], 0))
	}
	e.loop(n, func() {
		body(mem)
		for _, p := range ptr {
			e.ADDQ(operand.Imm(uint64(e.bytes())), p)
		}
	})
}

func (e *emitter) load(m operand.Mem) reg.VecVirtual {
	v := e.vector()
	e.VMOVUPS(m, v)
	return v
}

// negate flips the sign: 0 − v.
func (e *emitter) negate(v reg.VecVirtual) reg.VecVirtual {
	out := e.vector()
	e.zero(out)
	e.VSUBPS(v, out, out)
	return out
}

// exp replaces v by e^v, v within ±87: 2^n·e^r with n = round(v/ln 2) and a
// polynomial for e^r (Cephes' expf, 2 units in the last place).
func (e *emitter) exp(v reg.VecVirtual) {
	k := e.numbers
	n, r, p := e.vector(), v, e.vector()
	e.VMULPS(k["log2e"], v, n)
	if e.wide {
		e.VRNDSCALEPS(operand.Imm(0), n, n)
	} else {
		e.VROUNDPS(operand.Imm(0), n, n)
	}
	e.VFNMADD231PS(k["ln2high"], n, r)
	e.VFNMADD231PS(k["ln2low"], n, r)
	e.VMOVUPS(k["p0"], p)
	for _, c := range []string{"p1", "p2", "p3", "p4", "p5"} {
		e.VFMADD213PS(k[c], r, p)
	}
	square := e.vector()
	e.VMULPS(r, r, square)
	e.VFMADD213PS(r, square, p)
	e.VADDPS(k["one"], p, p)
	if e.wide {
		e.VSCALEFPS(n, p, v)
		return
	}
	e.VCVTPS2DQ(n, n)
	e.VPSLLD(operand.Imm(23), n, n)
	e.VPADDD(n, p, v)
}

// sigmoid returns 1/(1+e^−u).
func (e *emitter) sigmoid(u reg.VecVirtual) reg.VecVirtual {
	s := e.negate(u)
	e.VMINPS(e.numbers["most"], s, s)
	e.VMAXPS(e.numbers["least"], s, s)
	e.exp(s)
	e.VADDPS(e.numbers["one"], s, s)
	one := e.load(e.numbers["one"])
	e.VDIVPS(s, one, s)
	return s
}

// line returns s·z + t.
func (e *emitter) line(z operand.Mem, s, t reg.VecVirtual) reg.VecVirtual {
	u := e.load(z)
	e.VFMADD213PS(t, s, u)
	return u
}

func (e *emitter) silu() {
	e.function("silu", "n int, dst, z *float32, s, t float32", "writes dst = u·sigmoid(u) of u = s·z + t.")
	s, t := e.spread("s"), e.spread("t")
	e.each([]string{"dst", "z"}, func(p []operand.Mem) {
		u := e.line(p[1], s, t)
		g := e.sigmoid(u)
		e.VMULPS(g, u, u)
		e.VMOVUPS(u, p[0])
	})
	e.end()
}

func (e *emitter) affine() {
	e.function("affine", "n int, dst, z *float32, s, t float32", "writes dst = s·z + t.")
	s, t := e.spread("s"), e.spread("t")
	e.each([]string{"dst", "z"}, func(p []operand.Mem) {
		e.VMOVUPS(e.line(p[1], s, t), p[0])
	})
	e.end()
}

// sums adds up d and d·(z−mean) beside a loop's work.
func (e *emitter) sums() (add func(d reg.VecVirtual, z operand.Mem), store func()) {
	first, second, mean := e.vector(), e.vector(), e.spread("mean")
	e.zero(first)
	e.zero(second)
	return func(d reg.VecVirtual, z operand.Mem) {
			e.VADDPS(d, first, first)
			c := e.load(z)
			e.VSUBPS(mean, c, c)
			e.VFMADD231PS(c, d, second)
		}, func() {
			out := e.pointer("sums")
			e.VMOVSS(e.total(first), at(out, 0))
			e.VMOVSS(e.total(second), at(out, 4))
		}
}

func (e *emitter) siluGrad() {
	e.function("siluGrad", "n int, du, dout, z *float32, s, t, mean float32, sums *float32",
		"writes du = dout·SiLU'(u) of u = s·z + t, and its sums Σdu, Σdu·(z−mean).")
	s, t := e.spread("s"), e.spread("t")
	add, store := e.sums()
	e.each([]string{"du", "dout", "z"}, func(p []operand.Mem) {
		// SiLU' = g + u·g·(1−g)
		u := e.line(p[2], s, t)
		g := e.sigmoid(u)
		h := e.vector()
		e.VMULPS(g, u, u)
		e.VSUBPS(g, e.load(e.numbers["one"]), h)
		e.VFMADD231PS(h, u, g)
		e.VMULPS(p[1], g, g)
		e.VMOVUPS(g, p[0])
		add(g, p[2])
	})
	store()
	e.end()
}

func (e *emitter) gradSums() {
	e.function("gradSums", "n int, dout, z *float32, mean float32, sums *float32", "writes the sums Σdout, Σdout·(z−mean).")
	add, store := e.sums()
	e.each([]string{"dout", "z"}, func(p []operand.Mem) { add(e.load(p[0]), p[1]) })
	store()
	e.end()
}

func (e *emitter) affine2() {
	e.function("affine2", "n int, dst, d, z *float32, a, b, mean, c float32", "writes dst = a·d + b·(z−mean) + c.")
	a, b, mean, c := e.spread("a"), e.spread("b"), e.spread("mean"), e.spread("c")
	e.each([]string{"dst", "d", "z"}, func(p []operand.Mem) {
		z := e.load(p[2])
		e.VSUBPS(mean, z, z)
		e.VFMADD213PS(c, b, z)
		e.VFMADD231PS(p[1], a, z)
		e.VMOVUPS(z, p[0])
	})
	e.end()
}

func (e *emitter) sum() {
	e.function("sum", "n int, x *float32, out *float32", "writes Σx.")
	total := e.vector()
	e.zero(total)
	e.each([]string{"x"}, func(p []operand.Mem) { e.VADDPS(p[0], total, total) })
	e.VMOVSS(e.total(total), at(e.pointer("out"), 0))
	e.end()
}

func (e *emitter) sumSquares() {
	e.function("sumSquares", "n int, x *float32, mean float32, out *float32", "writes Σ(x−mean)².")
	total, mean := e.vector(), e.spread("mean")
	e.zero(total)
	e.each([]string{"x"}, func(p []operand.Mem) {
		v := e.load(p[0])
		e.VSUBPS(mean, v, v)
		e.VFMADD231PS(v, v, total)
	})
	e.VMOVSS(e.total(total), at(e.pointer("out"), 0))
	e.end()
}

func (e *emitter) add() {
	e.function("add", "n int, dst, x, y *float32", "writes dst = x + y.")
	e.each([]string{"dst", "x", "y"}, func(p []operand.Mem) {
		v := e.load(p[1])
		e.VADDPS(p[2], v, v)
		e.VMOVUPS(v, p[0])
	})
	e.end()
}

func (e *emitter) axpy() {
	e.function("axpy", "n int, dst, x *float32, k float32", "adds k·x to dst.")
	k := e.spread("k")
	e.each([]string{"dst", "x"}, func(p []operand.Mem) {
		v := e.load(p[0])
		e.VFMADD231PS(p[1], k, v)
		e.VMOVUPS(v, p[0])
	})
	e.end()
}

func (e *emitter) sigmoids() {
	e.function("sigmoid", "n int, dst, x *float32", "writes dst = 1/(1+e^−x).")
	e.each([]string{"dst", "x"}, func(p []operand.Mem) {
		e.VMOVUPS(e.sigmoid(e.load(p[1])), p[0])
	})
	e.end()
}

func (e *emitter) exps() {
	e.function("exp", "n int, dst, x *float32", "writes dst = e^x, x held within ±87.")
	e.each([]string{"dst", "x"}, func(p []operand.Mem) {
		v := e.load(p[1])
		e.VMINPS(e.numbers["most"], v, v)
		e.VMAXPS(e.numbers["least"], v, v)
		e.exp(v)
		e.VMOVUPS(v, p[0])
	})
	e.end()
}
