package scenes

import (
	"image"
	"math"
)

// The parade is a film to judge trackers by: cards, each with one symbol, several
// of a class, pass before each other and out of the picture.
const (
	ParadeWidth  = 400
	ParadeHeight = 300
	ParadeFrames = 144
	ParadePeriod = 42 // ms a frame
)

// Marcher is a symbol of a frame of the parade. Its number stays while it is in
// the picture; Seen is the share of its box, 0..1, that lies in the picture and
// under no other card.
type Marcher struct {
	Box
	ID   int
	Seen float32
}

// ParadeFrame draws frame k of the parade of a seed. The box is of the whole
// symbol, hidden or not.
func ParadeFrame(seed uint64, k int) (*image.RGBA, []Marcher) {
	const cards = 7
	s := &scene{rng: newRNG(seed, 3), canvas: newCanvas(ParadeWidth, ParadeHeight), bank: seed}
	t := float32(k) * ParadePeriod / 1000
	var out []Marcher
	for i := range cards {
		r := newRNG(seed, 100+uint64(i)) // a card's choices are the same in all frames
		own := &scene{rng: r, canvas: s.canvas, bank: seed}
		f := &surface{sheet: true, kind: paper, a: r.f(0.85, 1.15), rough: 0.004, folds: 0.02, ox: 13 * i, oy: 29 * i}
		white := r.f(0.85, 0.97)
		f.c = rgb{white, white * r.f(0.97, 1), white * r.f(0.92, 1)}
		class := int(seed+uint64(i)%4) % classes // seven cards of four classes
		use := tool{kind: marker, r: 0.06, ink: ink{c: rgb{0.08, 0.08, 0.12}, opacity: 0.95, grain: 0.1}, shaky: 0.1}
		if i%3 == 1 {
			use.ink.c = rgb{0.7, 0.1, 0.12}
		}
		use.second = use.ink
		it := own.symbol(class, 0.62, use)
		f.items = append(f.items, it)
		// Rows at three heights, each card with a speed of its own; they swing.
		p := pose{size: 24 + 3*float32(i%4), far: 4, yaw: 0.25 * sin(t+float32(i)), roll: 0.12 * sin(1.3*t+2*float32(i))}
		speed := r.f(45, 100)
		if i%2 == 1 {
			speed = -speed
		}
		const lap = ParadeWidth + 100
		x := r.f(0, lap) + speed*t
		laps := floor(x / lap)
		p.x = x - lap*laps - 50
		p.y = ParadeHeight*(0.28+0.22*float32(i%3)) + 14*sin(0.9*t+float32(i))
		f.stand(p)
		s.surfaces = append(s.surfaces, f)
		b := f.bounds(it)
		out = append(out, Marcher{Box: Box{class, b.x0, b.y0, b.x1, b.y1}, ID: i + 1 + cards*int(10+laps)})
	}
	for i := range out {
		out[i].Seen = s.seen(i, out[i].Box)
	}
	s.rng = newRNG(seed, 4) // the room is the same in all frames
	s.paint()
	return s.shoot(camera{gain: rgb{0.98, 0.97, 0.95}, gamma: 1, sharpen: -0.1, noise: 0.002}), out
}

// seen is the share of a box on surface i that lies in the picture and under
// none of the surfaces above it.
func (s *scene) seen(i int, b Box) float32 {
	const n = 8
	hits := 0
	for gy := range n {
		for gx := range n {
			p := pt{b.X1 + (b.X2-b.X1)*(float32(gx)+0.5)/n, b.Y1 + (b.Y2-b.Y1)*(float32(gy)+0.5)/n}
			in := p.x >= 0 && p.y >= 0 && p.x < float32(s.w) && p.y < float32(s.h)
			for _, f := range s.surfaces[i+1:] {
				in = in && !inside(f.outline(0), p)
			}
			if in {
				hits++
			}
		}
	}
	return float32(hits) / (n * n)
}

// inside says that a point lies in a polygon.
func inside(poly []pt, p pt) bool {
	in := false
	for i, j := 0, len(poly)-1; i < len(poly); j, i = i, i+1 {
		a, b := poly[i], poly[j]
		if (a.y > p.y) != (b.y > p.y) && p.x < (b.x-a.x)*(p.y-a.y)/(b.y-a.y)+a.x {
			in = !in
		}
	}
	return in
}

func floor(x float32) float32 { return float32(math.Floor(float64(x))) }
