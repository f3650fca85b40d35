package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"
)

func TestUpsampleRow(t *testing.T) {
	plane := []byte{0, 100, 200, 40, 60, 80}
	for _, c := range []struct {
		name      string
		w, h      int // picture
		hs, vs    int
		stride, y int
		want      []byte
	}{
		{"none", 3, 2, 1, 1, 3, 1, []byte{40, 60, 80}},
		{"2x1", 6, 1, 2, 1, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x1 odd width", 5, 1, 2, 1, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x1 of two columns repeats", 4, 1, 2, 1, 3, 0, []byte{0, 0, 100, 100}},
		{"2x2 top", 6, 4, 2, 2, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x2 inside", 6, 4, 2, 2, 3, 1, []byte{10, 30, 70, 110, 150, 170}},
		{"2x2 bottom", 6, 4, 2, 2, 3, 3, []byte{40, 45, 55, 65, 75, 80}},
		{"1x2 inside", 3, 4, 1, 2, 3, 1, []byte{10, 90, 170}},
		{"4x1", 12, 1, 4, 1, 3, 0, []byte{0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUpsampler(c.w, c.h, c.hs, c.vs)
			got := make([]byte, u.width())
			u.row(got, plane, c.stride, c.y)
			if !bytes.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestConvertRow(t *testing.T) {
	got := make([]byte, 16)
	convertRow(got, []byte{0, 255, 128, 76}, []byte{128, 128, 128, 85}, []byte{128, 128, 128, 255})
	want := []byte{0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255, 254, 0, 0, 255}
	if !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDecodeGreyAndErrors(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 5, 3))
	for i := range grey.Pix {
		grey.Pix[i] = 77
	}
	var buf bytes.Buffer
	if err := stdjpeg.Encode(&buf, grey, nil); err != nil {
		t.Fatal(err)
	}
	img, err := DecodeRGBA(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.RGBAAt(4, 2); got != (color.RGBA{77, 77, 77, 255}) || img.Rect.Dx() != 5 {
		t.Errorf("grey pixel %v of %v", got, img.Rect)
	}
	if _, err := DecodeRGBA(bytes.NewReader(buf.Bytes()[:40])); err == nil {
		t.Error("a truncated file decodes")
	}
	huge := append([]byte{}, buf.Bytes()...)
	sof := bytes.Index(huge, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(huge[sof+5:], 65000)
	binary.BigEndian.PutUint16(huge[sof+7:], 65000)
	if _, err := DecodeRGBA(bytes.NewReader(huge)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("65000×65000: %v, want ErrTooLarge", err)
	}
}
