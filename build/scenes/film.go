package scenes

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
)

// The film that the page plays where there is no camera: someone holds up a
// sheet with one symbol of each class and moves it about. It ends as it begins.
const (
	FilmFrames = 84
	FilmPeriod = 83 // ms a frame
	FilmWidth  = 400
	FilmHeight = 300

	filmSeed    = 20
	filmQuality = 60
	// FilmMagic begins the file: then frames and ms a frame as uint16, the bytes of
	// each frame as uint32, all little-endian, and the frames as JPEG.
	FilmMagic = "EYE1"
)

// FilmFrame draws a frame of the film.
func FilmFrame(k int) (*image.RGBA, []Box) {
	s := &scene{rng: newRNG(filmSeed, 1), canvas: newCanvas(FilmWidth, FilmHeight), bank: filmSeed}
	f := &surface{sheet: true, kind: paper, a: 1.45, rough: 0.004, folds: 0.03, shade: pt{0.04, -0.03}, ox: 11, oy: 37}
	f.bend, f.freq, f.dx, f.dy = 0.02, 1.6, 0.8, 0.6
	f.c = rgb{0.93, 0.925, 0.9}
	t := 2 * pi * float32(k) / FilmFrames
	centre := pose{x: FilmWidth * 0.5, y: FilmHeight * 0.52, size: 100, far: 3.6}
	f.stand(centre)
	s.surfaces = []*surface{f}
	for class := range classes {
		use := tool{kind: marker, r: 0.022, ink: ink{c: rgb{0.08, 0.08, 0.1}, opacity: 0.95, grain: 0.1}, shaky: 0.12}
		switch class % 4 {
		case 1:
			use.ink.c = rgb{0.75, 0.1, 0.12}
		case 2:
			use.ink.c = rgb{0.1, 0.2, 0.6}
		case 3:
			use.kind, use.r = pen, 0.013
		}
		use.second = use.ink
		it := s.symbol(class, 0.26, use)
		it.move(pt{(float32(class%4) - 1.5) * 0.68, (float32(class/4) - 0.5) * 0.92})
		f.items = append(f.items, it)
		s.taken = append(s.taken, f.bounds(it))
	}
	skin := rgb{0.86, 0.66, 0.55}
	for _, side := range []float32{-1, 1} {
		edge := pt{side * f.a, 0.84}
		f.behind = append(f.behind, limb{a: edge, b: pt{side * (f.a + 0.5), 4}, ra: 0.25, rb: 0.4, c: rgb{0.25, 0.35, 0.5}},
			limb{a: edge.add(pt{side * 0.08, 0.1}), b: edge.add(pt{-side * 0.1, -0.05}), ra: 0.24, rb: 0.2, c: skin})
		f.fingers = append(f.fingers, limb{a: edge.add(pt{side * 0.2, 0.1}), b: edge.add(pt{-side * 0.12, -0.03}), ra: 0.09, rb: 0.07, c: skin, nail: true})
	}
	// How the sheet moves: each axis its own whole number of swings.
	p := centre
	p.x += 30 * sin(t)
	p.y += 12 * sin(2*t+1)
	p.size += 9 * sin(t+2)
	p.yaw, p.pitch, p.roll = 0.42*sin(t+0.6), 0.3*sin(2*t), 0.13*sin(t-0.8)
	f.bend += 0.012 * sin(2*t)
	f.stand(p)

	s.rng = newRNG(filmSeed, 2) // the room is the same in all frames
	boxes := s.paint()
	return s.shoot(camera{gain: rgb{0.98, 0.96, 0.93}, gamma: 1, sharpen: -0.1, noise: 0.002}), boxes
}

// Film writes the whole film.
func Film() ([]byte, error) {
	head := binary.LittleEndian.AppendUint16([]byte(FilmMagic), FilmFrames)
	head = binary.LittleEndian.AppendUint16(head, FilmPeriod)
	var body bytes.Buffer
	for k := range FilmFrames {
		img, _ := FilmFrame(k)
		from := body.Len()
		if err := jpeg.Encode(&body, img, &jpeg.Options{Quality: filmQuality}); err != nil {
			return nil, fmt.Errorf("film: %w", err)
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(body.Len()-from))
	}
	return append(head, body.Bytes()...), nil
}
