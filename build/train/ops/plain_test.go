package ops

import "math"

// The plain functions are the definition of the operations, for both float
// types: float64 for finite differences, and as what the fast paths are tested
// against.

type float interface{ float32 | float64 }

// flops is the work of one forward pass, a multiplication and an addition each.
func (g geometry) flops() float64 {
	return 2 * float64(g.B) * float64(g.O) * float64(g.OH) * float64(g.OW) * float64(g.k())
}

// taps calls f for each pair of an output and an input pixel row segment that a
// weight connects: the output pixels (oy, x0..x1) of one row, and where the
// first one's input is.
func (g geometry) taps(f func(b, o, weight, zAt, n, xAt int)) {
	ig, og := g.I/g.G, g.O/g.G
	for b := range g.B {
		for o := range g.O {
			for c := range ig {
				in := (b*g.I + o/og*ig + c) * g.H * g.W
				for ky := range g.KH {
					for kx := range g.KW {
						weight := ((o*ig+c)*g.KH+ky)*g.KW + kx
						x0, x1 := g.columns(kx)
						if x0 >= x1 {
							continue
						}
						for oy := range g.OH {
							iy := oy*g.S + ky - g.P
							if iy < 0 || iy >= g.H {
								continue
							}
							f(b, o, weight, ((b*g.O+o)*g.OH+oy)*g.OW+x0, x1-x0, in+iy*g.W+x0*g.S+kx-g.P)
						}
					}
				}
			}
		}
	}
}

// columns is the range of output columns whose input column for kx exists.
func (g geometry) columns(kx int) (from, to int) {
	from = max(0, (g.P-kx+g.S-1)/g.S)
	if g.P < kx {
		from = 0
	}
	if last := g.W - 1 + g.P - kx; last >= 0 {
		to = min(g.OW, last/g.S+1)
	}
	return from, to
}

func plainConv[T float](g geometry, x, w, z []T) {
	clear(z)
	g.taps(func(b, o, weight, zAt, n, xAt int) {
		k := w[weight]
		for i := range n {
			z[zAt+i] += k * x[xAt+i*g.S]
		}
	})
}

func plainConvBack[T float](g geometry, x, w, dz, dx, dw []T) {
	clear(dx)
	clear(dw)
	g.taps(func(b, o, weight, zAt, n, xAt int) {
		var s T
		for i := range n {
			s += dz[zAt+i] * x[xAt+i*g.S]
		}
		if dw != nil {
			dw[weight] += s
		}
		if dx != nil {
			k := w[weight]
			for i := range n {
				dx[xAt+i*g.S] += k * dz[zAt+i]
			}
		}
	})
}

func sigmoid[T float](x T) T { return T(1 / (1 + math.Exp(-float64(x)))) }

func plainSiLU[T float](x T) T { return x * sigmoid(x) }
