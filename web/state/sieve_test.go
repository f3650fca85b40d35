package state

import (
	"math/rand/v2"
	"slices"
	"testing"

	"eagleeye/wasm/message"
	"eagleeye/wasm/yolo"
)

// What the page is given does not depend on the confidence down to the floor.
func TestThresholds(t *testing.T) {
	s := live()
	for conf, want := range map[float32]float32{0: 0, 0.03: 0.03, Floor: Floor, 0.25: Floor, 1: Floor} {
		s, _ := after(s, ConfSet{conf}, MaxSet{7})
		if got := s.Thresholds(); got.Conf != want || got.Max != DefaultMax {
			t.Errorf("confidence %v: %+v", conf, got)
		}
	}
}

// Boxes that the engine keeps at the floor and the page sifts are those that it
// keeps at the confidence itself, as many as are wanted.
func TestSieveEqualsEngine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + rnd.IntN(400)
		all := make([]yolo.Candidate, n)
		for i := range all {
			x, y := rnd.Float32()*200, rnd.Float32()*200
			all[i] = yolo.Candidate{Box: yolo.Box{X1: x, Y1: y, X2: x + 20 + rnd.Float32()*60, Y2: y + 20 + rnd.Float32()*60},
				Score: rnd.Float32(), Class: int32(rnd.IntN(4)), Anchor: int32(i)}
		}
		conf, iou, limit := Floor+rnd.Float32()*(1-Floor), 0.2+rnd.Float32()*0.6, 1+rnd.IntN(40)
		engine := func(conf float32, limit int) (out []message.Detection) {
			over := slices.DeleteFunc(slices.Clone(all), func(c yolo.Candidate) bool { return c.Score < conf })
			for _, c := range yolo.NMS(over, iou, limit) {
				out = append(out, message.Detection{X1: c.X1, Y1: c.Y1, X2: c.X2, Y2: c.Y2, Score: c.Score, Class: uint32(c.Class)})
			}
			return out
		}
		given := engine(Floor, DefaultMax)
		var got []message.Detection
		for _, i := range (Sieve{Max: limit}).Pick(nil, given) {
			if given[i].Score >= conf {
				got = append(got, given[i])
			}
		}
		if want := engine(conf, limit); !slices.Equal(got, want) {
			t.Fatalf("%d candidates, confidence %v, overlap %v, at most %d: %d boxes, the engine has %d", n, conf, iou, limit, len(got), len(want))
		}
	}
}

// Hidden classes take no place among the strongest.
func TestSieveHidden(t *testing.T) {
	boxes := []message.Detection{{Class: 1, Score: .9}, {Class: 0, Score: .8}, {Class: 7, Score: .7}, {Class: 0, Score: .6}}
	for _, c := range []struct {
		sieve Sieve
		want  []int
	}{
		{Sieve{Max: 2}, []int{0, 1}},
		{Sieve{Max: 2, Hidden: []bool{false, true}}, []int{1, 2}},
		{Sieve{Max: 9, Hidden: []bool{true}}, []int{0, 2}},
		{Sieve{Max: 9, Hidden: []bool{true, true, true, true, true, true, true, true}}, nil},
	} {
		if got := c.sieve.Pick(nil, boxes); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.sieve, got, c.want)
		}
	}
}
