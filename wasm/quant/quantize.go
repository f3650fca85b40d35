package quant

import (
	"fmt"
	"slices"
	"strconv"

	"eagleeye/wasm/graph"
)

// Options say how Quantize chooses grids and what it leaves in float.
type Options struct {
	// Observer chooses the range of each activation; "" is MSE.
	Observer Observer
	// Percentile is what the observer Percentile keeps; 0 is DefaultPercentile.
	Percentile float64
	// FloatWeights names convolutions whose weights stay float32 while their
	// inputs are quantized; nil quantizes all.
	FloatWeights func(conv *graph.Node) bool
	// WideWeights uses the full range of int8 for all weights. Else those that a
	// byte kernel could multiply are kept within its bounds (see DotWeights).
	WideWeights bool
	// Grids, where set, are those of the layout's groups: no calibrator is asked.
	Grids []graph.Quant
	// FloatGroups, where set, tells of each of the layout's groups whether its
	// activations stay float; the convolutions that read them compute in float
	// with int8 weights.
	FloatGroups []bool
	// Weights, where set, quantizes the weights of a convolution in place of
	// ConvWeights: int8 and a scale for each output channel.
	Weights func(conv *graph.Node) (q *graph.Tensor, scale []float32, err error)
	// Bias has corrections that are added to the biases, by the name of the
	// convolution; see BiasCorrection.
	Bias map[string][]float32
}

// Quantize returns a copy of g, a float graph as read, with
//
//   - a QuantizeLinear/DequantizeLinear pair (uint8, per tensor) behind every
//     point and moved value of its layout,
//   - int8 weights with a DequantizeLinear (per output channel, axis 0) in every
//     convolution of the layout,
//   - float32 biases, and everything else as it was; equal constants are one.
//
// g is not changed; the two share tensors. c must have observed the layout's
// taps, unless the options name the grids. The result is valid from opset 13 on; an older graph is refused where its
// operators mean something else there.
func Quantize(g *graph.Graph, c *Calibrator, o Options) (*graph.Graph, error) {
	g = inline(g)
	l, err := analyze(g)
	if err != nil {
		return nil, err
	}
	if o.Observer == "" {
		o.Observer = MSE
	}
	if o.Percentile == 0 {
		o.Percentile = DefaultPercentile
	}
	if o.FloatGroups != nil && len(o.FloatGroups) != l.Groups {
		return nil, fmt.Errorf("%d choices for %d groups of activations", len(o.FloatGroups), l.Groups)
	}
	grids := o.Grids
	if grids == nil && o.FloatGroups != nil && !slices.Contains(o.FloatGroups, false) {
		grids = make([]graph.Quant, l.Groups)
	}
	if grids == nil {
		if grids, err = c.Grids(l, o.Observer, o.Percentile); err != nil {
			return nil, err
		}
	}
	if len(grids) != l.Groups {
		return nil, fmt.Errorf("%d grids for %d groups of activations", len(grids), l.Groups)
	}
	r := newRewriter(g, l, grids, o.FloatGroups)
	for _, n := range g.Nodes {
		if err := r.node(n, o); err != nil {
			return nil, err
		}
	}
	for _, v := range g.Outputs {
		r.out.Outputs = append(r.out.Outputs, r.copyOf(v))
	}
	if err := modernize(r.out); err != nil {
		return nil, err
	}
	return r.out, nil
}

// rewriter builds the quantized copy of a graph.
type rewriter struct {
	out    *graph.Graph
	copies map[*graph.Value]*graph.Value // of g's values
	dequed map[*graph.Value]*graph.Value // g's value → its dequantized twin
	grid   map[string]int                // name of a point or moved value → group
	grids  []graph.Quant
	scale  []*graph.Value // by group
	zero   []*graph.Value
	convs  map[*graph.Node]bool
	names  map[string]bool
	consts map[string]*graph.Value // by content
	pairs  int
}

func newRewriter(g *graph.Graph, l *Layout, grids []graph.Quant, float []bool) *rewriter {
	r := &rewriter{
		out:    &graph.Graph{Name: g.Name, Opset: g.Opset, Meta: g.Meta},
		copies: map[*graph.Value]*graph.Value{},
		dequed: map[*graph.Value]*graph.Value{},
		grid:   map[string]int{},
		grids:  grids,
		scale:  make([]*graph.Value, len(grids)),
		zero:   make([]*graph.Value, len(grids)),
		convs:  map[*graph.Node]bool{},
		names:  map[string]bool{},
		consts: map[string]*graph.Value{},
	}
	for _, p := range slices.Concat(l.Points, l.Moved) {
		if float == nil || !float[p.Group] {
			r.grid[p.Name] = p.Group
		}
	}
	for _, n := range l.Convs {
		r.convs[n] = true
	}
	for _, v := range g.Inputs {
		r.names[v.Name] = true
	}
	for _, n := range g.Nodes {
		for _, v := range slices.Concat(n.In, n.Out) {
			if v != nil {
				r.names[v.Name] = true
			}
		}
	}
	for _, v := range g.Inputs {
		r.out.Inputs = append(r.out.Inputs, r.copyOf(v))
		r.pair(v)
	}
	return r
}

// node appends the copy of n with dequantized inputs, and the pairs behind it.
func (r *rewriter) node(n *graph.Node, o Options) error {
	c := &graph.Node{Name: n.Name, Op: n.Op, Attrs: n.Attrs}
	for _, v := range n.In {
		if d := r.dequed[v]; d != nil && (mappers[n.Op] || movers[n.Op]) {
			c.In = append(c.In, d)
			continue
		}
		c.In = append(c.In, r.copyOf(v))
	}
	if r.convs[n] {
		if err := r.conv(n, c, o); err != nil {
			return fmt.Errorf("conv %q: %w", n.Name, err)
		}
	}
	for _, v := range n.Out {
		c.Out = append(c.Out, r.copyOf(v))
	}
	r.out.Nodes = append(r.out.Nodes, c)
	for _, v := range n.Out {
		r.pair(v)
	}
	return nil
}

// conv gives c, the copy of n, int8 weights and its corrected bias.
func (r *rewriter) conv(n, c *graph.Node, o Options) error {
	w := n.In[1]
	quantize := o.Weights
	if quantize == nil {
		_, bytes := r.grid[n.In[0].Name] // float kernels set weights no bounds
		quantize = func(n *graph.Node) (*graph.Tensor, []float32, error) { return ConvWeights(n, o.WideWeights || !bytes) }
	}
	q, scale, err := quantize(n)
	if err != nil {
		return fmt.Errorf("weights %q: %w", w.Name, err)
	}
	if o.FloatWeights == nil || !o.FloatWeights(n) {
		deq := &graph.Value{Name: r.unique(w.Name + "_dq"), DType: graph.Float32, Shape: w.Const.Shape}
		r.out.Nodes = append(r.out.Nodes, &graph.Node{
			Name: r.unique(w.Name + "_DQ"),
			Op:   "DequantizeLinear",
			In: []*graph.Value{
				r.constant(w.Name+"_q", q),
				r.constant(w.Name+"_s", graph.FloatTensor(scale, len(scale))),
				r.constant("zeros"+strconv.Itoa(len(scale)), &graph.Tensor{DType: graph.Int8, Shape: []int{len(scale)}, Data: make([]byte, len(scale))}),
			},
			Out:   []*graph.Value{deq},
			Attrs: map[string]graph.Attr{"axis": {Kind: graph.AttrInt, I: 0}},
		})
		c.In[1] = deq
	}
	delta := o.Bias[n.Name]
	if delta == nil {
		return nil
	}
	channels := w.Const.Shape[0]
	bias := make([]float32, channels)
	name := w.Name + "_bias"
	if len(n.In) > 2 && n.In[2] != nil {
		name = n.In[2].Name
		if bias, err = Floats(n.In[2].Const); err != nil {
			return fmt.Errorf("bias %q: %w", name, err)
		}
	}
	if len(bias) != channels || len(delta) != channels {
		return fmt.Errorf("bias %q has %d elements and its correction %d, want %d", name, len(bias), len(delta), channels)
	}
	for i, d := range delta {
		bias[i] += d
	}
	for len(c.In) < 3 {
		c.In = append(c.In, nil)
	}
	c.In[2] = r.constant(name+"_c", graph.FloatTensor(bias, channels))
	return nil
}

// pair appends the QuantizeLinear and DequantizeLinear behind v, if its layout
// has one there.
func (r *rewriter) pair(v *graph.Value) {
	group, ok := r.grid[v.Name]
	if !ok {
		return
	}
	if r.scale[group] == nil {
		g := r.grids[group]
		id := strconv.Itoa(group)
		r.scale[group] = r.constant("scale"+id, graph.FloatTensor(g.Scale))
		r.zero[group] = r.constant("zero"+id, &graph.Tensor{DType: graph.Uint8, Shape: []int{}, Data: []byte{byte(g.Zero[0])}})
	}
	scale, zero := r.scale[group], r.zero[group]
	r.pairs++
	// Names are short on purpose: there are two nodes for each of some hundred
	// values, and the file is shipped to a page.
	id := strconv.Itoa(r.pairs)
	q := &graph.Value{Name: r.unique("q" + id), DType: graph.Uint8, Shape: v.Shape}
	d := &graph.Value{Name: r.unique("dq" + id), DType: graph.Float32, Shape: v.Shape}
	r.out.Nodes = append(r.out.Nodes,
		&graph.Node{Name: r.unique("Q" + id), Op: "QuantizeLinear", In: []*graph.Value{r.copyOf(v), scale, zero}, Out: []*graph.Value{q}},
		&graph.Node{Name: r.unique("DQ" + id), Op: "DequantizeLinear", In: []*graph.Value{q, scale, zero}, Out: []*graph.Value{d}},
	)
	r.dequed[v] = d
}

// copyOf returns the new graph's twin of one of g's values.
func (r *rewriter) copyOf(v *graph.Value) *graph.Value {
	if v == nil {
		return nil
	}
	if v.Const != nil {
		if c := r.copies[v]; c != nil {
			return c
		}
		c := r.shared(v.Name, v.Const)
		r.copies[v] = c
		return c
	}
	c := r.copies[v]
	if c == nil {
		twin := *v
		c = &twin
		r.copies[v] = c
	}
	return c
}

// constant makes an initializer under a free name, or returns the one that
// holds the same.
func (r *rewriter) constant(name string, t *graph.Tensor) *graph.Value {
	key := contentKey(t)
	if v := r.consts[key]; v != nil {
		return v
	}
	v := &graph.Value{Name: r.unique(name), DType: t.DType, Shape: t.Shape, Const: t}
	r.consts[key] = v
	return v
}

// shared is constant for one of g's own constants, which keeps its name.
func (r *rewriter) shared(name string, t *graph.Tensor) *graph.Value {
	key := contentKey(t)
	if v := r.consts[key]; v != nil {
		return v
	}
	v := &graph.Value{Name: name, DType: t.DType, Shape: t.Shape, Const: t}
	r.consts[key] = v
	return v
}

func contentKey(t *graph.Tensor) string {
	return fmt.Sprint(t.DType, t.Shape) + string(t.Data)
}

// unique returns name, with underscores appended while it is taken.
func (r *rewriter) unique(name string) string {
	for r.names[name] {
		name += "_"
	}
	r.names[name] = true
	return name
}
