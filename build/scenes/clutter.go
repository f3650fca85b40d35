package scenes

// letters are capitals and digits as strokes, x and y in 0..4, that resemble no
// class: no O, X, T or V.
var letters = [][][]pt{
	{{{0, 4}, {2, 0}, {4, 4}}, {{0.9, 2.4}, {3.1, 2.4}}},                                         // A
	{{{0, 0}, {0, 4}, {2.4, 3.9}, {3, 3}, {2.4, 2}, {0, 2}, {2.2, 2}, {2.7, 1}, {2, 0}, {0, 0}}}, // B
	{{{3.5, 0.7}, {2, 0}, {0.4, 1}, {0.2, 2.8}, {1.6, 4}, {3.4, 3.4}}},                           // C
	{{{3.2, 0}, {0, 0}, {0, 4}, {3.2, 4}}, {{0, 2}, {2.4, 2}}},                                   // E
	{{{3, 0}, {0, 0}, {0, 4}}, {{0, 1.9}, {2.2, 1.9}}},                                           // F
	{{{0, 0}, {0, 4}}, {{3, 0}, {3, 4}}, {{0, 2}, {3, 2}}},                                       // H
	{{{0, 0}, {0, 4}}, {{3, 0}, {0, 2.2}, {3.2, 4}}},                                             // K
	{{{0, 0}, {0, 4}, {2.6, 4}}},                                                                 // L
	{{{0, 4}, {0.3, 0}, {2, 3}, {3.7, 0}, {4, 4}}},                                               // M
	{{{0, 4}, {0, 0}, {3, 4}, {3, 0}}},                                                           // N
	{{{0, 4}, {0, 0}, {2.4, 0.2}, {2.7, 1.2}, {2, 2}, {0, 2}, {2.8, 4}}},                         // R
	{{{3, 0.6}, {1.6, 0}, {0.3, 0.8}, {0.8, 1.8}, {2.6, 2.3}, {3, 3.3}, {1.6, 4}, {0, 3.4}}},     // S
	{{{0, 0}, {0, 2.8}, {1.5, 4}, {3, 2.8}, {3, 0}}},                                             // U
	{{{0, 0}, {3, 0}, {0, 4}, {3, 4}}},                                                           // Z
	{{{0.2, 1}, {1.4, 0}, {2.6, 0.9}, {0, 4}, {3, 4}}},                                           // 2
	{{{0.2, 0.4}, {1.6, 0}, {2.6, 1}, {1.2, 1.9}, {2.8, 2.9}, {1.6, 4}, {0, 3.5}}},               // 3
	{{{2.8, 0}, {0.6, 0}, {0.3, 1.8}, {2, 1.6}, {2.9, 2.8}, {1.6, 4}, {0, 3.6}}},                 // 5
	{{{0, 0}, {2.8, 0}, {1, 4}}},                                                                 // 7
	{{{0.3, 0.9}, {1.4, 0}, {2.5, 0.8}, {1.4, 2}, {1.4, 2.8}}, {{1.4, 3.8}, {1.4, 4}}},           // ?
	{{{1, 0}, {0.6, 4}}, {{2.4, 0}, {2, 4}}, {{0, 1.3}, {3, 1.3}}, {{0, 2.7}, {3, 2.7}}},         // #
}

// letter is a letter as parts within −1..1.
func (r rng) letter() []part {
	var out []part
	for _, stroke := range letters[r.IntN(len(letters))] {
		p := make([]pt, len(stroke))
		for i, q := range stroke {
			p[i] = pt{q.x/2 - 0.8, q.y/2 - 1}
		}
		out = append(out, part{p: r.jitter(p, 0.05), corner: true})
	}
	return out
}

// other is a shape of no class, also where perspective narrows it or its outline
// blurs.
func (r rng) other() []part {
	switch r.IntN(15) {
	case 0: // a long box
		k := r.f(0.2, 0.38)
		return []part{{p: []pt{{-1, -k}, {1, -k}, {1, k}, {-1, k}}, closed: true, corner: true}}
	case 1:
		return []part{{p: ring(pt{}, 1, r.f(0.2, 0.36), 0, 26), closed: true}}
	case 2:
		return []part{{p: polygon(5, r.f(0, 6)), closed: true, corner: true}}
	case 3: // the moon
		p := append(arc(pt{}, 1, 1, 0.6, 2*pi-0.6, 24), arc(pt{r.f(0.25, 0.5), 0}, 0.8, 0.75, 2*pi-0.9, 0.9, 18)...)
		return []part{{p: p, closed: true, corner: true}}
	case 4: // half a disc
		return []part{{p: arc(pt{0, 0.4}, 1, 1, pi, 2*pi, 18), closed: true, corner: true}}
	case 5: // lightning
		return []part{{p: []pt{{0.2, -1}, {-0.6, 0.15}, {-0.05, 0.15}, {-0.3, 1}, {0.6, -0.25}, {0.05, -0.25}}, closed: true, corner: true}}
	case 6: // a tick
		return []part{{p: []pt{{-0.8, 0}, {-0.2, 0.7}, {0.9, -0.8}}, corner: true}}
	case 7: // a spiral
		var p []pt
		for i := range 50 {
			a := float32(i) * 0.33
			p = append(p, pt{cos(a), sin(a)}.mul(float32(i)/50))
		}
		return []part{{p: p}}
	case 8: // a wave or zigzag
		var p []pt
		n := 4 + r.IntN(5)
		for i := range n {
			p = append(p, pt{2*float32(i)/float32(n-1) - 1, r.f(0.2, 0.5) * float32(i%2*2-1)})
		}
		return []part{{p: p, corner: r.odds(0.5)}}
	case 9: // a slanted box
		k := r.f(0.4, 0.8)
		return []part{{p: []pt{{-1 + k, -0.32}, {1, -0.32}, {1 - k, 0.32}, {-1, 0.32}}, closed: true, corner: true}}
	case 10: // a drop
		p := append([]pt{{0, -1.1}}, arc(pt{0, 0.3}, 0.62, 0.65, -0.5, pi+0.5, 18)...)
		return []part{{p: p, closed: true, corner: true}}
	case 11: // a cloud
		var p []pt
		for i := range 6 {
			a := float32(i) * pi / 3
			p = append(p, arc(pt{0.65 * cos(a), 0.4 * sin(a)}, 0.38, 0.32, a-1.2, a+1.2, 7)...)
		}
		return []part{{p: p, closed: true, corner: true}}
	case 12: // a line
		return []part{{p: []pt{{-1, r.norm(0.2)}, {1, r.norm(0.2)}}, corner: true}}
	case 13: // a bow
		return []part{{p: arc(pt{}, 1, 1, r.f(0, 1), r.f(2.2, 4), 16)}}
	default: // a kite's tail of loops
		var p []pt
		for i := range 40 {
			a := float32(i) * 0.55
			p = append(p, pt{float32(i)/20 - 1 + 0.18*cos(a), 0.3 * sin(a)})
		}
		return []part{{p: p}}
	}
}

// clutter is a mark of no class: a letter, another shape or a scribble.
func (s *scene) clutter(size float32, t tool) item {
	var parts []part
	switch s.pick(0.4, 0.5, 0.1) {
	case 0:
		parts = s.letter()
	case 1:
		parts = s.other()
	default:
		var p []pt
		for range 6 + s.IntN(10) {
			p = append(p, pt{s.f(-1, 1), s.f(-0.7, 0.7)})
		}
		parts = []part{{p: rounded(rounded(p, false), false)}}
	}
	s.deform(parts, -1)
	it := item{class: -1}
	if t.kind == printer {
		s.print(&it, parts, size, t)
	} else {
		s.draw(&it, parts, size, t)
	}
	return it
}

// writing adds lines of small writing where there is room.
func (s *scene) writing(f *surface, t tool) {
	px := s.unit() * s.f(0.015, 0.05) / f.scale(pt{}) // half an x-height
	t.r = min(t.r, px*0.22)
	if t.kind == printer {
		t.kind = pen
	}
	block := pt{s.f(-f.a, f.a*0.3), s.f(-1, 0.8)}
	for line := range 1 + s.IntN(5) {
		at := pt{block.x, block.y + float32(line)*px*s.f(3.2, 3.8)}
		cursive := s.odds(0.6)
		for word := 0; word < 5; word++ {
			it := item{class: -1}
			n := 2 + s.IntN(6)
			wide := float32(n) * px * 1.5
			if cursive {
				var p []pt
				for i := range n * 4 {
					up := px * s.f(0.4, 1)
					if s.odds(0.15) {
						up *= 2
					}
					p = append(p, pt{float32(i) * wide / float32(n*4), up * float32(i%2*2-1)})
				}
				s.lay(&it, rounded(p, false), t.r, t)
			} else {
				for i := range n {
					for _, part := range s.letter() {
						q := make([]pt, len(part.p))
						for k := range q {
							q[k] = part.p[k].mul(px).add(pt{float32(i)*px*2.2 + px, 0})
						}
						s.lay(&it, q, t.r, t)
					}
				}
				wide = float32(n) * px * 2.2
			}
			it.move(at)
			b := f.bounds(it)
			if f.sheet && !f.contains(it) || !s.free(b, -1, 0.5) {
				break
			}
			f.items = append(f.items, it)
			s.taken = append(s.taken, b)
			at.x += wide + px*2
		}
	}
}
