//go:build !openblas

package simd

// Moved is the right-hand matrix of products, its rows moved reads of x.
type Moved struct {
	x   []float32
	off []int32
}

// RoomFor is how much room Move and Dots need for k rows of n values: none
// unless a library computes.
func RoomFor(k, n int) int { return 0 }

// Move makes the matrix of the rows x moved by off (in bytes), n values of each.
// The products read it, and room, until the last one.
func Move(x []float32, off []int32, n int, room []float32) Moved { return Moved{x, off} }

// Gemm writes tiles of the product with a [k][8], see the function Gemm.
func (m Moved) Gemm(tiles int, a, c []float32, ldc int) { Gemm(tiles, a, m.x, m.off, c, ldc) }

// Dots is Dot for any number of offsets: three at a time while there are as many,
// then one. sums holds a block [8][3] or [8][1] for each.
func Dots(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, sums, room []float32) {
	for j := 0; j < len(off); {
		step := 3
		if len(off)-j < 3 {
			step = 1
		}
		Dot(n, images, d, row, dImage, x, xImage, off[j:j+step], sums[Rows*j:][:Rows*step])
		j += step
	}
}
