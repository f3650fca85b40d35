// Package geometry places pictures, boxes and labels on the page's stage. It
// imports nothing of ours.
package geometry

import "math"

// Rect is a rectangle in pixels: left, top, width, height.
type Rect struct{ X, Y, W, H float64 }

// Contain returns where a w×h picture lies in a boxW×boxH area under CSS's
// object-fit: contain: as large as fits, centred, its aspect ratio kept.
func Contain(boxW, boxH, w, h float64) Rect {
	if boxW <= 0 || boxH <= 0 || w <= 0 || h <= 0 {
		return Rect{}
	}
	s := math.Min(boxW/w, boxH/h)
	return Rect{X: (boxW - w*s) / 2, Y: (boxH - h*s) / 2, W: w * s, H: h * s}
}

// Map takes the box (x1, y1)–(x2, y2) in pixels of a w×h picture to the area in
// which the picture is shown, cut to that area.
func (r Rect) Map(x1, y1, x2, y2, w, h float64) Rect {
	if w <= 0 || h <= 0 {
		return Rect{}
	}
	clamp := func(v, hi float64) float64 { return math.Max(0, math.Min(v, hi)) }
	x1, x2 = clamp(x1, w), clamp(x2, w)
	y1, y2 = clamp(y1, h), clamp(y2, h)
	sx, sy := r.W/w, r.H/h
	return Rect{X: r.X + x1*sx, Y: r.Y + y1*sy, W: math.Max(0, (x2-x1)*sx), H: math.Max(0, (y2-y1)*sy)}
}

// Label returns the top left corner of a w×h label for a box: on top of it,
// inside it where the area's edge is too near, and never past the area's sides.
func Label(box, area Rect, w, h float64) (x, y float64) {
	x = math.Max(area.X, math.Min(box.X, area.X+area.W-w))
	y = box.Y - h
	if y < area.Y {
		y = math.Max(box.Y, area.Y)
	}
	return x, y
}

// Place returns where a w×h label of a box lies so that it covers none of those
// that are there: above the box, below it, inside it at the top or the bottom,
// each at the box's left or right edge; where none of these is free, as Label.
func Place(box, area Rect, w, h float64, taken []Rect) Rect {
	left := math.Max(area.X, math.Min(box.X, area.X+area.W-w))
	right := math.Max(area.X, math.Min(box.X+box.W-w, area.X+area.W-w))
	for _, y := range [...]float64{box.Y - h, box.Y + box.H, box.Y, box.Y + box.H - h} {
		if y < area.Y || y+h > area.Y+area.H {
			continue
		}
		for _, x := range [...]float64{left, right} {
			r := Rect{x, y, w, h}
			if !r.meetsAny(taken) {
				return r
			}
		}
	}
	x, y := Label(box, area, w, h)
	return Rect{x, y, w, h}
}

func (r Rect) meetsAny(others []Rect) bool {
	for i := range others {
		o := &others[i]
		if r.X < o.X+o.W && o.X < r.X+r.W && r.Y < o.Y+o.H && o.Y < r.Y+r.H {
			return true
		}
	}
	return false
}

// Backing returns the size of a canvas' backing store for a cssW×cssH element
// at a device pixel ratio, at least one pixel.
func Backing(cssW, cssH, ratio float64) (w, h int) {
	if ratio <= 0 {
		ratio = 1
	}
	return int(math.Max(1, math.Round(cssW*ratio))), int(math.Max(1, math.Round(cssH*ratio)))
}

// Limits of a picture: browsers hold no canvas with a longer side, and beyond
// MaxPixels the page scales a picture down before the engine sees it.
const (
	MaxSide   = 16384
	MaxPixels = 16 << 20
	MaxAspect = 100 // a thinner picture vanishes in the network's square input
)

// Downscale returns the size at which a w×h picture of more than MaxPixels is
// analysed, and its own size for others.
func Downscale(w, h int) (int, int) {
	if w*h <= MaxPixels {
		return w, h
	}
	s := math.Sqrt(MaxPixels / (float64(w) * float64(h)))
	return max(1, int(float64(w)*s)), max(1, int(float64(h)*s))
}

// Problem says what is wrong with a picture's size, "" if nothing is.
func Problem(w, h int) string {
	switch {
	case w <= 0 || h <= 0:
		return "it has no pixels"
	case w > MaxSide || h > MaxSide:
		return "its longer side has more than 16,384 pixels"
	case w > h*MaxAspect || h > w*MaxAspect:
		return "one side is more than 100 times as long as the other"
	}
	return ""
}
