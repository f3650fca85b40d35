package calib

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/png" // so that image.Decode knows it
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/jpeg"
	"eagleeye/build/render"
)

// ErrNoImages tells that there is nothing to calibrate on.
var ErrNoImages = errors.New("no calibration images")

// maxSide bounds the pictures of a calibration: larger ones are no camera's.
const maxSide = 20000

// pictures gives the calibration pictures one by one.
type pictures interface {
	// count is how many there are at most.
	count() int
	// load returns picture i and its name.
	load(i int) (*image.RGBA, string, error)
}

// scenes are the built-in pictures.
type scenes struct{ n int }

func (s scenes) count() int { return s.n }

func (s scenes) load(i int) (*image.RGBA, string, error) {
	// Both orientations, so that the grey bars of the letterbox appear on
	// either side as with photos.
	w, h := 640, 480
	if i%4 == 3 {
		w, h = h, w
	}
	return render.Scene(int64(1000+i), w, h), fmt.Sprint("scene ", i), nil
}

// files are pictures of a folder, the ones to prefer first.
type files []string

func (f files) count() int { return len(f) }

func (f files) load(i int) (*image.RGBA, string, error) {
	data, err := os.ReadFile(f[i])
	if err != nil {
		return nil, f[i], err
	}
	img, err := decode(data)
	if err != nil {
		return nil, f[i], fmt.Errorf("%s: %w", f[i], err)
	}
	return img, f[i], nil
}

// decode decodes JPEG or PNG.
func decode(data []byte) (*image.RGBA, error) {
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > jpeg.MaxPixels {
		return nil, fmt.Errorf("%w: %d×%d", jpeg.ErrTooLarge, c.Width, c.Height)
	}
	if format == "jpeg" {
		return jpeg.DecodeRGBA(bytes.NewReader(data))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return jpeg.ToRGBA(img), nil
}

// list finds the JPEG and PNG files of dir, or of dir/images when that exists
// (a COCO-style folder), and orders them so that the first n are spread evenly
// over the names and the others follow as their replacements.
func list(dir string, n int) (files, error) {
	if sub := filepath.Join(dir, "images"); isDir(sub) {
		dir = sub
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("calibration images: %w", err)
	}
	var all files
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".jpg", ".jpeg", ".png":
			if !e.IsDir() {
				all = append(all, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s holds no .jpg, .jpeg or .png file", ErrNoImages, dir)
	}
	slices.Sort(all)
	return spread(all, n), nil
}

// spread moves n evenly spaced elements to the front.
func spread(all files, n int) files {
	if n >= len(all) {
		return all
	}
	var first, rest files
	for i, f := range all {
		if i*n/len(all) != (i-1)*n/len(all) || i == 0 {
			first = append(first, f)
		} else {
			rest = append(rest, f)
		}
	}
	return append(first, rest...)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
