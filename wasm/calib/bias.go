package calib

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"slices"
	"sync"
	"unsafe"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/plan"
	"eagleeye/wasm/quant"
)

// corrector matches the biases of an int8 model with its float one, layer by
// layer: the corrections of a layer are found with those of all layers before
// it in place.
type corrector struct {
	o             *Options
	parallel      int
	float, int8ed *graph.Graph // prepared, for the same size
	convs         []string     // convolutions with a SiLU, in the graph's order
	images        []*image.RGBA
	want          []map[string][]float32 // float pre-activations, by picture and convolution
}

// correct returns what to add to the biases of q, the int8 form of g. It looks
// at BiasImages pictures at half the network's size, where a pass costs a
// quarter and the corrections are as good to within their noise.
func (o *Options) correct(ctx context.Context, g, q *graph.Graph, src Pictures, r *Report) (map[string][]float32, error) {
	h, w := graph.InputSize(g)
	if o.Size > 0 {
		h, w = o.Size, o.Size
	}
	h, w = half(h), half(w)
	c := &corrector{o: o, parallel: o.parallel(o.BiasImages)}
	var err error
	if c.float, err = graph.Prepare(g, h, w); err != nil {
		return nil, err
	}
	if c.int8ed, err = graph.Prepare(q, h, w); err != nil {
		return nil, err
	}
	for _, n := range c.int8ed.Nodes {
		if n.Op == "Conv" && n.Str("act", "") == "SiLU" {
			c.convs = append(c.convs, n.Name)
		}
	}
	if err := c.loadImages(o, src, r); err != nil {
		return nil, err
	}
	bar := o.bar(StageBias, len(c.images)+len(c.convs))
	if err := c.runFloat(ctx, func() { bar.add(1) }); err != nil {
		return nil, fmt.Errorf("matching biases: %w", err)
	}
	shift, err := c.runInt8(ctx, func() { bar.add(1) })
	if err != nil {
		return nil, fmt.Errorf("matching biases: %w", err)
	}
	return shift, nil
}

// half is half a side, as a multiple of 32, 32 at least.
func half(side int) int { return max(32, (side/2+16)/32*32) }

// loadImages takes pictures evenly from those observed.
func (c *corrector) loadImages(o *Options, src Pictures, r *Report) error {
	have := min(r.Images+r.Skipped, src.Len())
	for i := range min(o.BiasImages, have) {
		img, _, err := src.Load(i * have / min(o.BiasImages, have))
		if err != nil {
			continue // told before
		}
		c.images = append(c.images, img)
	}
	if len(c.images) == 0 {
		return ErrNoImages
	}
	r.BiasImages = len(c.images)
	return nil
}

// probe returns a copy of a prepared graph in which each of the convolutions is
// preceded by a twin without activation and residual, and the names of the
// twins' results by convolution.
func probe(g *graph.Graph, convs []string) (*graph.Graph, map[string]string) {
	g = graph.Clone(g)
	taps := map[string]string{}
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		if n.Op == "Conv" && slices.Contains(convs, n.Name) {
			attrs := maps.Clone(n.Attrs)
			delete(attrs, "act")
			out := &graph.Value{Name: n.Name + "\x00pre", DType: graph.Float32, Shape: n.Out[0].Shape}
			nodes = append(nodes, &graph.Node{Name: out.Name, Op: "Conv", In: slices.Clone(n.In[:min(3, len(n.In))]), Out: []*graph.Value{out}, Attrs: attrs})
			taps[n.Name] = out.Name
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return g, taps
}

// forAll calls f for 0..n−1 from some goroutines at once.
func (c *corrector) forAll(ctx context.Context, n int, f func(worker, i int) error) error {
	workers := min(c.parallel, n)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += workers {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = f(w, i)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// runFloat fills c.want.
func (c *corrector) runFloat(ctx context.Context, done func()) error {
	g, taps := probe(c.float, c.convs)
	keep := slices.Collect(maps.Values(taps))
	detectors := make([]*wasm.Detector, min(c.parallel, len(c.images)))
	defer func() {
		for _, d := range detectors {
			if d != nil {
				d.Close()
			}
		}
	}()
	c.want = make([]map[string][]float32, len(c.images))
	return c.forAll(ctx, len(c.images), func(w, i int) error {
		if detectors[w] == nil {
			var err error
			if _, detectors[w], err = c.o.prepared(g, keep); err != nil {
				return err
			}
		}
		if err := run(detectors[w], c.images[i]); err != nil {
			return err
		}
		c.want[i] = map[string][]float32{}
		for conv, tap := range taps {
			pre, _, err := detectors[w].Tap(tap)
			if err != nil {
				return err
			}
			c.want[i][conv] = pre
		}
		done()
		return nil
	})
}

// lanesMemory bounds the machines of runInt8, in bytes; it is what about 20
// machines take for YOLOv8s. Larger models use fewer pictures.
const lanesMemory = 2 << 30

// runInt8 runs the int8 model once over all pictures, abreast: each picture has
// a machine of its own, and they stop together before every convolution to
// learn the shift of its bias from its twin's result.
func (c *corrector) runInt8(ctx context.Context, done func()) (map[string][]float32, error) {
	g, taps := probe(c.int8ed, c.convs)
	for _, n := range g.Nodes { // own biases, so that the layout does not change with them
		if _, ok := taps[n.Name]; ok {
			if err := addBias(n, make([]float32, n.In[1].Shape[0])); err != nil {
				return nil, err
			}
		}
	}
	keep := slices.Sorted(maps.Values(taps))
	p, err := plan.Build(g, plan.Options{Keep: keep})
	if err != nil {
		return nil, err
	}
	lanes := make([]*lane, max(1, min(len(c.images), lanesMemory/p.Size)))
	defer func() {
		for _, l := range lanes {
			if l != nil {
				l.d.Close()
			}
		}
	}()
	err = c.forAll(ctx, len(lanes), func(_, i int) (err error) {
		lanes[i], err = c.o.lane(g, keep, c.images[i])
		return err
	})
	if err != nil {
		return nil, err
	}

	shift := map[string][]float32{}
	at := 0
	for _, n := range g.Nodes {
		tap, ok := taps[n.Name]
		if !ok {
			continue
		}
		end := lastStep(p, tap) + 1
		if end <= at {
			return nil, fmt.Errorf("conv %q: no step of its own computes it", n.Name)
		}
		found := make([]quant.Correction, len(lanes))
		err := c.forAll(ctx, len(lanes), func(_, i int) error {
			pre, channels, err := lanes[i].run(p, at, end, tap)
			if err != nil {
				return err
			}
			return found[i].Add(c.want[i][n.Name], pre, channels)
		})
		if err != nil {
			return nil, err
		}
		for i := range found[1:] { // in order: rounding does not depend on the workers
			if err := found[0].Merge(&found[1+i]); err != nil {
				return nil, err
			}
		}
		shift[n.Name] = found[0].Shift()
		if err := addBias(n, shift[n.Name]); err != nil {
			return nil, err
		}
		next, err := plan.Build(g, plan.Options{Keep: keep})
		if err != nil {
			return nil, err
		}
		if next.Size != p.Size || next.Program != p.Program || len(next.Steps) != len(p.Steps) || next.Fixed != p.Fixed {
			return nil, fmt.Errorf("conv %q: a bias changed the layout of the plan", n.Name)
		}
		p, at = next, end
		done()
	}
	return shift, nil
}

// lane is a picture on its way through the network.
type lane struct {
	m host.Machine
	d *wasm.Detector
}

func (o *Options) lane(g *graph.Graph, keep []string, img *image.RGBA) (*lane, error) {
	m, d, err := o.prepared(g, keep)
	if err != nil {
		return nil, err
	}
	addr, err := d.Stage(img.Rect.Dx(), img.Rect.Dy())
	if err != nil {
		d.Close()
		return nil, err
	}
	m.Write(addr, img.Pix)
	return &lane{m, d}, nil
}

// run executes the steps [from, to) of p, which differs from the plan that the
// lane was opened with in biases only, and returns a kept value.
func (l *lane) run(p *plan.Plan, from, to int, tap string) ([]float32, int, error) {
	if from > 0 { // the first steps read the letterbox's descriptor, which Stage wrote
		if err := p.Load(l.m); err != nil {
			return nil, 0, err
		}
	}
	if err := l.m.Run(p.Program+uint32(from)*uint32(unsafe.Sizeof(kernels.Step{})), to-from); err != nil {
		return nil, 0, err
	}
	x, shape, err := l.d.Tap(tap)
	if err != nil {
		return nil, 0, err
	}
	return x, shape[1], nil
}

// lastStep is the index of the last step that computes a node, −1 without one.
func lastStep(p *plan.Plan, node string) int {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		if p.Steps[i].Name == node {
			return i
		}
	}
	return -1
}

// addBias shifts the biases of a convolution.
func addBias(n *graph.Node, shift []float32) error {
	bias := slices.Clone(shift)
	if len(n.In) > 2 && n.In[2] != nil {
		was, err := quant.Floats(n.In[2].Const)
		if err != nil {
			return fmt.Errorf("conv %q: %w", n.Name, err)
		}
		if len(was) != len(shift) {
			return fmt.Errorf("conv %q: %d biases and %d corrections", n.Name, len(was), len(shift))
		}
		for i, b := range was {
			bias[i] += b
		}
	}
	for len(n.In) < 3 {
		n.In = append(n.In, nil)
	}
	t := graph.FloatTensor(bias, len(bias))
	n.In[2] = &graph.Value{Name: n.Name + "\x00bias", DType: graph.Float32, Shape: t.Shape, Const: t}
	return nil
}
