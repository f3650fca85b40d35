package drawings

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
)

// sheet is the ground of a drawing: what it is drawn on and where that lies.
type sheet struct {
	paper   color.RGBA
	ruled   float64    // distance of lines, parts of the side; 0 has none
	fibre   float64    // strength of the paper's texture
	place   [3]float64 // left, top and side of the drawing, parts of the page
	corners [4]point   // of the page in the photo, from the top left clockwise
	light   float64
}

// sheets are one a drawing. The photo measures 640×480.
var sheets = map[string]sheet{
	"circle-brush":     {color.RGBA{240, 232, 214, 255}, 0, 14, [3]float64{0.2, 0.18, 0.6}, [4]point{{140, 60}, {500, 40}, {530, 430}, {110, 410}}, 1},
	"triangle-crayon":  {color.RGBA{236, 236, 230, 255}, 0, 9, [3]float64{0.25, 0.3, 0.5}, [4]point{{90, 30}, {540, 70}, {500, 470}, {60, 440}}, 0.92},
	"square-ballpoint": {color.RGBA{252, 250, 236, 255}, 0.06, 3, [3]float64{0.3, 0.25, 0.45}, [4]point{{40, -20}, {600, 10}, {630, 470}, {10, 490}}, 0.97},
	"star-scribble":    {color.RGBA{246, 246, 248, 255}, 0, 4, [3]float64{0.2, 0.25, 0.55}, [4]point{{190, 50}, {520, 90}, {470, 420}, {120, 380}}, 1.02},
	"heart-nib":        {color.RGBA{232, 224, 232, 255}, 0, 8, [3]float64{0.22, 0.22, 0.6}, [4]point{{110, 20}, {560, 20}, {500, 450}, {160, 450}}, 0.9},
	"cross-paint":      {color.RGBA{206, 178, 138, 255}, 0, 18, [3]float64{0.25, 0.2, 0.5}, [4]point{{60, 40}, {570, 10}, {600, 440}, {90, 470}}, 0.95},
	"arrow-bent":       {color.RGBA{250, 250, 250, 255}, 0.09, 3, [3]float64{0.2, 0.2, 0.55}, [4]point{{150, 10}, {520, 60}, {560, 460}, {80, 430}}, 0.85},
	"smiley-child":     {color.RGBA{244, 238, 220, 255}, 0, 12, [3]float64{0.18, 0.2, 0.62}, [4]point{{170, 70}, {480, 50}, {500, 400}, {150, 420}}, 1},
	"heart-stitch":     {color.RGBA{226, 226, 214, 255}, 0, 22, [3]float64{0.22, 0.25, 0.55}, [4]point{{80, 30}, {540, 40}, {560, 460}, {70, 450}}, 0.95},
	"star-inline":      {color.RGBA{244, 241, 230, 255}, 0, 2, [3]float64{0.3, 0.28, 0.42}, [4]point{{30, 20}, {620, -10}, {590, 480}, {50, 460}}, 1},
}

const pageSide, photoW, photoH = 900, 640, 480

// shoot lays the drawing on its sheet, the sheet on a desk, and photographs it. It
// returns the box of the ink, in pixels.
func shoot(layers []layer, s sheet, seed uint32) (*image.RGBA, [4]float64) {
	page, ink := layOut(layers, s, seed)
	back := homography(s.corners)
	img := image.NewRGBA(image.Rect(0, 0, photoW, photoH))
	box := [4]float64{photoW, photoH, 0, 0}
	for y := range photoH {
		for x := range photoW {
			px, py := float64(x)+0.5, float64(y)+0.5
			c := desk(px, py, seed)
			if u, v := apply(back, px-9, py-12); u > -0.01 && v > -0.01 && u < 1.01 && v < 1.01 {
				c = scaled(c, 0.6) // the sheet's shadow
			}
			if u, v := apply(back, px, py); u >= 0 && v >= 0 && u < 1 && v < 1 {
				c = sample(page, u, v)
				if at := ink[int(v*pageSide)*pageSide+int(u*pageSide)]; at > 0.4 {
					box = [4]float64{min(box[0], px-0.5), min(box[1], py-0.5), max(box[2], px+0.5), max(box[3], py+0.5)}
				}
			}
			// A lamp at the upper left, the lens darker to its corners, a sensor's grain.
			dx, dy := px/photoW-0.35, py/photoH-0.3
			k := s.light * (1.08 - 0.35*(dx*dx+dy*dy))
			n := 7 * (hash(uint32(x), uint32(y), seed+9) - 0.5)
			img.SetRGBA(x, y, color.RGBA{byteOf(c[0]*k*1.03 + n), byteOf(c[1]*k + n), byteOf(c[2]*k*0.94 + n), 255})
		}
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 78}); err != nil {
		panic(err)
	}
	back2, err := jpeg.Decode(&buf)
	if err != nil {
		panic(err)
	}
	for y := range photoH {
		for x := range photoW {
			r, g, b, _ := back2.At(x, y).RGBA()
			img.SetRGBA(x, y, color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255})
		}
	}
	return img, box
}

// layOut is the page flat, and where there is ink on it.
func layOut(layers []layer, s sheet, seed uint32) (page [][3]float64, ink []float64) {
	page, ink = make([][3]float64, pageSide*pageSide), make([]float64, pageSide*pageSide)
	left, top, side := s.place[0]*pageSide, s.place[1]*pageSide, s.place[2]*pageSide
	for y := range pageSide {
		for x := range pageSide {
			i := y*pageSide + x
			f := s.fibre * (smooth(float64(x)/3, float64(y)/7, seed) + 0.5*smooth(float64(x)/40, float64(y)/40, seed+1) - 0.75)
			c := [3]float64{float64(s.paper.R) + f, float64(s.paper.G) + f, float64(s.paper.B) + f}
			if s.ruled > 0 && math.Mod(float64(y)/pageSide, s.ruled) < 0.003 {
				c = [3]float64{c[0] * 0.72, c[1] * 0.8, c[2] * 0.92}
			}
			for _, l := range layers {
				n := l.cover.Rect.Dx()
				u, v := int((float64(x)-left)/side*float64(n)), int((float64(y)-top)/side*float64(n))
				if u < 0 || v < 0 || u >= n || v >= n {
					continue
				}
				a := float64(l.cover.Pix[v*l.cover.Stride+u]) / 255 * l.opacity
				a *= 1 - s.fibre*0.02*smooth(float64(x)/2, float64(y)/2, seed+3) // rough paper takes less
				ink[i] = max(ink[i], a)
				for k, v := range [3]uint8{l.colour.R, l.colour.G, l.colour.B} {
					c[k] += (float64(v) - c[k]) * a
				}
			}
			page[i] = c
		}
	}
	return page, ink
}

// desk is a wooden table: rings of a trunk cut lengthwise.
func desk(x, y float64, seed uint32) [3]float64 {
	ring := math.Sin((y+18*smooth(x/160, y/50, seed+5))/5.5) * 0.5
	k := 0.8 + 0.1*ring + 0.12*smooth(x/30, y/3, seed+6)
	return [3]float64{148 * k, 108 * k, 74 * k}
}

func scaled(c [3]float64, k float64) [3]float64 { return [3]float64{c[0] * k, c[1] * k, c[2] * k} }

func byteOf(v float64) uint8 { return uint8(min(max(v, 0), 255) + 0.5) }

// sample averages a few points of the page about (u, v), parts of its side.
func sample(page [][3]float64, u, v float64) (c [3]float64) {
	for _, d := range [4][2]float64{{-0.3, -0.3}, {0.3, -0.3}, {-0.3, 0.3}, {0.3, 0.3}} {
		x := min(max(int(u*pageSide+2*d[0]), 0), pageSide-1)
		y := min(max(int(v*pageSide+2*d[1]), 0), pageSide-1)
		for k := range c {
			c[k] += page[y*pageSide+x][k] / 4
		}
	}
	return c
}

// homography maps the photo to the unit square whose corners lie at p, the
// inverse of Heckbert's square-to-quadrilateral map (1989).
func homography(p [4]point) [9]float64 {
	dx1, dx2, sx := p[1].x-p[2].x, p[3].x-p[2].x, p[0].x-p[1].x+p[2].x-p[3].x
	dy1, dy2, sy := p[1].y-p[2].y, p[3].y-p[2].y, p[0].y-p[1].y+p[2].y-p[3].y
	det := dx1*dy2 - dx2*dy1
	g, h := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	a, b, c := p[1].x-p[0].x+g*p[1].x, p[3].x-p[0].x+h*p[3].x, p[0].x
	d, e, f := p[1].y-p[0].y+g*p[1].y, p[3].y-p[0].y+h*p[3].y, p[0].y
	return [9]float64{e - f*h, c*h - b, b*f - c*e, f*g - d, a - c*g, c*d - a*f, d*h - e*g, b*g - a*h, a*e - b*d}
}

func apply(m [9]float64, x, y float64) (float64, float64) {
	w := m[6]*x + m[7]*y + m[8]
	return (m[0]*x + m[1]*y + m[2]) / w, (m[3]*x + m[4]*y + m[5]) / w
}

// hash is 0..1 (Wang's integer hash).
func hash(x, y, seed uint32) float64 {
	h := x*374761393 + y*668265263 + seed*2246822519
	h = (h ^ 61) ^ h>>16
	h += h << 3
	h ^= h >> 4
	h *= 0x27d4eb2d
	h ^= h >> 15
	return float64(h) / (1 << 32)
}

// smooth is hash between whole numbers, blended.
func smooth(x, y float64, seed uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := x-fx, y-fy
	at := func(i, j float64) float64 { return hash(uint32(int32(fx+i)), uint32(int32(fy+j)), seed) }
	top, low := at(0, 0)+(at(1, 0)-at(0, 0))*tx, at(0, 1)+(at(1, 1)-at(0, 1))*tx
	return top + (low-top)*ty
}
