package site

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
)

// iconSizes are the pictures of the installed page. A maskable one is drawn
// smaller on a ground that fills its square, of which a system may show no more
// than the circle of 80 % (W3C, Web Application Manifest, icon masks).
var iconSizes = []struct {
	name     string
	size     int
	maskable bool
}{
	{"icon-192.png", 192, false}, {"icon-512.png", 512, false}, {"icon-maskable-512.png", 512, true},
}

func icons(_ context.Context, dir string, _ Options) error {
	for _, i := range iconSizes {
		var b bytes.Buffer
		if err := png.Encode(&b, icon(i.size, i.maskable)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, i.name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// icon draws icon.svg: an eye in a rounded square, in units of 1/32 of the side.
func icon(size int, maskable bool) image.Image {
	const grid = 4 // samples a pixel each way
	ground, ink := [3]float64{0x18, 0x1b, 0x1f}, [3]float64{0xff, 0xb2, 0x24}
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			var sum [3]float64
			inside := 0.0
			for s := range grid * grid {
				x := (float64(px) + (float64(s%grid)+0.5)/grid) * 32 / float64(size)
				y := (float64(py) + (float64(s/grid)+0.5)/grid) * 32 / float64(size)
				if maskable {
					x, y = 16+(x-16)*1.25, 16+(y-16)*1.25
				} else if !rounded(x, y) {
					continue
				}
				c := ground
				if eye(x, y) {
					c = ink
				}
				for k := range sum {
					sum[k] += c[k]
				}
				inside++
			}
			if inside > 0 {
				img.SetNRGBA(px, py, color.NRGBA{uint8(sum[0]/inside + 0.5), uint8(sum[1]/inside + 0.5), uint8(sum[2]/inside + 0.5), uint8(255*inside/(grid*grid) + 0.5)})
			}
		}
	}
	return img
}

// rounded is a square of 32 with corners of radius 8.
func rounded(x, y float64) bool {
	dx, dy := max(math.Abs(x-16)-8, 0), max(math.Abs(y-16)-8, 0)
	return dx*dx+dy*dy <= 64
}

// eye is a pupil, or near the edge of the lens in which two circles meet.
func eye(x, y float64) bool {
	if math.Hypot(x-16, y-16) <= 4 {
		return true
	}
	// Circles of radius 13 around (16, 21) and (16, 11) meet at (4, 16) and (28, 16)
	// and pass through (16, 8) and (16, 24).
	lens := max(math.Hypot(x-16, y-21), math.Hypot(x-16, y-11)) - 13
	return math.Abs(lens) <= 1.25
}
