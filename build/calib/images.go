package calib

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/picture"
	"eagleeye/build/render"
)

// scenes are the built-in pictures.
type scenes struct{ n int }

func (s scenes) Len() int { return s.n }

func (s scenes) Load(i int) (*image.RGBA, string, error) {
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

func (f files) Len() int { return len(f) }

func (f files) Load(i int) (*image.RGBA, string, error) {
	img, err := picture.Read(f[i], false)
	return img, f[i], err
}

// list finds the pictures of dir, or of dir/images when that exists
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
		case ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif":
			if !e.IsDir() {
				all = append(all, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s holds no .jpg, .png, .webp, .bmp or .gif file", ErrNoImages, dir)
	}
	slices.Sort(all)
	return spread(all, n), nil
}

// spread moves n evenly spaced elements to the front.
func spread[S ~[]E, E any](all S, n int) S {
	if n >= len(all) {
		return all
	}
	var first, rest S
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
