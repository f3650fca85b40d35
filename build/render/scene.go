// Package render draws scenes from a seed: rooms and streets with textured
// grounds, lit things and figures, and the noise of a sensor. They stand in
// for photos where none are at hand, as calibration images and as the film of
// a fake camera. It imports nothing of ours.
package render

import (
	"image"
	"math/rand/v2"
)

// Scene draws w×h pixels of the scene that the seed names. The same arguments
// give the same bytes.
func Scene(seed int64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(uint64(seed), 0x5ce9e))
	s := &scene{Rand: r, canvas: newCanvas(w, h), unit: float32(min(w, h))}
	s.light = 0.45 + 0.75*r.Float32()
	s.warm = r.Float32()*0.3 - 0.15
	s.horizon = float32(h) * (0.3 + 0.4*r.Float32())
	s.backdrop()
	for range 2 + r.IntN(5) {
		s.thing(0.08 + 0.15*r.Float32())
	}
	for range 2 + r.IntN(5) {
		s.thing(0.15 + 0.45*r.Float32()*r.Float32()*2)
	}
	s.expose(0.33 + 0.35*r.Float32())
	return s.rgba(r, 0.004+0.02*r.Float32()*r.Float32(), 0.6*r.Float32())
}

type scene struct {
	*rand.Rand
	*canvas
	unit        float32 // pixels of the short side
	light, warm float32
	horizon     float32 // row where the far wall or sky meets the ground
}

// colour is a random colour: mostly muted, as most things are.
func (s *scene) colour() rgb {
	grey := 0.1 + 0.75*s.Float32()
	sat := s.Float32() * s.Float32()
	return s.tint(rgb{grey + sat*(s.Float32()-0.5), grey + sat*(s.Float32()-0.5), grey + sat*(s.Float32()-0.5)})
}

// tint applies the colour and strength of the light.
func (s *scene) tint(c rgb) rgb {
	for i := range c {
		c[i] = min(max(c[i], 0.02), 1)
	}
	return rgb{c[0] * s.light * (1 + s.warm), c[1] * s.light, c[2] * s.light * (1 - s.warm)}
}

func (s *scene) skin() rgb {
	return s.tint(mix(rgb{0.93, 0.76, 0.65}, rgb{0.35, 0.22, 0.15}, s.Float32()))
}

// texture varies the colour c by noise of the given strength.
func (s *scene) texture(c rgb, scale, strength float32) paint {
	f := field{s.Uint32(), max(scale, 2), 5, 0.35 + 0.35*s.Float32()}
	return func(x, y float32) rgb { return c.mul(1 + strength*f.at(x, y)) }
}

// lit adds to p the shading of a round or slanted surface lit from a side.
func (s *scene) lit(p paint, x0, y0, x1, y1 float32) paint {
	sx, sy := s.Float32()*0.9-0.45, 0.35*s.Float32()
	return func(x, y float32) rgb {
		u, v := (x-x0)/(x1-x0)-0.5, (y-y0)/(y1-y0)-0.5
		return p(x, y).mul(1 + sx*u*2 - sy*v*2)
	}
}

// stripes crosses p with a second colour every period pixels.
func (s *scene) stripes(p paint, c rgb, period float32, vertical bool) paint {
	return func(x, y float32) rgb {
		t := y
		if vertical {
			t = x
		}
		if int(t/period)&1 == 0 {
			return p(x, y)
		}
		return c
	}
}

func (s *scene) cover(p paint, y0, y1 float32) {
	w := float32(s.w)
	s.fill(func(x, y float32) float32 { return -1 }, p, 0, y0, w, y1-1, 1, 1)
}

// backdrop is the sky or the wall above the horizon and the ground below it.
func (s *scene) backdrop() {
	w, h, top := float32(s.w), float32(s.h), s.horizon
	if s.IntN(2) == 0 { // outside
		zenith, low := s.tint(rgb{0.35, 0.55, 0.9}), s.tint(rgb{0.9, 0.92, 0.95})
		clouds := field{s.Uint32(), s.unit * 0.5, 5, 0.55}
		s.cover(func(x, y float32) rgb {
			c := mix(zenith, low, y/top)
			return mix(c, low, max(clouds.at(x, y*2), 0))
		}, 0, top)
		for x := float32(0); x < w; { // houses and trees along the horizon
			bw, bh := s.unit*(0.08+0.25*s.Float32()), s.unit*(0.05+0.4*s.Float32())
			if s.IntN(3) == 0 {
				p := s.texture(s.tint(rgb{0.2, 0.35, 0.15}), bw*0.3, 0.7)
				s.fill(ellipse(x+bw/2, top-bh/2, bw/2, bh/2), p, x, top-bh, x+bw, top, bw*0.1+1, 1)
			} else {
				p := s.texture(s.colour(), bw, 0.15)
				s.fill(roundBox(x, top-bh, x+bw, top+1, 0), p, x, top-bh, x+bw, top, 1, 1)
				s.windows(x, top-bh, bw, bh)
			}
			x += bw * (0.5 + s.Float32())
		}
	} else { // a room
		p := s.texture(s.colour(), s.unit*0.4, 0.1)
		if s.IntN(3) == 0 {
			p = s.stripes(p, s.colour(), s.unit*(0.01+0.05*s.Float32()), s.IntN(2) == 0)
		}
		s.cover(s.lit(p, 0, 0, w, top), 0, top)
		for range s.IntN(4) { // pictures, doors, windows
			bw, bh := s.unit*(0.1+0.25*s.Float32()), s.unit*(0.1+0.3*s.Float32())
			x, y := s.Float32()*w-bw/2, s.Float32()*top-bh*0.7
			s.fill(roundBox(x, y, x+bw, y+bh, 1), s.texture(s.colour(), 9, 0.1), x, y, x+bw, y+bh, 1, 1)
			in := bw * 0.08
			s.fill(roundBox(x+in, y+in, x+bw-in, y+bh-in, 0), s.texture(s.colour(), bw*0.4, 0.9), x, y, x+bw, y+bh, 1, 1)
		}
	}
	ground := s.texture(s.colour(), s.unit*(0.02+0.2*s.Float32()), 0.35)
	s.cover(func(x, y float32) rgb {
		depth := 1 + 6*(h-y)/(h-top+1) // coarser to the viewer
		return ground(x*depth*0.3, y*depth*0.6).mul(0.75 + 0.25*(y-top)/(h-top))
	}, top, h)
}

func (s *scene) windows(x, y, w, h float32) {
	glass := s.colour()
	n, m := 2+s.IntN(4), 2+s.IntN(5)
	cw, ch := w/float32(n), h/float32(m)
	if cw < 4 || ch < 4 {
		return
	}
	for i := range n * m {
		x0, y0 := x+cw*(float32(i%n)+0.25), y+ch*(float32(i/n)+0.25)
		c := glass.mul(0.5 + s.Float32())
		s.fill(roundBox(x0, y0, x0+cw/2, y0+ch/2, 0), func(x, y float32) rgb { return c }, x0, y0, x0+cw/2, y0+ch/2, 1, 1)
	}
}
