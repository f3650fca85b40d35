package draw

import (
	"bytes"
	"image"
	"testing"

	"eagleeye/wasm"
)

func TestDetections(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	found := []wasm.Detection{{X1: 50, Y1: 60, X2: 150.4, Y2: 160, Class: 3, Name: "cat", Score: 0.5}}
	if err := Detections(img, found); err != nil {
		t.Fatal(err)
	}
	c := Colour(3)
	for _, p := range []image.Point{{50, 60}, {149, 159}, {50, 159}, {100, 61}, {51, 100}} {
		if img.RGBAAt(p.X, p.Y) != c {
			t.Errorf("no frame at %v", p)
		}
	}
	for _, p := range []image.Point{{49, 100}, {151, 100}, {100, 160}, {100, 100}} {
		if img.RGBAAt(p.X, p.Y).A != 0 {
			t.Errorf("painted at %v", p)
		}
	}
	if img.RGBAAt(52, 50) != c {
		t.Error("no plate above the box")
	}
}

// TestEdges paints boxes that leave the picture in every way.
func TestEdges(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {40, 3}, {640, 480}} {
		img := image.NewRGBA(image.Rectangle{Max: size})
		var found []wasm.Detection
		for _, b := range [][4]float32{{-50, -50, 9999, 9999}, {-9, -9, -5, -5}, {5, 5, 5, 5}, {9, 9, 1, 1}, {0, 0, 1e9, 1}} {
			found = append(found, wasm.Detection{X1: b[0], Y1: b[1], X2: b[2], Y2: b[3], Class: 79, Name: "a very long name of a thing, ß漢", Score: 1})
		}
		if err := Detections(img, found); err != nil {
			t.Error(err)
		}
	}
}

func TestColours(t *testing.T) {
	seen := map[[3]uint8]bool{}
	for class := range 200 {
		c := Colour(class)
		seen[[3]uint8{c.R, c.G, c.B}] = true
	}
	if len(seen) < 150 {
		t.Errorf("200 classes have %d colours", len(seen))
	}
	if a, b := Colour(1), Colour(1); !bytes.Equal([]byte{a.R, a.G}, []byte{b.R, b.G}) {
		t.Error("a class changes its colour")
	}
}
