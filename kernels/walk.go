//go:build !js

package kernels

import "eagleeye/kernels/asm"

// walk emits the loops of a kernel that goes over several maps of equal size in
// step: rows are tiles, and for each chunk of unit elements of a pixel, body
// gets the addresses in all maps. size holds the maps' element sizes in bytes.
// Where no map has gaps between pixels, a row is walked as one long pixel. c
// must be a multiple of unit.
func (e *emitter) walk(maps []mapLocals, size []int32, w, c asm.Local, unit int32, body func(p []asm.Local)) {
	n, left := e.Local(asm.I32), e.Local(asm.I32)
	p, pixel := e.Locals(asm.I32, len(maps)), e.Locals(asm.I32, len(maps))
	pixels, elements := e.denseRow(maps, size, w, c)
	e.tiles(func(t asm.Local) {
		for i, m := range maps {
			e.Set(pixel[i], asm.I32Add(m.addr, asm.I32Mul(t, m.row)))
		}
		e.Set(n, pixels)
		e.While(asm.I32GtS(n, asm.Int(0)), func() {
			for i := range maps {
				e.Set(p[i], pixel[i])
			}
			e.Set(left, elements)
			e.While(asm.I32GtS(left, asm.Int(0)), func() {
				body(p)
				for i := range maps {
					e.Add(p[i], asm.Int(unit*size[i]))
				}
				e.Add(left, asm.Int(-unit))
			})
			for i, m := range maps {
				e.Add(pixel[i], m.pix)
			}
			e.Add(n, asm.Int(-1))
		})
	})
}

// denseRow returns the pixels of a row and their elements: w and c, or 1 and
// w·c where no map has gaps between pixels.
func (e *emitter) denseRow(maps []mapLocals, size []int32, w, c asm.Local) (pixels, elements asm.Local) {
	dense := e.Let(asm.Int(1))
	for i, m := range maps {
		e.Set(dense, asm.I32And(dense, asm.I32Eq(m.pix, asm.I32Mul(c, asm.Int(size[i])))))
	}
	pixels = e.Let(asm.Select(asm.Int(1), w, dense))
	elements = e.Let(asm.Select(asm.I32Mul(w, c), c, dense))
	return pixels, elements
}

// copyBytes emits a copy of n bytes, a multiple of 4, from src to dst; all
// three are consumed.
func (e *emitter) copyBytes(dst, src, n asm.Local) {
	move := func(bytes int32, stmt asm.Expr) {
		e.While(asm.I32GeS(n, asm.Int(bytes)), func() {
			e.Do(stmt)
			e.Add(dst, asm.Int(bytes))
			e.Add(src, asm.Int(bytes))
			e.Add(n, asm.Int(-bytes))
		})
	}
	move(16, asm.V128Store(dst, 0, asm.V128Load(src, 0)))
	move(4, asm.I32Store(dst, 0, asm.I32Load(src, 0)))
}

// fillBytes emits n bytes, a multiple of 4, of the 4-byte pattern in all lanes
// of v to dst; dst and n are consumed.
func (e *emitter) fillBytes(dst, n, v asm.Local) {
	put := func(bytes int32, stmt asm.Expr) {
		e.While(asm.I32GeS(n, asm.Int(bytes)), func() {
			e.Do(stmt)
			e.Add(dst, asm.Int(bytes))
			e.Add(n, asm.Int(-bytes))
		})
	}
	put(16, asm.V128Store(dst, 0, v))
	put(4, asm.V128Store32Lane(dst, 0, v, 0))
}

// whole is n rounded down to a multiple of unit, a power of two. It subtracts:
// wazero 1.12.0's compiler for amd64 turns a branch on 0 < x&y, such as that at
// the start of a loop from 0 to x&y, into one on x&y < 0 (tryLowerBandToFlag
// does not swap the condition).
func whole(n asm.Local, unit int32) asm.Expr {
	return asm.I32Sub(n, asm.I32And(n, asm.Int(unit-1)))
}
