//go:build openblas

package simd

import "eagleeye/build/train/simd/openblas"

// With the tag openblas the matrix products are OpenBLAS's: worth it where this
// package has no assembly. It wants real matrices, so moved reads are copied out.

// Moved is the right-hand matrix of products [k][n].
type Moved struct {
	v    []float32
	k, n int
}

// RoomFor is how much room Move and Dots need for k rows of n values.
func RoomFor(k, n int) int { return k*n + Rows*k }

// Move copies out the rows x moved by off (in bytes), n values of each.
func Move(x []float32, off []int32, n int, room []float32) Moved {
	for i, o := range off {
		copy(room[i*n:(i+1)*n], x[o/4:])
	}
	return Moved{room, len(off), n}
}

// Gemm writes tiles of the product with a [k][8], see the function Gemm.
func (m Moved) Gemm(tiles int, a, c []float32, ldc int) {
	if m.k == 0 {
		for r := range Rows {
			clear(c[r*ldc:][:Columns*tiles])
		}
		return
	}
	openblas.Product(true, false, Rows, Columns*tiles, m.k, a, Rows, m.v, m.n, c, ldc)
}

// Dots adds the products of 8 rows of d and the moved reads of x, summed over n
// values of each image, to sums: blocks [8][3] while there are three offsets,
// then [8][1].
func Dots(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, sums, room []float32) {
	k := len(off)
	product, columns := room[:Rows*k], room[Rows*k:]
	for i := range images {
		m := Move(x[i*xImage:], off, n, columns)
		openblas.Product(false, true, Rows, k, n, d[i*dImage:], row, m.v, n, product, k)
		for j := 0; j < k; {
			step := 3
			if k-j < 3 {
				step = 1
			}
			for r := range Rows {
				for q := range step {
					sums[Rows*j+r*step+q] += product[r*k+j+q]
				}
			}
			j += step
		}
	}
}
