// Package picture reads image files as the engine wants them. It may import
// build/jpeg.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats that image.Decode shall know
	_ "image/png"
	"io"
	"os"

	"eagleeye/build/jpeg"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

// maxBytes bounds a file, maxSide a side; jpeg.MaxPixels bounds the area.
const (
	maxBytes = 256 << 20
	maxSide  = 1 << 16
)

// ErrNoPicture tells that a file holds no picture that can be read.
var ErrNoPicture = errors.New("no picture that can be read (JPEG, PNG, GIF, WebP and BMP can)")

// Read decodes the image file at path to opaque RGBA with its corner at (0,0).
// Upright turns it as its EXIF orientation says; a data set's boxes are often
// those of the pixels as stored, so an evaluation does not want that.
func Read(path string, upright bool) (*image.RGBA, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	img, err := Decode(data, upright)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// Decode is Read for the bytes of a file.
func Decode(data []byte, upright bool) (*image.RGBA, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", jpeg.ErrTooLarge, maxBytes)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	if c.Width < 1 || c.Height < 1 {
		return nil, fmt.Errorf("%w: %d×%d pixels", ErrNoPicture, c.Width, c.Height)
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > jpeg.MaxPixels {
		return nil, fmt.Errorf("%w: %d×%d pixels", jpeg.ErrTooLarge, c.Width, c.Height)
	}
	if format != "jpeg" {
		img, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
		}
		return jpeg.ToRGBA(img), nil
	}
	img, err := jpeg.DecodeRGBA(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if upright {
		img = turn(img, orientation(data))
	}
	return img, nil
}
