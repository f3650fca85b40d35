package kernels

import "math"

// Bilinear resizing in bytes follows OpenCV's fixed-point INTER_LINEAR
// (modules/imgproc/src/resize.cpp): weights are rounded to 11 bits on each
// axis, the horizontal sums stay exact in int32, and the vertical ones lose
// bits in three places (>>4, >>16, then a rounded >>2) so that 16-bit high
// products do.
const (
	resizeBits = 11
	resizeOne  = 1 << resizeBits
)

// LetterboxXTable is the horizontal table of a resize from src to dst pixels:
// dst pairs of the left source pixel and the weights of it and of its right
// neighbour, left in the low 16 bits, right in the high ones, in 1/2048. Beyond
// the edges the edge pixel counts alone.
func LetterboxXTable(src, dst int) []int32 {
	return resizeTable(src, dst, func(i int, w0, w1 int32) (int, int32, int32) {
		switch {
		case i < 0:
			return 0, resizeOne, 0
		case i < src-1:
			return i, w0, w1
		case src == 1:
			return 0, resizeOne, 0
		}
		return src - 2, 0, resizeOne
	})
}

// LetterboxYTable is the vertical table: dst pairs of the upper source row and
// the weights as in LetterboxXTable. The row may be −1 or src−1, whose missing
// neighbour is the edge row again, with its own weight.
func LetterboxYTable(src, dst int) []int32 {
	return resizeTable(src, dst, func(i int, w0, w1 int32) (int, int32, int32) { return i, w0, w1 })
}

// resizeTable computes positions in float32 from a float64 scale, and rounds
// both weights on their own, as OpenCV does.
func resizeTable(src, dst int, edge func(i int, w0, w1 int32) (int, int32, int32)) []int32 {
	table := make([]int32, 0, 2*dst)
	scale := 1 / (float64(dst) / float64(src))
	weight := func(w float32) int32 { return int32(math.RoundToEven(float64(w * resizeOne))) }
	for d := range dst {
		at := float32(float64((float64(d)+0.5)*scale) - 0.5) // not fused on any platform
		i := int(math.Floor(float64(at)))
		frac := at - float32(i)
		i, w0, w1 := edge(i, weight(1-frac), weight(frac))
		table = append(table, int32(i), w0|w1<<16)
	}
	return table
}
