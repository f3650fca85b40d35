package jpeg

// The colour conversion tables of JFIF (ITU-R BT.601, full range) in 16-bit
// fixed point, with libjpeg's rounding: red and blue are rounded in the table,
// green is summed with its rounding half in the Cb part.
var (
	crRed, cbBlue    [256]int32
	crGreen, cbGreen [256]int32
)

func init() {
	const half = 1 << 15
	fix := func(x float64) int32 { return int32(x*(1<<16) + 0.5) }
	for i := range int32(256) {
		x := i - 128
		crRed[i] = (fix(1.40200)*x + half) >> 16
		cbBlue[i] = (fix(1.77200)*x + half) >> 16
		crGreen[i] = -fix(0.71414) * x
		cbGreen[i] = -fix(0.34414)*x + half
	}
}

// convertRow turns a row of Y', Cb, Cr bytes to opaque RGBA.
func convertRow(dst, y, cb, cr []byte) {
	for i, l := range y {
		l, b, r := int32(l), cb[i], cr[i]
		p := dst[4*i : 4*i+4 : 4*i+4]
		p[0] = clamp(l + crRed[r])
		p[1] = clamp(l + (cbGreen[b]+crGreen[r])>>16)
		p[2] = clamp(l + cbBlue[b])
		p[3] = 255
	}
}

func clamp(v int32) byte { return byte(min(max(v, 0), 255)) }

// joinRow interleaves red, green and blue to opaque RGBA.
func joinRow(dst, r, g, b []byte) {
	for i := range len(dst) / 4 {
		p := dst[4*i : 4*i+4 : 4*i+4]
		p[0], p[1], p[2], p[3] = r[i], g[i], b[i], 255
	}
}
