package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"eagleeye/build/bench"
	"eagleeye/build/coco"
	results "eagleeye/build/compress/report"
	"eagleeye/build/export"
	"eagleeye/build/modelfile"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

type reportCmd struct {
	Models  []string `arg:"" help:"Models (.onnx, .pt); the first is the baseline." type:"existingfile"`
	Data    string   `required:"" help:"Folder with images/ and a COCO instances.json." type:"existingdir" placeholder:"DIR"`
	Size    int      `help:"Side of the network's input; 0 is the first model's own." default:"0"`
	Limit   int      `help:"Judge on the first N images only." default:"0" placeholder:"N"`
	Threads []int    `help:"Numbers of threads to time in a browser; 0 times nothing." default:"1,2"`
	Rounds  int      `help:"Rounds; in each, every model takes its turn." default:"12"`
	Frames  int      `help:"Frames of a turn." default:"5"`
	Python  string   `help:"A Python that has onnxruntime: times its native build, too." placeholder:"PROGRAM"`
	Out     string   `short:"o" help:"Folder for report.md, .csv, .json and .svg (else the table alone is printed)." type:"path" placeholder:"DIR"`
}

func (c *reportCmd) Run(ctx context.Context, t terminal) error {
	data, err := coco.Load(c.Data)
	if err != nil {
		return err
	}
	if c.Limit > 0 && c.Limit < len(data.Images) {
		data = data.First(c.Limit)
	}
	if len(c.Threads) == 1 && c.Threads[0] == 0 {
		c.Threads = nil
	}
	if c.Python != "" && len(c.Threads) > 0 {
		if err := bench.HasNative(ctx, c.Python); err != nil {
			return usageError{err}
		}
	}
	table := results.Table{Data: filepath.Base(c.Data)}
	var variants []bench.Variant
	for _, path := range c.Models { // all are read before any is judged
		raw, err := modelfile.Read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		variants = append(variants, bench.Variant{Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), Model: raw})
	}
	for i, path := range c.Models {
		row, size, err := c.row(ctx, t, data, path, variants[i])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if c.Size == 0 {
			c.Size = size
		}
		table.Rows = append(table.Rows, row)
	}
	table.Size = c.Size
	if len(c.Threads) > 0 {
		if err := c.time(ctx, t, &table, variants); err != nil {
			return err
		}
	}
	if err := table.Markdown(t.out); err != nil || c.Out == "" {
		return err
	}
	var md, cs, js bytes.Buffer
	if err := errors.Join(table.Markdown(&md), table.CSV(&cs), table.JSON(&js)); err != nil {
		return err
	}
	return export.Write(c.Out, []export.File{{Name: "report.md", Data: md.Bytes()}, {Name: "report.csv", Data: cs.Bytes()},
		{Name: "report.json", Data: js.Bytes()}, {Name: "report.svg", Data: table.SVG()}})
}

// row judges one model, against the first for fidelity.
func (c *reportCmd) row(ctx context.Context, t terminal, data *coco.Dataset, path string, v bench.Variant) (results.Row, int, error) {
	g, err := onnx.Read(v.Model)
	if err != nil {
		return results.Row{}, 0, err
	}
	cost, err := zoo.CostOf(g, c.Size, c.Size)
	if err != nil {
		return results.Row{}, 0, err
	}
	e := evalCmd{Model: path, Data: c.Data}
	e.Size = c.Size
	if path != c.Models[0] {
		e.Fidelity = c.Models[0]
	}
	var r evaluation
	dets, err := e.detect(ctx, t, data, &r)
	if err != nil {
		return results.Row{}, 0, err
	}
	judged := data.Evaluate(dets)
	row := results.Row{Name: v.Name, AP: float64(judged.AP), AP50: float64(judged.AP50), Params: cost.Params, GFLOPs: float64(cost.FLOPs) / 1e9,
		Bytes: len(v.Model), MS: map[string]float64{}, Ratio: map[string]float64{}}
	if r.Fidelity != nil {
		row.Score, row.IoU = r.Fidelity.RMSScore, r.Fidelity.MeanLoss
	}
	return row, r.Size[0], nil
}

// time runs the models by turns in a browser, then outside of it.
func (c *reportCmd) time(ctx context.Context, t terminal, table *results.Table, variants []bench.Variant) error {
	root, ok := shared.Root(".")
	if !ok {
		return usageError{errors.New("the page's engine is timed in a browser: run this in the project's folder, or give --threads 0")}
	}
	tmp, err := os.MkdirTemp("", "eagleeye-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	first := filepath.Join(tmp, "first.onnx")
	if err := os.WriteFile(first, variants[0].Model, 0o644); err != nil {
		return err
	}
	dist := filepath.Join(tmp, "dist")
	if err := site.Build(ctx, site.Options{Root: root, Out: dist, Model: first, Logf: t.logf}); err != nil {
		return err
	}
	lab, err := bench.NewLab(dist, tmp)
	if err != nil {
		return err
	}
	defer lab.Close()
	times, err := bench.Variants(ctx, lab, variants, c.Size, c.Threads, c.Rounds, c.Frames, t.logf)
	if err != nil {
		return err
	}
	note(table, times, "")
	if c.Python == "" {
		table.LeftOut = append(table.LeftOut, nativeName)
		t.logf("%s is left out: name a Python that has it with --python", nativeName)
		return nil
	}
	if times, err = bench.NativeVariants(ctx, c.Python, variants, c.Size, c.Threads, c.Rounds, c.Frames); err != nil {
		return err
	}
	note(table, times, nativeName+", ")
	return nil
}

// nativeName is the reference outside the browser.
const nativeName = "native ONNX Runtime"

// note enters times of each model, by number of threads.
func note(table *results.Table, times [][]bench.Latency, runtime string) {
	for i, list := range times {
		for _, l := range list {
			kind := fmt.Sprintf("%s%d threads", runtime, l.Threads)
			if l.Threads == 1 {
				kind = runtime + "1 thread"
			}
			if i == 0 {
				table.Kinds = append(table.Kinds, kind)
			}
			table.Rows[i].MS[kind], table.Rows[i].Ratio[kind] = l.Median, l.Ratio
		}
	}
}
