// Package draw paints found objects over a picture. It may import wasm.
package draw

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
	"sync"

	"eagleeye/wasm"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Detections paints boxes with names and scores over img, the best last, in
// sizes that suit the picture.
func Detections(img *image.RGBA, found []wasm.Detection) error {
	side := max(img.Rect.Dx(), img.Rect.Dy())
	line := max(side/320, 2)
	face, err := opentype.NewFace(parsed(), &opentype.FaceOptions{Size: float64(max(side/45, 11)), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return fmt.Errorf("font: %w", err)
	}
	defer face.Close()
	for i := len(found) - 1; i >= 0; i-- {
		d := found[i]
		c := Colour(d.Class)
		r := image.Rect(round(d.X1), round(d.Y1), round(d.X2), round(d.Y2))
		frame(img, r, line, c)
		label(img, face, r, line, c, d.Name+" "+strconv.FormatFloat(float64(d.Score), 'f', 2, 64))
	}
	return nil
}

var parsed = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		panic(err) // the font is part of the program
	}
	return f
})

func round(v float32) int { return int(math.Round(float64(v))) }

// Colour is a class's own: hues a golden angle apart.
func Colour(class int) color.RGBA {
	hue := math.Mod(float64(class)*137.508, 360) / 60
	x := 1 - math.Abs(math.Mod(hue, 2)-1)
	rgb := [6][3]float64{{1, x, 0}, {x, 1, 0}, {0, 1, x}, {0, x, 1}, {x, 0, 1}, {1, 0, x}}[int(hue)]
	level := func(v float64) uint8 { return uint8(40 + 200*v) }
	return color.RGBA{level(rgb[0]), level(rgb[1]), level(rgb[2]), 255}
}

// frame paints the four sides of r, inside it.
func frame(img *image.RGBA, r image.Rectangle, line int, c color.RGBA) {
	src := image.NewUniform(c)
	for _, side := range []image.Rectangle{
		image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+line),
		image.Rect(r.Min.X, r.Max.Y-line, r.Max.X, r.Max.Y),
		image.Rect(r.Min.X, r.Min.Y, r.Min.X+line, r.Max.Y),
		image.Rect(r.Max.X-line, r.Min.Y, r.Max.X, r.Max.Y),
	} {
		draw.Draw(img, side.Intersect(img.Rect), src, image.Point{}, draw.Src)
	}
}

// label paints text on a plate above the box, or in it at the picture's edge.
func label(img *image.RGBA, face font.Face, r image.Rectangle, line int, c color.RGBA, text string) {
	m := face.Metrics()
	pad := line + 1
	w := font.MeasureString(face, text).Ceil() + 2*pad
	h := (m.Ascent + m.Descent).Ceil() + pad
	x := max(min(r.Min.X, img.Rect.Max.X-w), img.Rect.Min.X)
	y := r.Min.Y - h
	if y < img.Rect.Min.Y {
		y = max(r.Min.Y, img.Rect.Min.Y)
	}
	draw.Draw(img, image.Rect(x, y, x+w, y+h).Intersect(img.Rect), image.NewUniform(c), image.Point{}, draw.Src)
	ink := color.Gray{}
	if 299*int(c.R)+587*int(c.G)+114*int(c.B) < 110_000 {
		ink.Y = 255
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: face,
		Dot: fixed.Point26_6{X: fixed.I(x + pad), Y: fixed.I(y+pad/2) + m.Ascent}}
	d.DrawString(text)
}
