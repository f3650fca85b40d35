package data

import (
	"image"
	"math"

	"eagleeye/kernels"
	"eagleeye/wasm/yolo"
)

// affine maps (x, y) to (a·x + b·y + c, d·x + e·y + f).
type affine struct{ a, b, c, d, e, f float64 }

func (m affine) apply(x, y float64) (float64, float64) {
	return m.a*x + m.b*y + m.c, m.d*x + m.e*y + m.f
}

// then is the map that does m first.
func (m affine) then(n affine) affine {
	return affine{
		n.a*m.a + n.b*m.d, n.a*m.b + n.b*m.e, n.a*m.c + n.b*m.f + n.c,
		n.d*m.a + n.e*m.d, n.d*m.b + n.e*m.e, n.d*m.c + n.e*m.f + n.f,
	}
}

func (m affine) inverse() affine {
	det := m.a*m.e - m.b*m.d
	i := affine{a: m.e / det, b: -m.b / det, d: -m.d / det, e: m.a / det}
	i.c, i.f = -(i.a*m.c + i.b*m.f), -(i.d*m.c + i.e*m.f)
	return i
}

func shift(x, y float64) affine { return affine{a: 1, e: 1, c: x, f: y} }

// bounds is the box around a mapped box.
func (m affine) bounds(b Box) Box {
	out := Box{Class: b.Class, X1: math.MaxFloat32, Y1: math.MaxFloat32, X2: -math.MaxFloat32, Y2: -math.MaxFloat32}
	for _, p := range [4][2]float32{{b.X1, b.Y1}, {b.X2, b.Y1}, {b.X1, b.Y2}, {b.X2, b.Y2}} {
		x, y := m.apply(float64(p[0]), float64(p[1]))
		out.X1, out.X2 = min(out.X1, float32(x)), max(out.X2, float32(x))
		out.Y1, out.Y2 = min(out.Y1, float32(y)), max(out.Y2, float32(y))
	}
	return out
}

// pixels is a decoded picture, w×h pixels with an edge of one repeated pixel
// around, so that interpolation needs no test; R, G, B in the low three bytes.
type pixels struct {
	w, h int
	pix  []uint32 // (h+2)·(w+2)
}

func newPixels(w, h int) *pixels { return &pixels{w, h, make([]uint32, (w+2)*(h+2))} }

func (p *pixels) row(y int) []uint32 { return p.pix[(y+1)*(p.w+2):][: p.w+2 : p.w+2] }

// bytes is the memory that the pixels take.
func (p *pixels) bytes() int64 { return 4 * int64(len(p.pix)) }

// fit scales a picture with its aspect kept so that it just fits w×h, by the
// interpolation that the engine's letterbox has (OpenCV's INTER_LINEAR): a
// network then sees in training what it sees in use.
func fit(img *image.RGBA, w, h int) *pixels {
	src := img.Rect.Size()
	box := yolo.Fit(src.X, src.Y, w, h)
	p := newPixels(box.NewW, box.NewH)
	if src.X == p.w && src.Y == p.h {
		for y := range p.h {
			row, from := p.row(y), img.Pix[y*img.Stride:]
			for x := range p.w {
				row[x+1] = uint32(from[4*x]) | uint32(from[4*x+1])<<8 | uint32(from[4*x+2])<<16
			}
		}
	} else {
		p.resize(img)
	}
	p.edges()
	return p
}

// resize follows kernels' letterbox.
func (p *pixels) resize(img *image.RGBA) {
	src := img.Rect.Size()
	xs, ys := kernels.LetterboxXTable(src.X, p.w), kernels.LetterboxYTable(src.Y, p.h)
	for y := range p.h {
		y0, wy0, wy1 := int(ys[2*y]), ys[2*y+1]&0xffff, ys[2*y+1]>>16
		top := img.Pix[min(max(y0, 0), src.Y-1)*img.Stride:]
		bottom := img.Pix[min(max(y0+1, 0), src.Y-1)*img.Stride:]
		row := p.row(y)
		for x := range p.w {
			at, wx0, wx1 := 4*int(xs[2*x]), xs[2*x+1]&0xffff, xs[2*x+1]>>16
			next := at + 4
			if src.X == 1 {
				next = at // the table gives it no weight
			}
			var v uint32
			for c := range 3 {
				s0 := int32(top[at+c])*wx0 + int32(top[next+c])*wx1
				s1 := int32(bottom[at+c])*wx0 + int32(bottom[next+c])*wx1
				v |= uint32((wy0*(s0>>4)>>16+wy1*(s1>>4)>>16+2)>>2) << (8 * c)
			}
			row[x+1] = v
		}
	}
}

// edges repeats the outer pixels.
func (p *pixels) edges() {
	for y := range p.h {
		row := p.row(y)
		row[0], row[p.w+1] = row[1], row[p.w]
	}
	copy(p.row(-1), p.row(0))
	copy(p.row(p.h), p.row(p.h-1))
}

// rect is a part of a picture, in its pixels.
type rect struct{ x1, y1, x2, y2 float64 }

const fixed = 1 << 16

// warp draws the part clip of src onto dst (w pixels a row, as in pixels, but
// without edges). back maps a point of dst to one of src. Interpolation is
// bilinear with weights of 8 bits.
func warp(dst []uint32, w, h int, src *pixels, back affine, clip rect) {
	stride := src.w + 2
	du, dv := int64(math.Round(back.a*fixed)), int64(math.Round(back.d*fixed))
	u1, u2 := int64(math.Round(clip.x1*fixed)), int64(math.Round(clip.x2*fixed))
	v1, v2 := int64(math.Round(clip.y1*fixed)), int64(math.Round(clip.y2*fixed))
	for y := range h {
		u, v := back.apply(0.5, float64(y)+0.5)
		u0, v0 := int64(math.Floor(u*fixed)), int64(math.Floor(v*fixed))
		from, to := span(u0, du, u1, u2, 0, int64(w))
		from, to = span(v0, dv, v1, v2, from, to)
		if from >= to {
			continue
		}
		// Half a pixel back to the centres, one forth over the edge.
		su, sv := u0+from*du+fixed/2, v0+from*dv+fixed/2
		for x := from; x < to; x++ {
			at := int(sv>>16)*stride + int(su>>16)
			fx, fy := uint64(su>>8)&255, uint64(sv>>8)&255
			a, b := src.pix[at:at+2:at+2], src.pix[at+stride:at+stride+2:at+stride+2]
			top := spread(a[0])*(256-fx) + spread(a[1])*fx
			bottom := spread(b[0])*(256-fx) + spread(b[1])*fx
			// 8-bit rows leave room for the second product in lanes of 21 bits.
			top, bottom = (top+half)>>8&lanes, (bottom+half)>>8&lanes
			dst[y*w+int(x)] = gather((top*(256-fy) + bottom*fy + half) >> 8 & lanes)
			su, sv = su+du, sv+dv
		}
	}
}

// Three bytes side by side in lanes of 21 bits.
const (
	lanes = 0xff | 0xff<<21 | 0xff<<42
	half  = 128 | 128<<21 | 128<<42
)

func spread(p uint32) uint64 {
	return uint64(p&0xff) | uint64(p&0xff00)<<13 | uint64(p&0xff0000)<<26
}

func gather(v uint64) uint32 {
	return uint32(v&0xff) | uint32(v>>13)&0xff00 | uint32(v>>26)&0xff0000
}

// span cuts [from, to) down to the i where low ≤ at + i·step < high.
func span(at, step, low, high, from, to int64) (int64, int64) {
	if step == 0 {
		if at < low || at >= high {
			return from, from
		}
		return from, to
	}
	if step < 0 { // low ≤ at + i·step ⟺ −at − i·step < 1 − low
		at, step, low, high = -at, -step, 1-high, 1-low
	}
	return max(from, ceilDiv(low-at, step)), min(to, ceilDiv(high-at, step))
}

// ceilDiv is ⌈a/b⌉ for b > 0.
func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
