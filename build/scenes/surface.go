package scenes

// Kinds of surfaces.
const (
	paper = iota
	lined
	squared
	board // white, for markers
	slate // dark, for chalk
	poster
	shirt
	screen
	wall
)

// surface is what symbols are drawn on: a plane of −a..a by −1..1 units.
type surface struct {
	view
	kind    int
	a       float32
	c       rgb
	sheet   bool // has edges; else it fills the picture
	held    float32
	rough   float32 // of the ground's texture
	folds   float32
	corner  float32 // radius of the corners
	frame   float32 // width of a border
	frameC  rgb
	shade   pt // change of light over the plane
	rules   []inked
	items   []item
	behind  []limb
	fingers []limb
	ox, oy  int // of the textures
}

// bounds is the box of an item's ink in pixels.
func (f *surface) bounds(it item) rect {
	b := empty()
	for _, m := range it.marks {
		if !m.hard && it.class >= 0 {
			continue
		}
		k := float32(0)
		if m.r != nil {
			k = f.scale(m.p[len(m.p)/2])
		}
		for i, p := range m.p {
			r := float32(0)
			if m.r != nil {
				r = max(m.r[i]*k, 0.5)
			}
			b.reach(f.at(p), r)
		}
	}
	return b
}

// visible is the box of the part of an item's ink that lies in the picture.
func (f *surface) visible(it item, picture rect) rect {
	b := empty()
	for _, m := range it.marks {
		k := f.scale(m.p[len(m.p)/2])
		last := f.at(m.p[0])
		n := len(m.p)
		for i := 1; i <= n; i++ {
			r := float32(0)
			if m.r != nil {
				if i == n { // lines are open
					break
				}
				r = max(m.r[i]*k, 0.5)
			}
			p := f.at(m.p[i%n])
			if a, c, ok := clip(last, p, rect{picture.x0 - r, picture.y0 - r, picture.x1 + r, picture.y1 + r}); ok {
				b.reach(a, r)
				b.reach(c, r)
			}
			last = p
		}
	}
	return b.and(picture)
}

// contains says that an item is on the sheet.
func (f *surface) contains(it item) bool {
	for _, m := range it.marks {
		for i, p := range m.p {
			r := float32(0)
			if m.r != nil {
				r = m.r[i]
			}
			if abs(p.x)+r > f.a*0.985 || abs(p.y)+r > 0.985 {
				return false
			}
		}
	}
	return true
}

// outline is the sheet's edge in pixels, its corners rounded.
func (f *surface) outline(grow float32) []pt {
	a, b, r := f.a+grow, 1+grow, max(f.corner, 0.001)
	var p []pt
	corner := func(x, y, from float32) {
		for i := range 4 {
			t := from + pi/2*float32(i)/3
			p = append(p, pt{x + r*cos(t), y + r*sin(t)})
		}
	}
	corner(a-r, b-r, 0)
	corner(-a+r, b-r, pi/2)
	corner(-a+r, -b+r, pi)
	corner(a-r, -b+r, 3*pi/2)
	p = append(p, p[0])
	p = resample(p, 0.15, true)
	for i := range p {
		p[i] = f.at(p[i])
	}
	return p
}

// lean is a random pose: turned a little, seldom a lot.
func (s *scene) lean(x, y, size float32) pose {
	k := float32(0.35)
	if s.odds(0.2) {
		k = 0.65
	}
	roll := s.norm(0.15)
	if s.odds(0.12) {
		roll = s.f(-0.8, 0.8)
	}
	return pose{x: x, y: y, size: size, far: s.f(2.2, 6), yaw: s.f(-k, k), pitch: s.f(-k, k), roll: roll}
}

// newSheet is a sheet or card whose half height is about size of half the short
// side. It covers no symbol that is there already.
func (s *scene) newSheet(size float32) *surface {
	f := &surface{sheet: true, held: 0.45}
	f.kind = s.pick(0.5, 0.14, 0.12, 0.05, 0.04, 0.06, 0, 0.09)
	f.a = s.f(0.65, 1.55)
	s.dress(f)
	u := s.unit() / 2
	for range 8 {
		px := size * u / max(sqrt(f.a), 0.8)
		reach := max(0.55-size*0.35, 0.1)
		f.stand(s.lean(float32(s.w)*(0.5+s.f(-reach, reach)), float32(s.h)*(0.5+s.f(-reach, reach)), px))
		b := empty()
		for _, p := range f.outline(0) {
			b.reach(p, 2)
		}
		clear := true
		for _, t := range s.taken {
			if t.and(b).area() > 0 {
				clear = false
			}
		}
		if clear {
			break
		}
		size *= 0.8
		f.pose.x = 1e6 // out of sight, unless a place is found
		f.stand(f.pose)
	}
	return f
}

// newWall fills the picture.
func (s *scene) newWall() *surface {
	f := &surface{a: 4}
	f.kind = []int{paper, lined, squared, board, slate, poster, shirt, screen, wall}[s.pick(0.2, 0.08, 0.08, 0.2, 0.1, 0.06, 0.14, 0.06, 0.08)]
	s.dress(f)
	p := s.lean(float32(s.w)/2, float32(s.h)/2, s.unit()*s.f(0.5, 0.8))
	p.yaw, p.pitch = p.yaw*0.7, p.pitch*0.7
	f.stand(p)
	return f
}

// dress chooses colours and textures for the kind.
func (s *scene) dress(f *surface) {
	white := s.f(0.78, 0.98)
	f.c = rgb{white, white * s.f(0.97, 1.01), white * s.f(0.9, 1.03)}
	f.ox, f.oy = s.IntN(tile), s.IntN(tile)
	f.rough = s.f(0, 0.03)
	f.shade = pt{s.norm(0.08), s.norm(0.08)}
	f.freq, f.phase = s.f(0.5, 2.5), s.f(0, 6)
	turn := s.f(0, pi)
	f.dx, f.dy = cos(turn), sin(turn)
	f.bend = s.f(0, 0.05)
	line := rgb{s.f(0.4, 0.75), s.f(0.5, 0.8), s.f(0.7, 0.95)}
	switch f.kind {
	case paper:
		if s.odds(0.3) { // coloured, brown or a sticky note
			f.c = mix(s.someColour(), rgb{s.f(0.7, 1), s.f(0.6, 1), s.f(0.3, 1)}, s.f(0.3, 1))
			f.rough = s.f(0.01, 0.08)
		}
		f.folds = s.f(0, 0.05)
	case lined, squared:
		s.rule(f, line)
	case board:
		f.c = mix(f.c, rgb{0.95, 0.96, 0.97}, 0.6)
		f.bend, f.rough = 0, 0.005
		f.frame, f.frameC = s.f(0.02, 0.06), rgb{0.7, 0.7, 0.72}.mul(s.f(0.4, 1.1))
	case slate:
		v := s.f(0.08, 0.25)
		f.c = rgb{v * s.f(0.7, 1.1), v * s.f(1, 1.4), v * s.f(0.8, 1.15)}
		f.bend, f.rough, f.folds = 0, s.f(0.02, 0.1), s.f(0.05, 0.3)
		f.frame, f.frameC = s.f(0.02, 0.08), rgb{0.5, 0.35, 0.2}.mul(s.f(0.5, 1.3))
	case poster, wall:
		f.c = s.someColour()
		f.bend *= 0.5
		f.folds = s.f(0, 0.1)
	case shirt:
		f.c = s.someColour()
		if s.odds(0.3) {
			v := s.f(0.05, 0.95)
			f.c = rgb{v, v, v}
		}
		f.bend, f.freq = s.f(0.01, 0.07), s.f(1.5, 5)
		f.rough, f.folds = s.f(0.01, 0.05), s.f(0.1, 0.4)
	case screen:
		f.bend = 0
		if s.odds(0.4) {
			v := s.f(0.05, 0.25)
			f.c = rgb{v, v, v * s.f(1, 1.3)}
		}
		f.rough, f.corner = 0, s.f(0.02, 0.1)
		v := s.f(0.03, 0.2)
		f.frame, f.frameC = s.f(0.03, 0.1), rgb{v, v, v}
	}
	if f.sheet && f.corner == 0 && s.odds(0.15) {
		f.corner = s.f(0.02, 0.12)
	}
	f.c = f.c.within(0.02, 1)
}

// rule adds the lines of a notebook.
func (s *scene) rule(f *surface, c rgb) {
	gap := s.f(0.08, 0.2)
	k := ink{c: c, opacity: s.f(0.3, 0.9)}
	r := s.f(0.002, 0.006)
	add := func(a, b pt) {
		p := resample([]pt{a, b}, 0.25, true)
		w := make([]float32, len(p))
		for i := range w {
			w[i] = r
		}
		f.rules = append(f.rules, inked{p: p, r: w, ink: k})
	}
	top := min(f.a, 2) // what fills the picture is seen as far as this
	for y := -1 + gap*s.f(0.5, 3); y < 1; y += gap {
		add(pt{-top, y}, pt{top, y})
	}
	if f.kind == squared {
		for x := -top + gap/2; x < top; x += gap {
			add(pt{x, -1}, pt{x, 1})
		}
	} else if s.odds(0.5) {
		k.c = rgb{0.9, 0.4, 0.45}
		x := -min(f.a, 1.2) * 0.75
		add(pt{x, -1}, pt{x, 1})
	}
}
