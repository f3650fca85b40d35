package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/calib"
	"eagleeye/build/export"
	"eagleeye/build/export/form"
	"eagleeye/build/modelfile"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

type exportCmd struct {
	Model     string   `arg:"" help:"Model (.onnx, .pt)." type:"existingfile"`
	To        []string `help:"Formats, with commas: onnx, tflite, tfjs, ncnn, openvino, tensorrt (ONNX for trtexec)." default:"onnx" placeholder:"FORMAT,…"`
	Precision string   `help:"${enum}; int8 quantizes a float model first." enum:"fp32,fp16,int8" default:"fp32"`
	Out       string   `short:"o" help:"Folder to write into (else beside the model)." type:"path" placeholder:"DIR"`
	Name      string   `help:"Base name of the files (else the model's)." placeholder:"NAME"`
	Imgsz     []int    `help:"Height and width of the input, or one side (else the model's own)." placeholder:"H,W"`
	Opset     int      `help:"Of ONNX, 11 to 21 (else 13)." default:"0"`
	Dynamic   bool     `help:"ONNX: leave batch, height and width open."`
	Calib     string   `help:"int8 of a float model: folder of photos like those it will see (else drawn scenes)." type:"existingdir" placeholder:"DIR"`
}

func (c *exportCmd) Run(ctx context.Context, t terminal) error {
	o := export.ONNXOptions{Options: form.Options{Precision: form.Precision(c.Precision)}, Opset: c.Opset, Dynamic: c.Dynamic}
	switch len(c.Imgsz) {
	case 0:
	case 1:
		o.Height, o.Width = c.Imgsz[0], c.Imgsz[0]
	case 2:
		o.Height, o.Width = c.Imgsz[0], c.Imgsz[1]
	default:
		return usageError{fmt.Errorf("--imgsz has %d numbers, want one or two", len(c.Imgsz))}
	}
	base, out := c.Name, c.Out
	if base == "" {
		base = strings.TrimSuffix(filepath.Base(c.Model), filepath.Ext(c.Model))
		if o.Precision == form.Int8 {
			base = strings.TrimSuffix(base, "_int8")
		}
	}
	if out == "" {
		out = filepath.Dir(c.Model)
	}
	if err := c.check(base, out, o); err != nil {
		return err
	}
	g, err := c.read(ctx, t)
	if err != nil {
		return err
	}
	var files []export.File
	var hints []string
	for _, format := range c.To { // all are made before any is written
		f, hint, err := export.Encode(g, format, base, o)
		if err != nil {
			return err
		}
		files = append(files, f...)
		if hint != "" {
			hints = append(hints, hint)
		}
	}
	if err := export.Write(out, files); err != nil {
		return err
	}
	for _, f := range files {
		t.logf("%s: %.2f MB", filepath.Join(out, f.Name), float64(len(f.Data))/1e6)
	}
	for _, h := range hints {
		t.logf("%s", h)
	}
	return nil
}

// check refuses what can be refused before the model is read, let alone
// calibrated.
func (c *exportCmd) check(base, out string, o export.ONNXOptions) error {
	if base != filepath.Base(base) || base == "." || base == ".." {
		return usageError{fmt.Errorf("--name=%s: want a name without folders, they go into --out", base)}
	}
	for i, format := range c.To {
		if err := export.Check(format, o); err != nil {
			return usageError{err}
		}
		if slices.Contains(c.To[:i], format) {
			return usageError{fmt.Errorf("--to has %s twice", format)}
		}
	}
	if err := export.Writable(out); err != nil {
		return err
	}
	for _, format := range c.To {
		for _, name := range export.Names(format, base, o.Precision) {
			same, err := sameFile(filepath.Join(out, name), c.Model)
			if err != nil {
				return err
			}
			if same {
				return usageError{fmt.Errorf("%s would overwrite the model: give another --out or --name", name)}
			}
		}
	}
	return nil
}

// read reads the model; int8 of a float one is made first.
func (c *exportCmd) read(ctx context.Context, t terminal) (*graph.Graph, error) {
	path := c.Model
	g, err := readModel(path)
	if err != nil || c.Precision != "int8" || isInt8(g) {
		return g, err
	}
	dir, err := os.MkdirTemp("", "eagle-eye-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path = filepath.Join(dir, "int8.onnx")
	if _, err := calib.Quantize(ctx, calib.Options{In: c.Model, Out: path, CalibDir: c.Calib, Log: t.err, Progress: t.bars()}); err != nil {
		return nil, err
	}
	return readModel(path)
}

func isInt8(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == "DequantizeLinear" {
			return true
		}
	}
	return false
}

// readModel reads a model of any form.
func readModel(path string) (*graph.Graph, error) {
	data, err := modelfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	g, err := onnx.Read(data)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return g, nil
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y), err
}
