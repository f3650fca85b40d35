package scenes

// limb is a finger or an arm: a capsule from a to b, in the units of a surface.
type limb struct {
	a, b   pt
	ra, rb float32
	c      rgb
	nail   bool
}

func (s *scene) skin() rgb {
	return mix(rgb{0.95, 0.78, 0.68}, rgb{0.33, 0.2, 0.14}, s.Float32()*s.Float32())
}

// hold puts fingers on the sheet's edge, and the hand behind it, where they hide
// no symbol.
func (s *scene) hold(f *surface) {
	skin := s.skin()
	px := f.scale(pt{})
	wide := s.f(0.035, 0.075) * s.unit() / px // half of a finger
	for range 1 + s.IntN(2) {
		edge := s.IntN(4)
		var at, in pt // a point of the edge, and the way inwards
		switch edge {
		case 0:
			at, in = pt{-f.a, s.f(-0.8, 0.8)}, pt{1, 0}
		case 1:
			at, in = pt{f.a, s.f(-0.8, 0.8)}, pt{-1, 0}
		case 2:
			at, in = pt{s.f(-0.8, 0.8) * f.a, 1}, pt{0, -1}
		default:
			at, in = pt{s.f(-0.9, 0.9) * f.a, -1}, pt{0, 1}
		}
		c, sn := cos(s.norm(0.5)), sin(s.norm(0.4))
		in = in.turn(c, sn)
		along := pt{-in.y, in.x}
		var fingers []limb
		ok := true
		for i := range 1 + s.IntN(3) {
			o := at.add(along.mul(float32(i) * wide * 2.1))
			tip := o.add(in.mul(wide * s.f(0.5, 3)))
			fingers = append(fingers, limb{a: o.sub(in.mul(wide * 3)), b: tip, ra: wide, rb: wide * 0.8, c: skin.mul(s.f(0.9, 1.05)), nail: s.odds(0.5)})
			ok = ok && s.clear(f, fingers[i], 0)
		}
		if !ok {
			continue
		}
		hand := at.sub(in.mul(wide * 3.5))
		arm := hand.sub(in.mul(wide * 3)).add(pt{s.norm(wide * 8), wide * 40})
		sleeve := skin
		if s.odds(0.6) {
			sleeve = s.someColour()
		}
		behind := []limb{{a: hand, b: arm, ra: wide * 2.2, rb: wide * 3, c: sleeve},
			{a: hand, b: hand.add(in.mul(wide * 3)), ra: wide * 3, rb: wide * 2.5, c: skin}}
		// Of this sheet's own symbols they hide none, being behind it.
		if s.clear(f, behind[0], len(f.items)) && s.clear(f, behind[1], len(f.items)) {
			f.fingers, f.behind = append(f.fingers, fingers...), append(f.behind, behind...)
		}
	}
}

// clear says that a limb hides next to nothing of what was placed before the last
// own items.
func (s *scene) clear(f *surface, l limb, own int) bool {
	k := f.thick(l)
	for i := range 9 {
		t := float32(i) / 8
		b := empty()
		b.reach(f.at(l.a.to(l.b, t)), (l.ra+(l.rb-l.ra)*t)*k)
		for _, o := range s.taken[:len(s.taken)-own] {
			if o.and(b).area() > 0.04*o.area() {
				return false
			}
		}
	}
	return true
}

// thick is how many pixels a unit of a limb measures. An arm that leaves its
// sheet's plane towards the lens would grow without bound.
func (f *surface) thick(l limb) float32 { return min(f.scale(l.a.to(l.b, 0.9)), 1.5*f.scale(l.a)) }

// limb draws a round thing, darker to its sides.
func (s *scene) limb(f *surface, l limb) {
	a, b := f.at(l.a), f.at(l.b)
	ka := f.thick(l)
	s.round(a, b, l.ra*ka, l.rb*ka, l.c)
	if l.nail {
		d := b.sub(a)
		d = d.mul(1 / max(d.length(), 1e-3))
		r := l.rb * ka
		s.round(b.add(d.mul(r*0.1)), b.add(d.mul(r*0.5)), r*0.5, r*0.45, mix(l.c, rgb{1, 0.85, 0.83}, 0.5))
	}
}

func (s *scene) round(a, b pt, ra, rb float32, c rgb) {
	win := s.trace([]pt{a, b}, []float32{ra, rb}, 0.5)
	d := b.sub(a)
	n := max(d.x*d.x+d.y*d.y, 1e-6)
	s.cover(win, func(x, y int) rgb {
		p := pt{float32(x) + 0.5, float32(y) + 0.5}.sub(a)
		t := clamp((p.x*d.x+p.y*d.y)/n, 0, 1)
		q := p.sub(d.mul(t))
		k := 1 / max(ra+(rb-ra)*t, 1)
		return c.mul(1.05 - 0.35*(q.x*q.x+q.y*q.y)*k*k - 0.1*q.y*k)
	})
}

// person is a head and shoulders, as a webcam shows who sits before it.
func (s *scene) person() {
	u := s.unit() * s.f(0.1, 0.26) // half the head's height
	c := pt{s.f(0, float32(s.w)), s.f(0.1, 0.6) * float32(s.h)}
	skin, hair := s.skin(), mix(rgb{0.06, 0.05, 0.04}, rgb{0.7, 0.5, 0.3}, s.Float32()*s.Float32())
	cloth := s.someColour()
	low := float32(s.h) + u
	s.round(pt{c.x - u, c.y + u*2.3}, pt{c.x - u*1.3, low}, u*0.9, u*1.2, cloth)
	s.round(pt{c.x + u, c.y + u*2.3}, pt{c.x + u*1.3, low}, u*0.9, u*1.2, cloth)
	s.round(pt{c.x, c.y + u*2.2}, pt{c.x, low}, u*1.1, u*1.4, cloth)
	s.round(c, pt{c.x, c.y + u*1.4}, u*0.45, u*0.5, skin.mul(0.85))
	s.round(pt{c.x, c.y - u*0.35}, pt{c.x, c.y - u*0.1}, u*0.85, u*0.85, hair)
	if s.odds(0.4) {
		s.round(pt{c.x - u*0.6, c.y}, pt{c.x - u*0.65, c.y + u*1.3}, u*0.35, u*0.25, hair)
		s.round(pt{c.x + u*0.6, c.y}, pt{c.x + u*0.65, c.y + u*1.3}, u*0.35, u*0.25, hair)
	}
	s.round(pt{c.x, c.y - u*0.2}, pt{c.x, c.y + u*0.3}, u*0.68, u*0.6, skin)
	for _, side := range []float32{-1, 1} {
		e := pt{c.x + side*u*0.27, c.y - u*0.1}
		s.round(pt{e.x - u*0.08, e.y}, pt{e.x + u*0.08, e.y}, u*0.06, u*0.06, rgb{0.9, 0.9, 0.9})
		s.round(e, e, u*0.06, u*0.06, rgb{0.1, 0.08, 0.06})
		s.round(pt{e.x - u*0.14, e.y - u*0.2}, pt{e.x + u*0.14, e.y - u*0.2}, u*0.04, u*0.04, hair)
	}
	s.round(pt{c.x, c.y}, pt{c.x + u*0.03, c.y + u*0.2}, u*0.05, u*0.1, skin.mul(0.85))
	s.round(pt{c.x - u*0.2, c.y + u*0.5}, pt{c.x + u*0.2, c.y + u*0.5}, u*0.05, u*0.05, mix(skin, rgb{0.7, 0.2, 0.2}, 0.6))
}
