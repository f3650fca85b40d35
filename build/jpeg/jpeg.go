// Package jpeg decodes JPEG files to exactly the pixels that libjpeg-turbo, and
// so OpenCV and Pillow, makes of them, because those are what models were
// trained and are evaluated on. The standard library's differ by a level or two
// in the inverse DCT, and by tens of levels at coloured edges, where it repeats
// subsampled chroma instead of filtering it.
//
// Handled so are Huffman-coded baseline, extended and progressive files of 8
// bits with one or three components. CMYK files are left to the standard
// library.
package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	stdjpeg "image/jpeg"
	"io"
)

// Limits of what DecodeRGBA accepts.
const (
	MaxBytes  = 256 << 20
	MaxPixels = 100_000_000
)

// ErrTooLarge tells that a file or its picture is beyond the limits.
var ErrTooLarge = errors.New("image too large")

// DecodeRGBA decodes a JPEG file to opaque 8-bit RGBA with its corner at (0,0).
// Orientation tags are ignored. Grey files repeat their grey. A file that ends
// early or is damaged is an error, where libjpeg would fill up with grey.
func DecodeRGBA(r io.Reader) (*image.RGBA, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("jpeg: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("jpeg: %w: more than %d bytes", ErrTooLarge, MaxBytes)
	}
	img, err := decode(data)
	if errors.Is(err, errOther) {
		img, err = decodeOther(data)
	}
	if err != nil {
		return nil, fmt.Errorf("jpeg: %w", err)
	}
	return img, nil
}

// decodeOther decodes by the standard library.
func decodeOther(data []byte) (*image.RGBA, error) {
	cfg, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if err := checkSize(cfg.Width, cfg.Height, len(data)); err != nil {
		return nil, err
	}
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return ToRGBA(img), nil
}

// ToRGBA copies a decoded picture, of any format, to RGBA with its corner at
// (0,0), over black where it is transparent.
func ToRGBA(img image.Image) *image.RGBA {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(dst, dst.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(dst, dst.Rect, img, b.Min, draw.Over)
	return dst
}
