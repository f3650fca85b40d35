package render

// thing draws one random thing on the ground, about size of the short side
// high, with a soft shadow under it.
func (s *scene) thing(size float32) {
	h := size * s.unit
	x := s.Float32() * float32(s.w)
	y := s.horizon + (float32(s.h)*1.1-s.horizon)*s.Float32() // its foot
	shadow := func(w float32) {
		s.fill(ellipse(x, y, w*0.6, h*0.06+1), func(x, y float32) rgb { return rgb{} }, x-w, y-h, x+w, y+h, h*0.08+1, 0.5)
	}
	switch s.IntN(6) {
	case 0, 1:
		shadow(h * 0.4)
		s.person(x, y, h*1.3)
	case 2:
		shadow(h * 1.6)
		s.car(x, y, h*0.8)
	case 3:
		shadow(h * 0.6)
		s.ball(x, y, h*0.4)
	case 4:
		shadow(h * 0.4)
		s.bottle(x, y, h*0.8)
	default:
		shadow(h * 0.9)
		s.furniture(x, y, h*0.8)
	}
}

// part fills a shape within a box with a lit texture of the colour.
func (s *scene) part(sh shape, c rgb, x0, y0, x1, y1 float32) {
	s.fill(sh, s.lit(s.texture(c, (x1-x0)*0.5, 0.2), x0, y0, x1, y1), x0, y0, x1, y1, 1.5, 1)
}

// limb is a part in the shape of a capsule.
func (s *scene) limb(c rgb, x0, y0, x1, y1, r0, r1 float32) {
	r := max(r0, r1)
	s.part(capsule(x0, y0, x1, y1, r0, r1), c, min(x0, x1)-r, min(y0, y1)-r, max(x0, x1)+r, max(y0, y1)+r)
}

// person stands with the feet at (x, y), h pixels high.
func (s *scene) person(x, y, h float32) {
	skin, shirt, trousers, hair := s.skin(), s.colour(), s.colour(), s.tint(mix(rgb{0.08, 0.05, 0.04}, rgb{0.7, 0.5, 0.25}, s.Float32()*s.Float32()))
	step := h * (0.02 + 0.1*s.Float32())
	hip, shoulder, head := y-h*0.48, y-h*0.8, y-h*0.92
	for _, side := range []float32{-1, 1} {
		s.limb(trousers, x+side*h*0.05, hip, x+side*step, y-h*0.03, h*0.055, h*0.035)
		s.limb(s.tint(rgb{0.12, 0.1, 0.1}), x+side*step, y-h*0.02, x+side*step+h*0.04, y-h*0.015, h*0.025, h*0.02)
	}
	swing := h * (s.Float32()*0.3 - 0.15)
	back := func(side float32) {
		ex, ey := x+side*h*0.13+swing*side*0.4, y-h*0.62
		s.limb(shirt, x+side*h*0.1, shoulder, ex, ey, h*0.04, h*0.032)
		s.limb(skin, ex, ey, ex+swing*0.5, y-h*0.47, h*0.028, h*0.02)
	}
	back(-1)
	s.part(roundBox(x-h*0.11, shoulder-h*0.03, x+h*0.11, hip+h*0.03, h*0.05), shirt, x-h*0.11, shoulder-h*0.03, x+h*0.11, hip+h*0.03)
	back(1)
	s.limb(skin, x, shoulder-h*0.02, x, head, h*0.03, h*0.03)
	s.part(ellipse(x, head, h*0.055, h*0.072), skin, x-h*0.06, head-h*0.08, x+h*0.06, head+h*0.08)
	s.part(ellipse(x, head-h*0.035, h*0.06, h*0.05), hair, x-h*0.06, head-h*0.09, x+h*0.06, head+h*0.02)
	dark := rgb{0.05, 0.04, 0.04}
	for _, side := range []float32{-1, 1} {
		ex := x + side*h*0.022
		s.part(ellipse(ex, head+h*0.005, h*0.009, h*0.006), dark, ex-h*0.01, head-h*0.01, ex+h*0.01, head+h*0.02)
	}
	s.part(ellipse(x, head+h*0.042, h*0.02, h*0.005), s.tint(rgb{0.6, 0.25, 0.25}), x-h*0.02, head+h*0.03, x+h*0.02, head+h*0.05)
}

// car stands with its wheels at (x, y), h pixels high.
func (s *scene) car(x, y, h float32) {
	body, glass, tyre := s.colour(), s.tint(rgb{0.2, 0.25, 0.3}), rgb{0.04, 0.04, 0.04}
	l := h * 1.3
	s.part(roundBox(x-l*0.55, y-h, x+l*0.5, y-h*0.4, h*0.22), body, x-l*0.55, y-h, x+l*0.5, y-h*0.4)
	s.part(roundBox(x-l*0.48, y-h*0.93, x-l*0.02, y-h*0.58, h*0.12), glass, x-l*0.48, y-h*0.93, x, y-h*0.58)
	s.part(roundBox(x+l*0.02, y-h*0.93, x+l*0.43, y-h*0.58, h*0.12), glass, x, y-h*0.93, x+l*0.43, y-h*0.58)
	s.part(roundBox(x-l, y-h*0.62, x+l, y-h*0.15, h*0.16), body, x-l, y-h*0.62, x+l, y-h*0.15)
	for _, cx := range []float32{x - l*0.6, x + l*0.6} {
		s.part(ellipse(cx, y-h*0.18, h*0.2, h*0.2), tyre, cx-h*0.2, y-h*0.4, cx+h*0.2, y+h*0.05)
		s.part(ellipse(cx, y-h*0.18, h*0.11, h*0.11), s.tint(rgb{0.7, 0.7, 0.72}), cx-h*0.11, y-h*0.3, cx+h*0.11, y-h*0.05)
	}
	s.part(ellipse(x+l*0.95, y-h*0.45, h*0.06, h*0.08), s.tint(rgb{1, 0.95, 0.7}), x+l*0.8, y-h*0.6, x+l, y-h*0.3)
	s.part(ellipse(x-l*0.95, y-h*0.45, h*0.05, h*0.08), s.tint(rgb{0.8, 0.1, 0.1}), x-l, y-h*0.6, x-l*0.8, y-h*0.3)
}

func (s *scene) ball(x, y, h float32) {
	r := h / 2
	p := s.texture(s.colour(), r, 0.3)
	if s.IntN(2) == 0 {
		p = s.stripes(p, s.colour(), r*0.4, s.IntN(2) == 0)
	}
	shade := func(px, py float32) rgb {
		u, v := (px-x+r*0.35)/r, (py-(y-r)+r*0.4)/r
		d := u*u + v*v
		return mix(p(px, py).mul(1.25-0.45*d), rgb{1, 1, 1}, max(0.5-6*d, 0))
	}
	s.fill(ellipse(x, y-r, r, r), shade, x-r, y-h, x+r, y, 1.5, 1)
}

func (s *scene) bottle(x, y, h float32) {
	c, w := s.colour(), h*0.16
	s.part(roundBox(x-w, y-h*0.68, x+w, y, h*0.05), c, x-w, y-h*0.68, x+w, y)
	s.limb(c, x, y-h*0.66, x, y-h*0.9, w*0.8, w*0.35)
	s.part(roundBox(x-w*0.45, y-h, x+w*0.45, y-h*0.9, 1), s.colour(), x-w*0.45, y-h, x+w*0.45, y-h*0.9)
	s.part(roundBox(x-w, y-h*0.5, x+w, y-h*0.2, 0), s.colour(), x-w, y-h*0.5, x+w, y-h*0.2)
	s.part(capsule(x-w*0.6, y-h*0.6, x-w*0.6, y-h*0.1, w*0.1, w*0.06), s.tint(rgb{0.95, 0.95, 0.95}), x-w, y-h*0.7, x, y)
}

// furniture is a table, a screen or a shelf.
func (s *scene) furniture(x, y, h float32) {
	wood := s.tint(mix(rgb{0.75, 0.55, 0.35}, rgb{0.25, 0.15, 0.1}, s.Float32()))
	w := h * (0.5 + 0.6*s.Float32())
	switch s.IntN(3) {
	case 0:
		for _, lx := range []float32{x - w*0.9, x - w*0.5, x + w*0.5, x + w*0.9} {
			s.limb(wood.mul(0.8), lx, y-h*0.55, lx, y, h*0.03, h*0.025)
		}
		s.part(roundBox(x-w, y-h*0.66, x+w, y-h*0.55, 2), wood, x-w, y-h*0.66, x+w, y-h*0.55)
		for range s.IntN(4) {
			s.bottle(x+w*(s.Float32()*1.6-0.8), y-h*0.62, h*(0.15+0.3*s.Float32()))
		}
	case 1:
		s.limb(rgb{0.06, 0.06, 0.07}, x, y-h*0.4, x, y, h*0.05, h*0.1)
		s.part(roundBox(x-w, y-h, x+w, y-h*0.3, h*0.03), rgb{0.05, 0.05, 0.06}, x-w, y-h, x+w, y-h*0.3)
		shown := s.texture(s.colour(), w*0.5, 1)
		s.fill(roundBox(x-w*0.95, y-h*0.96, x+w*0.95, y-h*0.34, 0), shown, x-w, y-h, x+w, y-h*0.3, 1, 1)
	default:
		s.part(roundBox(x-w, y-h, x+w, y, 1), wood.mul(0.6), x-w, y-h, x+w, y)
		for row := range 3 {
			foot := y - h*float32(row)*0.33 - h*0.03
			for bx := x - w*0.93; bx < x+w*0.9; {
				bw, bh := h*(0.03+0.05*s.Float32()), h*(0.18+0.1*s.Float32())
				s.part(roundBox(bx, foot-bh, bx+bw, foot, 1), s.colour(), bx, foot-bh, bx+bw, foot)
				bx += bw * 1.05
			}
		}
	}
}
