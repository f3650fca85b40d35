package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"eagleeye/build/coco"
	"eagleeye/build/compress/prune"
	"eagleeye/build/compress/times"
	"eagleeye/build/export"
	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/yolo"
)

type pruneCmd struct {
	Model string `arg:"" help:"Float model (.onnx, .pt)." type:"existingfile"`
	Out   string `short:"o" required:"" help:"Pruned model to write (.onnx)." type:"path"`
	pruneFlags
	Picture string `help:"Draw the channels before and after (.svg)." type:"path" placeholder:"FILE"`
}

// pruneFlags say what goes.
type pruneFlags struct {
	Ratio      float64 `help:"Share of the channels to remove, between 0 and 1." placeholder:"X"`
	Params     int     `help:"Or: parameters to leave." placeholder:"N"`
	Time       float64 `help:"And, or: share of the convolutions' predicted time to leave." placeholder:"X"`
	Importance string  `help:"Which channels go first: those with the smallest ${enum} (random is the control); taylor needs --data." enum:"taylor,l1,l2,bn,random" default:"l2"`
	Per        string  `help:"What the importance of a channel is set against, layer against layer: ${enum} that it costs." enum:"channels,params,time" default:"channels"`
	PerLayer   bool    `help:"Remove the same share everywhere, not the least important anywhere."`
	Multiple   int     `help:"Round what is left of a layer to a multiple of this." default:"8"`
	MaxRatio   float64 `help:"Largest share that one layer may lose in a step." default:"0.75"`
	Steps      int     `help:"Steps in which to get there; importance is taken anew in each." default:"1"`

	RecoverSteps int     `help:"Batches to distil from the whole model after each step, on --data." default:"0" placeholder:"N"`
	MaxDrop      float64 `help:"Stop before the step that costs more AP50-95 than this on --val; 0 is any." default:"0"`
	Val          string  `help:"For --max-drop: folder with images/ and a COCO instances.json." type:"path" placeholder:"DIR"`

	Seed       uint64 `help:"Of --importance=random, and of the pictures' order." default:"0"`
	Arithmetic string `help:"Whose times count: those of the ${enum} form." enum:"int8,f32" default:"int8"`
	Data       string `help:"Pictures with labels for --importance=taylor: a COCO folder or a YOLO data.yaml." type:"path" placeholder:"PATH"`
	Batches    int    `help:"Batches of two pictures to take gradients from." default:"100"`
	Imgsz      int    `help:"Side of the network's input for gradients and times; 0 is the model's own." default:"0"`
}

func (c *pruneCmd) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	if same, err := sameFile(c.Out, c.Model); err != nil || same {
		return usageError{fmt.Errorf("--out is the model itself")}
	}
	g, err := modelfile.Graph(c.Model)
	if err != nil {
		return err
	}
	pictures, err := c.pictures(g)
	if err != nil {
		return err
	}
	var set *coco.Dataset
	if c.MaxDrop > 0 {
		if set, err = coco.Load(c.Val); err != nil {
			return fmt.Errorf("--val: %w", err)
		}
	}
	small, r, err := c.inSteps(ctx, t, c.Model, g, pictures, func(file string) (float64, error) { return c.judge(ctx, t, set, file) })
	if err != nil {
		return err
	}
	if err := c.write(small, r); err != nil {
		return err
	}
	if err := tellPruned(t, r); err != nil {
		return err
	}
	advice := "; its accuracy has to be won back: train or distil it"
	if c.RecoverSteps > 0 {
		advice = ""
	}
	t.logf("%s: %d of %d parameters%s", c.Out, r.ParamsAfter, r.ParamsBefore, advice)
	return nil
}

func (c *pruneFlags) check() error {
	switch {
	case c.Params == 0 && c.Time == 0 && !(c.Ratio > 0 && c.Ratio < 1):
		return usageError{fmt.Errorf("--ratio %v: give a share between 0 and 1, such as 0.2, or --params, or --time", c.Ratio)}
	case c.Time != 0 && !(c.Time > 0 && c.Time < 1):
		return usageError{fmt.Errorf("--time %v: give a share between 0 and 1, such as 0.75", c.Time)}
	case c.Importance == "taylor" && c.Data == "":
		return usageError{errors.New("--importance taylor takes gradients on pictures with labels: name them with --data")}
	case c.Importance == "taylor" && c.Batches < 1:
		return usageError{fmt.Errorf("--batches %d: use at least 1", c.Batches)}
	}
	if err := c.checkSteps(); err != nil {
		return usageError{err}
	}
	return nil
}

// pictures opens the pictures for gradients, their classes numbered as the
// model's.
func (c *pruneFlags) pictures(g *graph.Graph) (data.Source, error) {
	if c.Importance != "taylor" {
		return nil, nil
	}
	folder, err := data.Open(c.Data, "train")
	if err != nil {
		return nil, err
	}
	names, err := yolo.ParseNames(g.Meta["names"])
	if err != nil {
		return folder, nil
	}
	return data.Rename(folder, names)
}

// prune removes channels of a graph as read.
func (c *pruneFlags) prune(ctx context.Context, t terminal, g *graph.Graph, pictures data.Source) (*graph.Graph, *prune.Report, error) {
	o := prune.Options{
		Ratio: c.Ratio, Params: c.Params, Time: c.Time, PerLayer: c.PerLayer, Per: c.Per, Multiple: c.Multiple, MaxRatio: c.MaxRatio,
	}
	if c.Time != 0 || c.Per == prune.PerTime {
		l, err := times.Of(ctx, g, c.Imgsz, c.Arithmetic == "int8")
		if err != nil {
			return nil, nil, err
		}
		o.Cost = l.Conv
	}
	var err error
	if c.Importance == "taylor" {
		o.Absolute = true
		o.Score, err = c.taylor(ctx, t, g, pictures)
	} else {
		o.Score, err = prune.ParseScore(c.Importance, c.Seed)
	}
	if err != nil {
		return nil, nil, err
	}
	return prune.Prune(g, o)
}

// taylor takes the gradients of batches of two: smaller ones tell more of what
// single pictures need.
func (c *pruneFlags) taylor(ctx context.Context, t terminal, g *graph.Graph, pictures data.Source) (prune.Score, error) {
	importance, err := prune.NewTaylor(g)
	if err != nil {
		return nil, err
	}
	cfg := train.Config{Hyper: train.Defaults(), Graph: g, Train: pictures}
	cfg.Batch, cfg.Seed = 2, c.Seed
	if cfg.Height, cfg.Width = c.Imgsz, c.Imgsz; c.Imgsz == 0 {
		cfg.Height, cfg.Width = graph.InputSize(g)
	}
	bar := countBar(t, c.Batches, "gradients")
	defer bar.Close()
	err = train.Gradients(ctx, cfg, c.Batches, func(gradients map[string][]float32) error {
		if err := importance.Add(gradients); err != nil {
			return err
		}
		return bar.Add(1)
	})
	return importance.Score(), err
}

// write writes the model and the picture, each whole or not at all.
func (c *pruneCmd) write(g *graph.Graph, r *prune.Report) error {
	model, err := onnx.Write(g)
	if err != nil {
		return err
	}
	files := map[string][]byte{c.Out: model}
	if c.Picture != "" {
		files[c.Picture] = r.SVG()
	}
	for path, content := range files {
		dir, name := filepath.Split(path)
		if err := export.Write(dir, []export.File{{Name: name, Data: content}}); err != nil {
			return err
		}
	}
	return nil
}

// tellPruned prints what went from where.
func tellPruned(t terminal, r *prune.Report) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "convolution\tchannels\tleft\t")
	for _, ch := range r.Changes {
		if ch.After != ch.Before {
			fmt.Fprintf(w, "%s\t%d\t%d\t\n", strings.TrimSuffix(strings.TrimPrefix(ch.Name, "/"), "/Conv"), ch.Before, ch.After)
		}
	}
	return w.Flush()
}
