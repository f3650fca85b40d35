package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"eagleeye/build/compress/recipe"
	"eagleeye/build/modelfile"
	"eagleeye/build/pool"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
)

// trialSide is the input that a training step is measured at.
const trialSide = 160

// tellChain prints the steps and what they may take, from one run of the engine
// and one training step measured here.
func tellChain(ctx context.Context, t terminal, r *recipe.Recipe, links []link, g *graph.Graph) error {
	detect, err := detectSeconds(r.Model, g)
	if err != nil {
		return err
	}
	learn, pictures := 0.0, 0
	if f, err := data.Open(r.Data, "train"); r.Data != "" && err == nil {
		pictures = f.Len()
		if learn, err = learnSeconds(ctx, g, f); err != nil {
			return err
		}
	}
	sums, err := sources(r)
	if err != nil {
		return err
	}
	h, w := graph.InputSize(g)
	w2 := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	total, fresh := 0.0, false
	for i, l := range links {
		key, err := l.key(sums)
		if err != nil {
			return err
		}
		state, err := recipe.Load(l.dir)
		if err != nil {
			return err
		}
		seconds := l.estimate(detect, learn, pictures, w*h)
		note := "about " + time.Duration(seconds*float64(time.Second)).Round(time.Second).String()
		if fresh = fresh || !state.Kept(l.dir, key); !fresh {
			note, seconds = "done before", 0
		}
		total += seconds
		fmt.Fprintf(w2, "%d. %s\t%s\n", i+1, l.Name, note)
		fmt.Fprintf(w2, "   %s\n", strings.Join(l.args, " "))
	}
	if err := w2.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "about %v in all on this machine, if it has nothing else to do\n", time.Duration(total*float64(time.Second)).Round(time.Second))
	return nil
}

// estimate is a step's time in seconds. detect is a picture's through the engine
// at the model's own size, of area pixels; learn a picture's in training at
// trialSide.
func (l *link) estimate(detect, learn float64, pictures, area int) float64 {
	number := func(name string, def float64) float64 {
		switch v := l.Flags[name].(type) {
		case int:
			return float64(v)
		case float64:
			return v
		}
		return def
	}
	side := number("imgsz", 0)
	if side == 0 {
		side = 1
		for side*side < float64(area) {
			side++
		}
	}
	step := learn * side * side / (trialSide * trialSide)
	switch l.Name {
	case "distill", "recover", "qat":
		batch := number("batch", 16)
		steps := number("steps", 0)
		if steps == 0 {
			steps = number("epochs", 100) * float64(pictures) / batch
		}
		return steps * batch * step * 4 / 3 // the teacher's forward pass, or the rounding
	case "prune":
		rounds := number("steps", 1)
		again := number("recover-steps", 0) * 8 * learn * recoverSide * recoverSide / (trialSide * trialSide) * 4 / 3
		return rounds * (5 + number("batches", 100)*2*step + again)
	case "quantize":
		return 5 + 4*detect*number("images", 100)
	case "report":
		return 60 + detect*float64(len(l.args))*112
	}
	return 5
}

// detectSeconds measures a picture on all cores of this machine.
func detectSeconds(path string, g *graph.Graph) (float64, error) {
	model, err := modelfile.Read(path)
	if err != nil {
		return 0, err
	}
	d, err := pool.Open(model, wasm.Options{})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	h, w := graph.InputSize(g)
	best := time.Hour
	for range 3 {
		start := time.Now()
		if _, _, err := d.Detect(make([]byte, 4*w*h), w, h, wasm.DefaultThresholds); err != nil {
			return 0, err
		}
		best = min(best, time.Since(start))
	}
	return best.Seconds(), nil
}

// learnSeconds measures a picture's forward and backward pass.
func learnSeconds(ctx context.Context, g *graph.Graph, f *data.Folder) (float64, error) {
	cfg := train.Config{Hyper: train.Defaults(), Graph: g, Train: data.First(f, 4)}
	cfg.Batch, cfg.Width, cfg.Height = 2, trialSide, trialSide
	var start time.Time
	var took time.Duration
	err := train.Gradients(ctx, cfg, 3, func(map[string][]float32) error { // the first warms up
		if !start.IsZero() {
			took = time.Since(start)
		}
		start = time.Now()
		return nil
	})
	return took.Seconds() / 2, err
}
