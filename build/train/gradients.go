package train

import (
	"context"
	"fmt"

	"eagleeye/build/train/data"
)

// Gradients runs batches through a model as it is and hands the gradients of
// each to fn, by the names that the weights of convolutions have in the model.
// What fn is given is only good until it returns. Of c, it takes Graph, Train,
// Batch, sizes, seed and the options of net and loss; nothing is written or
// changed. Running statistics stay, and pictures come as they are, letterboxed.
func Gradients(ctx context.Context, c Config, batches int, fn func(gradients map[string][]float32) error) error {
	if c.Graph == nil || c.Train == nil {
		return fmt.Errorf("%w: a model and a data set are needed", ErrConfig)
	}
	if err := c.Hyper.check(); err != nil {
		return err
	}
	w, err := newNetwork(&c)
	if err != nil {
		return err
	}
	defer w.close()
	t := &trainer{c: &c, network: w}
	if err := t.checkClasses(); err != nil {
		return err
	}
	w.net.SetTraining(false)
	loader, err := data.NewLoader(c.Train, data.Options{
		Batch: c.Batch, Width: c.Width, Height: c.Height, Seed: c.Seed, Workers: c.Workers, CacheBytes: -1,
	})
	if err != nil {
		return err
	}
	loader.Start(0)
	defer loader.Close()
	names := w.net.Files()
	for step := range batches {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := loader.Next()
		if err != nil {
			return err
		}
		_, err = w.run(step, b)
		loader.Release(b)
		if err != nil {
			return err
		}
		gradients := map[string][]float32{}
		for _, p := range w.params {
			name, ok := names[p.Name]
			if !ok {
				continue
			}
			v, err := p.Node.Grad()
			if err != nil {
				return fmt.Errorf("gradient of %s: %w", p.Name, err)
			}
			g, ok := v.Data().([]float32)
			if !ok {
				return fmt.Errorf("gradient of %s: %T", p.Name, v.Data())
			}
			gradients[name] = g
		}
		if err := fn(gradients); err != nil {
			return err
		}
	}
	return nil
}
