//go:build !noasm

package simd

import "golang.org/x/sys/cpu"

func best() Level {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasFMA:
		return AVX512
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return AVX2
	}
	return SSE
}

func dot(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, acc []float32) {
	wide := len(off) == 3
	switch {
	case level == AVX512 && wide:
		dot8x3AVX512(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	case level == AVX512:
		dot8x1AVX512(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	case level == AVX2 && wide:
		dot8x3AVX2(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	case level == AVX2:
		dot8x1AVX2(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	case level == SSE && wide:
		dot8x3SSE(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	case level == SSE:
		dot8x1SSE(n, images, &d[0], row, dImage, &x[0], xImage, &off[0], &acc[0])
	default:
		dotGo(n, images, d, row, dImage, x, xImage, off, acc)
	}
}

func gemm(tiles, k int, a, x []float32, off []int32, c []float32, ldc int) {
	switch level {
	case AVX512:
		gemmAVX512(tiles, k, &a[0], &x[0], &off[0], &c[0], ldc)
	case AVX2:
		gemmAVX2(tiles, k, &a[0], &x[0], &off[0], &c[0], ldc)
	case SSE:
		gemmSSE(tiles, k, &a[0], &x[0], &off[0], &c[0], ldc)
	default:
		gemmGo(tiles, k, a, x, off, c, ldc)
	}
}

func silu(dst, z []float32, s, t float32) {
	switch level {
	case AVX512:
		siluAVX512(len(dst), &dst[0], &z[0], s, t)
	case AVX2:
		siluAVX2(len(dst), &dst[0], &z[0], s, t)
	default:
		siluGo(dst, z, s, t)
	}
}

func affine(dst, z []float32, s, t float32) {
	switch level {
	case AVX512:
		affineAVX512(len(dst), &dst[0], &z[0], s, t)
	case AVX2:
		affineAVX2(len(dst), &dst[0], &z[0], s, t)
	default:
		affineGo(dst, z, s, t)
	}
}

func siluGrad(du, dout, z []float32, s, t, mean float32, sums *[2]float32) {
	switch level {
	case AVX512:
		siluGradAVX512(len(du), &du[0], &dout[0], &z[0], s, t, mean, &sums[0])
	case AVX2:
		siluGradAVX2(len(du), &du[0], &dout[0], &z[0], s, t, mean, &sums[0])
	default:
		siluGradGo(du, dout, z, s, t, mean, sums)
	}
}

func gradSums(d, z []float32, mean float32, sums *[2]float32) {
	switch level {
	case AVX512:
		gradSumsAVX512(len(d), &d[0], &z[0], mean, &sums[0])
	case AVX2:
		gradSumsAVX2(len(d), &d[0], &z[0], mean, &sums[0])
	default:
		gradSumsGo(d, z, mean, sums)
	}
}

func affine2(dst, d, z []float32, a, b, mean, c float32) {
	switch level {
	case AVX512:
		affine2AVX512(len(dst), &dst[0], &d[0], &z[0], a, b, mean, c)
	case AVX2:
		affine2AVX2(len(dst), &dst[0], &d[0], &z[0], a, b, mean, c)
	default:
		affine2Go(dst, d, z, a, b, mean, c)
	}
}

func sum(x []float32) (s float32) {
	switch level {
	case AVX512:
		sumAVX512(len(x), &x[0], &s)
	case AVX2:
		sumAVX2(len(x), &x[0], &s)
	default:
		s = sumGo(x)
	}
	return s
}

func sumSquares(x []float32, mean float32) (s float32) {
	switch level {
	case AVX512:
		sumSquaresAVX512(len(x), &x[0], mean, &s)
	case AVX2:
		sumSquaresAVX2(len(x), &x[0], mean, &s)
	default:
		s = sumSquaresGo(x, mean)
	}
	return s
}

func add(dst, x, y []float32) {
	switch level {
	case AVX512:
		addAVX512(len(dst), &dst[0], &x[0], &y[0])
	case AVX2:
		addAVX2(len(dst), &dst[0], &x[0], &y[0])
	default:
		addGo(dst, x, y)
	}
}

func axpy(dst, x []float32, k float32) {
	switch level {
	case AVX512:
		axpyAVX512(len(dst), &dst[0], &x[0], k)
	case AVX2:
		axpyAVX2(len(dst), &dst[0], &x[0], k)
	default:
		axpyGo(dst, x, k)
	}
}

func sigmoid(dst, x []float32) {
	switch level {
	case AVX512:
		sigmoidAVX512(len(dst), &dst[0], &x[0])
	case AVX2:
		sigmoidAVX2(len(dst), &dst[0], &x[0])
	default:
		sigmoidGo(dst, x)
	}
}

func exp(dst, x []float32) {
	switch level {
	case AVX512:
		expAVX512(len(dst), &dst[0], &x[0])
	case AVX2:
		expAVX2(len(dst), &dst[0], &x[0])
	default:
		expGo(dst, x)
	}
}
