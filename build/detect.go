package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"eagleeye/build/draw"
	"eagleeye/build/fetch"
	"eagleeye/build/modelfile"
	"eagleeye/build/models"
	"eagleeye/build/picture"
	"eagleeye/build/pool"
	"eagleeye/wasm"
)

type detectCmd struct {
	precisionFlag
	Model  string   `help:"Model, .onnx or .pt (else the cached download)." env:"MODEL" type:"existingfile" placeholder:"FILE"`
	Images []string `arg:"" help:"Pictures: JPEG, PNG, GIF, WebP, BMP." type:"existingfile" name:"image"`
	Out    string   `short:"o" help:"Draw the boxes: a .png or .jpg file, for several pictures a folder." type:"path" placeholder:"OUT"`
	Conf   float32  `help:"Least score of a box." default:"0.25"`
	IoU    float32  `help:"Of two boxes of a class that overlap more, the better one stays." name:"iou" default:"0.7"`
	Max    int      `help:"Boxes a picture at most." default:"300"`
	JSON   bool     `help:"Print JSON." name:"json"`
}

// found is what detect prints of a picture.
type found struct {
	Image      string      `json:"image"`
	Width      int         `json:"width"`
	Height     int         `json:"height"`
	MS         float64     `json:"ms"`
	Detections []foundItem `json:"detections"`
}

type foundItem struct {
	Class int        `json:"class"`
	Name  string     `json:"name"`
	Score float32    `json:"score"`
	Box   [4]float32 `json:"box"` // x1, y1, x2, y2 in pixels of the picture
}

func (c *detectCmd) Run(ctx context.Context, t terminal) error {
	if !(c.Conf >= 0 && c.Conf <= 1 && c.IoU >= 0 && c.IoU <= 1) || c.Max < 1 {
		return usageError{errors.New("--conf and --iou go from 0 to 1, --max from 1")}
	}
	outs, err := c.outputs()
	if err != nil {
		return err
	}
	d, err := openModel(c.Model, c.options())
	if err != nil {
		return err
	}
	defer d.Close()
	var all []found
	for i, path := range c.Images {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		img, err := picture.Read(path, true)
		if err != nil {
			return err
		}
		dets, timing, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.Thresholds{Conf: c.Conf, IoU: c.IoU, Max: c.Max})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		f := found{path, img.Rect.Dx(), img.Rect.Dy(), (timing.Prepare + timing.Infer + timing.Decode).Seconds() * 1000, []foundItem{}}
		for _, o := range dets {
			f.Detections = append(f.Detections, foundItem{o.Class, o.Name, o.Score, [4]float32{o.X1, o.Y1, o.X2, o.Y2}})
		}
		all = append(all, f)
		if outs != nil {
			if err := save(outs[i], img, dets); err != nil {
				return err
			}
		}
		if !c.JSON {
			f.print(t)
		}
	}
	if !c.JSON {
		return nil
	}
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

func (f found) print(t terminal) {
	fmt.Fprintf(t.out, "%s  %d×%d, %d found, %.0f ms\n", f.Image, f.Width, f.Height, len(f.Detections), f.MS)
	for _, d := range f.Detections {
		fmt.Fprintf(t.out, "  %.2f  %-14s  %5.0f %5.0f  to %5.0f %5.0f\n", d.Score, d.Name, d.Box[0], d.Box[1], d.Box[2], d.Box[3])
	}
}

// openModel opens the named model or the cached download.
func openModel(named string, o wasm.Options) (*wasm.Detector, error) {
	cache, err := fetch.Dir()
	if err != nil {
		return nil, err
	}
	path, err := models.Find(named, cache)
	if err != nil {
		return nil, err
	}
	data, err := modelfile.Read(path)
	if err != nil {
		return nil, err
	}
	d, err := pool.Open(data, o)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return d, nil
}

// outputs gives each picture its drawing's path, or nil.
func (c *detectCmd) outputs() ([]string, error) {
	if c.Out == "" {
		return nil, nil
	}
	info, err := os.Stat(c.Out)
	isDir := err == nil && info.IsDir()
	if len(c.Images) == 1 && !isDir {
		switch strings.ToLower(filepath.Ext(c.Out)) {
		case ".png", ".jpg", ".jpeg":
			return []string{c.Out}, nil
		}
		return nil, usageError{fmt.Errorf("-o %s: name a .png or .jpg file, or a folder that exists", c.Out)}
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return nil, err
	}
	seen := map[string]string{}
	var outs []string
	for _, path := range c.Images {
		base := filepath.Base(path)
		out := filepath.Join(c.Out, strings.TrimSuffix(base, filepath.Ext(base))+".png")
		if other, ok := seen[out]; ok {
			return nil, usageError{fmt.Errorf("%s and %s would both be drawn to %s", other, path, out)}
		}
		seen[out] = path
		outs = append(outs, out)
	}
	return outs, nil
}

func save(path string, img *image.RGBA, dets []wasm.Detection) error {
	if err := draw.Detections(img, dets); err != nil {
		return err
	}
	return writeFile(path, func(f *os.File) error {
		if strings.EqualFold(filepath.Ext(path), ".png") {
			return png.Encode(f, img)
		}
		return jpeg.Encode(f, img, &jpeg.Options{Quality: 92})
	})
}
