// Package scenes draws pictures of hand-drawn and printed symbols from a seed,
// with the exact box of each: what the project's own model learns from and is
// judged on. A scene is a surface (paper, card, board, shirt, screen) in
// perspective before a room, with symbols, other marks and hands, seen through a
// webcam's light, blur, noise and compression.
//
// It may import build/render, whose rooms are the backgrounds.
package scenes

import (
	"image"
	"math/rand/v2"
)

// The classes, in the order of Names.
const (
	Circle = iota
	Triangle
	Square
	Star
	Heart
	Cross
	Arrow
	Smiley
	classes
)

// Names are the class names.
var Names = []string{"circle", "triangle", "square", "star", "heart", "cross", "arrow", "smiley"}

// Box is where a symbol's ink lies, in pixels of the scene, cut at its edges.
type Box struct {
	Class          int
	X1, Y1, X2, Y2 float32
}

// rng draws the random choices of one scene.
type rng struct{ *rand.Rand }

func newRNG(seed, stream uint64) rng { return rng{rand.New(rand.NewPCG(seed, stream))} }

// f is uniform in a..b.
func (r rng) f(a, b float32) float32 { return a + (b-a)*r.Float32() }

// odds is true with probability p.
func (r rng) odds(p float32) bool { return r.Float32() < p }

// norm is normal with deviation d, cut at two deviations.
func (r rng) norm(d float32) float32 { return d * min(max(float32(r.NormFloat64()), -2), 2) }

// pick is an index with the probability of its weight.
func (r rng) pick(weights ...float32) int {
	var sum float32
	for _, w := range weights {
		sum += w
	}
	x := r.Float32() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// Draw renders scene i of a seed in w×h pixels. The same arguments give the same
// bytes on machines that round floats alike.
func Draw(seed, i uint64, w, h int) (*image.RGBA, []Box) {
	s := &scene{rng: newRNG(seed, i), canvas: newCanvas(w, h), bank: seed, least: float32(min(w, h))}
	for range 4 { // now and then nothing fits; seldom, nothing shall be there
		if s.compose(); len(s.taken) > 0 || s.odds(0.1) {
			break
		}
		s.surfaces = nil
	}
	boxes := s.paint()
	return s.shoot(s.camera()), boxes
}

// scene is a picture on its way.
type scene struct {
	rng
	*canvas
	bank     uint64 // which backgrounds
	surfaces []*surface
	taken    []rect  // boxes of what was placed so far
	least    float32 // shortest side of a symbol, pixels
}

// unit is the short side in pixels.
func (s *scene) unit() float32 { return float32(min(s.w, s.h)) }

// compose decides what lies where.
func (s *scene) compose() {
	want := 1 + s.IntN(4)
	if s.odds(0.3) {
		want = 3 + s.IntN(6)
	}
	switch s.pick(0.55, 0.2, 0.25) {
	case 0: // one sheet
		f := s.newSheet(s.f(0.55, 1.5))
		s.surfaces = append(s.surfaces, f)
		s.fillSheet(f, want)
	case 1: // several cards
		for range 2 + s.IntN(3) {
			f := s.newSheet(s.f(0.25, 0.6))
			s.surfaces = append(s.surfaces, f)
			s.fillSheet(f, 1+s.IntN(2))
		}
	default: // a board, wall, shirt or screen that fills the view
		f := s.newWall()
		s.surfaces = append(s.surfaces, f)
		s.fillSheet(f, want)
	}
}

// fillSheet writes symbols and other marks on a surface.
func (s *scene) fillSheet(f *surface, symbols int) {
	t := s.newTool(f)
	largest := float32(0.6)
	for range symbols {
		if s.odds(0.25) {
			t = s.newTool(f)
		}
		class := s.IntN(classes)
		s.place(f, func(size float32) item { return s.symbol(class, size, t) }, class, largest)
	}
	if s.odds(0.65) {
		for range 1 + s.IntN(4) {
			s.place(f, func(size float32) item { return s.clutter(size, t) }, -1, 0.4)
		}
	}
	if s.odds(0.25) {
		s.writing(f, t)
	}
	if s.odds(f.held) {
		s.hold(f)
	}
}

// place makes an item of a random size at a free spot of the surface, or leaves
// it out when none is found.
func (s *scene) place(f *surface, draw func(size float32) item, class int, largest float32) {
	bias := float32(0.85) // how small: the first may be large, others find less room
	if class >= 0 && len(s.taken) == 0 {
		bias = 0.4
	}
	for try := range 12 {
		px := s.unit() * 0.08 * pow(largest/0.08, pow(s.Float32(), bias*(1+0.1*float32(try))))
		at := pt{s.f(-f.a, f.a), s.f(-1, 1)}
		scale := f.scale(at) // pixels of a unit of the page
		size := px / scale / 2
		margin := size * s.f(0.9, 1.3)
		if f.sheet && (abs(at.x)+margin > f.a || abs(at.y)+margin > 1) {
			continue
		}
		c := f.at(at)
		r := rect{c.x - px/2, c.y - px/2, c.x + px/2, c.y + px/2}
		if !s.free(r, class, 0.3) {
			continue
		}
		it := draw(size)
		it.move(at)
		b := f.bounds(it)
		if !s.free(b, class, 0.25) || f.sheet && !f.contains(it) {
			continue
		}
		if class >= 0 {
			short, long := min(b.x1-b.x0, b.y1-b.y0), max(b.x1-b.x0, b.y1-b.y0)
			if long < 0.075*s.unit() || short < 0.05*s.unit() || long > 0.75*s.unit() || class == Smiley && short < 0.08*s.unit() {
				continue
			}
			s.least = min(s.least, short)
		}
		f.items = append(f.items, it)
		s.taken = append(s.taken, b)
		return
	}
}

// free says that r is mostly in the picture and next to nothing else. Marks that
// are no symbols may lie half outside.
func (s *scene) free(r rect, class int, outside float32) bool {
	in := r.and(rect{0, 0, float32(s.w), float32(s.h)})
	if class < 0 {
		outside = 0.6
	}
	if in.area() < (1-outside)*r.area() {
		return false
	}
	for _, t := range s.taken {
		if both := t.and(r).area(); both > 0.02*min(t.area(), r.area()) {
			return false
		}
	}
	return true
}
