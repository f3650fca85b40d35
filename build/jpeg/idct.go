package jpeg

// The inverse DCT of libjpeg's "islow" method (jidctint.c), the default of
// libjpeg-turbo, Pillow and OpenCV: Loeffler, Ligtenberg and Moschytz, Practical
// Fast 1-D DCT Algorithms with 11 Multiplications (ICASSP 1989), in fixed point
// with 13 fractional bits. Pictures agree bit for bit only with this one.
const (
	constBits = 13
	passBits  = 2 // fractional bits kept between the passes

	fix0_298631336 = 2446
	fix0_390180644 = 3196
	fix0_541196100 = 4433
	fix0_765366865 = 6270
	fix0_899976223 = 7373
	fix1_175875602 = 9633
	fix1_501321110 = 12299
	fix1_847759065 = 15137
	fix1_961570560 = 16069
	fix2_053119869 = 16819
	fix2_562915447 = 20995
	fix3_072711026 = 25172
)

// idct writes the 8×8 samples of a block of coefficients in natural order,
// dequantized by q (zigzag order undone as well), to dst.
func idct(dst []byte, stride int, coef []int16, q *[64]int32) {
	var work [64]int32
	for x := range 8 {
		var in [8]int32
		rest := int32(0)
		for y := range in {
			in[y] = int32(coef[8*y+x]) * q[8*y+x]
			if y > 0 {
				rest |= in[y]
			}
		}
		if rest == 0 {
			for y := range 8 {
				work[8*y+x] = in[0] << passBits
			}
			continue
		}
		out := butterfly(&in)
		for y, v := range out {
			work[8*y+x] = descale(v, constBits-passBits)
		}
	}
	for y := range 8 {
		out := butterfly((*[8]int32)(work[8*y:]))
		row := dst[y*stride:][:8]
		for x, v := range out {
			row[x] = clamp(descale(v, constBits+passBits+3) + 128)
		}
	}
}

// descale shifts right with rounding.
func descale(v int32, n uint) int32 { return (v + 1<<(n-1)) >> n }

// butterfly is the one-dimensional transform, scaled by √8·2¹³.
func butterfly(in *[8]int32) [8]int32 {
	z := (in[2] + in[6]) * fix0_541196100
	e2 := z - in[6]*fix1_847759065
	e3 := z + in[2]*fix0_765366865
	e0 := (in[0] + in[4]) << constBits
	e1 := (in[0] - in[4]) << constBits
	a0, a3, a1, a2 := e0+e3, e0-e3, e1+e2, e1-e2

	o0, o1, o2, o3 := in[7], in[5], in[3], in[1]
	z1, z2, z3, z4 := o0+o3, o1+o2, o0+o2, o1+o3
	z5 := (z3 + z4) * fix1_175875602
	z1 *= -fix0_899976223
	z2 *= -fix2_562915447
	z3 = z3*-fix1_961570560 + z5
	z4 = z4*-fix0_390180644 + z5
	o0 = o0*fix0_298631336 + z1 + z3
	o1 = o1*fix2_053119869 + z2 + z4
	o2 = o2*fix3_072711026 + z2 + z3
	o3 = o3*fix1_501321110 + z1 + z4
	return [8]int32{a0 + o3, a1 + o2, a2 + o1, a3 + o0, a3 - o0, a2 - o1, a1 - o2, a0 - o3}
}
