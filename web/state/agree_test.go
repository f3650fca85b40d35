package state

import (
	"math"
	"testing"

	"eagleeye/wasm/message"
)

func TestAgree(t *testing.T) {
	box := func(x, y float32, class uint32, score float32) message.Detection {
		return message.Detection{X1: x, Y1: y, X2: x + 10, Y2: y + 10, Class: class, Score: score}
	}
	type boxes = [2][]message.Detection
	for _, c := range []struct {
		name     string
		pictures []boxes
		want     Agreement
		share    float64
	}{
		{"nothing", []boxes{{}}, Agreement{}, 1},
		{"the same", []boxes{{{box(0, 0, 1, .9)}, {box(0, 0, 1, .8)}}}, Agreement{Pairs: 1, Overlap: 1, Score: .1}, 1},
		{"another class", []boxes{{{box(0, 0, 1, .9)}, {box(0, 0, 2, .9)}}}, Agreement{OnlyA: 1, OnlyB: 1}, 0},
		{"too far", []boxes{{{box(0, 0, 1, .9)}, {box(5, 0, 1, .9)}}}, Agreement{OnlyA: 1, OnlyB: 1}, 0},
		{"the nearer one is the pair", []boxes{{{box(0, 0, 1, .9)}, {box(2, 0, 1, .9), box(0, 0, 1, .5)}}}, Agreement{Pairs: 1, OnlyB: 1, Overlap: 1, Score: .4}, 2. / 3},
		{"pictures do not mix", []boxes{{{box(0, 0, 1, .9)}, nil}, {nil, {box(0, 0, 1, .9)}}}, Agreement{OnlyA: 1, OnlyB: 1}, 0},
		{"means", []boxes{{{box(0, 0, 1, .9)}, {box(0, 0, 1, .9)}}, {{box(0, 0, 1, .9)}, {box(2, 0, 1, .7)}}}, Agreement{Pairs: 2, Overlap: (1 + 8./12) / 2, Score: .1}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p []Seen
			for _, b := range c.pictures {
				p = append(p, Seen{Width: 100, Height: 100, Boxes: b})
			}
			got := Agree(p)
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
			if got.Pairs != c.want.Pairs || got.OnlyA != c.want.OnlyA || got.OnlyB != c.want.OnlyB || !near(got.Overlap, c.want.Overlap) || !near(got.Score, c.want.Score) || !near(got.Share(), c.share) {
				t.Errorf("%+v, share %.3f; want %+v, %.3f", got, got.Share(), c.want, c.share)
			}
		})
	}
}
