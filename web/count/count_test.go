package count

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var gate = &Shape{ID: 1, Points: []Point{{0.5, 0}, {0.5, 1}}} // from the top down: its right is the picture's left

func TestLine(t *testing.T) {
	short := &Shape{ID: 1, Points: []Point{{0.5, 0.4}, {0.5, 0.6}}}
	for _, c := range []struct {
		name        string
		line        *Shape
		way         []Point
		left, right int
	}{
		{"to the right of the picture", gate, []Point{{0.3, 0.5}, {0.45, 0.5}, {0.55, 0.5}, {0.7, 0.5}}, 1, 0},
		{"to its left", gate, []Point{{0.7, 0.5}, {0.3, 0.5}}, 0, 1},
		{"there and back", gate, []Point{{0.3, 0.5}, {0.7, 0.5}, {0.3, 0.5}}, 1, 1},
		{"stops short", gate, []Point{{0.3, 0.5}, {0.49, 0.5}, {0.3, 0.5}}, 0, 0},
		{"jitter on the line", gate, []Point{{0.3, 0.5}, {0.499, 0.5}, {0.503, 0.5}, {0.498, 0.5}, {0.502, 0.5}, {0.3, 0.5}}, 0, 0},
		{"jitter, then past it", gate, []Point{{0.3, 0.5}, {0.499, 0.5}, {0.503, 0.5}, {0.498, 0.5}, {0.7, 0.5}}, 1, 0},
		{"appears on the line", gate, []Point{{0.5, 0.5}, {0.7, 0.5}}, 0, 0},
		{"past the end of a short line", short, []Point{{0.3, 0.1}, {0.7, 0.1}}, 0, 0},
		{"around the end of a short line", short, []Point{{0.3, 0.5}, {0.3, 0.1}, {0.7, 0.1}, {0.7, 0.5}}, 0, 0},
		{"through a short line", short, []Point{{0.3, 0.1}, {0.7, 0.9}}, 1, 0},
		{"a line of no length", &Shape{ID: 1, Points: []Point{{0.5, 0.5}, {0.5, 0.5}}}, []Point{{0.3, 0.5}, {0.7, 0.5}}, 0, 0},
		{"nowhere", gate, []Point{{0.3, 0.5}, {math.NaN(), 0.5}, {0.7, 0.5}}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n Counter
			n.SetShapes([]*Shape{c.line})
			for i, p := range c.way {
				n.Update(float64(i)/10, 4.0/3, []Object{{ID: 1, At: p}})
			}
			if got := n.Line(0); got != (LineCount{c.left, c.right}) {
				t.Errorf("%+v, want %d to the left and %d to the right", got, c.left, c.right)
			}
		})
	}
}

// TestLineBalance: whatever the way, an object that wanders in and out through a
// line over the whole picture crosses it one way at most once more than the
// other, and ends on the side that the counts say.
func TestLineBalance(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var n Counter
		n.SetShapes([]*Shape{gate})
		p := Point{rng.Float64(), 0.5}
		first, last := 0.0, 0.0
		for i := range 200 {
			p.X = min(max(p.X+0.08*rng.NormFloat64(), 0), 1)
			n.Update(float64(i)/30, 1, []Object{{ID: 4, At: p}})
			if d := p.X - 0.5; math.Abs(d) >= deadband {
				if first == 0 {
					first = d
				}
				last = d
			}
		}
		sign := func(v float64) int {
			if v > 0 {
				return 1
			}
			return -1
		}
		if got, want := n.Line(0).ToLeft-n.Line(0).ToRight, (sign(last)-sign(first))/2; got != want {
			t.Fatalf("balance %d, want %d", got, want)
		}
	}
}

func TestZone(t *testing.T) {
	zone := &Shape{ID: 7, Points: []Point{{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0.25, 0.75}}}
	var n Counter
	n.SetShapes([]*Shape{zone})
	step := func(at float64, objects ...Object) ZoneCount {
		n.Update(at, 1, objects)
		return n.Zone(0)
	}
	in, out, brink := Point{0.5, 0.5}, Point{0.1, 0.5}, Point{0.245, 0.5}
	if z := step(0, Object{ID: 1, At: out}, Object{ID: 2, At: in}); z.Inside != 1 || z.Entries != 1 {
		t.Fatalf("at first %+v", z)
	}
	if z := step(1, Object{ID: 1, At: in}, Object{ID: 2, At: brink}); z.Inside != 2 || z.Entries != 2 || z.Longest != 1 {
		t.Fatalf("on the brink counts as in: %+v", z)
	}
	if z := step(3, Object{ID: 1, At: in}, Object{ID: 2, At: out}); z.Inside != 1 || z.Left != 1 || z.MeanDwell() != 3 {
		t.Fatalf("one left: %+v", z)
	}
	if z := step(4); z.Inside != 1 {
		t.Fatalf("one out of sight for a second: %+v", z)
	}
	if z := step(6); z.Inside != 0 || z.Left != 2 || z.Dwell != 3+2 {
		t.Fatalf("gone since the third second: %+v", z)
	}
	n.Reset()
	if z := step(7); z != (ZoneCount{}) {
		t.Fatalf("after a reset: %+v", z)
	}
}

// TestInside compares with the sum of the angles under which the edges are seen.
func TestInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		poly := make([]Point, 3+rng.IntN(6))
		for i := range poly { // around a middle, by rising angle: no edge crosses another
			a := (float64(i) + 0.9*rng.Float64()) / float64(len(poly)) * 2 * math.Pi
			r := 0.1 + 0.4*rng.Float64()
			poly[i] = Point{0.5 + r*math.Cos(a), 0.5 + r*math.Sin(a)}
		}
		p := Point{rng.Float64(), rng.Float64()}
		turn := 0.0
		for i := range poly {
			a, b := poly[i], poly[(i+1)%len(poly)]
			ax, ay, bx, by := a.X-p.X, a.Y-p.Y, b.X-p.X, b.Y-p.Y
			turn += math.Atan2(ax*by-ay*bx, ax*bx+ay*by)
		}
		if want := math.Abs(turn) > 1; Inside(poly, p) != want {
			t.Fatalf("%v in %v: want %t", p, poly, want)
		}
	}
}

// TestSetShapes keeps the counts of shapes that stay.
func TestSetShapes(t *testing.T) {
	var n Counter
	n.SetShapes([]*Shape{gate})
	n.Update(0, 1, []Object{{ID: 1, At: Point{0.3, 0.5}}})
	zone := &Shape{ID: 2, Points: []Point{{0.6, 0}, {1, 0}, {1, 1}}}
	n.SetShapes([]*Shape{zone, gate})
	n.Update(0.1, 1, []Object{{ID: 1, At: Point{0.9, 0.2}}})
	if n.Line(1) != (LineCount{ToLeft: 1}) || n.Zone(0).Inside != 1 {
		t.Fatalf("%+v, %+v", n.Line(1), n.Zone(0))
	}
	n.SetShapes([]*Shape{gate})
	if n.Line(0).ToLeft != 1 {
		t.Error("the count of a line that stayed is gone")
	}
	n.SetShapes([]*Shape{{ID: 1, Points: []Point{{0.2, 0}, {0.2, 1}}}})
	if n.Line(0) != (LineCount{}) {
		t.Error("a line that was moved keeps its count")
	}
	n.SetShapes(nil)
	n.Update(0.2, 1, []Object{{ID: 1}, {ID: 2}})
}

func TestTimeline(t *testing.T) {
	l := NewTimeline(1, 10)
	for i := range 100 {
		l.Add(float64(i)/4, i/4) // four frames a second; as many objects as seconds
	}
	if l.Len() != 10 || l.Start(0) != 15 {
		t.Fatalf("%d buckets from %v", l.Len(), l.Start(0))
	}
	for i := range l.Len() {
		if mean, most, seen := l.At(i); mean != float64(15+i) || most != 15+i || !seen {
			t.Errorf("bucket %d: %v, %d, %t", i, mean, most, seen)
		}
	}
	l.Add(27.5, 3)
	if _, _, seen := l.At(l.Len() - 2); seen {
		t.Error("a second without frames has some")
	}
	l.Add(100, 4)
	if l.Len() != 1 || l.Start(0) != 100 {
		t.Errorf("after a jump: %d buckets from %v", l.Len(), l.Start(0))
	}
	l.Add(3, 4)
	if l.Len() != 1 || l.Start(0) != 3 {
		t.Errorf("after going back: %d buckets from %v", l.Len(), l.Start(0))
	}
}

func TestByClass(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	var b ByClass
	for range 300 {
		b.Reset()
		want := map[uint32]int{}
		for range rng.IntN(30) {
			c := uint32(rng.IntN(6))
			want[c]++
			b.Add(c)
		}
		if !slices.IsSortedFunc(b.Classes, func(x, y ClassCount) int {
			if before(x, y) {
				return -1
			}
			return 1
		}) || len(b.Classes) != len(want) {
			t.Fatalf("%v, want %v in order", b.Classes, want)
		}
		for _, c := range b.Classes {
			if want[c.Class] != c.N {
				t.Fatalf("%v, want %v", b.Classes, want)
			}
		}
	}
}

func TestUpdateAllocatesNothing(t *testing.T) {
	var n Counter
	n.SetShapes([]*Shape{gate, {ID: 2, Points: []Point{{0, 0}, {1, 0}, {1, 1}}}})
	l := NewTimeline(1, 60)
	at, id := 0.0, 0
	objects := make([]Object, 20)
	step := func() {
		at += 0.04
		for i := range objects {
			if i == 0 {
				id++
			}
			objects[i] = Object{ID: id + i, At: Point{math.Mod(at+float64(i)/20, 1), 0.5}}
		}
		n.Update(at, 1.5, objects)
		l.Add(at, len(objects))
	}
	for range 500 {
		step()
	}
	if got := testing.AllocsPerRun(200, step); got > 0 {
		t.Errorf("%v allocations a frame", got)
	}
}
