package scenes

import (
	"image"
	"sync"

	"eagleeye/build/render"
)

// tile is the side of the textures, which repeat.
const tile = 256

// The textures, about −1..1 each.
var (
	fine  = grain(1, 1) // paper's tooth
	cloud = clouds(2)   // uneven dye, folds
	weave = cloth()     // threads
	noise = grain(3, 0) // a sensor's, deviation 1
)

// grain is normal noise, smoothed soft times.
func grain(seed uint64, soft int) []float32 {
	r := newRNG(seed, 0x7e57)
	out := make([]float32, tile*tile)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	for range soft {
		in := out
		out = make([]float32, tile*tile)
		for y := range tile {
			for x := range tile {
				at := func(dx, dy int) float32 { return in[(y+dy)&(tile-1)*tile+(x+dx)&(tile-1)] }
				out[y*tile+x] = 0.4*at(0, 0) + 0.2*(at(1, 0)+at(-1, 0)+at(0, 1)+at(0, -1))
			}
		}
	}
	return out
}

// clouds are octaves of value noise that repeat.
func clouds(seed uint64) []float32 {
	out := make([]float32, tile*tile)
	amp := float32(0.6)
	for o, cells := range []int{4, 8, 16, 32, 64} {
		g := newRNG(seed, uint64(o))
		grid := make([]float32, cells*cells)
		for i := range grid {
			grid[i] = g.f(-1, 1)
		}
		k := float32(cells) / tile
		for y := range tile {
			fy := float32(y) * k
			iy := int(fy)
			ty := fy - float32(iy)
			ty *= ty * (3 - 2*ty)
			for x := range tile {
				fx := float32(x) * k
				ix := int(fx)
				tx := fx - float32(ix)
				tx *= tx * (3 - 2*tx)
				a := func(i, j int) float32 { return grid[(iy+j)%cells*cells+(ix+i)%cells] }
				top, low := a(0, 0)+(a(1, 0)-a(0, 0))*tx, a(0, 1)+(a(1, 1)-a(0, 1))*tx
				out[y*tile+x] += amp * (top + (low-top)*ty)
			}
		}
		amp *= 0.5
	}
	return out
}

func cloth() []float32 {
	out := make([]float32, tile*tile)
	for y := range tile {
		for x := range tile {
			out[y*tile+x] = 0.6*float32((x+y)%4-1) - 0.3*float32((x+3*y)%4-1) + 0.3*fine[(y*tile+x*7)%(tile*tile)]
		}
	}
	return out
}

// rooms are the backgrounds, drawn when first asked for.
var rooms struct {
	sync.Mutex
	m map[uint64]*image.RGBA
}

const (
	roomW, roomH = 240, 180
	roomsASeed   = 40
)

// room is background i of the seed; the lock is held while it is drawn, so that
// two loaders do not draw the same one.
func room(seed, i uint64) *image.RGBA {
	rooms.Lock()
	defer rooms.Unlock()
	key := seed*roomsASeed + i%roomsASeed
	if img := rooms.m[key]; img != nil {
		return img
	}
	if rooms.m == nil {
		rooms.m = map[uint64]*image.RGBA{}
	}
	img := render.Scene(int64(5000+key%1e6), roomW, roomH)
	rooms.m[key] = img
	return img
}

// backdrop fills the picture with a room seen at some distance, or with a plain
// surface.
func (s *scene) backdrop() {
	if s.odds(0.25) {
		s.plain()
		return
	}
	img := room(s.bank, s.Uint64())
	zoom := s.f(0.35, 1)
	if s.odds(0.3) {
		zoom *= 0.5
	}
	w := float32(roomW) * zoom
	k := w / float32(s.w)
	if hk := float32(roomH) * zoom / float32(s.h); hk < k {
		k = hk
	}
	x0, y0 := s.f(0, float32(roomW)-1.01-k*float32(s.w)), s.f(0, float32(roomH)-1.01-k*float32(s.h))
	x0, y0 = max(x0, 0), max(y0, 0)
	flip := s.odds(0.5)
	tint := rgb{1 + s.norm(0.1), 1, 1 + s.norm(0.1)}.mul(s.f(0.6, 1.2) / 255)
	step := int32(k * 65536)
	for y := range s.h {
		fy := int32((y0 + k*float32(y)) * 65536)
		top := img.Pix[int(fy>>16)*img.Stride:]
		low := img.Pix[min(int(fy>>16)+1, roomH-1)*img.Stride:]
		ty := float32(fy&0xffff) / 65536
		row := s.pix[y*s.w : (y+1)*s.w]
		fx := int32(x0 * 65536)
		for x := range row {
			o := int(fx>>16) * 4
			o1 := min(o+4, (roomW-1)*4)
			tx := float32(fx&0xffff) / 65536
			a, b := mix(texel(top[o:]), texel(top[o1:]), tx), mix(texel(low[o:]), texel(low[o1:]), tx)
			c := mix(a, b, ty).times(tint)
			if flip {
				row[len(row)-1-x] = c
			} else {
				row[x] = c
			}
			fx += step
		}
	}
}

func texel(p []uint8) rgb {
	_ = p[2]
	return rgb{float32(p[0]), float32(p[1]), float32(p[2])}
}

// plain is a table, wall or cloth without anything on it.
func (s *scene) plain() {
	c := s.someColour()
	tex, amp := cloud, s.f(0.03, 0.25)
	sx, sy := s.f(0.2, 1), s.f(0.2, 1)
	if s.odds(0.4) { // wood
		sx, sy = s.f(0.03, 0.1), s.f(0.5, 1)
		if s.odds(0.5) {
			sx, sy = sy, sx
		}
		c = mix(rgb{0.75, 0.55, 0.35}, rgb{0.25, 0.15, 0.1}, s.Float32())
	}
	ox, oy := s.IntN(tile), s.IntN(tile)
	for y := range s.h {
		line := tex[(int(float32(y)*sy)+oy)&(tile-1)*tile:]
		g := fine[(y+oy)&(tile-1)*tile:]
		for x := range s.w {
			s.pix[y*s.w+x] = c.mul(1 + amp*line[(int(float32(x)*sx)+ox)&(tile-1)] + 0.02*g[x&(tile-1)])
		}
	}
}

// someColour is mostly muted, as most things are.
func (s *scene) someColour() rgb {
	grey := s.f(0.08, 0.9)
	sat := s.Float32() * s.Float32()
	c := rgb{grey + sat*s.f(-0.5, 0.5), grey + sat*s.f(-0.5, 0.5), grey + sat*s.f(-0.5, 0.5)}
	return c.within(0.03, 0.97)
}
