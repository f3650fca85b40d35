//go:build !amd64 || noasm

package simd

func best() Level { return Portable }

func dot(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, acc []float32) {
	dotGo(n, images, d, row, dImage, x, xImage, off, acc)
}

func gemm(tiles, k int, a, x []float32, off []int32, c []float32, ldc int) {
	gemmGo(tiles, k, a, x, off, c, ldc)
}

func silu(dst, z []float32, s, t float32) { siluGo(dst, z, s, t) }

func affine(dst, z []float32, s, t float32) { affineGo(dst, z, s, t) }

func siluGrad(du, dout, z []float32, s, t, mean float32, sums *[2]float32) {
	siluGradGo(du, dout, z, s, t, mean, sums)
}

func gradSums(d, z []float32, mean float32, sums *[2]float32) { gradSumsGo(d, z, mean, sums) }

func affine2(dst, d, z []float32, a, b, mean, c float32) { affine2Go(dst, d, z, a, b, mean, c) }

func sum(x []float32) float32 { return sumGo(x) }

func sumSquares(x []float32, mean float32) float32 { return sumSquaresGo(x, mean) }

func add(dst, x, y []float32) { addGo(dst, x, y) }

func axpy(dst, x []float32, k float32) { axpyGo(dst, x, k) }

func sigmoid(dst, x []float32) { sigmoidGo(dst, x) }

func exp(dst, x []float32) { expGo(dst, x) }
