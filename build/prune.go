package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"eagleeye/build/compress/prune"
	"eagleeye/build/export"
	"eagleeye/wasm/onnx"
)

type pruneCmd struct {
	Model      string  `arg:"" help:"Float model (.onnx, .pt)." type:"existingfile"`
	Out        string  `short:"o" required:"" help:"Pruned model to write (.onnx)." type:"path"`
	Ratio      float64 `help:"Share of the channels to remove, between 0 and 1." placeholder:"X"`
	Params     int     `help:"Or: parameters to leave." placeholder:"N"`
	Importance string  `help:"Which channels go first: those with the smallest ${enum} (random is the control)." enum:"l1,l2,bn,random" default:"l2"`
	PerLayer   bool    `help:"Remove the same share everywhere, not the least important anywhere."`
	Multiple   int     `help:"Round what is left of a layer to a multiple of this." default:"8"`
	MaxRatio   float64 `help:"Largest share that one layer may lose." default:"0.75"`
	Seed       uint64  `help:"Of --importance=random." default:"0"`
	Picture    string  `help:"Draw the channels before and after (.svg)." type:"path" placeholder:"FILE"`
}

func (c *pruneCmd) Run(t terminal) error {
	score, err := prune.ParseScore(c.Importance, c.Seed)
	if err != nil {
		return usageError{err}
	}
	if c.Params == 0 && !(c.Ratio > 0 && c.Ratio < 1) {
		return usageError{fmt.Errorf("--ratio %v: give a share between 0 and 1, such as 0.2, or --params", c.Ratio)}
	}
	if same, err := sameFile(c.Out, c.Model); err != nil || same {
		return usageError{fmt.Errorf("--out is the model itself")}
	}
	g, err := readModel(c.Model)
	if err != nil {
		return err
	}
	small, r, err := prune.Prune(g, prune.Options{
		Ratio: c.Ratio, Params: c.Params, PerLayer: c.PerLayer, Multiple: c.Multiple, MaxRatio: c.MaxRatio, Score: score,
	})
	if err != nil {
		return err
	}
	data, err := onnx.Write(small)
	if err != nil {
		return err
	}
	dir, name := filepath.Split(c.Out)
	files := []export.File{{Name: name, Data: data}}
	if err := export.Write(dir, files); err != nil {
		return err
	}
	if c.Picture != "" {
		if err := os.WriteFile(c.Picture, r.SVG(), 0o644); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "convolution\tchannels\tleft\t")
	for _, ch := range r.Changes {
		if ch.After != ch.Before {
			fmt.Fprintf(w, "%s\t%d\t%d\t\n", strings.TrimSuffix(strings.TrimPrefix(ch.Name, "/"), "/Conv"), ch.Before, ch.After)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	t.logf("%s: %.2f MB, %d of %d parameters; its accuracy has to be won back: train or distil it", c.Out, float64(len(data))/1e6, r.ParamsAfter, r.ParamsBefore)
	return nil
}
