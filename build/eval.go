package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"eagleeye/build/coco"
	"eagleeye/build/fetch"
	"eagleeye/build/fidelity"
	"eagleeye/build/modelfile"
	"eagleeye/build/models"
	"eagleeye/build/picture"
	"eagleeye/build/pool"
	"eagleeye/wasm"
)

// precisionFlag are the network's settings shared by commands.
type precisionFlag struct {
	Size      int    `help:"Side of the network's input, a multiple of 32; 0 is the model's own." default:"0"`
	Precision string `help:"Arithmetic: ${enum}; auto is what the file says." enum:"auto,f32" default:"auto"`
	Exact     bool   `help:"Multiply bytes by exact kernels only: slower, for comparisons."`
}

func (f precisionFlag) options() wasm.Options {
	o := wasm.Options{Width: f.Size, Height: f.Size, Exact: f.Exact}
	if f.Precision == "f32" {
		o.Precision = wasm.F32
	}
	return o
}

type evalCmd struct {
	precisionFlag
	Model      string `help:"Model to judge, .onnx or .pt (else the cached download)." env:"MODEL" type:"path" placeholder:"FILE"`
	Int8       bool   `help:"Judge the int8 form of a float model, and compare it with the float one." name:"int8"`
	Calib      string `help:"For --int8: folder of photos to calibrate on (else drawn scenes)." env:"CALIB" type:"path" placeholder:"DIR"`
	Data       string `required:"" help:"Folder with images/ and a COCO instances.json." type:"existingdir" placeholder:"DIR"`
	Detections string `help:"Judge this COCO results file instead of a model." type:"existingfile" placeholder:"FILE"`
	Fidelity   string `help:"Compare anchor by anchor with another model; f32 is the same file in float." placeholder:"REF"`
	Limit      int    `help:"Only the first N images." default:"0" placeholder:"N"`
	JSON       bool   `help:"Print JSON." name:"json"`
	CSV        string `help:"Write the accuracy of each class to this file." name:"csv" type:"path" placeholder:"FILE"`
	Save       string `help:"Write the detections as a COCO results file." type:"path" placeholder:"FILE"`
}

// evaluation is what eval prints.
type evaluation struct {
	coco.Result
	Model     string           `json:"model,omitempty"`
	Size      [2]int           `json:"size,omitzero"` // width, height of the network's input
	Precision string           `json:"precision,omitempty"`
	Seconds   float64          `json:"seconds,omitempty"`
	InferMS   float64          `json:"inferMs,omitempty"` // mean of an image on one core
	Fidelity  *fidelity.Result `json:"fidelity,omitempty"`
}

func (c *evalCmd) Run(ctx context.Context, t terminal) error {
	if c.Detections != "" && (c.Fidelity != "" || c.Save != "" || c.Int8) {
		return usageError{errors.New("--int8, --fidelity and --save are for a model, not for --detections")}
	}
	data, err := coco.Load(c.Data)
	if err != nil {
		return err
	}
	if c.Limit > 0 && c.Limit < len(data.Images) {
		data = data.First(c.Limit)
	}
	var e evaluation
	var dets []coco.Detection
	if c.Detections != "" {
		dets, err = data.LoadDetections(c.Detections)
	} else if err = c.choose(ctx, t); err == nil {
		dets, err = c.detect(ctx, t, data, &e)
	}
	if err != nil {
		return err
	}
	e.Result = data.Evaluate(dets)
	if c.Save != "" {
		if err := writeFile(c.Save, func(f *os.File) error { return json.NewEncoder(f).Encode(dets) }); err != nil {
			return err
		}
	}
	if c.CSV != "" {
		if err := writeFile(c.CSV, func(f *os.File) error { return e.WriteCSV(f) }); err != nil {
			return err
		}
	}
	return c.print(t, e)
}

// choose finds the model to judge and, with --int8, makes its int8 form.
func (c *evalCmd) choose(ctx context.Context, t terminal) error {
	cache, err := fetch.Dir()
	if err != nil {
		return err
	}
	if c.Model, err = models.Find(c.Model, cache); err != nil || !c.Int8 {
		return err
	}
	float := c.Model
	c.Model, _, err = models.Int8{Calib: c.Calib, Cache: cache, Progress: t.bars(), Log: t.err}.Path(ctx, float)
	if c.Fidelity == "" && c.Model != float {
		c.Fidelity = float
	}
	return err
}

// detect runs the model over the images as published evaluations do: every
// class above 0.001, suppression at IoU 0.7, the 300 best boxes.
func (c *evalCmd) detect(ctx context.Context, t terminal, data *coco.Dataset, e *evaluation) ([]coco.Detection, error) {
	specs, err := c.specs()
	if err != nil {
		return nil, err
	}
	bar := countBar(t, len(data.Images), "judging")
	defer bar.Close()
	var mu sync.Mutex
	var sum fidelity.Sum
	var infer time.Duration
	var ids []int64
	var known []bool
	start := time.Now()
	results := make([][]coco.Detection, len(data.Images))
	err = pool.Each(ctx, len(data.Images), specs, func(i int, d []*wasm.Detector) error {
		mu.Lock()
		if ids == nil {
			info := d[0].Info()
			e.Size, e.Precision = [2]int{info.Width, info.Height}, info.Precision
			var missing []string
			if ids, known, missing = data.CategoryIDs(info.Names); len(missing) > 0 {
				t.logf("warning: the data set lacks %d of the model's %d classes, such as %q: what the model finds of them is left out", len(missing), len(ids), missing[0])
			}
		}
		mu.Unlock()
		img, err := picture.Read(data.Path(data.Images[i]), false)
		if err != nil {
			return err
		}
		found, timing, err := d[0].Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.Thresholds{Conf: 0.001, IoU: 0.7, Max: 300, MultiLabel: true})
		if err != nil {
			return fmt.Errorf("%s: %w", data.Images[i].File, err)
		}
		for _, f := range found {
			if known[f.Class] {
				results[i] = append(results[i], coco.Detection{
					Image: data.Images[i].ID, Category: ids[f.Class], Score: float64(f.Score),
					Box: [4]float64{float64(f.X1), float64(f.Y1), float64(f.X2) - float64(f.X1), float64(f.Y2) - float64(f.Y1)},
				})
			}
		}
		var one fidelity.Sum
		if len(d) > 1 {
			if one, err = compare(d[1], d[0], img.Pix, img.Rect.Dx(), img.Rect.Dy()); err != nil {
				return fmt.Errorf("%s: %w", data.Images[i].File, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		sum.Merge(one)
		infer += timing.Infer
		return bar.Add(1)
	})
	if err != nil {
		return nil, err
	}
	e.Model, e.Seconds = c.Model, time.Since(start).Seconds()
	e.InferMS = infer.Seconds() * 1000 / float64(len(data.Images))
	if len(specs) > 1 {
		r := sum.Result()
		e.Fidelity = &r
	}
	all := []coco.Detection{}
	for _, r := range results {
		all = append(all, r...)
	}
	return all, nil
}

// specs are the model and, for --fidelity, the reference at the same size.
func (c *evalCmd) specs() ([]pool.Spec, error) {
	model, err := modelfile.Read(c.Model)
	if err != nil {
		return nil, err
	}
	specs := []pool.Spec{{Model: model, Options: c.options()}}
	if c.Fidelity == "" {
		return specs, nil
	}
	ref := pool.Spec{Model: model, Options: c.options()}
	if c.Fidelity == "f32" {
		ref.Options.Precision = wasm.F32
	} else {
		if ref.Model, err = modelfile.Read(c.Fidelity); err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		ref.Options.Precision = wasm.Auto
	}
	return append(specs, ref), nil
}

// compare runs the reference on the picture that d has just run.
func compare(ref, d *wasm.Detector, rgba []byte, w, h int) (fidelity.Sum, error) {
	var sum fidelity.Sum
	if _, _, err := ref.Detect(rgba, w, h, wasm.DefaultThresholds); err != nil {
		return sum, fmt.Errorf("reference: %w", err)
	}
	refBoxes, refLogits, err := ref.Raw()
	if err != nil {
		return sum, fmt.Errorf("reference: %w", err)
	}
	boxes, logits, err := d.Raw()
	if err != nil {
		return sum, err
	}
	return sum, sum.Add(refBoxes, refLogits, boxes, logits)
}

func (c *evalCmd) print(t terminal, e evaluation) error {
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(e)
	}
	what := c.Detections
	if e.Model != "" {
		what = fmt.Sprintf("%s, %s at %d×%d", e.Model, e.Precision, e.Size[0], e.Size[1])
	}
	fmt.Fprintf(t.out, "%s on %d images of %s\n", what, e.Images, c.Data)
	for _, line := range []struct {
		name  string
		value coco.Precision
		note  string
	}{
		{"AP", e.AP, "IoU 0.50 to 0.95"}, {"AP50", e.AP50, ""}, {"AP75", e.AP75, ""},
		{"APs", e.APs, "objects under 32² pixels"}, {"APm", e.APm, ""}, {"APl", e.APl, "over 96²"},
	} {
		fmt.Fprintf(t.out, "  %-5s %s  %s\n", line.name, line.value, line.note)
	}
	if f := e.Fidelity; f != nil {
		fmt.Fprintf(t.out, "  against %s on %d anchors: rms of the score's difference %.4f, mean of 1 − IoU %.4f\n", c.Fidelity, f.Anchors, f.RMSScore, f.MeanLoss)
	}
	if e.Seconds > 0 {
		fmt.Fprintf(t.out, "  %.1f s; the network takes %.0f ms an image on one core\n", e.Seconds, e.InferMS)
	}
	return nil
}

// writeFile makes a file that appears whole or not at all.
func writeFile(path string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".write-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
