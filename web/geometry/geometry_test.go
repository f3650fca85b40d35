package geometry

import (
	"math"
	"testing"
)

func near(a, b Rect) bool {
	const e = 1e-9
	return math.Abs(a.X-b.X) < e && math.Abs(a.Y-b.Y) < e && math.Abs(a.W-b.W) < e && math.Abs(a.H-b.H) < e
}

func TestContain(t *testing.T) {
	for _, c := range []struct {
		name             string
		boxW, boxH, w, h float64
		want             Rect
	}{
		{"same aspect", 1280, 960, 640, 480, Rect{0, 0, 1280, 960}},
		{"wide area", 1000, 480, 640, 480, Rect{180, 0, 640, 480}},
		{"tall area", 390, 844, 640, 480, Rect{0, 275.75, 390, 292.5}},
		{"tall picture", 800, 600, 300, 600, Rect{250, 0, 300, 600}},
		{"enlarged", 100, 100, 10, 5, Rect{0, 25, 100, 50}},
		{"no picture yet", 100, 100, 0, 0, Rect{}},
		{"hidden area", 0, 100, 10, 10, Rect{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Contain(c.boxW, c.boxH, c.w, c.h); !near(got, c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestMap(t *testing.T) {
	shown := Rect{100, 50, 320, 240} // half of 640×480
	for _, c := range []struct {
		name           string
		x1, y1, x2, y2 float64
		want           Rect
	}{
		{"whole", 0, 0, 640, 480, shown},
		{"inside", 64, 48, 128, 96, Rect{132, 74, 32, 24}},
		{"cut at the edges", -10, -10, 700, 490, shown},
		{"outside", 700, 0, 800, 10, Rect{420, 50, 0, 5}},
		{"inverted", 100, 100, 50, 50, Rect{150, 100, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shown.Map(c.x1, c.y1, c.x2, c.y2, 640, 480); !near(got, c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestLabel(t *testing.T) {
	area := Rect{0, 0, 200, 100}
	for _, c := range []struct {
		name         string
		box          Rect
		wantX, wantY float64
	}{
		{"above", Rect{50, 50, 40, 40}, 50, 34},
		{"inside at the top", Rect{50, 5, 40, 40}, 50, 5},
		{"pushed left", Rect{190, 50, 10, 10}, 140, 34},
		{"box from above the area", Rect{50, -20, 40, 40}, 50, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if x, y := Label(c.box, area, 60, 16); x != c.wantX || y != c.wantY {
				t.Fatalf("got %v, %v; want %v, %v", x, y, c.wantX, c.wantY)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	area := Rect{0, 0, 200, 100}
	box := Rect{50, 40, 40, 30}
	above, below := Rect{50, 24, 60, 16}, Rect{50, 70, 60, 16}
	for _, c := range []struct {
		name  string
		box   Rect
		taken []Rect
		want  Rect
	}{
		{"free", box, nil, above},
		{"touching is not covering", box, []Rect{{50, 8, 60, 16}}, above},
		{"to the left above", box, []Rect{{100, 20, 60, 16}}, Rect{30, 24, 60, 16}},
		{"below", box, []Rect{above, {20, 24, 60, 16}}, below},
		{"inside at the top", Rect{50, 10, 40, 80}, nil, Rect{50, 10, 60, 16}},
		{"inside at the bottom", Rect{50, 10, 40, 80}, []Rect{{0, 0, 200, 30}}, Rect{50, 74, 60, 16}},
		{"nowhere", box, []Rect{area}, above},
		{"at the right edge", Rect{190, 40, 10, 30}, nil, Rect{140, 24, 60, 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Place(c.box, area, 60, 16, c.taken); !near(got, c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		ok   bool
	}{
		{"photo", 4000, 3000, true},
		{"thread", 50000, 1, false},
		{"panorama", 16384, 400, true},
		{"too long", 16385, 10000, false},
		{"line", 2000, 10, false},
		{"nothing", 0, 5, false},
		{"one pixel", 1, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p := Problem(c.w, c.h); (p == "") != c.ok {
				t.Fatalf("Problem(%d, %d) = %q", c.w, c.h, p)
			}
		})
	}
	if w, h := Downscale(640, 480); w != 640 || h != 480 {
		t.Errorf("a small picture becomes %d×%d", w, h)
	}
	if w, h := Downscale(12000, 9000); w*h > MaxPixels || w*h < MaxPixels*9/10 || math.Abs(float64(w)/float64(h)-12.0/9) > 0.01 {
		t.Errorf("12000×9000 becomes %d×%d", w, h)
	}
	if w, h := Backing(100.4, 0, 2); w != 201 || h != 1 {
		t.Errorf("Backing gives %d×%d", w, h)
	}
}
