//go:build !js

package kernels

import "math"

// layout is how a test places a map: bytes between pixels and between rows
// beyond the dense size, and pixels of border around it.
type layout struct{ gap, rowGap, pad int32 }

// layouts are dense, a channel slice of a wider map, and inside a border.
var layouts = map[string]layout{
	"dense":    {},
	"slice":    {gap: 8, rowGap: 16},
	"bordered": {pad: 2},
}

// place reserves a map of h×w pixels of bytes bytes.
func (im *image) place(h, w, bytes int32, l layout) Map {
	pix := bytes + l.gap
	row := (w+2*l.pad)*pix + l.rowGap
	addr := im.alloc(int((h + 2*l.pad) * row))
	return Map{addr + uint32(l.pad*(row+pix)), row, pix}
}

// placeFloats reserves a map of c float32 channels with random values, some of
// them special.
func (im *image) placeFloats(h, w, c int32, scale float32, l layout) Map {
	m := im.place(h, w, 4*c, l)
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-40, 3e38, -3e38, 0.5, 1.5, -0.5}
	for y := range h {
		for x := range w {
			for i := range view[float32](im.mem, m.pixel(y, x), int(c)) {
				v := (im.rng.Float32()*2 - 1) * scale
				if im.rng.IntN(16) == 0 {
					v = special[im.rng.IntN(len(special))]
				}
				view[float32](im.mem, m.pixel(y, x), int(c))[i] = v
			}
		}
	}
	return m
}

// randomLayout is for fuzzing; gaps stay multiples of 8.
func (im *image) randomLayout() layout {
	return layout{gap: 8 * im.rng.Int32N(3), rowGap: 8 * im.rng.Int32N(3), pad: im.rng.Int32N(3)}
}

// size is a map's height, width and channels.
type size struct{ h, w, c int32 }

var oddSizes = []size{{1, 1, 8}, {3, 5, 8}, {2, 7, 24}, {4, 3, 64}, {5, 1, 40}}

// randomSize is for fuzzing; channels are a multiple of 8.
func (im *image) randomSize() size {
	return size{1 + im.rng.Int32N(12), 1 + im.rng.Int32N(12), 8 * (1 + im.rng.Int32N(10))}
}
