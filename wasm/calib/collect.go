package calib

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/quant"
)

// machine starts the kernels.
func (o *Options) machine() (host.Machine, error) {
	if o.Machine != nil {
		return o.Machine()
	}
	return host.New(kernels.Variant{})
}

// detector opens g in float32 with the named values kept.
func (o *Options) detector(g *graph.Graph, keep []string) (*wasm.Detector, error) {
	m, err := o.machine()
	if err != nil {
		return nil, err
	}
	d, err := wasm.OpenGraph(g, m, wasm.Options{Width: o.Size, Height: o.Size, Precision: wasm.F32, Keep: keep})
	if err != nil {
		m.Close()
		return nil, err
	}
	return d, nil
}

// prepared opens a prepared graph with the named values kept.
func (o *Options) prepared(g *graph.Graph, keep []string) (host.Machine, *wasm.Detector, error) {
	m, err := o.machine()
	if err != nil {
		return nil, nil, err
	}
	d, err := wasm.OpenPrepared(g, m, keep)
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	return m, d, nil
}

// bar counts what is done of a stage.
type bar struct {
	mu          sync.Mutex
	stage       string
	done, total int
	tell        func(string, int, int)
}

func (o *Options) bar(stage string, total int) *bar {
	b := &bar{stage: stage, total: total, tell: o.Progress}
	b.add(0)
	return b
}

func (b *bar) add(n int) {
	if b.tell != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.done += n
		b.tell(b.stage, b.done, b.total)
	}
}

// parallel is how many detectors run side by side: each has its own memory.
func (o *Options) parallel(pictures int) int {
	n := o.Workers
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), 8)
	}
	return max(1, min(n, pictures))
}

// each calls use(worker, picture) for the pictures of src, from several workers
// at once, until want of them succeeded to load. Pictures that cannot be read
// are told to skipped and replaced by later ones. It returns how many were used.
func (o *Options) each(ctx context.Context, src Pictures, want int, bar *bar, skipped func(error), use func(worker int, img *image.RGBA) error) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	next, used, pending := 0, 0, 0
	// take hands out the next picture while used and pending ones do not make
	// up the number wanted.
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= src.Len() || used+pending >= want || ctx.Err() != nil {
			return 0, false
		}
		next++
		pending++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for w := range o.parallel(min(want, src.Len())) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				img, name, err := src.Load(i)
				mu.Lock()
				pending--
				if err != nil {
					skipped(err)
					mu.Unlock()
					continue
				}
				used++
				mu.Unlock()
				if err := use(w, img); err != nil {
					cancel(fmt.Errorf("%s: %w", name, err))
					return
				}
				bar.add(1)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return used, err
	}
	if used == 0 {
		return 0, fmt.Errorf("%w: none of %d could be read", ErrNoImages, src.Len())
	}
	return used, nil
}

// run computes the network for a picture; its boxes do not matter.
func run(d *wasm.Detector, img *image.RGBA) error {
	if img.Stride != 4*img.Rect.Dx() {
		return errors.New("calib: rows with gaps")
	}
	_, _, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.Thresholds{Conf: 0.99, IoU: 0.7, Max: 1})
	return err
}

// observe runs the float model over the pictures, a calibrator a worker.
func (o *Options) observe(ctx context.Context, l *quant.Layout, detectors []*wasm.Detector, src Pictures, r *Report) (*quant.Calibrator, error) {
	want := min(o.Images, src.Len())
	bar := o.bar(StageObserve, want)
	cals := make([]*quant.Calibrator, len(detectors))
	for i := range cals {
		cals[i] = quant.NewCalibrator(l)
	}
	used, err := o.each(ctx, src, want, bar, o.skip(r), func(w int, img *image.RGBA) error {
		if err := run(detectors[w], img); err != nil {
			return err
		}
		for _, name := range l.Taps() {
			x, _, err := detectors[w].Tap(name)
			if err != nil {
				return err
			}
			if err := cals[w].Observe(name, x); err != nil {
				return err
			}
		}
		return nil
	})
	r.Images = used
	if err != nil {
		return nil, err
	}
	for _, c := range cals[1:] {
		if err := cals[0].Merge(c); err != nil {
			return nil, err
		}
	}
	return cals[0], nil
}

// skip counts and reports pictures that cannot be read.
func (o *Options) skip(r *Report) func(error) {
	var mu sync.Mutex
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		r.Skipped++
		if o.Skipped != nil {
			o.Skipped(err)
		}
	}
}
