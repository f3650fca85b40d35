package main

import (
	"context"

	"eagleeye/build/demo/recipe"
)

type trainDemoCmd struct {
	Out   string  `short:"o" help:"Folder of everything that is written; a run that was stopped goes on there." default:"runs/demo" type:"path"`
	Seed  uint64  `help:"Of weights, scenes and order." default:"1"`
	Scale float64 `help:"Part of the steps, for a trial." default:"1"`
}

func (c *trainDemoCmd) Run(ctx context.Context, t terminal) error {
	r, err := recipe.Run(ctx, recipe.Options{Out: c.Out, Seed: c.Seed, Scale: c.Scale, Log: t.err, Progress: t.bars()})
	if err != nil {
		return err
	}
	t.logf("%v", r)
	return nil
}
