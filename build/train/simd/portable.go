package simd

import "math"

// The kernels in Go, for processors without the assembly, and as what it is
// tested against. Where the compiler fuses a multiplication with an addition
// (arm64 and others), so do they.

func gemmGo(tiles, k int, a, x []float32, off []int32, c []float32, ldc int) {
	for j := 0; j < Columns*tiles; j += 2 {
		gemm4x2(k, a, x[j:], off, c[j:], ldc)
		gemm4x2(k, a[4:], x[j:], off, c[4*ldc+j:], ldc)
	}
}

// gemm4x2 keeps 8 sums in registers: more would not fit into the 16 of amd64
// beside what is multiplied.
func gemm4x2(k int, a, x []float32, off []int32, c []float32, ldc int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 float32
	for i, o := range off[:k] {
		w := (*[4]float32)(a[Rows*i:])
		v := (*[2]float32)(x[o/4:])
		v0, v1 := v[0], v[1]
		s00 += w[0] * v0
		s01 += w[0] * v1
		s10 += w[1] * v0
		s11 += w[1] * v1
		s20 += w[2] * v0
		s21 += w[2] * v1
		s30 += w[3] * v0
		s31 += w[3] * v1
	}
	c[0], c[1] = s00, s01
	c[ldc], c[ldc+1] = s10, s11
	c[2*ldc], c[2*ldc+1] = s20, s21
	c[3*ldc], c[3*ldc+1] = s30, s31
}

func dotGo(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, acc []float32) {
	for i := range images {
		for j, o := range off {
			in := x[i*xImage+int(o)/4:][:n]
			for r := 0; r < Rows; r += 4 {
				at := d[i*dImage+r*row:]
				s := dot4(in, at[:n], at[row:][:n], at[2*row:][:n], at[3*row:][:n])
				for q, v := range s {
					acc[(r+q)*len(off)+j] += v
				}
			}
		}
	}
}

func dot4(x, d0, d1, d2, d3 []float32) (s [4]float32) {
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	n := len(x)
	d0, d1, d2, d3 = d0[:n], d1[:n], d2[:n], d3[:n]
	for p := 0; p+1 < n; p += 2 {
		v, w := x[p], x[p+1]
		a0 += d0[p] * v
		b0 += d0[p+1] * w
		a1 += d1[p] * v
		b1 += d1[p+1] * w
		a2 += d2[p] * v
		b2 += d2[p+1] * w
		a3 += d3[p] * v
		b3 += d3[p+1] * w
	}
	return [4]float32{a0 + b0, a1 + b1, a2 + b2, a3 + b3}
}

// exp32 is the exponential of the assembly: 2^n·e^r with a polynomial for e^r
// (Cephes' expf), the argument held within ±87.
func exp32(x float32) float32 {
	x = min(max(x, -87), 87)
	const magic = 3 << 22 // rounds to the nearest integer
	n := (x*1.44269504088896341 + magic) - magic
	r := x - n*0.693359375
	r -= n * -2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*(r*r) + r + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

func sigmoid32(x float32) float32 { return 1 / (1 + exp32(-x)) }

func siluGo(dst, z []float32, s, t float32) {
	for i, v := range z {
		u := s*v + t
		dst[i] = u * sigmoid32(u)
	}
}

func affineGo(dst, z []float32, s, t float32) {
	for i, v := range z {
		dst[i] = s*v + t
	}
}

func siluGradGo(du, dout, z []float32, s, t, mean float32, sums *[2]float32) {
	var a, b float32
	for i, v := range z {
		u := s*v + t
		g := sigmoid32(u)
		d := dout[i] * (g + u*g*(1-g))
		du[i] = d
		a += d
		b += d * (v - mean)
	}
	sums[0], sums[1] = a, b
}

func gradSumsGo(d, z []float32, mean float32, sums *[2]float32) {
	var a, b float32
	for i, v := range z {
		a += d[i]
		b += d[i] * (v - mean)
	}
	sums[0], sums[1] = a, b
}

func affine2Go(dst, d, z []float32, a, b, mean, c float32) {
	for i, v := range z {
		dst[i] = a*d[i] + (b*(v-mean) + c)
	}
}

func sumGo(x []float32) (s float32) {
	for _, v := range x {
		s += v
	}
	return s
}

func sumSquaresGo(x []float32, mean float32) (s float32) {
	for _, v := range x {
		s += (v - mean) * (v - mean)
	}
	return s
}

func addGo(dst, x, y []float32) {
	for i, v := range x {
		dst[i] = v + y[i]
	}
}

func axpyGo(dst, x []float32, k float32) {
	for i, v := range x {
		dst[i] += k * v
	}
}

func sigmoidGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = sigmoid32(v)
	}
}

func expGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp32(v)
	}
}
