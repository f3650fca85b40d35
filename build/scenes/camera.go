package scenes

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
)

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// paint draws the scene and returns the boxes of its symbols.
func (s *scene) paint() []Box {
	s.backdrop()
	if s.odds(0.35) && s.surfaces[0].sheet {
		s.person()
	}
	var boxes []Box
	for _, f := range s.surfaces {
		boxes = append(boxes, s.surface(f)...)
	}
	s.light()
	return boxes
}

// surface draws one with all that is on it.
func (s *scene) surface(f *surface) (boxes []Box) {
	for _, l := range f.behind {
		s.limb(f, l)
	}
	whole := rect{0, 0, float32(s.w), float32(s.h)}
	edge := []pt{{0, 0}, {whole.x1, 0}, {whole.x1, whole.y1}, {0, whole.y1}}
	if f.sheet {
		lift := s.unit() * 0.012
		for k := range 3 { // the shadow it casts
			p := f.outline(0.012 * float32(k))
			for i := range p {
				p[i] = p[i].add(pt{lift * 0.5, lift})
			}
			s.flush(s.polygon(p), ink{opacity: 0.14}, 0, 0)
		}
		if f.frame > 0 {
			s.flush(s.polygon(f.outline(f.frame)), ink{c: f.frameC, opacity: 1}, 0, 0)
		}
		edge = f.outline(0)
	}
	tex := fine
	if f.kind == shirt {
		tex = weave
	}
	k := 1 / (s.unit() * 0.5)
	s.cover(s.polygon(edge), func(x, y int) rgb {
		o := (y + f.oy) & (tile - 1) * tile
		v := 1 + f.rough*tex[o+(x+f.ox)&(tile-1)]
		if f.folds > 0 {
			v += f.folds * cloud[((y>>1)+f.ox)&(tile-1)*tile+((x>>1)+f.oy)&(tile-1)]
		}
		v += f.shade.x*(float32(x)-f.x)*k + f.shade.y*(float32(y)-f.y)*k
		return f.c.mul(v)
	})
	for _, m := range f.rules {
		s.mark(f, m)
	}
	for _, it := range f.items {
		for _, m := range it.marks {
			s.mark(f, m)
		}
		if it.class >= 0 {
			b := f.visible(it, whole)
			boxes = append(boxes, Box{it.class, b.x0, b.y0, b.x1, b.y1})
		}
	}
	for _, l := range f.fingers {
		s.limb(f, l)
	}
	return boxes
}

// mark draws a line or an area of ink.
func (s *scene) mark(f *surface, m inked) {
	p := make([]pt, len(m.p))
	for i := range p {
		p[i] = f.at(m.p[i])
	}
	if m.r == nil {
		s.flush(s.polygon(p), m.ink, f.ox, f.oy)
		return
	}
	k := f.scale(m.p[len(m.p)/2])
	r := make([]float32, len(m.r))
	for i := range r {
		r[i] = m.r[i] * k
	}
	s.flush(s.trace(p, r, m.ink.soft), m.ink, f.ox, f.oy)
}

// light is uneven: a gradient, a lamp's glow or a shadow, and the corners darker.
func (s *scene) light() {
	const cell = 16
	gw, gh := s.w/cell+2, s.h/cell+2
	grid := make([]float32, gw*gh)
	type spot struct{ x, y, r, k float32 }
	var spots []spot
	for range s.IntN(3) {
		k := s.f(-0.45, 0.1)
		if s.odds(0.3) {
			k = s.f(0, 0.6)
		}
		spots = append(spots, spot{s.f(-0.1, 1.1), s.f(-0.1, 1.1), s.f(0.1, 0.5), k})
	}
	gx, gy, vig := s.norm(0.18), s.norm(0.18), 0.5*s.Float32()*s.Float32()
	for y := range gh {
		for x := range gw {
			u, v := float32(x*cell)/float32(s.w), float32(y*cell)/float32(s.h)
			k := 1 + gx*(u-0.5) + gy*(v-0.5) - vig*((u-0.5)*(u-0.5)+(v-0.5)*(v-0.5))
			for _, p := range spots {
				d := ((u-p.x)*(u-p.x) + (v-p.y)*(v-p.y)) / (p.r * p.r)
				k += p.k / (1 + d*d)
			}
			grid[y*gw+x] = max(k, 0.15)
		}
	}
	for y := range s.h {
		ty := float32(y%cell) / cell
		a, b := grid[y/cell*gw:], grid[(y/cell+1)*gw:]
		row := s.pix[y*s.w : (y+1)*s.w]
		for x := range row {
			i, tx := x/cell, float32(x%cell)/cell
			top, low := a[i]+(a[i+1]-a[i])*tx, b[i]+(b[i+1]-b[i])*tx
			row[x] = row[x].mul(top + (low-top)*ty)
		}
	}
}

// camera is how the picture is taken.
type camera struct {
	gain    rgb
	gamma   float32
	black   float32
	blur    float32 // radius of the defocus, pixels
	motion  pt      // pixels moved while the shutter is open
	sharpen float32 // of the neighbours' difference; negative softens
	noise   float32 // deviation
	quality int     // JPEG's; 0 leaves it out
}

func (s *scene) camera() camera {
	k := s.unit() / 320
	e := s.f(0.65, 1.15)
	c := camera{
		gain:    rgb{e * (1 + s.norm(0.08)), e, e * (1 + s.norm(0.1))},
		gamma:   s.f(0.75, 1.35),
		black:   0.08 * s.Float32() * s.Float32(),
		sharpen: s.f(-0.2, 0.12),
		noise:   0.003 + 0.05*s.Float32()*s.Float32()*s.Float32(),
	}
	// What is blurred beyond recognition is nothing to learn from.
	if s.odds(0.25) {
		c.blur = min(k*s.f(0.4, 2), 0.06*s.least)
	}
	if s.odds(0.2) {
		most := 0.12 * s.least
		c.motion = pt{clamp(k*s.norm(3), -most, most), clamp(k*s.norm(3), -most, most)}
	}
	if s.odds(0.3) {
		c.quality = 25 + s.IntN(65)
	}
	return c
}

// shoot turns the scene into the camera's picture.
func (s *scene) shoot(c camera) *image.RGBA {
	if n := int(c.motion.length() + 1.5); n > 1 {
		s.smear(c.motion, n)
	}
	if c.blur > 0 {
		s.soften(c.blur)
	}
	img := image.NewRGBA(image.Rect(0, 0, s.w, s.h))
	var curve [1025]float32 // tone
	for i := range curve {
		curve[i] = (c.black + (1-c.black)*pow(float32(i)/1024, c.gamma)) * 255
	}
	ox, oy := s.IntN(tile), s.IntN(tile)
	gain, grainK, hueK := c.gain.mul(1024), c.noise*255, c.noise*130
	at := func(v float32) int { return int(clamp(v, 0, 1024)) }
	for y := range s.h {
		row := s.pix[y*s.w : (y+1)*s.w]
		up, down := s.pix[max(y-1, 0)*s.w:], s.pix[min(y+1, s.h-1)*s.w:]
		grain := noise[(y+oy)&(tile-1)*tile:][:tile]
		other := noise[(y*3+ox)&(tile-1)*tile:][:tile]
		out := img.Pix[y*img.Stride:]
		for x, p := range row {
			left, right := row[max(x-1, 0)], row[min(x+1, s.w-1)]
			n := grain[(x+ox)&(tile-1)] * grainK
			hue := other[(x*5+oy)&(tile-1)] * hueK
			around := left.add(right).add(up[x]).add(down[x])
			p = p.add(p.sub(around.mul(0.25)).mul(c.sharpen)).times(gain)
			o := out[4*x : 4*x+4 : 4*x+4]
			o[0] = eight(curve[at(p.r)] + n + hue)
			o[1] = eight(curve[at(p.g)] + n)
			o[2] = eight(curve[at(p.b)] + n - hue)
			o[3] = 255
		}
	}
	if c.quality > 0 {
		return recompressed(img, c.quality)
	}
	return img
}

// eight rounds to a byte.
func eight(v float32) uint8 { return uint8(clamp(v, 0, 255) + 0.5) }

// smear averages n steps along a path through each pixel's middle.
func (s *scene) smear(d pt, n int) {
	out := make([]rgb, len(s.pix))
	k := 1 / float32(n)
	for i := range n {
		t := float32(i)/float32(max(n-1, 1)) - 0.5
		dx, dy := int(math.Round(float64(d.x*t))), int(math.Round(float64(d.y*t)))
		for y := range s.h {
			from := s.pix[min(max(y+dy, 0), s.h-1)*s.w:][:s.w]
			to := out[y*s.w:][:s.w]
			for x := range to {
				to[x] = to[x].add(from[min(max(x+dx, 0), s.w-1)].mul(k))
			}
		}
	}
	s.pix = out
}

// soften is a lens out of focus: two box filters of fractional radius each way,
// close to a Gaussian of the deviation r.
func (s *scene) soften(r float32) {
	buf := make([]rgb, max(s.w, s.h))
	pass := func(start, step, n int) {
		for range 2 {
			for i := range n {
				buf[i] = s.pix[start+i*step]
			}
			box(buf[:n], r*1.2, func(i int, c rgb) { s.pix[start+i*step] = c })
		}
	}
	for y := range s.h {
		pass(y*s.w, 1, s.w)
	}
	for x := range s.w {
		pass(x, s.w, s.h)
	}
}

// box averages over 2r+1 neighbours, those at the ends by the fraction of r.
func box(in []rgb, r float32, put func(i int, c rgb)) {
	n, whole := len(in), int(r)
	frac := r - float32(whole)
	k := 1 / (2*r + 1)
	at := func(i int) rgb { return in[min(max(i, 0), n-1)] }
	var sum rgb
	for i := -whole; i <= whole; i++ {
		sum = sum.add(at(i))
	}
	for i := range n {
		a, b := at(i-whole-1), at(i+whole+1)
		put(i, sum.add(a.add(b).mul(frac)).mul(k))
		sum = sum.add(b).sub(at(i - whole))
	}
}

// recompressed is what is left of a picture after JPEG.
func recompressed(img *image.RGBA, quality int) *image.RGBA {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
		panic(err) // a buffer takes everything
	}
	back, err := jpeg.Decode(&buf)
	if err != nil {
		panic(err)
	}
	ycc := back.(*image.YCbCr)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := ycc.YCbCrAt(x, y)
			r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			o := img.PixOffset(x, y)
			img.Pix[o], img.Pix[o+1], img.Pix[o+2] = r, g, b
		}
	}
	return img
}
