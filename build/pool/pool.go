// Package pool runs detectors side by side, one a goroutine, over many
// pictures. It may import wasm, kernels.
package pool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/host"
)

// Open opens a model natively.
func Open(model []byte, o wasm.Options) (*wasm.Detector, error) {
	m, err := host.New(kernels.Variant{})
	if err != nil {
		return nil, fmt.Errorf("kernels: %w", err)
	}
	d, err := wasm.Open(model, m, o)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return d, nil
}

// Spec is a model and how to open it.
type Spec struct {
	Model   []byte
	Options wasm.Options
}

// Each calls use for the items 0 … n−1 in about this order, on as many
// goroutines as there are processors. Each goroutine has detectors of its own,
// one a spec. The first error ends all.
func Each(ctx context.Context, n int, specs []Spec, use func(item int, d []*wasm.Detector) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, min(runtime.GOMAXPROCS(0), n)) {
		wg.Go(func() {
			ds, err := openAll(specs)
			defer closeAll(ds)
			if err != nil {
				cancel(err)
				return
			}
			for ctx.Err() == nil {
				item := int(next.Add(1)) - 1
				if item >= n {
					return
				}
				if err := use(item, ds); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func openAll(specs []Spec) (ds []*wasm.Detector, err error) {
	for _, s := range specs {
		d, err := Open(s.Model, s.Options)
		if err != nil {
			return ds, err
		}
		ds = append(ds, d)
	}
	return ds, nil
}

func closeAll(ds []*wasm.Detector) {
	for _, d := range ds {
		d.Close()
	}
}
