package scenes

// part is one line of a shape, about within −1..1, y down.
type part struct {
	p      []pt
	closed bool
	corner bool // its points are corners; else they follow a curve
	inner  bool // detail inside the outline
	solid  bool // always filled, as the dots of eyes
}

// arc is part of an ellipse about c, from angle a0 to a1.
func arc(c pt, rx, ry, a0, a1 float32, n int) []pt {
	p := make([]pt, n)
	for i := range p {
		a := a0 + (a1-a0)*float32(i)/float32(n-1)
		p[i] = pt{c.x + rx*cos(a), c.y + ry*sin(a)}
	}
	return p
}

// ring is a closed ellipse that starts at angle a.
func ring(c pt, rx, ry, a float32, n int) []pt {
	return arc(c, rx, ry, a, a+2*pi*float32(n-1)/float32(n), n)
}

// polygon has n corners on the unit circle from angle a.
func polygon(n int, a float32) []pt { return ring(pt{}, 1, 1, a, n) }

// shape draws one of the classes the way it comes to someone's mind: no two are
// alike.
func (r rng) shape(class int) []part {
	switch class {
	case Circle:
		return []part{{p: ring(pt{}, 1, r.f(0.88, 1.12), r.f(0, 2*pi), 28), closed: true}}
	case Triangle:
		p := polygon(3, -pi/2)
		if r.odds(0.2) { // right-angled
			p = []pt{{-0.9, -0.9}, {0.9, 0.8}, {-0.9, 0.8}}
		} else if r.odds(0.15) {
			p = polygon(3, pi/2)
		}
		return []part{{p: r.jitter(p, 0.09), closed: true, corner: true}}
	case Square:
		k := r.f(0.88, 1.12)
		p := r.jitter([]pt{{-0.85, -0.85 * k}, {0.85, -0.85 * k}, {0.85, 0.85 * k}, {-0.85, 0.85 * k}}, 0.04)
		return []part{{p: p, closed: true, corner: true}}
	case Star:
		return r.star()
	case Heart:
		return []part{{p: r.heart(), closed: true}}
	case Cross:
		return r.cross()
	case Arrow:
		return r.arrow()
	default:
		return r.smiley()
	}
}

func (r rng) jitter(p []pt, d float32) []pt {
	out := make([]pt, len(p))
	for i := range p {
		out[i] = pt{p[i].x + r.norm(d), p[i].y + r.norm(d)}
	}
	return out
}

func (r rng) star() []part {
	if r.odds(0.35) { // in one go: every second corner of the pentagon
		p := r.jitter(polygon(5, -pi/2), 0.06)
		return []part{{p: []pt{p[0], p[2], p[4], p[1], p[3]}, closed: true, corner: true}}
	}
	n, in := 5, r.f(0.36, 0.56)
	if r.odds(0.08) {
		n, in = 6, r.f(0.45, 0.6)
	}
	p := polygon(2*n, -pi/2)
	for i := 1; i < len(p); i += 2 {
		p[i] = p[i].mul(in)
	}
	return []part{{p: r.jitter(p, 0.045), closed: true, corner: true}}
}

func (r rng) heart() []pt {
	const n = 44
	p := make([]pt, n)
	deep, tip, wide := r.f(0.7, 1.5), r.f(0.85, 1.2), r.f(0.88, 1.15)
	for i := range p { // the usual curve of four cosines
		t := 2 * pi * (float32(i) + 0.5) / n
		s := sin(t)
		y := 13*cos(t) - 5*deep*cos(2*t) - 2*cos(3*t) - cos(4*t)
		if y < 0 {
			y *= tip
		}
		p[i] = pt{wide * s * s * s, -y / 16}
	}
	return p
}

func (r rng) cross() []part {
	a := r.f(0.85, 1)
	long := float32(1)
	if r.odds(0.15) { // the church's: a short bar, above the middle
		long = r.f(1.05, 1.3)
	}
	turn := float32(0)
	if r.odds(0.5) {
		turn = pi / 4
	}
	c, s := cos(turn), sin(turn)
	off := r.norm(0.04)
	if long > 1 {
		off = -r.f(0.1, 0.3)
		c, s = 1, 0
	}
	rot := func(p []pt) []pt {
		for i := range p {
			p[i] = p[i].turn(c, s)
		}
		return p
	}
	if r.odds(0.62) {
		return []part{
			{p: rot([]pt{{r.norm(0.05), -long}, {r.norm(0.05), long}}), corner: true},
			{p: rot([]pt{{-a, off + r.norm(0.05)}, {a, off + r.norm(0.05)}}), corner: true},
		}
	}
	w := r.f(0.14, 0.36)
	p := []pt{{-w, -1}, {w, -1}, {w, -w}, {1, -w}, {1, w}, {w, w}, {w, 1}, {-w, 1}, {-w, w}, {-1, w}, {-1, -w}, {-w, -w}}
	return []part{{p: rot(r.jitter(p, 0.03)), closed: true, corner: true}}
}

func (r rng) arrow() []part {
	wide, head := r.f(0.3, 0.62), r.f(0.35, 0.75) // of the head
	if r.odds(0.35) {                             // a block arrow
		w := wide * r.f(0.3, 0.55)
		n := 1 - head*1.1
		p := []pt{{-1, -w}, {n, -w}, {n, -wide}, {1, 0}, {n, wide}, {n, w}, {-1, w}}
		return []part{{p: r.jitter(p, 0.025), closed: true, corner: true}}
	}
	bow := r.norm(0.12)
	if r.odds(0.2) {
		bow = r.f(-0.5, 0.5)
	}
	shaft := []pt{{-1, bow}, {-0.5, bow * 0.25}, {0, 0}, {0.5, 0}, {1, 0}}
	for i := range shaft[:2] {
		shaft[i].y += bow * 0.3
	}
	parts := []part{{p: shaft}}
	tail := []pt{{1 - head, -wide + r.norm(0.06)}, {1, 0}, {1 - head, wide + r.norm(0.06)}}
	switch r.pick(0.65, 0.15, 0.2) {
	case 0:
		parts = append(parts, part{p: tail, corner: true})
	case 1:
		parts = append(parts, part{p: tail[:2], corner: true}, part{p: tail[1:], corner: true})
	default: // a closed head, often blackened
		parts = append(parts, part{p: tail, corner: true, closed: true, solid: r.odds(0.6)})
	}
	return parts
}

func (r rng) smiley() []part {
	parts := []part{{p: ring(pt{}, 1, r.f(0.9, 1.1), r.f(0, 2*pi), 28), closed: true}}
	ex, ey := r.f(0.25, 0.45), -r.f(0.18, 0.42)
	style := r.IntN(4)
	size := r.f(0.06, 0.16)
	for _, side := range []float32{-1, 1} {
		c := pt{side*ex + r.norm(0.03), ey + r.norm(0.03)}
		switch style {
		case 0, 1: // dots
			parts = append(parts, part{p: ring(c, size, size*r.f(0.9, 1.6), 0, 10), closed: true, inner: true, solid: style == 0 || r.odds(0.3)})
		case 2: // strokes
			parts = append(parts, part{p: []pt{{c.x, c.y - size*1.4}, {c.x + r.norm(0.02), c.y + size*1.4}}, inner: true, corner: true})
		default: // laughing eyes
			parts = append(parts, part{p: arc(pt{c.x, c.y + size}, size*1.3, size*1.6, pi*1.1, pi*1.9, 7), inner: true})
		}
	}
	w, y := r.f(0.38, 0.65), r.f(0.05, 0.3)
	deep := r.f(0.25, 0.5)
	mouth := arc(pt{0, y}, w, deep, pi-0.1, 0.1, 12)
	if r.odds(0.2) { // open
		parts = append(parts, part{p: mouth, closed: true, inner: true, solid: r.odds(0.5)})
	} else {
		parts = append(parts, part{p: mouth, inner: true})
	}
	if r.odds(0.15) {
		parts = append(parts, part{p: []pt{{0, ey * 0.3}, {r.norm(0.05), y * 0.7}}, inner: true, corner: true})
	}
	return parts
}
