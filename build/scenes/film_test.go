package scenes

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"testing"
)

func TestFilm(t *testing.T) {
	file, err := Film()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(file))
	if len(file) > 1e6 {
		t.Errorf("%d bytes: more than a page should load for it", len(file))
	}
	if string(file[:4]) != FilmMagic || binary.LittleEndian.Uint16(file[4:]) != FilmFrames {
		t.Fatalf("header %x", file[:8])
	}
	at := 8 + 4*FilmFrames
	for k := range FilmFrames {
		n := int(binary.LittleEndian.Uint32(file[8+4*k:]))
		c, err := jpeg.DecodeConfig(bytes.NewReader(file[at : at+n]))
		if err != nil || c.Width != FilmWidth || c.Height != FilmHeight {
			t.Fatalf("frame %d: %v, %v", k, c, err)
		}
		at += n
	}
	if at != len(file) {
		t.Errorf("%d bytes of frames, %d in the file", at, len(file))
	}
}

// TestFilmShowsAll wants each symbol whole in every frame, moving in steps that
// an eye takes for motion.
func TestFilmShowsAll(t *testing.T) {
	var last []Box
	for k := 0; k <= FilmFrames; k += 3 {
		_, boxes := FilmFrame(k % FilmFrames)
		if len(boxes) != classes {
			t.Fatalf("frame %d: %d symbols", k, len(boxes))
		}
		for i, b := range boxes {
			if b.Class != i || b.X1 < 2 || b.Y1 < 2 || b.X2 > FilmWidth-2 || b.Y2 > FilmHeight-2 {
				t.Errorf("frame %d: %v", k, b)
			}
			if last != nil && abs(b.X1-last[i].X1)+abs(b.Y1-last[i].Y1) > 30 {
				t.Errorf("frame %d: %s jumps from %v to %v", k, Names[i], last[i], b)
			}
		}
		last = boxes
	}
}
