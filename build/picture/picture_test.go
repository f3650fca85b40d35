package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"image/png"
	"testing"
)

// corners is a 32×16 picture with a colour of its own in each quarter: red,
// green above blue, white.
func corners() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			img.SetRGBA(x, y, []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}[x/16+y/8*2])
		}
	}
	return img
}

func withExif(t *testing.T, order binary.AppendByteOrder, orientation uint16) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := stdjpeg.Encode(&buf, corners(), &stdjpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	tiff := []byte("II*\x00")
	if order == binary.BigEndian {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{271, 9}, {274, orientation}} {
		tiff = order.AppendUint16(tiff, e[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, e[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(body)+2))
	return append(append(head, body...), buf.Bytes()[2:]...)
}

// name tells the colour of the nearest corner.
func name(c color.RGBA) string {
	switch {
	case c.R > 128 && c.G > 128:
		return "white"
	case c.R > 128:
		return "red"
	case c.G > 128:
		return "green"
	}
	return "blue"
}

func TestOrientation(t *testing.T) {
	// The colours top left and top right, when shown upright.
	for o, want := range map[uint16][2]string{
		1: {"red", "green"}, 2: {"green", "red"}, 3: {"white", "blue"}, 4: {"blue", "white"},
		5: {"red", "blue"}, 6: {"blue", "red"}, 7: {"white", "green"}, 8: {"green", "white"},
		0: {"red", "green"}, 9: {"red", "green"},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			img, err := Decode(withExif(t, order, o), true)
			if err != nil {
				t.Fatal(err)
			}
			got := [2]string{name(img.RGBAAt(2, 2)), name(img.RGBAAt(img.Rect.Dx()-3, 2))}
			if got != want || (img.Rect.Dx() == 16) != (o >= 5 && o <= 8) {
				t.Errorf("orientation %d: %v of %v, want %v", o, got, img.Rect, want)
			}
		}
	}
	img, err := Decode(withExif(t, binary.LittleEndian, 6), false)
	if err != nil || img.Rect.Dx() != 32 {
		t.Errorf("as stored: %v, %v", img.Rect, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, corners()); err != nil {
		t.Fatal(err)
	}
	wide := bytes.Clone(buf.Bytes())
	binary.BigEndian.PutUint32(wide[16:], 1<<30)
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrNoPicture},
		{"text", []byte("hello"), ErrNoPicture},
		{"truncated", buf.Bytes()[:60], ErrNoPicture},
		{"bad header", wide, nil}, // its checksum is wrong too
	} {
		if _, err := Decode(c.data, true); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x20Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

func TestPNG(t *testing.T) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, corners()); err != nil {
		t.Fatal(err)
	}
	img, err := Decode(buf.Bytes(), true)
	if err != nil || !bytes.Equal(img.Pix, corners().Pix) {
		t.Errorf("a PNG came back otherwise, %v", err)
	}
}
