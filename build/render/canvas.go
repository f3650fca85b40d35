package render

import (
	"image"
	"math"
	"math/rand/v2"
)

// rgb is a linear-ish colour, 0..1 a channel.
type rgb [3]float32

func (c rgb) mul(k float32) rgb { return rgb{c[0] * k, c[1] * k, c[2] * k} }

func mix(a, b rgb, t float32) rgb {
	return rgb{a[0] + (b[0]-a[0])*t, a[1] + (b[1]-a[1])*t, a[2] + (b[2]-a[2])*t}
}

// canvas is a picture in float32, drawn back to front.
type canvas struct {
	w, h int
	pix  []rgb
}

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]rgb, w*h)} }

// shape is a signed distance in pixels, negative inside (after Quilez's
// catalogue of distance functions).
type shape func(x, y float32) float32

// paint gives the colour at a pixel.
type paint func(x, y float32) rgb

func ellipse(cx, cy, rx, ry float32) shape {
	return func(x, y float32) float32 {
		dx, dy := (x-cx)/rx, (y-cy)/ry
		return (float32(math.Hypot(float64(dx), float64(dy))) - 1) * min(rx, ry)
	}
}

// roundBox is a box with corners of radius r.
func roundBox(x0, y0, x1, y1, r float32) shape {
	cx, cy, hx, hy := (x0+x1)/2, (y0+y1)/2, (x1-x0)/2-r, (y1-y0)/2-r
	return func(x, y float32) float32 {
		dx, dy := abs(x-cx)-hx, abs(y-cy)-hy
		out := float32(math.Hypot(float64(max(dx, 0)), float64(max(dy, 0))))
		return out + min(max(dx, dy), 0) - r
	}
}

// capsule is a thick line whose half thickness goes from r0 to r1.
func capsule(x0, y0, x1, y1, r0, r1 float32) shape {
	dx, dy := x1-x0, y1-y0
	n := max(dx*dx+dy*dy, 1e-6)
	return func(x, y float32) float32 {
		t := min(max(((x-x0)*dx+(y-y0)*dy)/n, 0), 1)
		return float32(math.Hypot(float64(x-x0-t*dx), float64(y-y0-t*dy))) - (r0 + (r1-r0)*t)
	}
}

func abs(x float32) float32 { return max(x, -x) }

// fill paints the inside of s, its edge softened over soft pixels, with the
// opacity a. Only the box x0..x1, y0..y1 is looked at.
func (c *canvas) fill(s shape, p paint, x0, y0, x1, y1, soft, a float32) {
	ix0, iy0 := max(int(x0-soft)-1, 0), max(int(y0-soft)-1, 0)
	ix1, iy1 := min(int(x1+soft)+2, c.w), min(int(y1+soft)+2, c.h)
	for y := iy0; y < iy1; y++ {
		for x := ix0; x < ix1; x++ {
			fx, fy := float32(x)+0.5, float32(y)+0.5
			cover := 0.5 - s(fx, fy)/soft
			if cover <= 0 {
				continue
			}
			i := y*c.w + x
			c.pix[i] = mix(c.pix[i], p(fx, fy), min(cover, 1)*a)
		}
	}
}

// expose does what a camera's automatic exposure does: it scales the light so
// that the mean is about level, highlights clip.
func (c *canvas) expose(level float32) {
	var sum float64
	for _, p := range c.pix {
		sum += float64(p[0]+p[1]+p[2]) / 3
	}
	gain := min(max(level*float32(len(c.pix))/float32(sum+1e-6), 0.5), 4)
	for i := range c.pix {
		c.pix[i] = c.pix[i].mul(gain)
	}
}

// rgba adds the sensor: a vignette, shot and read noise, and rounding to 8
// bits.
func (c *canvas) rgba(r *rand.Rand, noise, vignette float32) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	for y := range c.h {
		for x := range c.w {
			dx, dy := float32(x)/float32(c.w)-0.5, float32(y)/float32(c.h)-0.5
			k := 1 - vignette*(dx*dx+dy*dy)*2
			grain := float32(r.NormFloat64()) * noise
			p, o := c.pix[y*c.w+x], img.PixOffset(x, y)
			for ch := range 3 {
				v := p[ch]*k + grain + float32(r.NormFloat64())*noise*0.5
				img.Pix[o+ch] = uint8(min(max(v, 0), 1)*255 + 0.5)
			}
			img.Pix[o+3] = 255
		}
	}
	return img
}

// field is smooth random noise in −1..1: octaves of value noise on a hashed
// grid, each of half the size and gain times the strength of the one before.
type field struct {
	seed    uint32
	scale   float32 // pixels of the coarsest cell
	octaves int
	gain    float32
}

func (f field) at(x, y float32) float32 {
	var sum, norm float32
	amp, s := float32(1), 1/f.scale
	for o := range f.octaves {
		sum += amp * valueNoise(x*s, y*s, f.seed+uint32(o)*0x9e3779b9)
		norm += amp
		amp *= f.gain
		s *= 2
	}
	return sum / norm
}

func valueNoise(x, y float32, seed uint32) float32 {
	fx, fy := float32(math.Floor(float64(x))), float32(math.Floor(float64(y)))
	ix, iy := int32(fx), int32(fy)
	tx, ty := x-fx, y-fy
	tx, ty = tx*tx*(3-2*tx), ty*ty*(3-2*ty)
	top := lattice(ix, iy, seed)*(1-tx) + lattice(ix+1, iy, seed)*tx
	bottom := lattice(ix, iy+1, seed)*(1-tx) + lattice(ix+1, iy+1, seed)*tx
	return top*(1-ty) + bottom*ty
}

// lattice hashes a grid point to −1..1 (the finalizer of MurmurHash3).
func lattice(x, y int32, seed uint32) float32 {
	h := uint32(x)*0x85ebca6b ^ uint32(y)*0xc2b2ae35 ^ seed
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return float32(h)/(1<<31) - 1
}
