package track

import (
	"math"
	"math/rand/v2"
	"testing"

	"eagleeye/build/mot"
	"eagleeye/wasm/message"
)

// options of a made-up film: objects that wander, hide one another and are seen
// by a detector with the faults of a real one.
type options struct {
	objects int
	classes int
	size    [2]float64
	noise   float64 // of a box's sides, share of its size
	miss    float64 // chance that a box is not given at all
	weak    float64 // chance of a score below the shown ones
	false_  float64 // boxes a frame of nothing
	speed   float64 // largest, pixels a second
}

type body struct {
	id, class    int
	x, y, w, h   float64
	vx, vy, turn float64
	depth        float64
}

type world struct {
	options
	rng    *rand.Rand
	at     float64
	bodies []body
	next   int
	dets   []message.Detection
	truth  []mot.Box
}

func newWorld(seed uint64, o options) *world {
	w := &world{options: o, rng: rand.New(rand.NewPCG(seed, 7))}
	for range o.objects {
		w.bodies = append(w.bodies, w.body(false))
	}
	return w
}

func (w *world) f(a, b float64) float64 { return a + (b-a)*w.rng.Float64() }

func (w *world) body(edge bool) body {
	w.next++
	h := w.f(0.12, 0.35) * w.size[1]
	b := body{id: w.next, h: h, w: h * w.f(0.4, 1.2), depth: w.rng.Float64(), turn: w.f(-0.5, 0.5)}
	if w.classes > 1 {
		b.class = w.rng.IntN(w.classes)
	}
	b.x, b.y = w.f(0, w.size[0]), w.f(0.2, 0.8)*w.size[1]
	a := w.f(0, 2*math.Pi)
	v := w.f(0.1, 1) * w.speed
	b.vx, b.vy = v*math.Cos(a), 0.4*v*math.Sin(a)
	if edge {
		b.x = -b.w / 2
		b.vx = math.Abs(b.vx)
		if w.rng.IntN(2) == 0 {
			b.x, b.vx = w.size[0]+b.w/2, -b.vx
		}
	}
	return b
}

// shown is the share of a body that lies in the picture and behind no other.
func (w *world) shown(i int) float64 {
	b := &w.bodies[i]
	seen, all := 0, 0
	for sx := range 6 {
		for sy := range 6 {
			x, y := b.x+(float64(sx)+0.5-3)/6*b.w, b.y+(float64(sy)+0.5-3)/6*b.h
			all++
			in := x >= 0 && y >= 0 && x < w.size[0] && y < w.size[1]
			for j := range w.bodies {
				o := &w.bodies[j]
				in = in && (o.depth <= b.depth || math.Abs(x-o.x) > o.w/2 || math.Abs(y-o.y) > o.h/2)
			}
			if in {
				seen++
			}
		}
	}
	return float64(seen) / float64(all)
}

// step moves on by dt seconds; the boxes are good until the next step. Truth of
// which less than a half is shown is ignored.
func (w *world) step(dt float64) (at float64, dets []message.Detection, truth []mot.Box) {
	w.at += dt
	w.dets, w.truth = w.dets[:0], w.truth[:0]
	for i := range w.bodies {
		b := &w.bodies[i]
		c, s := math.Cos(b.turn*dt), math.Sin(b.turn*dt)
		b.vx, b.vy = b.vx*c-b.vy*s, b.vx*s+b.vy*c
		b.x, b.y = b.x+b.vx*dt, b.y+b.vy*dt
		if b.y < 0.1*w.size[1] && b.vy < 0 || b.y > 0.9*w.size[1] && b.vy > 0 {
			b.vy = -b.vy
		}
		if b.x < -b.w || b.x > w.size[0]+b.w {
			*b = w.body(true)
		}
	}
	for i := range w.bodies {
		b := &w.bodies[i]
		share := w.shown(i)
		if share == 0 {
			continue
		}
		w.truth = append(w.truth, mot.Box{ID: b.id, Class: b.class, Ignored: share < 0.5,
			X1: b.x - b.w/2, Y1: b.y - b.h/2, X2: b.x + b.w/2, Y2: b.y + b.h/2})
		if share < 0.3 || w.rng.Float64() < w.miss {
			continue
		}
		n := func(size float64) float64 { return w.rng.NormFloat64() * w.noise * size }
		score := (0.55 + 0.12*w.rng.NormFloat64()) * (0.3 + 0.7*share)
		if w.rng.Float64() < w.weak {
			score = w.f(0.1, 0.25)
		}
		d := message.Detection{Class: uint32(b.class), Score: float32(min(max(score, 0.02), 0.98)),
			X1: float32(b.x - b.w/2 + n(b.w)), Y1: float32(b.y - b.h/2 + n(b.h)), X2: float32(b.x + b.w/2 + n(b.w)), Y2: float32(b.y + b.h/2 + n(b.h))}
		w.dets = append(w.dets, d)
	}
	for n := w.false_; w.rng.Float64() < n; n-- {
		h := w.f(0.1, 0.3) * w.size[1]
		class := uint32(0)
		if w.classes > 1 {
			class = uint32(w.rng.IntN(w.classes))
		}
		w.dets = append(w.dets, det(class, float32(w.f(0.1, 0.4)), w.f(0, w.size[0]), w.f(0, w.size[1]), h*w.f(0.5, 1.2), h))
	}
	w.rng.Shuffle(len(w.dets), func(i, j int) { w.dets[i], w.dets[j] = w.dets[j], w.dets[i] })
	return w.at, w.dets, w.truth
}

// shownBoxes returns the boxes that the page would show: those with a number.
func shownBoxes(dets []message.Detection, ids []int) []mot.Box {
	var out []mot.Box
	for i, id := range ids {
		if id > 0 {
			d := dets[i]
			out = append(out, mot.Box{ID: id, Class: int(d.Class), X1: float64(d.X1), Y1: float64(d.Y1), X2: float64(d.X2), Y2: float64(d.Y2)})
		}
	}
	return out
}

// TestSequences judges the tracker on made-up films. The figures of the log are
// those of docs/PAGE.md; the limits leave them a margin of some 0.03.
func TestSequences(t *testing.T) {
	hd := [2]float64{640, 480}
	for _, c := range []struct {
		name       string
		o          options
		dt         [2]float64 // seconds a frame
		mota, idf1 float64
	}{
		{"clean, 30 a second", options{objects: 5, size: hd, speed: 120}, [2]float64{0.033, 0.033}, 0.97, 0.93},
		{"noise and misses, 25 a second", options{objects: 6, size: hd, noise: 0.03, miss: 0.05, weak: 0.05, false_: 0.2, speed: 120}, [2]float64{0.03, 0.05}, 0.92, 0.89},
		{"crowd of crossing paths, 25 a second", options{objects: 14, classes: 2, size: hd, noise: 0.03, miss: 0.05, weak: 0.05, false_: 0.3, speed: 150}, [2]float64{0.03, 0.05}, 0.92, 0.85},
		{"slow machine, 8 a second", options{objects: 6, classes: 2, size: hd, noise: 0.03, miss: 0.05, weak: 0.05, false_: 0.2, speed: 120}, [2]float64{0.08, 0.18}, 0.90, 0.87},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := mot.New()
			for seed := range uint64(5) {
				w := newWorld(seed+1, c.o)
				tr := New(For(0.25))
				one := mot.New()
				for w.at < 30 {
					at, dets, truth := w.step(w.f(c.dt[0], c.dt[1]))
					found := shownBoxes(dets, tr.Update(at, dets))
					one.Add(truth, found)
					// All five films in one judgement: numbers that do not meet.
					for i := range truth {
						truth[i].ID += int(seed) * 1e6
					}
					for i := range found {
						found[i].ID += int(seed) * 1e6
					}
					j.Add(truth, found)
				}
			}
			r := j.Result()
			t.Log(r)
			if r.MOTA < c.mota || r.IDF1 < c.idf1 {
				t.Errorf("want MOTA %.2f and IDF1 %.2f at least", c.mota, c.idf1)
			}
		})
	}
}

// TestOcclusion hides objects for half a second, wholly, and wants their numbers
// after it, with three neighbours of the same class in sight.
func TestOcclusion(t *testing.T) {
	for _, c := range []struct {
		name string
		dt   [2]float64
		curl float64 // radians a second
		twin bool    // one of its class stands where it hides
		want float64
	}{
		{"straight, 25 a second", [2]float64{0.03, 0.05}, 0, false, 0.9},
		{"in curves, 25 a second", [2]float64{0.03, 0.05}, 0.8, false, 0.9},
		{"in curves, 10 a second", [2]float64{0.08, 0.12}, 0.8, false, 0.9},
		{"behind one of its class, 25 a second", [2]float64{0.03, 0.05}, 0.8, true, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, n := 0, 400
			for i := range n {
				rng := rand.New(rand.NewPCG(uint64(i), 99))
				f := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
				var bodies []body
				for k := range 4 {
					h := f(60, 160)
					a := f(0, 2*math.Pi)
					v := f(0, 150)
					bodies = append(bodies, body{id: k, x: f(150, 490), y: f(100, 380), h: h, w: h * f(0.4, 1.2), vx: v * math.Cos(a), vy: v * math.Sin(a), turn: f(-c.curl, c.curl)})
				}
				if c.twin {
					b := bodies[0]
					bodies[1] = body{id: 1, x: b.x + 1.25*b.vx, y: b.y + 1.25*b.vy, w: 1.2 * b.w, h: 1.2 * b.h}
				}
				tr := New(For(0.25))
				before, after, at := 0, 0, 0.0
				for at < 2 {
					dt := f(c.dt[0], c.dt[1])
					at += dt
					var dets []message.Detection
					index := -1
					for k := range bodies {
						b := &bodies[k]
						cs, sn := math.Cos(b.turn*dt), math.Sin(b.turn*dt)
						b.vx, b.vy = b.vx*cs-b.vy*sn, b.vx*sn+b.vy*cs
						b.x, b.y = b.x+b.vx*dt, b.y+b.vy*dt
						if k == 0 {
							if at > 1 && at < 1.5 {
								continue
							}
							index = len(dets)
						}
						n := func(size float64) float64 { return rng.NormFloat64() * 0.03 * size }
						dets = append(dets, det(0, float32(f(0.4, 0.9)), b.x+n(b.w), b.y+n(b.h), b.w+n(b.w), b.h+n(b.h)))
					}
					ids := tr.Update(at, dets)
					switch {
					case at <= 1:
						before = ids[index]
					case at >= 1.5:
						after = ids[index]
					}
				}
				if before > 0 && before == after {
					kept++
				}
			}
			share := float64(kept) / float64(n)
			t.Logf("%d of %d numbers kept through half a second (%.1f %%)", kept, n, 100*share)
			if share < c.want {
				t.Errorf("fewer than %.0f %%", 100*c.want)
			}
		})
	}
}
