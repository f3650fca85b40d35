//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// OpPackWinograd43 is PackWinograd43I16 for integers of 8 bits. Their transforms
// are integers of at most 128·24², so what PackWinograd43I16 computes in float64
// is exact up to the steps: here it is done in int32, four output slots at once.

// refPackWinograd43 is the oracle of OpPackWinograd43.
func refPackWinograd43(mem []byte, desc uint32, begin, end int32) {
	d := at[PackWinogradDesc](mem, desc)
	n := int(d.InPhys)
	limit := view[float64](mem, d.Limit, positions43)
	for t := begin; t < end; t++ {
		src := view[int8](mem, d.Src+uint32(t)*uint32(n*9*panelWidth), n*9*panelWidth)
		dst := view[int16](mem, d.Dst+uint32(t)*uint32(2*n*positions43*panelWidth), n*positions43*panelWidth)
		scale := view[float32](mem, d.Scale+uint32(t)*4*panelWidth, panelWidth)
		steps := view[float32](mem, d.Steps+uint32(t)*4*panelWidth*positions43, panelWidth*positions43)
		for slot := range panelWidth {
			u := make([][positions43]float64, n)
			var most, sum [positions43]float64
			for k := range u {
				var g [9]float32
				for tap := range g {
					g[tap] = float32(src[(k*9+tap)*panelWidth+slot])
				}
				winograd43Weights(g[:], &u[k])
				for pos, v := range u[k] {
					most[pos], sum[pos] = max(most[pos], math.Abs(v)), sum[pos]+math.Abs(v)
				}
			}
			for pos := range most {
				step := max(most[pos]/math.MaxInt16, sum[pos]/limit[pos])
				steps[pos*panelWidth+slot] = float32(step / 576 * float64(scale[slot]))
				for k := range u {
					q := 0.0
					if step > 0 {
						q = math.RoundToEven(u[k][pos] * (1 / step))
					}
					dst[((pos*n+k&^1)*panelWidth/2+slot)*2+k%2] = int16(q)
				}
			}
		}
		clear(mem[d.Scratch+uint32(t*d.ScratchStep):][:PackWinograd43Scratch]) // its contents do not matter
	}
}

// emitPackWinograd43 emits OpPackWinograd43. A tile is done in two halves of 4
// slots. Scratch holds, for every position, the largest magnitude and the sum of
// them, which then give way to the inverse step, and the transforms of two input
// slots.
func emitPackWinograd43(e *emitter) {
	var d PackWinogradDesc
	const stats, u = positions43 * 32, positions43 * 16
	src, dst := e.field(unsafe.Offsetof(d.Src)), e.field(unsafe.Offsetof(d.Dst))
	steps, scale := e.field(unsafe.Offsetof(d.Steps)), e.field(unsafe.Offsetof(d.Scale))
	limit, n := e.field(unsafe.Offsetof(d.Limit)), e.field(unsafe.Offsetof(d.InPhys))
	scratch, scratchStep := e.field(unsafe.Offsetof(d.Scratch)), e.field(unsafe.Offsetof(d.ScratchStep))
	half, k, p, q, r, end := e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32), e.Local(asm.I32)
	tile, w, a := e.Local(asm.I32), e.Local(asm.I32), e.Locals(asm.V128, 6)
	grid := e.Locals(asm.V128, 18)

	// positions runs body with q on the position's gathered numbers and r on its
	// transform of the first input slot.
	positions := func(body func()) {
		e.Set(q, tile)
		e.Set(r, asm.I32Add(tile, asm.Int(stats)))
		e.Set(end, r)
		e.DoWhile(func() {
			body()
			e.Add(q, asm.Int(32))
			e.Add(r, asm.Int(16))
		}, asm.I32LtU(q, end))
	}
	// transform writes the transform of the input slot whose weights are at w to
	// scratch, and moves w to the next.
	transform := func(to uint32) {
		for y := range 3 {
			for x := range 3 {
				v := asm.I16x8ExtendLowI8x16S(asm.V128Load32Zero(w, uint32((3*y+x)*panelWidth)))
				e.Set(a[x], asm.I32x4ExtendLowI16x8S(v))
			}
			e.weights43(a[0], a[1], a[2], a[3:], func(x int, v asm.Expr) { e.Set(grid[6*y+x], v) })
		}
		for x := range 6 {
			e.weights43(grid[x], grid[6+x], grid[12+x], a[3:], func(y int, v asm.Expr) {
				e.Do(asm.V128Store(tile, to+uint32(16*(6*y+x)), v))
			})
		}
		e.Add(w, asm.Int(9*panelWidth))
	}
	low := func(v asm.Value) asm.Expr { return asm.F64x2ConvertLowI32x4S(v) }
	high := func(v asm.Value) asm.Expr { return low(asm.I32x4Shuffle(v, v, [4]int{2, 3, 2, 3})) }
	join := func(lo, hi asm.Value) asm.Expr { return asm.I32x4Shuffle(lo, hi, [4]int{0, 1, 4, 5}) }
	f64 := func(v float64) asm.Expr { return asm.F64x2Splat(asm.Double(v)) }

	e.tiles(func(t asm.Local) {
		e.Set(tile, asm.I32Add(scratch, asm.I32Mul(t, scratchStep)))
		e.For(half, asm.Int(0), asm.Int(2), 1, func() {
			first := func() {
				e.Set(w, asm.I32Add(asm.I32Add(src, asm.I32Mul(asm.I32Mul(t, n), asm.Int(9*panelWidth))), asm.I32Shl(half, asm.Int(2))))
			}
			first()
			e.Do(asm.MemoryFill(tile, asm.Int(0), asm.Int(stats)))
			e.For(k, asm.Int(0), n, 1, func() {
				transform(stats)
				positions(func() {
					e.Set(a[0], asm.I32x4Abs(asm.V128Load(r, 0)))
					e.Do(asm.V128Store(q, 0, asm.I32x4MaxS(asm.V128Load(q, 0), a[0])))
					e.Do(asm.V128Store(q, 16, asm.I32x4Add(asm.V128Load(q, 16), a[0])))
				})
			})
			// p is at the position's steps.
			e.Set(p, asm.I32Add(asm.I32Add(steps, asm.I32Mul(t, asm.Int(positions43*4*panelWidth))), asm.I32Shl(half, asm.Int(4))))
			e.Set(grid[0], asm.V128Load(asm.I32Add(asm.I32Add(scale, asm.I32Shl(t, asm.Int(5))), asm.I32Shl(half, asm.Int(4))), 0))
			e.Set(k, limit)
			positions(func() {
				e.Set(a[0], asm.V128Load(q, 0))
				e.Set(a[1], asm.V128Load(q, 16))
				e.Set(a[2], asm.V128Load64Splat(k, 0))
				for i, half := range []func(asm.Value) asm.Expr{low, high} {
					e.Set(a[3+i], asm.F64x2Max(asm.F64x2Div(half(a[0]), f64(math.MaxInt16)), asm.F64x2Div(half(a[1]), a[2])))
					e.Do(asm.V128Store(q, uint32(16*i), asm.F64x2Div(f64(1), a[3+i])))
				}
				s := func(i int, scale asm.Value) asm.Expr {
					return asm.F32x4DemoteF64x2Zero(asm.F64x2Mul(asm.F64x2Div(a[3+i], f64(576)), asm.F64x2PromoteLowF32x4(scale)))
				}
				e.Do(asm.V128Store(p, 0, join(s(0, grid[0]), s(1, asm.I32x4Shuffle(grid[0], grid[0], [4]int{2, 3, 2, 3})))))
				e.Add(p, asm.Int(4*panelWidth))
				e.Add(k, asm.Int(8))
			})
			first()
			e.Set(p, asm.I32Add(asm.I32Add(dst, asm.I32Mul(asm.I32Mul(t, n), asm.Int(2*positions43*panelWidth))), asm.I32Shl(half, asm.Int(4))))
			to := e.Local(asm.I32)
			e.For(k, asm.Int(0), n, 2, func() {
				transform(stats)
				transform(stats + u)
				e.Set(to, asm.I32Add(p, asm.I32Mul(k, asm.Int(2*panelWidth))))
				positions(func() {
					// Zeros over a step of zero give no number, which becomes 0.
					whole := func(v asm.Value, at uint32) asm.Expr {
						return asm.I32x4TruncSatF64x2SZero(asm.F64x2Nearest(asm.F64x2Mul(v, asm.V128Load(q, at))))
					}
					for i := range 2 {
						e.Set(a[i], asm.V128Load(r, uint32(u*i)))
						e.Set(a[i], join(whole(low(a[i]), 0), whole(high(a[i]), 16)))
					}
					e.Do(asm.V128Store(to, 0, asm.V128Or(asm.V128And(a[0], asm.VecI32(0xffff, 0xffff, 0xffff, 0xffff)), asm.I32x4Shl(a[1], asm.Int(16)))))
					e.Add(to, asm.I32Mul(n, asm.Int(2*panelWidth)))
				})
			})
		})
		e.Do(asm.MemoryFill(tile, asm.Int(0), asm.Int(PackWinograd43Scratch)))
	})
}

// weights43 emits a line of 24G g for (a, b, c), as winograd43Weights; tmp are
// three locals. Each number goes to set as it comes.
func (e *emitter) weights43(a, b, c asm.Local, tmp []asm.Local, set func(i int, v asm.Expr)) {
	add, sub := asm.I32x4Add, asm.I32x4Sub
	shl := func(v asm.Value, n int32) asm.Expr { return asm.I32x4Shl(v, asm.Int(n)) }
	even, odd, ends := tmp[0], tmp[1], tmp[2]
	e.Set(even, add(shl(c, 2), a))
	e.Set(odd, shl(b, 1))
	e.Set(ends, shl(add(a, c), 2))
	set(3, add(even, odd))
	set(4, sub(even, odd))
	e.Set(even, shl(b, 2))
	set(1, sub(asm.VecI32(0, 0, 0, 0), add(ends, even)))
	set(2, sub(even, ends))
	e.Set(ends, shl(a, 1))
	set(0, add(ends, shl(a, 2)))
	e.Set(ends, shl(c, 3))
	set(5, add(ends, shl(c, 4)))
}
