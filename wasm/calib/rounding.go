package calib

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

// windowsPerPicture is how many windows of a convolution's input are taken from
// a picture. Neighbouring ones say the same, so more pictures are worth more
// than more windows.
const windowsPerPicture = 128

// look gathers what the float model's convolutions see on the pictures.
func (o *Options) look(ctx context.Context, g *graph.Graph, src Pictures, r *Report) (*rounder, error) {
	h, w := graph.InputSize(g)
	if o.Size > 0 {
		h, w = o.Size, o.Size
	}
	p, err := graph.Prepare(g, half(h), half(w)) // what is seen is as good, at a quarter of the cost
	if err != nil {
		return nil, err
	}
	seen := newSeen(p)
	pictures := min(o.RoundImages, src.Len())
	bar := o.bar(StageRound, pictures+len(seen.list))
	detectors := make([]*wasm.Detector, o.parallel(pictures))
	defer func() {
		for _, d := range detectors {
			if d != nil {
				d.Close()
			}
		}
	}()
	batches := make([][][]float32, len(seen.list)) // windows by input and picture
	var mu sync.Mutex
	used := 0
	_, err = o.each(ctx, src, pictures, bar, func(error) {}, func(worker int, img *image.RGBA) error {
		if detectors[worker] == nil {
			var err error
			if _, detectors[worker], err = o.prepared(p, seen.keep()); err != nil {
				return err
			}
		}
		if err := run(detectors[worker], img); err != nil {
			return err
		}
		for i, s := range seen.list {
			x, shape, err := detectors[worker].Tap(s.conv.In[0].Name)
			if err != nil {
				return err
			}
			rng := rand.New(rand.NewPCG(uint64(i), uint64(img.Rect.Dx())<<32|uint64(img.Pix[len(img.Pix)/2])))
			windows := make([]float32, windowsPerPicture*s.moments.K)
			quant.Windows(windows, x, s.conv, shape, rng, windowsPerPicture)
			mu.Lock()
			batches[i] = append(batches[i], windows)
			mu.Unlock()
		}
		mu.Lock()
		used++
		mu.Unlock()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rounding weights: %w", err)
	}
	r.RoundImages = used
	err = forAll(ctx, o.parallel(len(seen.list)), len(seen.list), func(i int) error {
		slices.SortFunc(batches[i], slices.Compare) // workers finish in any order
		for _, b := range batches[i] {
			seen.list[i].moments.Add(b)
		}
		batches[i] = nil
		bar.add(1)
		return nil
	})
	return &rounder{seen: seen}, err
}

// rounder rounds weights by what their convolutions see.
type rounder struct {
	seen *seen
	done map[string]map[bool]roundedWeights // by convolution and whether all of int8 serves
}

// round returns how Quantize is to round each convolution's weights: so that its
// results on the pictures change least.
func (r *rounder) round(ctx context.Context, o *Options, wide func(*graph.Node) bool) (func(*graph.Node) (*graph.Tensor, []float32, error), error) {
	if r.done == nil {
		r.done = map[string]map[bool]roundedWeights{}
		for _, s := range r.seen.list {
			for _, n := range s.convs {
				r.done[n.Name] = map[bool]roundedWeights{}
			}
		}
	}
	err := forAll(ctx, o.parallel(len(r.seen.list)), len(r.seen.list), func(i int) error {
		for _, n := range r.seen.list[i].convs {
			w := wide(n)
			if _, ok := r.done[n.Name][w]; ok {
				continue
			}
			q, scale, err := quant.RoundWeights(n, w, r.seen.list[i].moments)
			if err != nil {
				return fmt.Errorf("rounding weights: conv %q: %w", n.Name, err)
			}
			r.done[n.Name][w] = roundedWeights{q, scale}
		}
		return nil
	})
	return func(n *graph.Node) (*graph.Tensor, []float32, error) {
		if w, ok := r.done[n.Name][wide(n)]; ok {
			return w.q, w.scale, nil
		}
		return quant.ConvWeights(n, wide(n))
	}, err
}

type roundedWeights struct {
	q     *graph.Tensor
	scale []float32
}

// seenBy are the convolutions that look at one value through equal windows.
type seenBy struct {
	conv    *graph.Node // one of them
	convs   []*graph.Node
	moments *quant.Moments
}

type seen struct{ list []*seenBy }

// newSeen finds the inputs of a prepared graph's convolutions of one group.
func newSeen(p *graph.Graph) *seen {
	s := &seen{}
	at := map[string]*seenBy{}
	for _, n := range p.Nodes {
		if n.Op != "Conv" || n.Int("group", 1) != 1 {
			continue
		}
		key := fmt.Sprint(n.In[0].Name, n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads"), n.Ints("dilations"))
		if at[key] == nil {
			w := n.In[1].Shape
			at[key] = &seenBy{conv: n, moments: quant.NewMoments(w[1] * w[2] * w[3])}
			s.list = append(s.list, at[key])
		}
		at[key].convs = append(at[key].convs, n)
	}
	return s
}

// keep names the inputs.
func (s *seen) keep() []string {
	var names []string
	for _, v := range s.list {
		names = append(names, v.conv.In[0].Name)
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names)
}

// forAll calls f for 0..n−1 from some goroutines and returns the first error.
func forAll(ctx context.Context, workers, n int, f func(i int) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	next := 0
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				if first == nil {
					first = ctx.Err()
				}
				i := next
				next++
				stop := first != nil || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := f(i); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}
