package calib

import (
	"context"
	"fmt"
	"image"
	"maps"
	"slices"
	"sync"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/quant"
)

// corrector matches the biases of an int8 model with its float one, layer by
// layer: the corrections of a layer are found with those of all layers before
// it in place.
type corrector struct {
	parallel      int
	float, int8ed *graph.Graph // prepared, for the same size
	stages        [][]string   // names of convolutions, by depth
	images        []*image.RGBA
	want          []map[string][]float32 // float pre-activations, by picture and convolution
	shift         map[string][]float32   // result
}

// correct returns what to add to the biases of q, the int8 form of g. It looks
// at BiasImages pictures at half the network's size, where a pass costs a
// quarter and the corrections are as good to within their noise.
func (o *Options) correct(ctx context.Context, g, q *graph.Graph, src pictures, r *Report) (map[string][]float32, error) {
	h, w := graph.InputSize(g)
	if o.Size > 0 {
		h, w = o.Size, o.Size
	}
	h, w = half(h), half(w)
	c := &corrector{parallel: o.parallel(o.BiasImages), shift: map[string][]float32{}}
	var err error
	if c.float, err = graph.Prepare(g, h, w); err != nil {
		return nil, err
	}
	if c.int8ed, err = graph.Prepare(q, h, w); err != nil {
		return nil, err
	}
	c.stages = stages(c.int8ed)
	if err := c.loadImages(o, src, r); err != nil {
		return nil, err
	}
	bar := progress(o.Progress, len(c.stages)+1, "matching biases")
	defer bar.Finish()
	if err := c.runFloat(ctx); err != nil {
		return nil, err
	}
	bar.Add(1)
	for _, stage := range c.stages {
		if err := c.runStage(ctx, stage); err != nil {
			return nil, err
		}
		bar.Add(1)
	}
	return c.shift, nil
}

// half is half a side, as a multiple of 32, 32 at least.
func half(side int) int { return max(32, (side/2+16)/32*32) }

// loadImages takes pictures evenly from those observed.
func (c *corrector) loadImages(o *Options, src pictures, r *Report) error {
	have := min(r.Images+r.Skipped, src.count())
	for i := range min(o.BiasImages, have) {
		img, _, err := src.load(i * have / min(o.BiasImages, have))
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

// stages lists the convolutions with a SiLU by the number of convolutions on
// the longest way to them.
func stages(g *graph.Graph) [][]string {
	depth := map[*graph.Value]int{}
	var out [][]string
	for _, n := range g.Nodes {
		d := 0
		for _, v := range n.In {
			if v != nil {
				d = max(d, depth[v])
			}
		}
		if n.Op == "Conv" {
			d++
			if n.Str("act", "") == "SiLU" {
				for len(out) < d {
					out = append(out, nil)
				}
				out[d-1] = append(out[d-1], n.Name)
			}
		}
		for _, v := range n.Out {
			depth[v] = d
		}
	}
	return slices.DeleteFunc(out, func(s []string) bool { return len(s) == 0 })
}

// probe returns a copy of a prepared graph in which the named convolutions have
// a twin without activation and residual, and the names of the twins' results
// by convolution.
func probe(g *graph.Graph, convs []string) (*graph.Graph, map[string]string) {
	g = graph.Clone(g)
	taps := map[string]string{}
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		nodes = append(nodes, n)
		if n.Op != "Conv" || !slices.Contains(convs, n.Name) {
			continue
		}
		attrs := maps.Clone(n.Attrs)
		delete(attrs, "act")
		out := &graph.Value{Name: n.Name + "\x00pre", DType: graph.Float32, Shape: n.Out[0].Shape}
		nodes = append(nodes, &graph.Node{Name: out.Name, Op: "Conv", In: n.In[:min(3, len(n.In))], Out: []*graph.Value{out}, Attrs: attrs})
		taps[n.Name] = out.Name
	}
	g.Nodes = nodes
	return g, taps
}

// run calls use with a picture's number and the pre-activations of convs in g.
func (c *corrector) run(ctx context.Context, g *graph.Graph, convs []string, use func(picture int, conv string, pre []float32, channels int) error) error {
	probed, taps := probe(g, convs)
	n := min(c.parallel, len(c.images))
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			errs[w] = func() error {
				m, err := host.New(kernels.Variant{})
				if err != nil {
					return err
				}
				defer m.Close()
				d, err := wasm.OpenPrepared(probed, m, slices.Collect(maps.Values(taps)))
				if err != nil {
					return err
				}
				for i := w; i < len(c.images) && ctx.Err() == nil; i += n {
					if err := run(d, c.images[i]); err != nil {
						return err
					}
					for _, conv := range convs {
						pre, shape, err := d.Tap(taps[conv])
						if err != nil {
							return err
						}
						if err := use(i, conv, pre, shape[1]); err != nil {
							return err
						}
					}
				}
				return ctx.Err()
			}()
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("matching biases: %w", err)
		}
	}
	return nil
}

func (c *corrector) runFloat(ctx context.Context) error {
	c.want = make([]map[string][]float32, len(c.images))
	for i := range c.want {
		c.want[i] = map[string][]float32{}
	}
	return c.run(ctx, c.float, slices.Concat(c.stages...), func(i int, conv string, pre []float32, _ int) error {
		c.want[i][conv] = pre
		return nil
	})
}

// runStage corrects the convolutions of a stage, in c.int8ed as well.
func (c *corrector) runStage(ctx context.Context, convs []string) error {
	found := make([]map[string]*quant.Correction, len(c.images))
	for i := range found {
		found[i] = map[string]*quant.Correction{}
	}
	err := c.run(ctx, c.int8ed, convs, func(i int, conv string, pre []float32, channels int) error {
		found[i][conv] = &quant.Correction{}
		return found[i][conv].Add(c.want[i][conv], pre, channels)
	})
	if err != nil {
		return err
	}
	for _, conv := range convs {
		var sum quant.Correction
		for i := range found { // in order, so that rounding does not depend on the number of workers
			if err := sum.Merge(found[i][conv]); err != nil {
				return err
			}
		}
		c.shift[conv] = sum.Shift()
		if err := addBias(c.int8ed, conv, c.shift[conv]); err != nil {
			return err
		}
	}
	return nil
}

// addBias shifts the biases of a prepared graph's convolution.
func addBias(g *graph.Graph, conv string, shift []float32) error {
	for _, n := range g.Nodes {
		if n.Op != "Conv" || n.Name != conv {
			continue
		}
		bias := slices.Clone(shift)
		if len(n.In) > 2 && n.In[2] != nil {
			was, err := quant.Floats(n.In[2].Const)
			if err != nil || len(was) != len(shift) {
				return fmt.Errorf("conv %q: its %d biases and %d corrections do not match: %w", conv, len(was), len(shift), err)
			}
			for i, b := range was {
				bias[i] += b
			}
		}
		for len(n.In) < 3 {
			n.In = append(n.In, nil)
		}
		t := graph.FloatTensor(bias, len(bias))
		n.In[2] = &graph.Value{Name: conv + "\x00bias", DType: graph.Float32, Shape: t.Shape, Const: t}
		return nil
	}
	return fmt.Errorf("conv %q is gone", conv)
}
