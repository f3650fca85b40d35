package dataset

import (
	"testing"

	"eagleeye/build/train/data"
)

func TestSet(t *testing.T) {
	var s data.Source = Set{Seed: 3, N: 40, Short: 96}
	sizes := map[[2]int]int{}
	for i := range s.Len() {
		img, boxes, err := s.Load(i)
		if err != nil {
			t.Fatal(err)
		}
		w, h := img.Rect.Dx(), img.Rect.Dy()
		sizes[[2]int{w, h}]++
		for _, b := range boxes {
			if b.Class < 0 || b.Class >= len(s.Names()) || !(b.X1 < b.X2 && b.Y1 < b.Y2) || b.X1 < 0 || b.Y1 < 0 || b.X2 > float32(w) || b.Y2 > float32(h) {
				t.Errorf("scene %d of %d×%d: %v", i, w, h, b)
			}
		}
	}
	if len(sizes) != 3 {
		t.Errorf("sizes %v", sizes)
	}
}
