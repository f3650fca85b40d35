package scenes

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

func TestDrawRepeats(t *testing.T) {
	for i := range uint64(6) {
		a, ab := Draw(7, i, 200, 160)
		b, bb := Draw(7, i, 200, 160)
		if !bytes.Equal(a.Pix, b.Pix) || len(ab) != len(bb) {
			t.Fatalf("scene %d: two pictures of one seed", i)
		}
		for k := range ab {
			if ab[k] != bb[k] {
				t.Fatalf("scene %d: boxes %v and %v", i, ab[k], bb[k])
			}
		}
	}
	a, _ := Draw(7, 1, 200, 160)
	b, _ := Draw(8, 1, 200, 160)
	if bytes.Equal(a.Pix, b.Pix) {
		t.Error("two seeds gave one picture")
	}
}

// TestBoxes holds each box to the pixels that its symbol changes: the scene is
// drawn with and without it, before light and camera.
func TestBoxes(t *testing.T) {
	compose := func(i uint64) *scene {
		s := &scene{rng: newRNG(11, i), canvas: newCanvas(320, 320), bank: 11}
		s.compose()
		for _, f := range s.surfaces {
			f.items = slices.DeleteFunc(f.items, func(it item) bool { return it.class < 0 }) // they may touch a symbol
		}
		return s
	}
	paint := func(s *scene) []Box {
		s.backdrop()
		var all []Box
		for _, f := range s.surfaces {
			f.fingers, f.behind = nil, nil // they may hide ink
			all = append(all, s.surface(f)...)
		}
		return all
	}
	checked := 0
	for i := range uint64(25) {
		whole := compose(i)
		boxes := paint(whole)
		n := 0
		for fi, f := range whole.surfaces {
			for k, it := range f.items {
				b := boxes[n]
				n++
				less := compose(i)
				less.surfaces[fi].items[k].marks = nil
				paint(less)
				got := empty()
				for p := range whole.pix {
					if d := whole.pix[p].sub(less.pix[p]); max(abs(d.r), abs(d.g), abs(d.b)) > 0.01 {
						got.reach(pt{float32(p%320) + 0.5, float32(p/320) + 0.5}, 0.5)
					}
				}
				for side, d := range []float32{got.x0 - b.X1, got.y0 - b.Y1, b.X2 - got.x1, b.Y2 - got.y1} {
					if d < -2.5 || d > 3.5 { // grain and thin ends leave the rim bare
						t.Errorf("scene %d: %s at %v, its ink at %v (side %d)", i, Names[it.class], b, got, side)
						break
					}
				}
				checked++
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d boxes", checked)
	}
}

// TestSpread wants every class about equally often, and small and large ones.
func TestSpread(t *testing.T) {
	var count [classes]int
	all, small, large, none := 0, 0, 0, 0
	const scenes = 300
	for i := range uint64(scenes) {
		s := &scene{rng: newRNG(5, i), canvas: newCanvas(320, 320), bank: 5}
		s.compose()
		if len(s.taken) == 0 {
			none++
		}
		for _, f := range s.surfaces {
			for _, it := range f.items {
				if it.class < 0 {
					continue
				}
				count[it.class]++
				all++
				b := f.bounds(it)
				switch side := max(b.x1-b.x0, b.y1-b.y0) / 320; {
				case side < 0.15:
					small++
				case side > 0.3:
					large++
				}
			}
		}
	}
	t.Logf("%d symbols, %d small, %d large; by class %v; %d bare scenes", all, small, large, count, none)
	for c, n := range count {
		if math.Abs(float64(n)*classes/float64(all)-1) > 0.35 {
			t.Errorf("%s: %d of %d", Names[c], n, all)
		}
	}
	if small < all/6 || large < all/10 || all < scenes {
		t.Errorf("%d symbols, %d small, %d large", all, small, large)
	}
}
