package scenes

// ink is how a mark covers what it is drawn on.
type ink struct {
	c       rgb
	opacity float32
	grain   float32 // share of the ink that the ground's grain keeps off
	soft    float32 // pixels that the edge is softened by
}

// inked is one line or one filled outline of an item, in the units of its page.
type inked struct {
	p    []pt
	r    []float32 // half the width at each point of a line; nil fills p
	ink  ink
	hard bool // counts for the box
}

// item is a symbol or another mark.
type item struct {
	class int // −1 is no symbol
	marks []inked
}

func (it *item) move(d pt) {
	for _, m := range it.marks {
		for i := range m.p {
			m.p[i] = m.p[i].add(d)
		}
	}
}

// The things people draw with.
const (
	pencil = iota
	pen
	marker
	brush
	chalk
	printer
)

// tool is something to draw with, of one colour and the habits of one hand.
type tool struct {
	kind   int
	r      float32 // half the width of its line, units of the page
	ink    ink
	second ink     // for fills and features
	shaky  float32 // 0..1
	sketch float32 // how often lines are drawn twice
}

func (s *scene) newTool(f *surface) tool {
	w := [6]float32{0.12, 0.27, 0.27, 0.1, 0.04, 0.2}
	switch f.kind {
	case board:
		w = [6]float32{0, 0.1, 0.75, 0.1, 0, 0.05}
	case slate:
		w = [6]float32{0, 0, 0, 0.1, 0.9, 0}
	case shirt, screen, poster:
		w = [6]float32{0, 0.05, 0.1, 0.15, 0, 0.7}
	}
	t := tool{kind: s.pick(w[:]...), shaky: s.Float32() * s.Float32(), sketch: 0.06}
	if s.odds(0.1) {
		t.sketch = 0.7
	}
	px := s.unit() / 320 / f.scale(pt{})
	t.ink = ink{c: s.inkOn(f.c, 0.3), opacity: 1}
	switch t.kind {
	case pencil:
		t.r, t.ink.opacity, t.ink.grain = px*s.f(0.5, 1.1), s.f(0.55, 0.9), s.f(0.2, 0.6)
		grey := s.f(0.15, 0.4)
		if f.c.light() > 0.45 && s.odds(0.75) {
			t.ink.c = rgb{grey, grey, grey}
		}
	case pen:
		t.r, t.ink.opacity = px*s.f(0.55, 1.3), s.f(0.8, 1)
	case marker:
		t.r, t.ink.opacity, t.ink.grain = px*s.f(1.2, 3.6), s.f(0.75, 1), s.f(0, 0.2)
	case brush:
		t.r, t.ink.opacity, t.ink.grain = px*s.f(2.2, 6), s.f(0.7, 1), s.f(0, 0.5)
	case chalk:
		t.r, t.ink.opacity, t.ink.grain, t.ink.soft = px*s.f(1, 3.5), s.f(0.6, 0.95), s.f(0.3, 0.7), s.f(0, 1)
	default:
		t.r = px * s.f(0.8, 4)
	}
	t.second = t.ink
	t.second.c = s.inkOn(f.c, 0.15)
	return t
}

// inkOn is a colour that can be told from the ground g: black, blue and red pens
// first of all.
func (s *scene) inkOn(g rgb, least float32) rgb {
	for try := 0; ; try++ {
		var c rgb
		switch s.pick(0.42, 0.16, 0.14, 0.06, 0.22) {
		case 0:
			v := s.f(0.02, 0.18)
			c = rgb{v, v, v * s.f(0.9, 1.2)}
		case 1:
			c = rgb{s.f(0.02, 0.2), s.f(0.1, 0.35), s.f(0.45, 0.8)}
		case 2:
			c = rgb{s.f(0.6, 0.9), s.f(0.03, 0.2), s.f(0.05, 0.2)}
		case 3:
			c = rgb{s.f(0.02, 0.2), s.f(0.35, 0.6), s.f(0.1, 0.3)}
		default:
			c = rgb{s.Float32(), s.Float32(), s.Float32()}
		}
		if g.light() < 0.3 && s.odds(0.7) { // light ink on dark
			c = mix(c, rgb{1, 1, 1}, s.f(0.6, 1))
		}
		if c.from(g) > least || try > 20 {
			return c
		}
	}
}

// symbol draws one of the classes, about size units from its middle to its rim.
func (s *scene) symbol(class int, size float32, t tool) item {
	parts := s.shape(class)
	s.deform(parts, class)
	it := item{class: class}
	if t.kind == printer {
		s.print(&it, parts, size, t)
	} else {
		s.draw(&it, parts, size, t)
	}
	return it
}

// thickest is how much of a symbol's size half its line may be, for it to be told.
func thickest(class int) float32 {
	switch class {
	case Smiley:
		return 0.075
	case Star, Heart, Arrow:
		return 0.11
	}
	return 0.15
}

// deform turns and stretches a shape as a hand does.
func (r rng) deform(parts []part, class int) {
	turn := r.norm(0.14)
	switch class {
	case Arrow:
		turn = r.f(0, 2*pi)
		if r.odds(0.6) {
			turn = float32(r.IntN(4))*pi/2 + r.norm(0.2)
		}
	case Star:
		turn = r.norm(0.3)
	case Circle, Cross:
		turn = r.norm(0.2)
	}
	flip := float32(1)
	if r.odds(0.5) {
		flip = -1
	}
	ax, shear := 1+r.norm(0.07), r.norm(0.06)
	c, s := cos(turn), sin(turn)
	for _, part := range parts {
		for i, q := range part.p {
			q = pt{q.x*flip*ax + q.y*shear, q.y / ax}
			part.p[i] = q.turn(c, s)
		}
	}
}

// draw makes the strokes of a hand.
func (s *scene) draw(it *item, parts []part, size float32, t tool) {
	r := clamp(t.r, size*0.012, size*thickest(it.class))
	style := s.pick(0.66, 0.1, 0.14, 0.1)
	dot := t
	for _, p := range parts {
		if p.closed && !p.inner && !p.solid {
			switch style {
			case 1:
				s.hatch(it, p.p, size, r, t)
			case 2: // filled with the same ink
				it.marks = append(it.marks, inked{p: s.line(p, size, t.shaky, 0), ink: t.ink, hard: true})
				dot.ink.c = s.inkOn(t.ink.c, 0.3)
			case 3: // coloured in
				wash := t.second
				wash.opacity *= s.f(0.4, 1)
				it.marks = append(it.marks, inked{p: s.line(p, size, t.shaky, 0), ink: wash, hard: true})
			}
		}
		use := t
		if p.inner {
			use = dot
		}
		if p.solid {
			it.marks = append(it.marks, inked{p: s.line(p, size, t.shaky, 0), ink: use.ink, hard: true})
			continue
		}
		s.stroke(it, p, size, r, use)
		if !p.inner && s.odds(t.sketch) {
			for range 1 + s.IntN(2) {
				s.stroke(it, p, size*s.f(0.95, 1.05), r, use)
			}
		}
	}
}

// stroke draws a part as one line or, of a shape with corners, side by side.
func (s *scene) stroke(it *item, p part, size, r float32, t tool) {
	if p.closed && p.corner && s.odds(0.35) {
		for i, a := range p.p {
			b := p.p[(i+1)%len(p.p)]
			over := s.f(-0.02, 0.07) / max(b.sub(a).length(), 0.3)
			side := part{p: []pt{b.to(a, 1+over), a.to(b, 1+over*s.f(0.2, 1))}, corner: true}
			s.lay(it, s.line(side, size, t.shaky, 0.02), r, t)
		}
		return
	}
	gap := float32(0)
	if p.closed {
		gap = s.f(-0.05, 0.1)
	}
	if p.closed && !p.corner && s.odds(0.06) {
		gap = s.f(0.5, 1.6) // round and round
	}
	s.lay(it, s.line(p, size, t.shaky, gap), r, t)
}

// lay gives a line the width of the tool, pressed harder here than there.
func (s *scene) lay(it *item, p []pt, r float32, t tool) {
	w := make([]float32, len(p))
	press, freq, phase := s.f(0.03, 0.2), s.f(2, 9), s.f(0, 2*pi)
	taper := float32(0)
	if t.kind == brush || s.odds(0.2) {
		taper = s.f(0.2, 0.7)
		press *= 1.8
	}
	for i := range w {
		u := float32(i) / float32(max(len(w)-1, 1))
		w[i] = r * (1 + press*sin(u*freq+phase)) * (1 - taper*u*u)
	}
	it.marks = append(it.marks, inked{p: p, r: w, ink: t.ink, hard: true})
}

// line is the way of the hand along a part, in units of the page: gap is how far
// a closed one runs past its start (of its length), negative stops short.
func (s *scene) line(p part, size, shaky, gap float32) []pt {
	q := p.p
	if p.closed && gap == 0 {
		q = append(q[:len(q):len(q)], q[0])
	} else if p.closed {
		q = s.around(q, 1+gap)
	}
	step := clamp(length(q)/36, 0.05, 0.16)
	q = resample(q, step, p.corner)
	if p.corner && s.odds(0.6) {
		q = rounded(q, false)
	}
	wob := (0.006 + 0.045*shaky) * s.f(0.5, 1.2)
	f1, f2, f3 := s.f(0.8, 2), s.f(2, 5), s.f(7, 14)
	p1, p2, p3, p4 := s.f(0, 6), s.f(0, 6), s.f(0, 6), s.f(0, 6)
	out := make([]pt, len(q))
	for i, a := range q {
		u := float32(i) * step
		if p.closed && gap == 0 { // the ends meet
			u = 2 * pi * float32(i) / float32(len(q)-1)
			f1, f2, f3 = 1, 3, 7
		}
		dx := sin(u*f1+p1) + 0.6*sin(u*f2+p2) + 0.15*sin(u*f3+p3)
		dy := sin(u*f1+p3) + 0.6*sin(u*f2+p4) + 0.15*sin(u*f3+p1)
		out[i] = pt{a.x + wob*dx, a.y + wob*dy}.mul(size)
	}
	return out
}

// around walks a closed line from a random point for turns times its length; what
// is beyond the start drifts off it.
func (s *scene) around(p []pt, turns float32) []pt {
	n := len(p)
	from := s.IntN(n)
	whole := length(append(p[:n:n], p[0]))
	left := whole * turns
	out := []pt{p[from]}
	drift := pt{s.norm(0.05), s.norm(0.05)}
	grow := 1 + s.norm(0.06)
	for i := 1; left > 0; i++ {
		a, b := p[(from+i-1)%n], p[(from+i)%n]
		d := b.sub(a).length()
		if d > left {
			b = a.to(b, left/d)
		}
		left -= d
		if t := float32(i)/float32(n) - 0.7; t > 0 {
			b = b.mul(1 + (grow-1)*t).add(drift.mul(t))
		}
		out = append(out, b)
	}
	return out
}

// hatch fills an outline with lines, joined to a zigzag now and then.
func (s *scene) hatch(it *item, p []pt, size, r float32, t tool) {
	angle := s.f(0, pi)
	c, sn := cos(angle), sin(angle)
	gap := max(3*r/size, s.f(0.1, 0.26))
	zigzag := s.odds(0.5)
	var run []pt
	for y := float32(-1.3); y < 1.3; y += gap * s.f(0.8, 1.2) {
		lo, hi := float32(9), float32(-9)
		for i, a := range p { // where the line at y enters first and leaves last
			a, b := a.turn(c, sn), p[(i+1)%len(p)].turn(c, sn)
			if (a.y < y) == (b.y < y) {
				continue
			}
			x := a.x + (b.x-a.x)*(y-a.y)/(b.y-a.y)
			lo, hi = min(lo, x), max(hi, x)
		}
		if hi-lo < 2*gap*0.5 {
			continue
		}
		in := s.f(-0.02, 0.06)
		a, b := pt{lo + in, y + s.norm(0.02)}.turn(c, -sn), pt{hi - in, y + s.norm(0.02)}.turn(c, -sn)
		if len(run)%4 == 2 {
			a, b = b, a
		}
		run = append(run, a, b)
		if !zigzag {
			s.lay(it, s.line(part{p: run, corner: true}, size, t.shaky*0.5, 0), r*0.8, t)
			run = nil
		}
	}
	if len(run) > 1 {
		s.lay(it, s.line(part{p: run, corner: true}, size, t.shaky*0.5, 0), r*0.8, t)
	}
}

// print draws exact shapes: filled, outlined or both.
func (s *scene) print(it *item, parts []part, size float32, t tool) {
	r := clamp(t.r*s.f(0.6, 2), size*0.02, size*thickest(it.class))
	style := s.pick(0.5, 0.3, 0.2)
	round := s.odds(0.4)
	features := t.ink
	if style == 0 { // what is inside a filled face shows in another colour
		features.c = s.inkOn(t.ink.c, 0.35)
	}
	for _, p := range parts {
		q := p.p
		if round && p.corner && p.closed {
			q = rounded(rounded(q, true), true)
		}
		if p.closed {
			q = append(q[:len(q):len(q)], q[0])
		}
		q = resample(q, 0.12, p.corner)
		at := make([]pt, len(q))
		for i := range q {
			at[i] = q[i].mul(size)
		}
		line := t.ink
		if p.inner {
			line = features
		}
		if p.closed && (p.solid || !p.inner && style != 1) {
			fill := line
			if style == 2 && !p.solid {
				fill = t.second
			}
			it.marks = append(it.marks, inked{p: at, ink: fill, hard: true})
			if style == 0 || p.solid {
				continue
			}
		}
		w := make([]float32, len(at))
		for i := range w {
			w[i] = r
		}
		it.marks = append(it.marks, inked{p: at, r: w, ink: line, hard: true})
	}
}
