package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"eagleeye/build/coco"
	"eagleeye/build/compress/prune"
	"eagleeye/build/compress/recipe"
	"eagleeye/build/compress/times"
	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// recoverSide is the input at which a step's recovery learns: a model for 640
// learns in a quarter of the time there.
const recoverSide = 320

// gentle are the settings that recovery learns with: a trained model needs a
// little.
func gentle() recipe.Flags {
	return recipe.Flags{"imgsz": recoverSide, "batch": 8, "lr": 0.0005, "cosine": true, "nominal": 0, "warmup": 1, "close-mosaic": 8, "val": "none"}
}

// inSteps prunes a little at a time: importance is taken anew after each step,
// and what a step took may be won back before the next one. teacher is the file
// of g; judge gives a file's AP50-95 where --max-drop bounds it.
func (c *pruneFlags) inSteps(ctx context.Context, t terminal, teacher string, g *graph.Graph, pictures data.Source, judge func(file string) (float64, error)) (*graph.Graph, *prune.Report, error) {
	if c.Steps <= 1 && c.RecoverSteps == 0 && c.MaxDrop == 0 {
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
	dir, err := os.MkdirTemp("", "eagleeye-prune-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	least := math.Inf(-1) // AP50-95 that has to be left
	if c.MaxDrop > 0 {
		ap, err := judge(teacher)
		if err != nil {
			return nil, nil, err
		}
		least = ap - c.MaxDrop
		t.logf("whole model: AP50-95 %.4f", ap)
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
		file := filepath.Join(dir, fmt.Sprintf("step%d.onnx", i+1))
		if err := writeModel(file, small); err != nil {
			return nil, nil, err
		}
		if c.RecoverSteps > 0 {
			if file, err = part.recover(ctx, t, teacher, file, filepath.Join(dir, fmt.Sprint(i+1))); err != nil {
				return nil, nil, fmt.Errorf("recovery of step %d: %w", i+1, err)
			}
			if small, err = modelfile.Graph(file); err != nil {
				return nil, nil, err
			}
		}
		if c.MaxDrop > 0 {
			ap, err := judge(file)
			if err != nil {
				return nil, nil, err
			}
			t.logf("step %d of %d: AP50-95 %.4f, at least %.4f is wanted", i+1, c.Steps, ap, least)
			if ap < least {
				if all == nil {
					return nil, nil, fmt.Errorf("the first step leaves AP50-95 %.4f of %.4f, more than --max-drop %v away: use more --steps, or --recover-steps", ap, least+c.MaxDrop, c.MaxDrop)
				}
				t.logf("that is too little: the model of the step before is kept")
				break
			}
		}
		g, all = small, join(all, r)
	}
	return g, all, nil
}

// join adds a step to those before it. Recovery keeps the convolutions.
func join(all, r *prune.Report) *prune.Report {
	if all == nil {
		return r
	}
	all.ParamsAfter = r.ParamsAfter
	all.Removed += r.Removed
	for k := range all.Changes {
		all.Changes[k].After = r.Changes[k].After
	}
	return all
}

// recover distils a pruned model from the whole one, in dir, and returns its
// file.
func (c *pruneFlags) recover(ctx context.Context, t terminal, teacher, model, dir string) (string, error) {
	flags := gentle()
	for k, v := range map[string]any{"model": model, "teacher": teacher, "data": c.Data, "out": dir, "steps": c.RecoverSteps, "seed": c.Seed} {
		flags[k] = v
	}
	if c.Imgsz != 0 {
		flags["imgsz"] = c.Imgsz
	}
	args, err := flags.Args()
	if err != nil {
		return "", err
	}
	var all commands
	parser, err := newParser(ctx, &all, t)
	if err != nil {
		return "", err
	}
	k, err := parser.Parse(append([]string{"distill"}, args...))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, train.LastFile), k.Run()
}

// judge is a model's AP50-95 on --val, at its own size.
func (c *pruneFlags) judge(ctx context.Context, t terminal, set *coco.Dataset, model string) (float64, error) {
	e := evalCmd{Model: model, Data: c.Val}
	var r evaluation
	dets, err := e.detect(ctx, t, set, &r)
	if err != nil {
		return 0, err
	}
	return float64(set.Evaluate(dets).AP), nil
}

// checkSteps refuses settings of the steps that cannot be met.
func (c *pruneFlags) checkSteps() error {
	switch {
	case c.Steps < 1 || c.Steps > 100:
		return fmt.Errorf("--steps %d: use 1 to 100", c.Steps)
	case c.RecoverSteps < 0:
		return fmt.Errorf("--recover-steps %d: give a number of batches, such as 100", c.RecoverSteps)
	case c.RecoverSteps > 0 && c.Data == "":
		return errors.New("--recover-steps learns on pictures with labels: name them with --data")
	case c.MaxDrop < 0 || c.MaxDrop >= 1 || math.IsNaN(c.MaxDrop):
		return fmt.Errorf("--max-drop %v: give a difference of AP50-95 between 0 and 1, such as 0.01", c.MaxDrop)
	case c.MaxDrop > 0 && c.Val == "":
		return errors.New("--max-drop judges models: name a folder with a COCO instances.json with --val")
	}
	return nil
}

// writeModel writes a model's ONNX file, whole or not at all.
func writeModel(path string, g *graph.Graph) error {
	model, err := onnx.Write(g)
	if err != nil {
		return err
	}
	return writeFile(path, func(f *os.File) error {
		_, err := f.Write(model)
		return err
	})
}
