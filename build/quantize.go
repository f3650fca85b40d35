package main

import (
	"context"
	"time"

	"eagleeye/build/calib"
	"eagleeye/wasm/quant"
)

type quantizeCmd struct {
	In          string  `arg:"" help:"Float model (.onnx or .pt)." type:"existingfile"`
	Out         string  `short:"o" required:"" help:"int8 model to write." type:"path"`
	Calib       string  `help:"Folder of photos like those the model will see, or one with images/ in it (else drawn scenes)." type:"existingdir" placeholder:"DIR"`
	Images      int     `help:"Photos to observe." default:"100"`
	Observer    string  `help:"How the range of an activation is chosen: ${enum}." enum:"mse,percentile,minmax" default:"mse"`
	Percentile  float64 `help:"What --observer=percentile keeps, in percent." default:"99.999"`
	BiasImages  int     `help:"Photos to match the biases on; -1 leaves them as they are." default:"20"`
	RoundImages int     `help:"Photos to round the weights by, so that results change least; -1 rounds each to the nearest." default:"32"`
	Wide        bool    `help:"Use all of int8 for every weight; without, those that relaxed SIMD multiplies are kept where it is exact, which makes them run faster." name:"wide-weights"`
	Size        int     `help:"Side of the network's input while observing; 0 is the model's own." default:"0"`
}

func (c *quantizeCmd) Run(ctx context.Context, t terminal) error {
	observer, err := quant.ParseObserver(c.Observer)
	if err != nil {
		return usageError{err}
	}
	start := time.Now()
	r, err := calib.Quantize(ctx, calib.Options{
		In: c.In, Out: c.Out, CalibDir: c.Calib, Images: c.Images, BiasImages: c.BiasImages, RoundImages: c.RoundImages, Size: c.Size,
		Choice: calib.Choice{Observer: observer, Percentile: c.Percentile, Wide: c.Wide}, Log: t.err, Progress: t.bars(),
	})
	if err != nil {
		return err
	}
	t.logf("%s: %.2f MB; %d convolutions in int8, %d activations calibrated on %d pictures, weights rounded by %d, biases matched on %d, in %v",
		c.Out, float64(r.Bytes)/1e6, r.Convs, r.Points, r.Images, r.RoundImages, r.BiasImages, time.Since(start).Round(time.Second))
	return nil
}
