package simd

import (
	"math"
	"unsafe"
)

// The kernels in Go, for processors without the assembly, and as what it is
// tested against. Where the compiler fuses a multiplication with an addition
// (arm64 and others), so do they.

// The products keep 2×3 sums: more, with what is multiplied, do not fit into the
// registers of amd64, and a sum that is spilled waits for memory every time. They
// read through pointers, because checks of bounds cost a quarter of their time;
// Gemm and Dot have checked the ends.

func gemmGo(tiles, k int, a, x []float32, off []int32, c []float32, ldc int) {
	n := Columns * tiles
	for j := 0; j < n; j += 3 {
		for r := 0; r < Rows; r += 2 {
			if j+3 <= n {
				s := gemm2x3(unsafe.Pointer(&a[r]), unsafe.Pointer(&x[j]), off)
				copy(c[r*ldc+j:][:3], s[:3])
				copy(c[(r+1)*ldc+j:][:3], s[3:])
				continue
			}
			for i := j; i < n; i++ {
				c[r*ldc+i], c[(r+1)*ldc+i] = gemm2x1(a[r:], x[i:], off)
			}
		}
	}
}

func gemm2x3(a, x unsafe.Pointer, off []int32) [6]float32 {
	var s00, s01, s02, s10, s11, s12 float32
	for _, o := range off {
		w, v := (*[2]float32)(a), (*[3]float32)(unsafe.Add(x, o))
		v0, v1, v2 := v[0], v[1], v[2]
		s00 += w[0] * v0
		s01 += w[0] * v1
		s02 += w[0] * v2
		s10 += w[1] * v0
		s11 += w[1] * v1
		s12 += w[1] * v2
		a = unsafe.Add(a, 4*Rows)
	}
	return [6]float32{s00, s01, s02, s10, s11, s12}
}

func gemm2x1(a, x []float32, off []int32) (s0, s1 float32) {
	for i, o := range off {
		v := x[o/4]
		s0 += a[Rows*i] * v
		s1 += a[Rows*i+1] * v
	}
	return s0, s1
}

func dotGo(n, images int, d []float32, row, dImage int, x []float32, xImage int, off []int32, acc []float32) {
	columns := len(off)
	for i := range images {
		for r := 0; r < Rows; r += 2 {
			d0, d1 := d[i*dImage+r*row:][:n], d[i*dImage+(r+1)*row:][:n]
			in := x[i*xImage:]
			if columns == 3 {
				s := dot2x3(d0, d1, in[off[0]/4:][:n], in[off[1]/4:][:n], in[off[2]/4:][:n])
				for q, v := range s {
					acc[r*3+q] += v
				}
				continue
			}
			var s0, s1 float32
			for p, v := range in[off[0]/4:][:n] {
				s0 += d0[p] * v
				s1 += d1[p] * v
			}
			acc[r] += s0
			acc[r+1] += s1
		}
	}
}

func dot2x3(d0, d1, x0, x1, x2 []float32) [6]float32 {
	var s00, s01, s02, s10, s11, s12 float32
	n := len(d0)
	d1, x0, x1, x2 = d1[:n], x0[:n], x1[:n], x2[:n]
	for p, u := range d0 {
		w, v0, v1, v2 := d1[p], x0[p], x1[p], x2[p]
		s00 += u * v0
		s01 += u * v1
		s02 += u * v2
		s10 += w * v0
		s11 += w * v1
		s12 += w * v2
	}
	return [6]float32{s00, s01, s02, s10, s11, s12}
}

// exp32 is the exponential of the assembly: 2^n·e^r with a polynomial for e^r
// (Cephes' expf), the argument held within ±87.
func exp32(x float32) float32 {
	// Comparisons, which let NaN through, cost less than min and max.
	if x > 87 {
		x = 87
	} else if x < -87 {
		x = -87
	}
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
