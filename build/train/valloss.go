package train

import (
	"context"
	"fmt"

	"eagleeye/build/train/data"

	"gorgonia.org/gorgonia"
)

// valLoss measures the detector's own loss, without what Extra adds, on the
// pictures to judge on, plain and letterboxed: the means of the batches, as
// Ultralytics has them. Batches are those of the training; the last one is filled
// up with the first pictures. It runs the training graph's forward pass with other
// weights and puts everything back, so a training goes on as if it had not been.
type valLoss struct {
	w      *network
	loader *data.Loader
}

func newValLoss(w *network, c *Config) (*valLoss, error) {
	l, err := data.NewLoader(c.Val, data.Options{
		Batch: c.Batch, Width: c.Width, Height: c.Height, Workers: c.Workers, CacheBytes: -1,
	})
	if err != nil {
		return nil, err
	}
	return &valLoss{w, l}, nil
}

// of returns the parts of the loss of an average of the weights.
func (v *valLoss) of(ctx context.Context, a *average) (means []Part, err error) {
	defer a.lend()()
	v.w.net.SetTraining(false)
	defer v.w.net.SetTraining(true)
	if judge := v.w.extra.Judge; judge != nil {
		judge(true)
		defer judge(false)
	}
	v.loader.Start(0)
	defer v.loader.Close()
	n := v.loader.PerEpoch()
	for range n {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b, err := v.loader.Next()
		if err != nil {
			return nil, err
		}
		parts, err := v.w.lossOf(b)
		if err != nil {
			return nil, err
		}
		v.loader.Release(b)
		if means == nil {
			means = make([]Part, len(parts))
		}
		for i, p := range parts {
			means[i].Name = p.Name
			means[i].Value += p.Value / float64(n)
		}
	}
	return means, nil
}

// lossOf runs the forward pass alone.
func (w *network) lossOf(b *data.Batch) ([]Part, error) {
	copy(w.pixels, b.Pixels)
	if err := w.loss.SetTruth(b.Truth); err != nil {
		return nil, err
	}
	if err := w.forward.RunAll(); err != nil {
		return nil, fmt.Errorf("loss of the pictures to judge on: %w", err)
	}
	w.forward.Reset()
	return w.parts(), nil
}

// forwardMachine runs what the graph holds so far: called before the gradients
// are added, it computes the loss alone.
func forwardMachine(g *gorgonia.ExprGraph) gorgonia.VM { return gorgonia.NewTapeMachine(g) }

// lend puts the means where the weights are, and returns what takes them back.
func (a *average) lend() (back func()) {
	kept := make([][]float32, len(a.live))
	for i, t := range a.live {
		kept[i] = append(kept[i], t.Data...)
		copy(t.Data, a.mean[i].Data)
	}
	return func() {
		for i, t := range a.live {
			copy(t.Data, kept[i])
		}
	}
}
