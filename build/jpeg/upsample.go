package jpeg

// upsampler enlarges a chroma plane h×v times as libjpeg does with fancy
// upsampling on: a triangle filter (weights 3/4 and 1/4 to the two nearest
// samples of each direction) whose rounding alternates between the two outputs
// of a sample. It filters 2×1, 2×2 and 1×2; other factors, and planes of at
// most two columns, are repeated.
type upsampler struct {
	w, rows int // of the chroma plane
	h, v    int
	sum     []int32 // a row of vertical sums, 2×2 only
}

// newUpsampler is for a picture of w×rows pixels.
func newUpsampler(w, rows, h, v int) *upsampler {
	cw := (w + h - 1) / h
	return &upsampler{w: cw, rows: (rows + v - 1) / v, h: h, v: v, sum: make([]int32, cw)}
}

// width is the length of an enlarged row: the picture's, rounded up to h.
func (u *upsampler) width() int { return u.w * u.h }

// row writes the picture's row y of the plane to dst.
func (u *upsampler) row(dst, plane []byte, stride, y int) {
	cy := y / u.v
	near := plane[cy*stride:][:u.w]
	fancy := u.h == 1 || u.w > 2
	switch {
	case u.h == 1 && u.v == 1:
		copy(dst, near)
	case u.h == 2 && u.v == 1 && fancy:
		double(dst, near)
	case u.v == 2 && u.h <= 2 && fancy:
		// The farther row is the one above for even rows, below for odd ones;
		// beyond the plane its edge row repeats.
		far, bias := max(cy-1, 0), int32(1)
		if y%2 == 1 {
			far, bias = min(cy+1, u.rows-1), 2
		}
		other := plane[far*stride:][:u.w]
		if u.h == 1 {
			for i, s := range near {
				dst[i] = byte((3*int32(s) + int32(other[i]) + bias) >> 2)
			}
			return
		}
		for i, s := range near {
			u.sum[i] = 3*int32(s) + int32(other[i])
		}
		doubleSums(dst, u.sum)
	default:
		for i := range dst {
			dst[i] = near[i/u.h]
		}
	}
}

// double is the 2×1 filter.
func double(dst, src []byte) {
	n := len(src)
	for i, s := range src {
		last, next := int32(src[max(i-1, 0)]), int32(src[min(i+1, n-1)])
		dst[2*i] = byte((3*int32(s) + last + 1) >> 2)
		dst[2*i+1] = byte((3*int32(s) + next + 2) >> 2)
	}
}

// doubleSums is the horizontal half of the 2×2 filter.
func doubleSums(dst []byte, sum []int32) {
	n := len(sum)
	for i, s := range sum {
		last, next := sum[max(i-1, 0)], sum[min(i+1, n-1)]
		dst[2*i] = byte((3*s + last + 8) >> 4)
		dst[2*i+1] = byte((3*s + next + 7) >> 4)
	}
}
