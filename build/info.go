package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"eagleeye/build/modelfile"
	"eagleeye/build/render"
	"eagleeye/wasm"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

type infoCmd struct {
	precisionFlag
	Model   string `arg:"" help:"Model, .onnx or .pt." type:"existingfile"`
	Time    int    `help:"Time each step over N runs on one core." default:"0" placeholder:"N"`
	Plan    bool   `help:"Show how each layer is computed and the time that this was chosen for."`
	Relaxed bool   `help:"For --plan: with relaxed SIMD, as browsers that have it."`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// description is what info prints.
type description struct {
	File        string     `json:"file"`
	FileBytes   int64      `json:"fileBytes"`
	Producer    string     `json:"producer"` // program that wrote the file
	Opset       int        `json:"opset"`
	Precision   string     `json:"precision"`
	Width       int        `json:"width"`
	Height      int        `json:"height"`
	Anchors     int        `json:"anchors"`
	Params      int64      `json:"params"`
	MACs        int64      `json:"macs"`
	FLOPs       int64      `json:"flops"`       // as Ultralytics counts, see zoo.CostOf
	WeightBytes int64      `json:"weightBytes"` // as packed in memory
	ArenaBytes  int64      `json:"arenaBytes"`  // activations
	MemoryBytes int        `json:"memoryBytes"`
	Classes     []string   `json:"classes"`
	Steps       []stepLine `json:"steps"`
}

type stepLine struct {
	Name  string  `json:"name"`
	Kind  string  `json:"kind"`
	Shape string  `json:"shape"`
	MACs  int64   `json:"macs"`
	Bytes int64   `json:"bytes"`
	MS    float64 `json:"ms,omitempty"`
}

func (c *infoCmd) Run(t terminal) error {
	if c.Plan {
		return c.plan(t)
	}
	data, err := modelfile.Read(c.Model)
	if err != nil {
		return err
	}
	stat, err := os.Stat(c.Model)
	if err != nil {
		return err
	}
	header, err := onnx.ReadHeader(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	d, err := openModel(c.Model, c.options())
	if err != nil {
		return err
	}
	defer d.Close()
	i := d.Info()
	g, err := modelfile.Graph(c.Model)
	if err != nil {
		return err
	}
	cost, err := zoo.CostOf(g, i.Height, i.Width)
	if err != nil {
		return err
	}
	// Batch norms count while they are there, which the engine folds.
	params := max(i.Params, int64(cost.Params))
	out := description{
		c.Model, stat.Size(), strings.TrimSpace(header.Producer + " " + header.ProducerVersion), header.Opset, i.Precision, i.Width, i.Height, i.Anchors, params, i.MACs, cost.FLOPs,
		i.WeightBytes, i.ArenaBytes, i.MemoryBytes, i.Names, nil,
	}
	for _, s := range i.Steps {
		out.Steps = append(out.Steps, stepLine{s.Name, s.Kind, s.Shape, s.MACs, s.Bytes, 0})
	}
	if c.Time > 0 {
		if err := timeSteps(d, c.Time, out.Steps); err != nil {
			return err
		}
	}
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	return out.print(t)
}

// timeSteps fills in the best time of each step over n runs on a drawn scene.
func timeSteps(d *wasm.Detector, n int, steps []stepLine) error {
	img := render.Scene(1, 640, 480)
	if _, _, err := d.Detect(img.Pix, 640, 480, wasm.DefaultThresholds); err != nil {
		return err
	}
	times, err := d.Profile(n)
	if err != nil {
		return err
	}
	for i, s := range times {
		steps[i].MS = s.Best.Seconds() * 1000
	}
	return nil
}

func (o description) print(t terminal) error {
	const mega = 1e6
	fmt.Fprintf(t.out, "%s: %.1f MB, %s, opset %d by %s, input %d×%d, %d anchors, %d classes\n", o.File, float64(o.FileBytes)/mega, o.Precision, o.Opset, cmp.Or(o.Producer, "an unnamed program"), o.Width, o.Height, o.Anchors, len(o.Classes))
	fmt.Fprintf(t.out, "%d parameters, %.3f GMAC (%.1f GFLOPs) a frame; memory %.1f MB: weights %.1f, activations %.1f\n\n",
		o.Params, float64(o.MACs)/1e9, float64(o.FLOPs)/1e9, float64(o.MemoryBytes)/mega, float64(o.WeightBytes)/mega, float64(o.ArenaBytes)/mega)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight|tabwriter.DiscardEmptyColumns)
	fmt.Fprintf(w, "step\tshape\tMMAC\tKB\tms\t  %-24s  name\n", "kind")
	var total float64
	for i, s := range o.Steps {
		ms, macs := "", ""
		if s.MS > 0 {
			ms = fmt.Sprintf("%.2f", s.MS)
			total += s.MS
		}
		if s.MACs > 0 {
			macs = fmt.Sprintf("%.1f", float64(s.MACs)/mega)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%.0f\t%s\t  %-24s  %s\n", i, s.Shape, macs, float64(s.Bytes)/1e3, ms, s.Kind, s.Name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if total > 0 {
		fmt.Fprintf(t.out, "\n%.1f ms in all\n", total)
	}
	return nil
}
