// Package jpeg decodes JPEG files to the pixels that libjpeg-turbo makes of
// them, because that is what models were trained and are evaluated on. The
// standard library decodes the coefficients; its replicated chroma would be off
// by tens of levels at coloured edges, so subsampled chroma goes through
// libjpeg's triangle filter ("fancy upsampling") and the colour conversion
// through its 16-bit fixed-point tables.
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
// Orientation tags are ignored. Grey files repeat their grey; RGB and CMYK ones
// are converted by the standard library. Against libjpeg-turbo's accurate
// integer DCT the result differs by the rounding of the inverse DCT only.
func DecodeRGBA(r io.Reader) (*image.RGBA, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("jpeg: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("jpeg: %w: more than %d bytes", ErrTooLarge, MaxBytes)
	}
	cfg, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("jpeg: %w", err)
	}
	if cfg.Width*cfg.Height > MaxPixels {
		return nil, fmt.Errorf("jpeg: %w: %d×%d, at most %d pixels", ErrTooLarge, cfg.Width, cfg.Height, MaxPixels)
	}
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("jpeg: %w", err)
	}
	return ToRGBA(img), nil
}

// ToRGBA converts a picture that the standard library decoded as DecodeRGBA
// does. Pictures other than Y'CbCr and grey are drawn as they are, over black
// where they are transparent.
func ToRGBA(img image.Image) *image.RGBA {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if y, ok := img.(*image.YCbCr); ok && fromYCbCr(dst, y) {
		return dst
	}
	draw.Draw(dst, dst.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(dst, dst.Rect, img, b.Min, draw.Over)
	return dst
}

// fromYCbCr fills dst and reports whether it knows the subsampling.
func fromYCbCr(dst *image.RGBA, src *image.YCbCr) bool {
	b := src.Rect
	if b.Min != (image.Point{}) {
		return false
	}
	var h, v int
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
		h, v = 1, 1
	case image.YCbCrSubsampleRatio422:
		h, v = 2, 1
	case image.YCbCrSubsampleRatio420:
		h, v = 2, 2
	case image.YCbCrSubsampleRatio440:
		h, v = 1, 2
	case image.YCbCrSubsampleRatio411:
		h, v = 4, 1
	case image.YCbCrSubsampleRatio410:
		h, v = 4, 2
	default:
		return false
	}
	w, rows := b.Dx(), b.Dy()
	up := newUpsampler(w, rows, h, v)
	cb, cr := make([]byte, up.width()), make([]byte, up.width())
	for y := range rows {
		up.row(cb, src.Cb, src.CStride, y)
		up.row(cr, src.Cr, src.CStride, y)
		convertRow(dst.Pix[y*dst.Stride:][:4*w], src.Y[y*src.YStride:][:w], cb, cr)
	}
	return true
}
