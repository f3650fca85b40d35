// Package judge compares many variants of a model with their float original on
// the same pictures, which the original sees once. It may import wasm, kernels,
// build/coco and build/fidelity.
package judge

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"sync/atomic"

	"eagleeye/build/coco"
	"eagleeye/build/fidelity"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
)

// ErrNothing tells that the original finds nothing, so that nothing can be compared.
var ErrNothing = errors.New("the float model finds nothing on the pictures to judge by")

// Judge holds pictures and what the original makes of them.
type Judge struct {
	// Size is the side of the network's input; 0 is the model's own.
	Size int
	// Done, where set, is called after each picture.
	Done func()
	// Names are the original's classes, once it has run.
	Names []string

	n    int
	load func(i int) (*image.RGBA, error)
	refs []*fidelity.Reference
}

// Verdict is what became of each picture.
type Verdict struct {
	Sums []fidelity.Sum
	// Found are the detections as published evaluations count them.
	Found [][]wasm.Detection
}

// Fidelity is the result over all pictures.
func (v Verdict) Fidelity() fidelity.Result {
	var s fidelity.Sum
	for _, one := range v.Sums {
		s.Merge(one)
	}
	return s.Result()
}

// Published are the thresholds of published evaluations: every class above
// 0.001, suppression at IoU 0.7, the 300 best boxes.
var Published = wasm.Thresholds{Conf: 0.001, IoU: 0.7, Max: 300, MultiLabel: true}

// New makes a judge of n pictures, which load gives from several goroutines.
func New(n int, load func(i int) (*image.RGBA, error)) *Judge { return &Judge{n: n, load: load} }

// Reference runs the original, in float, and returns its detections.
func (j *Judge) Reference(ctx context.Context, g *graph.Graph) ([][]wasm.Detection, error) {
	refs := make([]*fidelity.Reference, j.n)
	found := make([][]wasm.Detection, j.n)
	var once sync.Once
	err := j.each(ctx, g, wasm.F32, func(i int, d *wasm.Detector, f []wasm.Detection) error {
		once.Do(func() { j.Names = d.Info().Names })
		boxes, logits, err := d.Raw()
		if err != nil {
			return err
		}
		found[i] = f
		refs[i], err = fidelity.NewReference(boxes, logits)
		return err
	})
	if err != nil {
		return nil, err
	}
	anchors := 0
	for _, r := range refs {
		anchors += r.Anchors()
	}
	if anchors == 0 {
		return nil, fmt.Errorf("%w: none of the %d pictures has a score above %g", ErrNothing, j.n, fidelity.MinScore)
	}
	j.refs = refs
	return found, nil
}

// Run judges a variant against the reference.
func (j *Judge) Run(ctx context.Context, g *graph.Graph) (Verdict, error) {
	if j.refs == nil {
		return Verdict{}, errors.New("judge: no reference has been run")
	}
	v := Verdict{Sums: make([]fidelity.Sum, j.n), Found: make([][]wasm.Detection, j.n)}
	err := j.each(ctx, g, wasm.Auto, func(i int, d *wasm.Detector, f []wasm.Detection) error {
		boxes, logits, err := d.Raw()
		if err != nil {
			return err
		}
		v.Found[i] = f
		v.Sums[i], err = j.refs[i].Compare(boxes, logits)
		return err
	})
	return v, err
}

// each runs g over all pictures, a detector a processor.
func (j *Judge) each(ctx context.Context, g *graph.Graph, p wasm.Precision, use func(i int, d *wasm.Detector, found []wasm.Detection) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h, w := graph.InputSize(g)
	if j.Size > 0 {
		h, w = j.Size, j.Size
	}
	prepared, err := graph.Prepare(g, h, w)
	if err != nil {
		return err
	}
	if p == wasm.F32 {
		prepared = graph.FloatOnly(prepared)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, min(runtime.GOMAXPROCS(0), j.n, 8)) {
		wg.Go(func() {
			m, err := host.New(kernels.Variant{})
			if err != nil {
				cancel(err)
				return
			}
			d, err := wasm.OpenPrepared(prepared, m, nil)
			if err != nil {
				cancel(errors.Join(err, m.Close()))
				return
			}
			defer d.Close()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= j.n {
					return
				}
				img, err := j.load(i)
				if err != nil {
					cancel(err)
					return
				}
				found, _, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), Published)
				if err == nil {
					err = use(i, d, found)
				}
				if err != nil {
					cancel(fmt.Errorf("picture %d: %w", i, err))
					return
				}
				if j.Done != nil {
					j.Done()
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// Detections turns boxes found on the images of a data set, in its order, into
// its detections; names are the model's classes.
func Detections(data *coco.Dataset, names []string, found [][]wasm.Detection) []coco.Detection {
	ids, known, _ := data.CategoryIDs(names)
	var out []coco.Detection
	for i, list := range found {
		for _, f := range list {
			if known[f.Class] {
				out = append(out, coco.Detection{
					Image: data.Images[i].ID, Category: ids[f.Class], Score: float64(f.Score),
					Box: [4]float64{float64(f.X1), float64(f.Y1), float64(f.X2) - float64(f.X1), float64(f.Y2) - float64(f.Y1)},
				})
			}
		}
	}
	return out
}
