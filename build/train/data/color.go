package data

// gains change the colours of a picture: hue is added (in turns), saturation and
// value are multiplied, as Ultralytics' RandomHSV does.
type gains struct{ hue, saturation, value float32 }

// planes writes w×h pixels as three planes of 0..1, mirrored left to right where
// flip says so, changed by g (nil: not).
func planes(dst []float32, src []uint32, w, h int, flip bool, g *gains) {
	n := w * h
	r, gr, b := dst[:n:n], dst[n:2*n:2*n], dst[2*n:3*n:3*n]
	var c converter
	if g != nil {
		c.gains = *g
	}
	for y := range h {
		at, step := y*w, 1
		if flip {
			at, step = y*w+w-1, -1
		}
		for _, p := range src[y*w : y*w+w] {
			if g == nil {
				r[at], gr[at], b[at] = unit[p&0xff], unit[p>>8&0xff], unit[p>>16&0xff]
			} else {
				if p != c.last || !c.known {
					c.change(p)
				}
				r[at], gr[at], b[at] = c.r, c.g, c.b
			}
			at += step
		}
	}
}

// unit is a byte's part of 255.
var unit = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(i) / 255
	}
	return t
}()

// converter remembers the last pixel, since flat areas are common.
type converter struct {
	gains
	last    uint32
	known   bool
	r, g, b float32
}

// change converts to hue, saturation and value, applies the gains and converts
// back by sixths of the hue circle (Smith, "Color gamut transform pairs", 1978).
func (c *converter) change(p uint32) {
	c.last, c.known = p, true
	r, g, b := unit[p&0xff], unit[p>>8&0xff], unit[p>>16&0xff]
	top, bottom := max(r, g, b), min(r, g, b)
	d := top - bottom
	v := min(top*c.value, 1)
	if d == 0 {
		c.r, c.g, c.b = v, v, v
		return
	}
	inv := 1 / d
	var h float32 // in sixths of a turn
	switch top {
	case r:
		h = (g - b) * inv
	case g:
		h = 2 + (b-r)*inv
	default:
		h = 4 + (r-g)*inv
	}
	if h += 6 * c.hue; h < 0 {
		h += 6
	} else if h >= 6 {
		h -= 6
	}
	chroma := v * min(d*c.saturation/top, 1)
	low, part := v-chroma, h-float32(int(h))
	switch int(h) {
	case 0:
		c.r, c.g, c.b = v, low+chroma*part, low
	case 1:
		c.r, c.g, c.b = v-chroma*part, v, low
	case 2:
		c.r, c.g, c.b = low, v, low+chroma*part
	case 3:
		c.r, c.g, c.b = low, v-chroma*part, v
	case 4:
		c.r, c.g, c.b = low+chroma*part, low, v
	default: // 5, and 6 where adding 6 rounded to it
		c.r, c.g, c.b = v, low, v-chroma*part
	}
}
