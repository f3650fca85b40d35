package kernels

import "math"

// Sums of OpLetterboxYUV have yuvBits bits behind the point.
const (
	yuvBits = 13
	yuvHalf = 1 << (yuvBits - 1)
	yuvGap  = 8 // pixels between the rows in scratch, which may be read
)

// LetterboxYUVPitch is the size of a row of width pixels in
// LetterboxYUVDesc.Scratch.
func LetterboxYUVPitch(width int) int { return 4 * ((width+7)/8*8 + yuvGap) }

// YUVMatrix are the weights of red and blue in luma, which define the matrix of
// a Y'CbCr encoding (ITU-T H.273, table 4).
type YUVMatrix struct{ Red, Blue float64 }

// Matrices of cameras and video files.
var (
	BT601  = YUVMatrix{0.299, 0.114}
	BT709  = YUVMatrix{0.2126, 0.0722}
	BT2020 = YUVMatrix{0.2627, 0.0593}
)

// RGB converts a pixel as OpLetterboxYUV does.
func (d *LetterboxYUVDesc) RGB(y, u, v byte) (r, g, b byte) {
	term := func(p uint32, a, b int32) int32 { return a*int32(int16(p)) + b*(int32(p)>>16) }
	luma, cb, cr := int32(y)-d.YZero, int32(u)-128, int32(v)-128
	narrow := func(sum int32) byte { return byte(max(0, min(255, (sum+yuvHalf)>>yuvBits))) }
	return narrow(term(d.R, luma, cr)), narrow(term(d.G, luma, cr) + term(d.GU, luma, cb)), narrow(term(d.B, luma, cb))
}

// Set sets the coefficients of a descriptor. Samples of full range are 0 to
// 255, those of limited range 16 to 235 for Y and 16 to 240 for U and V (ITU-T
// H.273, equations 20 to 28).
func (m YUVMatrix) Set(d *LetterboxYUVDesc, full bool) {
	luma, chroma := 255.0/219, 255.0/224
	d.YZero = 16
	if full {
		luma, chroma, d.YZero = 1, 1, 0
	}
	pair := func(a, b float64) uint32 {
		fixed := func(v float64) uint32 { return uint32(uint16(int16(math.RoundToEven(v * (1 << yuvBits))))) }
		return fixed(a) | fixed(b)<<16
	}
	green := 1 - m.Red - m.Blue
	d.R = pair(luma, 2*(1-m.Red)*chroma)
	d.B = pair(luma, 2*(1-m.Blue)*chroma)
	d.G = pair(luma, -2*(1-m.Red)*m.Red/green*chroma)
	d.GU = pair(0, -2*(1-m.Blue)*m.Blue/green*chroma)
}
