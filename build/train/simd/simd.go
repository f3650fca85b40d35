// Package simd holds the inner loops of training: tiles of matrix products and
// passes over vectors of float32. On amd64 they are assembly for AVX-512 or
// AVX2 with FMA, whichever the processor has, and where it has neither, products
// in SSE2 and passes in Go; elsewhere, and with the build tag noasm, all in Go.
//
// A result depends on the arguments and on the Level alone, not on where slices
// lie in memory nor on how many processors there are.
package simd

//go:generate go run ./gen

// Level is what the kernels run on.
type Level int

const (
	Portable Level = iota
	SSE            // the products alone, in SSE2
	AVX2
	AVX512
)

func (l Level) String() string { return [...]string{"portable", "sse", "avx2", "avx512"}[l] }

var level = best()

// Current is the level in use: the best one that the processor has, unless Use
// says otherwise.
func Current() Level { return level }

// Use switches to a level, for tests and comparisons, and says whether it can:
// the processor and the build must have it. Call it while nothing computes.
func Use(l Level) bool {
	if l > best() || l < 0 {
		return false
	}
	level = l
	return true
}

const (
	// Rows × Columns is the tile of Gemm.
	Rows, Columns = 8, 32
	// Lanes is what lengths of Dot are multiples of.
	Lanes = 16
)

// Gemm writes tiles side by side: c[r·ldc+j] = Σ_k a[8k+r]·x[off[k]/4+j] for
// r < 8 and j < 32·tiles. off counts bytes: row k of the right-hand matrix is x
// moved by it.
func Gemm(tiles int, a, x []float32, off []int32, c []float32, ldc int) {
	if tiles == 0 {
		return
	}
	k := len(off)
	// The ends of what the kernel touches; moves are checked by their maker.
	_ = c[7*ldc+Columns*tiles-1]
	if k == 0 {
		for r := range Rows {
			clear(c[r*ldc:][:Columns*tiles])
		}
		return
	}
	_, _ = a[Rows*k-1], x[Columns*tiles-1]
	gemm(tiles, k, a, x, off, c, ldc)
}

// Dot adds to acc[r·len(off)+j] the products Σ d[i·dImage+r·row+p] ·
// x[i·xImage+off[j]/4+p] over i < images, p < n, for r < 8. len(off) is 1 or 3;
// off counts bytes; n is a multiple of Lanes.
func Dot(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, acc []float32) {
	if n == 0 || images == 0 {
		return
	}
	if n%Lanes != 0 || len(off) != 1 && len(off) != 3 {
		panic("simd: Dot over a length or number of columns that it has no kernel for")
	}
	_, _ = d[(images-1)*dImage+7*row+n-1], acc[Rows*len(off)-1]
	for _, o := range off {
		_ = x[(images-1)*xImage+int(o)/4+n-1]
	}
	dot(n, images, d, row, dImage, x, xImage, off, acc)
}

// The functions below work on vectors of any length: a rest shorter than a
// vector is computed in a full one.

// SiLU writes dst = u·sigmoid(u) of u = s·z + t. dst may be z.
func SiLU(dst, z []float32, s, t float32) {
	n, m := split(len(dst))
	z = z[:len(dst)]
	if n > 0 {
		silu(dst[:n], z[:n], s, t)
	}
	if m > 0 {
		var a [Lanes]float32
		copy(a[:], z[n:])
		silu(a[:], a[:], s, t)
		copy(dst[n:], a[:])
	}
}

// Affine writes dst = s·z + t. dst may be z.
func Affine(dst, z []float32, s, t float32) {
	n, m := split(len(dst))
	z = z[:len(dst)]
	if n > 0 {
		affine(dst[:n], z[:n], s, t)
	}
	if m > 0 {
		var a [Lanes]float32
		copy(a[:], z[n:])
		affine(a[:], a[:], s, t)
		copy(dst[n:], a[:])
	}
}

// SiLUGrad writes du = dout·SiLU'(u) of u = s·z + t, and returns Σdu and
// Σdu·(z−mean). du may be dout.
func SiLUGrad(du, dout, z []float32, s, t, mean float32) (sum, moment float32) {
	n, m := split(len(du))
	dout, z = dout[:len(du)], z[:len(du)]
	var sums [2]float32
	if n > 0 {
		siluGrad(du[:n], dout[:n], z[:n], s, t, mean, &sums)
		sum, moment = sums[0], sums[1]
	}
	if m > 0 {
		var a, b [Lanes]float32
		copy(a[:], dout[n:])
		copy(b[:], z[n:])
		siluGrad(a[:], a[:], b[:], s, t, mean, &sums)
		copy(du[n:], a[:])
		sum, moment = sum+sums[0], moment+sums[1]
	}
	return sum, moment
}

// GradSums returns Σd and Σd·(z−mean).
func GradSums(d, z []float32, mean float32) (sum, moment float32) {
	n, m := split(len(d))
	z = z[:len(d)]
	var sums [2]float32
	if n > 0 {
		gradSums(d[:n], z[:n], mean, &sums)
		sum, moment = sums[0], sums[1]
	}
	if m > 0 {
		var a, b [Lanes]float32
		copy(a[:], d[n:])
		copy(b[:], z[n:])
		gradSums(a[:], b[:], mean, &sums)
		sum, moment = sum+sums[0], moment+sums[1]
	}
	return sum, moment
}

// Affine2 writes dst = a·d + b·(z−mean) + c. dst may be d or z.
func Affine2(dst, d, z []float32, a, b, mean, c float32) {
	n, m := split(len(dst))
	d, z = d[:len(dst)], z[:len(dst)]
	if n > 0 {
		affine2(dst[:n], d[:n], z[:n], a, b, mean, c)
	}
	if m > 0 {
		var u, v [Lanes]float32
		copy(u[:], d[n:])
		copy(v[:], z[n:])
		affine2(u[:], u[:], v[:], a, b, mean, c)
		copy(dst[n:], u[:])
	}
}

// Sum returns Σx.
func Sum(x []float32) (total float32) {
	n, m := split(len(x))
	if n > 0 {
		total = sum(x[:n])
	}
	if m > 0 {
		var a [Lanes]float32
		copy(a[:], x[n:])
		total += sum(a[:])
	}
	return total
}

// SumSquares returns Σ(x−mean)².
func SumSquares(x []float32, mean float32) (total float32) {
	n, m := split(len(x))
	if n > 0 {
		total = sumSquares(x[:n], mean)
	}
	if m > 0 {
		var a [Lanes]float32
		for i := range a {
			a[i] = mean
		}
		copy(a[:], x[n:])
		total += sumSquares(a[:], mean)
	}
	return total
}

// Add writes dst = x + y. dst may be either.
func Add(dst, x, y []float32) {
	n, _ := split(len(dst))
	x, y = x[:len(dst)], y[:len(dst)]
	if n > 0 {
		add(dst[:n], x[:n], y[:n])
	}
	for i := n; i < len(dst); i++ {
		dst[i] = x[i] + y[i]
	}
}

// Axpy adds k·x to dst.
func Axpy(dst, x []float32, k float32) {
	n, m := split(len(dst))
	x = x[:len(dst)]
	if n > 0 {
		axpy(dst[:n], x[:n], k)
	}
	if m > 0 {
		var a, b [Lanes]float32
		copy(a[:], dst[n:])
		copy(b[:], x[n:])
		axpy(a[:], b[:], k)
		copy(dst[n:], a[:])
	}
}

// Sigmoid writes dst = 1/(1+e^−x). dst may be x.
func Sigmoid(dst, x []float32) {
	n, m := split(len(dst))
	x = x[:len(dst)]
	if n > 0 {
		sigmoid(dst[:n], x[:n])
	}
	if m > 0 {
		var a [Lanes]float32
		copy(a[:], x[n:])
		sigmoid(a[:], a[:])
		copy(dst[n:], a[:])
	}
}

// Exp writes dst = e^x, where x beyond ±87 counts as ±87. dst may be x.
func Exp(dst, x []float32) {
	n, m := split(len(dst))
	x = x[:len(dst)]
	if n > 0 {
		exp(dst[:n], x[:n])
	}
	if m > 0 {
		var a [Lanes]float32
		copy(a[:], x[n:])
		exp(a[:], a[:])
		copy(dst[n:], a[:])
	}
}

// split parts a length into whole vectors and a rest.
func split(n int) (whole, rest int) { return n &^ (Lanes - 1), n & (Lanes - 1) }
