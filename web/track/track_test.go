package track

import (
	"math"
	"testing"

	"eagleeye/wasm/message"
)

func det(class uint32, score float32, cx, cy, w, h float64) message.Detection {
	return message.Detection{Class: class, Score: score, X1: float32(cx - w/2), Y1: float32(cy - h/2), X2: float32(cx + w/2), Y2: float32(cy + h/2)}
}

// TestUpdate follows single boxes through short films: per frame the boxes and
// the numbers that they are to get.
func TestUpdate(t *testing.T) {
	type frame struct {
		at   float64
		dets []message.Detection
		want []int
	}
	a := func(score float32, x float64) message.Detection { return det(0, score, x, 100, 50, 80) }
	for _, c := range []struct {
		name   string
		frames []frame
	}{
		{"the first frame counts at once", []frame{{0, []message.Detection{a(0.8, 100)}, []int{1}}}},
		{"a later one is confirmed by the next frame", []frame{
			{0, nil, nil}, {0.05, []message.Detection{a(0.8, 100)}, []int{0}}, {0.1, []message.Detection{a(0.8, 102)}, []int{1}}}},
		{"what flickers once gets no number", []frame{
			{0, nil, nil}, {0.05, []message.Detection{a(0.8, 100)}, []int{0}}, {0.1, nil, nil},
			{0.15, []message.Detection{a(0.8, 300)}, []int{0}}, {0.2, []message.Detection{a(0.8, 300)}, []int{1}}}},
		{"a weak box keeps a track", []frame{
			{0, []message.Detection{a(0.8, 100)}, []int{1}}, {0.05, []message.Detection{a(0.12, 100)}, []int{1}}, {0.1, []message.Detection{a(0.8, 100)}, []int{1}}}},
		{"a weak box starts none", []frame{
			{0, []message.Detection{a(0.2, 100)}, []int{0}}, {0.05, []message.Detection{a(0.2, 100)}, []int{0}}}},
		{"a box below the least is not looked at", []frame{
			{0, []message.Detection{a(0.8, 100)}, []int{1}}, {0.05, []message.Detection{a(0.05, 100)}, []int{0}}}},
		{"another class is another thing", []frame{
			{0, []message.Detection{a(0.8, 100)}, []int{1}}, {0.05, []message.Detection{det(1, 0.8, 100, 100, 50, 80)}, []int{0}},
			{0.1, []message.Detection{det(1, 0.8, 100, 100, 50, 80)}, []int{2}}}},
		{"lost for one second", []frame{
			{0, []message.Detection{a(0.8, 100)}, []int{1}}, {0.5, nil, nil}, {1, []message.Detection{a(0.8, 100)}, []int{1}}}},
		{"lost for too long", []frame{
			{0, []message.Detection{a(0.8, 100)}, []int{1}}, {0.5, nil, nil}, {1.4, nil, nil}, {1.6, nil, nil}, {1.7, []message.Detection{a(0.8, 100)}, []int{0}}}},
		{"time jumps back", []frame{
			{5, []message.Detection{a(0.8, 100)}, []int{1}}, {1, []message.Detection{a(0.8, 100)}, []int{0}}, {1.05, []message.Detection{a(0.8, 100)}, []int{2}}}},
		{"two swap places slowly: each keeps its number", []frame{
			{0, []message.Detection{a(0.8, 100), a(0.8, 200)}, []int{1, 2}}, {0.05, []message.Detection{a(0.8, 195), a(0.8, 105)}, []int{2, 1}}}},
		{"no size", []frame{{0, []message.Detection{det(0, 0.9, 10, 10, 0, 0)}, []int{1}}, {0.05, []message.Detection{det(0, 0.9, 10, 10, 0, 0)}, []int{1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := New(For(0.25))
			for _, f := range c.frames {
				got := tr.Update(f.at, f.dets)
				if len(got) != len(f.want) {
					t.Fatalf("at %v: %v, want %v", f.at, got, f.want)
				}
				for i := range got {
					if got[i] != f.want[i] {
						t.Fatalf("at %v: %v, want %v", f.at, got, f.want)
					}
				}
			}
		})
	}
}

// A raised confidence takes the numbers off weak boxes until the track has a
// confident one again, which is the same track.
func TestRaised(t *testing.T) {
	tr := New(For(0.25))
	for i, f := range []struct {
		conf, score float32
		want        int
	}{{0.25, 0.6, 1}, {0.25, 0.2, 1}, {0.5, 0.4, 0}, {0.5, 0.45, 0}, {0.5, 0.7, 1}, {0.5, 0.3, 1}, {0.9, 0.7, 0}, {0.25, 0.3, 1}} {
		tr.Set(For(f.conf))
		if got := tr.Update(float64(i)/20, []message.Detection{det(0, f.score, 100, 100, 50, 80)}); got[0] != f.want {
			t.Errorf("frame %d, score %v at confidence %v: number %d, want %d", i, f.score, f.conf, got[0], f.want)
		}
	}
}

// TestNonsense feeds what no detector should give.
func TestNonsense(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	tr := New(For(0.25))
	for i := range 20 {
		tr.Update(float64(i)/20, []message.Detection{{X1: nan, X2: nan, Score: 0.9}, {X1: 5, X2: -5, Y1: inf, Y2: -inf, Score: 0.9}, {Score: nan}, det(3, 0.9, 50, 50, 20, 20)})
	}
	found := false
	for _, k := range tr.Tracks() {
		found = found || k.Class == 3 && k.Phase == Tracked
	}
	if !found {
		t.Error("the sound box among them was lost")
	}
	if n := len(tr.Tracks()); n > 10 {
		t.Errorf("%d tracks pile up", n)
	}
}

// TestTrail wants at most two seconds of points, oldest first.
func TestTrail(t *testing.T) {
	var r Trail
	for i := range 1000 {
		r.add(float64(i)/100, float64(i), 0)
	}
	if r.Len() != trailPoints {
		t.Fatalf("%d points", r.Len())
	}
	for i := 1; i < r.Len(); i++ {
		if d := r.Point(i).At - r.Point(i-1).At; d < trailStep {
			t.Fatalf("points %v seconds apart", d)
		}
	}
	if last := r.Point(r.Len() - 1); last.X < 990 {
		t.Errorf("the newest point is %v", last)
	}
}

// TestFilter follows a steady motion seen exactly, at an uneven rate, and foresees
// where it is half a second after the last look.
func TestFilter(t *testing.T) {
	var f filter
	f.start(10, 50)
	at := 0.0
	for i := range 40 {
		dt := []float64{0.02, 0.05, 0.1}[i%3]
		at += dt
		f.predict(dt, 50)
		f.correct(10+80*at, 50)
	}
	f.predict(0.5, 50)
	if want := 10 + 80*(at+0.5); math.Abs(f.x-want) > 3 {
		t.Errorf("foreseen %v, want %v", f.x, want)
	}
	if f.pxx <= 0 || f.pvv <= 0 || f.pxv*f.pxv > f.pxx*f.pvv {
		t.Errorf("no covariance: %+v", f)
	}
}

func TestUpdateAllocatesNothing(t *testing.T) {
	w := newWorld(9, options{objects: 12, size: [2]float64{640, 480}})
	tr := New(For(0.25))
	for range 300 {
		at, dets, _ := w.step(0.04)
		tr.Update(at, dets)
	}
	frames := make([][]message.Detection, 120)
	times := make([]float64, len(frames))
	for i := range frames {
		at, dets, _ := w.step(0.04)
		times[i], frames[i] = at, append([]message.Detection(nil), dets...)
	}
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		tr.Update(times[i], frames[i])
		i++
	}); n > 0.05 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkUpdate300(b *testing.B) {
	w := newWorld(9, options{objects: 300, size: [2]float64{1920, 1080}})
	tr := New(For(0.25))
	frames := make([][]message.Detection, 50)
	times := make([]float64, len(frames))
	for i := range frames {
		at, dets, _ := w.step(0.04)
		times[i], frames[i] = at, append([]message.Detection(nil), dets...)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tr.Update(float64(i)*0.04, frames[i%len(frames)])
	}
}
