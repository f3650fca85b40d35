package calib

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"sync"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"

	"github.com/schollz/progressbar/v3"
)

// detector opens g natively with the named values kept.
func detector(g *graph.Graph, size int, p wasm.Precision, keep []string) (*wasm.Detector, error) {
	m, err := host.New(kernels.Variant{})
	if err != nil {
		return nil, err
	}
	d, err := wasm.OpenGraph(g, m, wasm.Options{Width: size, Height: size, Precision: p, Keep: keep})
	if err != nil {
		m.Close()
		return nil, err
	}
	return d, nil
}

// parallel is how many detectors run side by side: each has its own memory.
func (o *Options) parallel(pictures int) int {
	n := o.workers
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), 8)
	}
	return max(1, min(n, pictures))
}

// each calls use(worker, picture) for the pictures of src, from several workers
// at once, until want of them succeeded to load. Pictures that cannot be read
// are told to skipped and replaced by later ones. It returns how many were used.
func (o *Options) each(ctx context.Context, src pictures, want int, bar *progressbar.ProgressBar, skipped func(error), use func(worker int, img *image.RGBA) error) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	next, used, pending := 0, 0, 0
	// take hands out the next picture while used and pending ones do not make
	// up the number wanted.
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= src.count() || used+pending >= want || ctx.Err() != nil {
			return 0, false
		}
		next++
		pending++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for w := range o.parallel(min(want, src.count())) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				img, name, err := src.load(i)
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
				bar.Add(1)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return used, err
	}
	if used == 0 {
		return 0, fmt.Errorf("%w: none of %d could be read", ErrNoImages, src.count())
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

// progress is a bar on w, silent when w is nil.
func progress(w io.Writer, total int, what string) *progressbar.ProgressBar {
	if w == nil {
		return progressbar.DefaultSilent(int64(total), what)
	}
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100e6),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
	)
}
