package main

import (
	"context"

	"eagleeye/build/calib"
	"eagleeye/wasm/quant"
)

type quantizeCmd struct {
	In       string `arg:"" help:"Float model." type:"existingfile"`
	Out      string `short:"o" required:"" help:"int8 model to write." type:"path"`
	Calib    string `help:"Folder of photos like those the model will see (else drawn scenes)." type:"existingdir" placeholder:"DIR"`
	Images   int    `help:"Photos to observe." default:"100"`
	Observer string `help:"How ranges are chosen: ${enum}." enum:"mse,percentile,minmax" default:"mse"`
	Size     int    `help:"Side of the network's input while observing; 0 is the model's own." default:"0"`
}

func (c *quantizeCmd) Run(ctx context.Context, t terminal) error {
	observer, err := quant.ParseObserver(c.Observer)
	if err != nil {
		return usageError{err}
	}
	r, err := calib.Quantize(ctx, calib.Options{
		In: c.In, Out: c.Out, CalibDir: c.Calib, Images: c.Images, Size: c.Size,
		Observer: observer, Log: t.err, Progress: t.err,
	})
	if err != nil {
		return err
	}
	t.logf("%s: %d bytes, %d convolutions in int8, %d activations calibrated on %d pictures", c.Out, r.Bytes, r.Convs, r.Points, r.Images)
	return nil
}
