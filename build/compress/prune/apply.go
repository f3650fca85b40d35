package prune

import (
	"fmt"
	"math"

	"eagleeye/wasm/graph"
)

// Change tells how many channels a convolution makes, before and after.
type Change struct {
	Name          string
	Before, After int
}

// Report tells what Prune did.
type Report struct {
	Changes                   []Change // every convolution in order
	ParamsBefore, ParamsAfter int
	Removed, Removable        int // groups
}

// Prune returns a copy of g, as read from a file, without its least important
// channels. Inputs, outputs and names stay; the model is float.
func Prune(g *graph.Graph, o Options) (*graph.Graph, *Report, error) {
	o, err := o.check()
	if err != nil {
		return nil, nil, err
	}
	g = graph.Clone(g)
	if err := graph.Fold(g); err != nil {
		return nil, nil, err
	}
	c, err := analyze(g)
	if err != nil {
		return nil, nil, err
	}
	bundles := c.bundles(o)
	before := Params(g)
	if len(bundles) == 0 {
		return nil, nil, fmt.Errorf("%w: no channel of this model can go", ErrUnsupported)
	}
	out, err := c.reach(bundles, o, before)
	if err != nil {
		return nil, nil, err
	}
	r := &Report{ParamsBefore: before, ParamsAfter: Params(out)}
	for _, b := range bundles {
		r.Removable += len(b.groups)
	}
	for i, n := range g.Nodes {
		if n.Op != "Conv" || n.In[1].Const == nil || out.Nodes[i].In[1].Const == nil {
			continue
		}
		a, b := n.In[1].Const.Shape[0], out.Nodes[i].In[1].Const.Shape[0]
		r.Changes = append(r.Changes, Change{n.Name, a, b})
		r.Removed += a - b
	}
	if r.Removed == 0 {
		return nil, nil, fmt.Errorf("nothing to remove: a ratio of %v is less than %d channels of any layer", o.Ratio, o.Multiple)
	}
	return out, r, nil
}

// reach applies the ratio, or goes as far as the parameters and the time that
// are asked for need.
func (c *channels) reach(bundles []*bundle, o Options, before int) (*graph.Graph, error) {
	if o.Params >= before {
		return nil, fmt.Errorf("%d parameters shall be left of %d: ask for fewer", o.Params, before)
	}
	done := func(g *graph.Graph, time float64) bool {
		return (o.Params == 0 || Params(g) <= o.Params) && (o.Time == 0 || time <= o.Time)
	}
	if o.PerLayer && o.Ratio > 0 {
		return c.without(evenly(bundles, o, o.Ratio))
	}
	steps, prune := 1000, func(i int) (*graph.Graph, float64, error) { // even shares by thousandths
		g, err := c.without(evenly(bundles, o, float64(i)/1000))
		return g, o.Cost.TimeLeft(c.g, g), err
	}
	if !o.PerLayer {
		all := c.order(bundles, o)
		if o.Ratio > 0 {
			return c.without(goneOf(all, share(all, bundles, o.Ratio)))
		}
		steps = len(all)
		prune = func(i int) (*graph.Graph, float64, error) {
			g, err := c.without(goneOf(all, i))
			if i == 0 {
				return g, 1, err
			}
			return g, all[i-1].time, err
		}
	}
	lo, hi := 0, steps+1 // the first that is enough lies in (lo, hi]
	var best *graph.Graph
	for lo+1 < hi {
		mid := (lo + hi) / 2
		g, time, err := prune(mid)
		if err != nil {
			return nil, err
		}
		if done(g, time) {
			hi, best = mid, g
		} else {
			lo = mid
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%d parameters, %v of the time: this model cannot get there at a largest ratio of %v a layer", o.Params, o.Time, o.MaxRatio)
	}
	return best, nil
}

// share is how many blocks make up a share of all groups.
func share(all []block, bundles []*bundle, ratio float64) (n int) {
	total := 0
	for _, b := range bundles {
		total += len(b.groups)
	}
	want := int(math.Round(ratio * float64(total)))
	for n < len(all) && all[n].groups <= want {
		want -= all[n].groups
		n++
	}
	return n
}

// Params counts the weights of convolutions and normalizations.
func Params(g *graph.Graph) (n int) {
	for _, node := range g.Nodes {
		if node.Op == "Conv" || node.Op == "BatchNormalization" {
			for i, v := range node.In[1:] {
				if v != nil && v.Const != nil && !(node.Op == "BatchNormalization" && i > 1) {
					n += v.Const.Len()
				}
			}
		}
	}
	return n
}

// without returns a copy of the graph without the labels.
func (c *channels) without(gone map[int]bool) (*graph.Graph, error) {
	g := graph.Clone(c.g)
	for i, n := range g.Nodes {
		if err := c.cutNode(c.g.Nodes[i], n, gone); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
		for k, v := range c.g.Nodes[i].Out {
			labels := c.of[v]
			if o := n.Out[k]; labels != nil && len(o.Shape) == 4 && o.Shape[1] == len(labels) {
				o.Shape = append([]int(nil), o.Shape...)
				o.Shape[1] = len(kept(labels, gone))
			}
		}
	}
	return g, nil
}

// kept lists the places of the channels that stay.
func kept(labels []int, gone map[int]bool) []int {
	at := make([]int, 0, len(labels))
	for i, l := range labels {
		if l < 0 || !gone[l] {
			at = append(at, i)
		}
	}
	return at
}

// cutNode shortens the constants of a node. was is the node before.
func (c *channels) cutNode(was, n *graph.Node, gone map[int]bool) error {
	var in, out []int // labels
	if len(was.In) > 0 && was.In[0] != nil {
		in = c.of[was.In[0]]
	}
	if len(was.Out) > 0 {
		out = c.of[was.Out[0]]
	}
	switch {
	case in == nil && n.Op != "Add" && n.Op != "Mul" && n.Op != "Sub" && n.Op != "Div" && n.Op != "Pow" && n.Op != "Max" && n.Op != "Min":
	case n.Op == "Conv" && out != nil:
		c.cutConv(n, in, out, gone)
	case n.Op == "BatchNormalization":
		keep := kept(in, gone)
		for i := 1; i < len(n.In); i++ {
			c.constant(n, i, take(n.In[i].Const, 0, keep))
		}
	case n.Op == "Split" && axisOf(n, 0) == 1:
		var sizes []int64
		for _, v := range was.Out {
			sizes = append(sizes, int64(len(kept(c.of[v], gone))))
		}
		if len(n.In) > 1 && n.In[1] != nil {
			c.constant(n, 1, graph.IntTensor(sizes))
		} else {
			n.Attrs = with(n.Attrs, "split", graph.Attr{Kind: graph.AttrInts, Ints: sizes})
		}
	case n.Op == "Slice":
		return c.cutSlice(was, n, in, gone)
	case n.Op == "Resize" && len(n.In) > 3 && n.In[3] != nil && n.In[3].Const != nil && n.In[3].Const.Len() == 4:
		sizes := append([]int64(nil), n.In[3].Const.Int64s()...)
		sizes[1] = int64(len(kept(in, gone)))
		c.constant(n, 3, graph.IntTensor(sizes))
	case out != nil:
		for i, v := range was.In {
			if v != nil && c.of[v] == nil && v.Const != nil && v.Const.Len() > 1 && perChannel(v.Const, len(out)) {
				c.constant(n, i, take(v.Const, len(v.Const.Shape)-3, kept(out, gone)))
			}
		}
	}
	return nil
}

func (c *channels) cutConv(n *graph.Node, in, out []int, gone map[int]bool) {
	w := n.In[1].Const
	keepIn, keepOut := kept(in, gone), kept(out, gone)
	g := int(n.Int("group", 1))
	per := w.Shape[1]
	w = take(w, 0, keepOut)
	switch {
	case g == 1:
		w = take(w, 1, keepIn)
	case per == 1:
		n.Attrs = with(n.Attrs, "group", graph.Attr{Kind: graph.AttrInt, I: int64(len(keepIn))})
	default: // the groups lose the same places
		w = take(w, 1, kept(in[:per], gone))
	}
	c.constant(n, 1, w)
	if len(n.In) > 2 && n.In[2] != nil {
		c.constant(n, 2, take(n.In[2].Const, 0, keepOut))
	}
}

// cutSlice moves the ends of a slice over channels.
func (c *channels) cutSlice(was, n *graph.Node, in []int, gone map[int]bool) error {
	from, to, touches, ok := sliceRange(was, len(in))
	if !ok || !touches {
		return nil
	}
	start := len(kept(in[:from], gone))
	end := start + len(kept(in[from:to], gone))
	put := func(k int, name string, value int) {
		var list []int64
		if k < len(was.In) && was.In[k] != nil {
			list = append(list, was.In[k].Const.Int64s()...)
		} else {
			list = append(list, was.Ints(name)...)
		}
		axes := was.Ints("axes")
		if len(was.In) > 3 && was.In[3] != nil {
			axes = was.In[3].Const.Int64s()
		}
		for i := range list {
			if axis := int64(i); axes == nil && axis == 1 || axes != nil && (axes[i] == 1 || axes[i] == -3) {
				list[i] = int64(value)
			}
		}
		if k < len(n.In) && n.In[k] != nil {
			c.constant(n, k, graph.IntTensor(list))
		} else {
			n.Attrs = with(n.Attrs, name, graph.Attr{Kind: graph.AttrInts, Ints: list})
		}
	}
	put(1, "starts", start)
	put(2, "ends", end)
	return nil
}

// with returns attributes with one more; a copy, for nodes share them.
func with(attrs map[string]graph.Attr, name string, a graph.Attr) map[string]graph.Attr {
	m := map[string]graph.Attr{name: a}
	for k, v := range attrs {
		if k != name {
			m[k] = v
		}
	}
	return m
}

// constant gives a node a constant of its own; one that others read too is
// left to them and the copy gets a name of its own.
func (c *channels) constant(n *graph.Node, i int, t *graph.Tensor) {
	name := n.In[i].Name
	if c.readers[name] > 1 {
		name += "/" + n.Out[0].Name
	}
	n.In[i] = &graph.Value{Name: name, DType: t.DType, Shape: t.Shape, Const: t}
}

// take keeps the indices of an axis.
func take(t *graph.Tensor, axis int, keep []int) *graph.Tensor {
	shape := append([]int(nil), t.Shape...)
	inner := t.DType.Size()
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	outer := 1
	for _, d := range shape[:axis] {
		outer *= d
	}
	data := make([]byte, 0, outer*len(keep)*inner)
	for o := range outer {
		for _, k := range keep {
			data = append(data, t.Data[(o*shape[axis]+k)*inner:][:inner]...)
		}
	}
	shape[axis] = len(keep)
	return &graph.Tensor{DType: t.DType, Shape: shape, Data: data}
}
