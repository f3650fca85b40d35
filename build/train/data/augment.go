package data

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"eagleeye/build/train/loss"
)

// Augment says how pictures are changed at random. The zero value leaves them as
// they are, letterboxed.
type Augment struct {
	Mosaic     float64 `json:"mosaic"`     // share of samples that join four pictures
	Scale      float64 `json:"scale"`      // zoom by 1 ± this
	Translate  float64 `json:"translate"`  // shift by this part of a side
	Degrees    float64 `json:"degrees"`    // turn by ± this
	Shear      float64 `json:"shear"`      // in degrees, each axis
	FlipLR     float64 `json:"fliplr"`     // share mirrored left to right
	FlipUD     float64 `json:"flipud"`     // share mirrored top to bottom
	Hue        float64 `json:"hue"`        // ± turns
	Saturation float64 `json:"saturation"` // times 1 ± this
	Value      float64 `json:"value"`      // times 1 ± this
}

// Ultralytics are the defaults of Ultralytics YOLOv8.
var Ultralytics = Augment{Mosaic: 1, Scale: 0.5, Translate: 0.1, FlipLR: 0.5, Hue: 0.015, Saturation: 0.7, Value: 0.4}

func (a Augment) check() error {
	for _, v := range []float64{a.Mosaic, a.Scale, a.Translate, a.FlipLR, a.FlipUD, a.Hue, a.Saturation, a.Value} {
		if !(v >= 0 && v <= 1) {
			return errors.New("augmentation: mosaic, scale, translate, flips, hue, saturation and value go from 0 to 1")
		}
	}
	if a.Hue > 0.5 {
		return fmt.Errorf("augmentation: hue %g: at most half a turn, 0.5", a.Hue)
	}
	if a.Scale > 0.95 {
		return fmt.Errorf("augmentation: scale %g: at most 0.95", a.Scale)
	}
	if !(a.Degrees >= 0 && a.Degrees <= 180 && a.Shear >= 0 && a.Shear <= 45) {
		return errors.New("augmentation: degrees go from 0 to 180, shear from 0 to 45")
	}
	return nil
}

// What is left of a box after a change must be this large to stay
// (Ultralytics' box_candidates).
const (
	leastSide   = 2.0  // pixels
	leastArea   = 0.10 // of the box before it was cut
	greatAspect = 100.0
)

// tile is a picture in a composition and the part of it that is drawn.
type tile struct {
	*sample
	place affine // picture to canvas
	clip  rect
}

// sample is a picture fitted to the network's input, and its boxes there.
type sample struct {
	pix   *pixels
	boxes []Box
}

// composer makes one picture of a batch. Each goroutine has its own.
type composer struct {
	w, h    int
	augment Augment
	canvas  []uint32
}

const greyPixel = 114 | 114<<8 | 114<<16

// compose draws picture i as sample number k of a training, and returns its
// truths. pick gives fitted pictures by index, of n.
func (c *composer) compose(dst []float32, rnd *rand.Rand, mosaic bool, i, n int, pick func(int) (*sample, error)) ([]loss.Truth, error) {
	a := c.augment
	spread := func(by float64) float64 { return by * (2*rnd.Float64() - 1) }
	first, err := pick(i)
	if err != nil {
		return nil, err
	}
	var tiles []tile
	cw, ch := float64(c.w), float64(c.h) // of the canvas
	if mosaic && rnd.Float64() < a.Mosaic {
		cw, ch = 2*cw, 2*ch
		cx, cy := float64(c.w)*(0.5+rnd.Float64()), float64(c.h)*(0.5+rnd.Float64())
		for corner := range 4 {
			s := first
			if corner > 0 {
				if s, err = pick(rnd.IntN(n)); err != nil {
					return nil, err
				}
			}
			tiles = append(tiles, place(s, corner, math.Floor(cx), math.Floor(cy), cw, ch))
		}
	} else {
		tiles = []tile{c.letterbox(first)}
	}

	// The order of Ultralytics' RandomPerspective: about the canvas' centre turn
	// and zoom, shear, then move to the output's centre.
	m := shift(-cw/2, -ch/2)
	turn, zoom := spread(a.Degrees)*math.Pi/180, 1+spread(a.Scale)
	sin, cos := math.Sincos(turn)
	m = m.then(affine{a: zoom * cos, b: zoom * sin, d: -zoom * sin, e: zoom * cos})
	m = m.then(affine{a: 1, b: math.Tan(spread(a.Shear) * math.Pi / 180), d: math.Tan(spread(a.Shear) * math.Pi / 180), e: 1})
	m = m.then(shift(float64(c.w)*(0.5+spread(a.Translate)), float64(c.h)*(0.5+spread(a.Translate))))
	flipUD := rnd.Float64() < a.FlipUD
	if flipUD {
		m = m.then(affine{a: 1, e: -1, f: float64(c.h)})
	}
	flipLR := rnd.Float64() < a.FlipLR
	var g *gains
	if a.Hue > 0 || a.Saturation > 0 || a.Value > 0 {
		g = &gains{float32(spread(a.Hue)), float32(1 + spread(a.Saturation)), float32(1 + spread(a.Value))}
	}

	if c.canvas == nil {
		c.canvas = make([]uint32, c.w*c.h)
	}
	for p := range c.canvas {
		c.canvas[p] = greyPixel
	}
	var truths []loss.Truth
	for _, t := range tiles {
		all := t.place.then(m)
		warp(c.canvas, c.w, c.h, t.pix, all.inverse(), t.clip)
		truths = c.boxes(truths, t, all, zoom, flipLR)
	}
	planes(dst, c.canvas, c.w, c.h, flipLR, g)
	return truths, nil
}

// letterbox centres a picture as the engine does.
func (c *composer) letterbox(s *sample) tile {
	w, h := float64(s.pix.w), float64(s.pix.h)
	left, top := math.RoundToEven((float64(c.w)-w)/2-0.1), math.RoundToEven((float64(c.h)-h)/2-0.1)
	return tile{s, shift(max(left, 0), max(top, 0)), rect{0, 0, w, h}}
}

// place lays a picture with a corner at (cx, cy), to the left of it and above
// for corner 0, then right above, left below, right below, cut at the canvas.
func place(s *sample, corner int, cx, cy, cw, ch float64) tile {
	w, h := float64(s.pix.w), float64(s.pix.h)
	x, y := cx, cy
	if corner%2 == 0 {
		x -= w
	}
	if corner < 2 {
		y -= h
	}
	return tile{s, shift(x, y), rect{max(0, -x), max(0, -y), min(w, cw-x), min(h, ch-y)}}
}

// boxes appends what is still to be seen of a tile's boxes.
func (c *composer) boxes(truths []loss.Truth, t tile, m affine, zoom float64, flip bool) []loss.Truth {
	for _, b := range t.boxes {
		b.X1, b.X2 = max(b.X1, float32(t.clip.x1)), min(b.X2, float32(t.clip.x2))
		b.Y1, b.Y2 = max(b.Y1, float32(t.clip.y1)), min(b.Y2, float32(t.clip.y2))
		if b.X2 <= b.X1 || b.Y2 <= b.Y1 {
			continue
		}
		before := float64(b.X2-b.X1) * float64(b.Y2-b.Y1) * zoom * zoom
		o := m.bounds(b)
		if !o.clip(float32(c.w), float32(c.h)) {
			continue
		}
		w, h := float64(o.X2-o.X1), float64(o.Y2-o.Y1)
		if w <= leastSide || h <= leastSide || w*h <= leastArea*before || max(w/h, h/w) >= greatAspect {
			continue
		}
		if flip {
			o.X1, o.X2 = float32(c.w)-o.X2, float32(c.w)-o.X1
		}
		truths = append(truths, loss.Truth{Class: o.Class, Box: [4]float32{o.X1, o.Y1, o.X2, o.Y2}})
	}
	return truths
}
