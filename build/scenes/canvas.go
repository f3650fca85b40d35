package scenes

import (
	"image"
	"image/draw"

	"golang.org/x/image/vector"
)

// rgb is a colour, 0..1 a channel, as the camera encodes it.
type rgb struct{ r, g, b float32 }

func (c rgb) mul(k float32) rgb { return rgb{c.r * k, c.g * k, c.b * k} }

func mix(a, b rgb, t float32) rgb {
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func (c rgb) add(o rgb) rgb   { return rgb{c.r + o.r, c.g + o.g, c.b + o.b} }
func (c rgb) sub(o rgb) rgb   { return rgb{c.r - o.r, c.g - o.g, c.b - o.b} }
func (c rgb) times(o rgb) rgb { return rgb{c.r * o.r, c.g * o.g, c.b * o.b} }

// within keeps the channels in a..b.
func (c rgb) within(a, b float32) rgb {
	return rgb{clamp(c.r, a, b), clamp(c.g, a, b), clamp(c.b, a, b)}
}

// light is the luma.
func (c rgb) light() float32 { return 0.3*c.r + 0.59*c.g + 0.11*c.b }

// from is how far apart two colours look: the difference of luma, and a little
// of the largest difference of a channel.
func (c rgb) from(o rgb) float32 {
	d := max(abs(c.r-o.r), abs(c.g-o.g), abs(c.b-o.b))
	return 0.75*abs(c.light()-o.light()) + 0.3*d
}

// canvas is a picture that is painted back to front.
type canvas struct {
	w, h  int
	pix   []rgb
	mask  []float32 // coverage of one mark; zero between marks
	alpha *image.Alpha
	fill  vector.Rasterizer
}

func newCanvas(w, h int) *canvas {
	return &canvas{w: w, h: h, pix: make([]rgb, w*h), mask: make([]float32, w*h), alpha: image.NewAlpha(image.Rect(0, 0, w, h))}
}

// window is the part of the picture that b touches, in whole pixels.
func (c *canvas) window(b rect) image.Rectangle {
	b = b.and(rect{-1, -1, float32(c.w) + 1, float32(c.h) + 1})
	if b.x1 <= b.x0 || b.y1 <= b.y0 {
		return image.Rectangle{}
	}
	return image.Rect(int(b.x0)-1, int(b.y0)-1, int(b.x1)+2, int(b.y1)+2).Intersect(image.Rect(0, 0, c.w, c.h))
}

// polygon covers the inside of p, given in pixels.
func (c *canvas) polygon(p []pt) image.Rectangle {
	b := empty()
	for _, q := range p {
		b.reach(q, 0)
	}
	win := c.window(b)
	if win.Empty() {
		return win
	}
	ox, oy := float32(win.Min.X), float32(win.Min.Y)
	c.fill.Reset(win.Dx(), win.Dy())
	c.fill.DrawOp = draw.Src
	c.fill.MoveTo(p[0].x-ox, p[0].y-oy)
	for _, q := range p[1:] {
		c.fill.LineTo(q.x-ox, q.y-oy)
	}
	c.fill.ClosePath()
	c.fill.Draw(c.alpha, win, image.Opaque, image.Point{})
	for y := win.Min.Y; y < win.Max.Y; y++ {
		row, m := c.alpha.Pix[y*c.alpha.Stride:], c.mask[y*c.w:]
		for x := win.Min.X; x < win.Max.X; x++ {
			m[x] = float32(row[x]) * (1.0 / 255)
		}
	}
	return win
}

// trace covers a line of the half widths r, in pixels.
func (c *canvas) trace(p []pt, r []float32, soft float32) image.Rectangle {
	b := empty()
	for i, q := range p {
		b.reach(q, r[i]+soft+1)
	}
	win := c.window(b)
	if win.Empty() {
		return win
	}
	if len(p) == 1 {
		c.capsule(p[0], p[0], r[0], r[0], soft)
	}
	for i := 1; i < len(p); i++ {
		c.capsule(p[i-1], p[i], r[i-1], r[i], soft)
	}
	return win
}

// capsule covers a piece of a line; one thinner than a pixel covers part of it.
func (c *canvas) capsule(a, b pt, ra, rb, soft float32) {
	thin := float32(1)
	if m := max(ra, rb); m < 0.5 {
		thin, ra, rb = 2*m, 0.5, 0.5
	}
	edge := 1 / (1 + soft)
	box := empty()
	box.reach(a, ra+1+soft)
	box.reach(b, rb+1+soft)
	win := c.window(box)
	d := b.sub(a)
	n := max(d.x*d.x+d.y*d.y, 1e-6)
	for y := win.Min.Y; y < win.Max.Y; y++ {
		m := c.mask[y*c.w:]
		py := float32(y) + 0.5 - a.y
		for x := win.Min.X; x < win.Max.X; x++ {
			px := float32(x) + 0.5 - a.x
			t := clamp((px*d.x+py*d.y)/n, 0, 1)
			ex, ey := px-t*d.x, py-t*d.y
			r := ra + (rb-ra)*t
			q := ex*ex + ey*ey
			if out := r + 0.5 + soft; q >= out*out {
				continue
			}
			if v := thin * min((r-hypot(ex, ey))*edge+0.5, 1); v > m[x] {
				m[x] = v
			}
		}
	}
}

// flush lays ink where the mask is and clears it.
func (c *canvas) flush(win image.Rectangle, k ink, gx, gy int) {
	for y := win.Min.Y; y < win.Max.Y; y++ {
		m, row := c.mask[y*c.w:], c.pix[y*c.w:]
		grain := fine[(y+gy)&(tile-1)*tile:]
		for x := win.Min.X; x < win.Max.X; x++ {
			a := m[x]
			if a == 0 {
				continue
			}
			m[x] = 0
			a *= k.opacity
			if k.grain > 0 {
				a *= 1 - k.grain*clamp(0.5+1.5*grain[(x+gx)&(tile-1)], 0, 1)
			}
			row[x] = mix(row[x], k.c, a)
		}
	}
}

// cover paints with a colour for every pixel where the mask is, and clears it.
func (c *canvas) cover(win image.Rectangle, paint func(x, y int) rgb) {
	for y := win.Min.Y; y < win.Max.Y; y++ {
		m, row := c.mask[y*c.w:], c.pix[y*c.w:]
		for x := win.Min.X; x < win.Max.X; x++ {
			if a := m[x]; a > 0 {
				m[x] = 0
				row[x] = mix(row[x], paint(x, y), min(a, 1))
			}
		}
	}
}
