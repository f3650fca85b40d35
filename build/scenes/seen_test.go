package scenes

import (
	"image"
	"testing"
)

// TestSeen wants each symbol to show in the finished picture: without it, the
// picture must differ where it is.
func TestSeen(t *testing.T) {
	draw := func(i uint64, fi, k int) (*scene, *image.RGBA, []Box) {
		s := &scene{rng: newRNG(13, i), canvas: newCanvas(256, 256), bank: 13, least: 256}
		s.compose()
		if k >= 0 {
			s.surfaces[fi].items[k].marks = nil
		}
		boxes := s.paint()
		return s, s.shoot(s.camera()), boxes
	}
	all, hidden := 0, 0
	for i := range uint64(60) {
		s, whole, boxes := draw(i, 0, -1)
		n := 0
		for fi, f := range s.surfaces {
			for k, it := range f.items {
				if it.class < 0 {
					continue
				}
				b := boxes[n]
				n++
				_, less, _ := draw(i, fi, k)
				clear := 0
				for y := int(b.Y1); y < int(b.Y2); y++ {
					for x := int(b.X1); x < int(b.X2); x++ {
						o := whole.PixOffset(x, y)
						d := 0
						for ch := range 3 {
							e := int(whole.Pix[o+ch]) - int(less.Pix[o+ch])
							d = max(d, e, -e)
						}
						if d > 9 {
							clear++
						}
					}
				}
				all++
				if area := (b.X2 - b.X1) * (b.Y2 - b.Y1); float32(clear) < 0.02*area {
					hidden++
					t.Logf("scene %d: %s at %v shows in %d pixels of %.0f", i, Names[it.class], b, clear, area)
				}
			}
		}
	}
	t.Logf("%d of %d symbols hardly show", hidden, all)
	if hidden*100 > all {
		t.Errorf("%d of %d symbols hardly show", hidden, all)
	}
}
