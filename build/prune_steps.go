package main

import (
	"context"
	"math"

	"eagleeye/build/compress/prune"
	"eagleeye/build/compress/times"
	"eagleeye/build/train/data"
	"eagleeye/wasm/graph"
)

// inSteps prunes a little at a time: importance is taken anew after each step.
func (c *pruneFlags) inSteps(ctx context.Context, t terminal, g *graph.Graph, pictures data.Source) (*graph.Graph, *prune.Report, error) {
	if c.Steps <= 1 {
		return c.prune(ctx, t, g, pictures)
	}
	before, whole := float64(prune.Params(g)), 0.0
	time := func(g *graph.Graph) (float64, error) {
		l, err := times.Of(ctx, g, c.Imgsz, c.Arithmetic == "int8")
		return l.Total(), err
	}
	var err error
	if c.Time != 0 {
		if whole, err = time(g); err != nil {
			return nil, nil, err
		}
	}
	var all *prune.Report
	for i := range c.Steps {
		part, share := *c, float64(i+1)/float64(c.Steps)
		part.Seed += uint64(i)
		if c.Ratio > 0 {
			part.Ratio = 1 - math.Pow(1-c.Ratio, 1/float64(c.Steps))
		}
		if c.Params > 0 {
			if part.Params = int(before * math.Pow(float64(c.Params)/before, share)); part.Params >= prune.Params(g) {
				part.Params = 0
			}
		}
		if c.Time > 0 {
			now, err := time(g)
			if err != nil {
				return nil, nil, err
			}
			if part.Time = math.Pow(c.Time, share) * whole / now; part.Time >= 1 {
				part.Time = 0
			}
		}
		if part.Ratio == 0 && part.Params == 0 && part.Time == 0 {
			continue // the step before went further than it had to
		}
		small, r, err := part.prune(ctx, t, g, pictures)
		if err != nil {
			return nil, nil, err
		}
		t.logf("step %d of %d: %d parameters", i+1, c.Steps, r.ParamsAfter)
		g = small
		if all == nil {
			all = r
			continue
		}
		all.ParamsAfter = r.ParamsAfter
		all.Removed += r.Removed
		for k := range all.Changes {
			all.Changes[k].After = r.Changes[k].After
		}
	}
	return g, all, nil
}
