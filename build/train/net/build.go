package net

import (
	"fmt"
	"strings"

	"eagleeye/build/train/ops"
	"eagleeye/wasm/graph"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// momentum is the share of a new batch in the running statistics, as Ultralytics
// sets it; the file's attribute means the share of the old.
const momentum = 0.03

type builder struct {
	net   *Net
	o     Options
	uses  map[*graph.Value][]*graph.Node
	at    map[*graph.Value]*gorgonia.Node
	done  map[*graph.Node]bool // merged into an earlier one
	taken map[string]bool      // names of parameters
}

// run translates an unfused graph.
func (b *builder) run(u *graph.Graph) error {
	b.uses = map[*graph.Value][]*graph.Node{}
	for _, nd := range u.Nodes {
		for _, v := range nd.In {
			if v != nil {
				b.uses[v] = append(b.uses[v], nd)
			}
		}
	}
	if err := b.define(u.Inputs[0], b.net.Input); err != nil {
		return err
	}
	for _, nd := range u.Nodes {
		if b.done[nd] {
			continue
		}
		if nd.Op == "Detect" {
			b.detect(u, nd)
			continue
		}
		out, x, err := b.node(nd)
		if err == nil {
			err = b.define(out, x)
		}
		if err != nil {
			return fmt.Errorf("node %s: %w", nd, err)
		}
	}
	if b.net.Box == nil {
		return fmt.Errorf("%w: no head", graph.ErrNotYOLOv8)
	}
	return nil
}

// define notes the expression of a value, wrapped where the caller wants it.
func (b *builder) define(v *graph.Value, x *gorgonia.Node) (err error) {
	if b.o.Activation != nil {
		if x, err = b.o.Activation(v.Name, x); err != nil {
			return fmt.Errorf("value %q: %w", v.Name, err)
		}
	}
	b.at[v] = x
	return nil
}

// node translates a node, merged with the batch norm and activation that alone
// read it, and returns the value that the result stands for.
func (b *builder) node(nd *graph.Node) (*graph.Value, *gorgonia.Node, error) {
	in := make([]*gorgonia.Node, len(nd.In))
	for k, v := range nd.In {
		if v == nil || v.Const != nil {
			continue
		}
		if in[k] = b.at[v]; in[k] == nil {
			return nil, nil, fmt.Errorf("%w: input %q has no expression", graph.ErrUnsupported, v.Name)
		}
	}
	x, err := (*gorgonia.Node)(nil), error(nil)
	switch nd.Op {
	case "Conv":
		return b.conv(nd, in[0])
	case "SiLU":
		if x, err = gorgonia.Sigmoid(in[0]); err == nil {
			x, err = gorgonia.HadamardProd(in[0], x)
		}
	case "MaxPool":
		var k, s, p int
		if k, s, p, err = window(nd); err == nil {
			x, err = ops.MaxPool(in[0], k, s, p)
		}
	case "Upsample":
		if f := nd.Int("factor", 2); f != 2 {
			return nil, nil, fmt.Errorf("%w: factor %d, only 2 can be trained", graph.ErrUnsupported, f)
		}
		x, err = ops.Upsample2(in[0])
	case "Concat":
		x, err = ops.Concat(in...)
	case "Slice":
		from, to := int(nd.Int("start", 0)), int(nd.Int("end", 0))
		x, err = ops.Slice(in[0], from, to)
	case "Add":
		if in[0] == nil || in[1] == nil {
			return nil, nil, fmt.Errorf("%w: it adds a constant", graph.ErrUnsupported)
		}
		x, err = ops.Add(in[0], in[1])
	default:
		return nil, nil, fmt.Errorf("%w in training%s", graph.ErrUnsupported, graph.Hint(nd.Op))
	}
	return nd.Out[0], x, err
}

// only returns the single reader of a value when it has the operator.
func (b *builder) only(v *graph.Value, op string) *graph.Node {
	if u := b.uses[v]; len(u) == 1 && u[0].Op == op && u[0].In[0] == v {
		return u[0]
	}
	return nil
}

// conv makes Conv(+BatchNormalization)(+SiLU) one operator.
func (b *builder) conv(nd *graph.Node, x *gorgonia.Node) (*graph.Value, *gorgonia.Node, error) {
	k, stride, pad, err := window(nd)
	if err != nil {
		return nil, nil, err
	}
	attrs := ops.ConvAttrs{Stride: stride, Pad: pad, Groups: int(nd.Int("group", 1))}
	weights := nd.In[1].Const
	if weights.Shape[2] != k || weights.Shape[3] != k {
		return nil, nil, fmt.Errorf("%w: weights %v for a window of %d", graph.ErrUnsupported, weights.Shape, k)
	}
	c := conv{node: nd.Name}
	base := b.name(nd)
	w, bias := b.param(&c.weight, base+".weight", weights.Floats(), weights.Shape, true), (*gorgonia.Node)(nil)
	if len(nd.In) > 2 && nd.In[2] != nil {
		bias = b.param(&c.bias, base+".bias", nd.In[2].Const.Floats(), []int{weights.Shape[0]}, false)
	}
	if b.o.Weight != nil {
		if w, err = b.o.Weight(nd.Name, w); err != nil {
			return nil, nil, err
		}
	}
	out, act := nd.Out[0], ops.None
	bn := b.only(out, "BatchNormalization")
	if bn != nil && bias == nil {
		out, b.done[bn] = bn.Out[0], true
	} else if bn != nil || len(b.uses[out]) > 0 && b.uses[out][0].Op == "BatchNormalization" {
		return nil, nil, fmt.Errorf("%w: a batch norm behind a convolution with a bias, or shared by others: fold it first", graph.ErrUnsupported)
	}
	if silu := b.only(out, "SiLU"); silu != nil {
		out, act, b.done[silu] = silu.Out[0], ops.SiLU, true
	}
	var y *gorgonia.Node
	if bn == nil {
		y, err = ops.Conv(x, w, bias, attrs, act)
	} else {
		gamma, beta := b.norm(&c, bn)
		y, err = ops.ConvBN(x, w, gamma, beta, c.stats, attrs, act)
	}
	b.net.convs = append(b.net.convs, c)
	return out, y, err
}

// norm adds the parameters and statistics of a batch norm.
func (b *builder) norm(c *conv, bn *graph.Node) (gamma, beta *gorgonia.Node) {
	stat := func(k int) []float32 { return bn.In[k].Const.Floats() }
	base := strings.TrimSuffix(bn.In[1].Name, ".weight")
	if base == bn.In[1].Name || b.taken[base+".weight"] {
		base = dotted(bn.Name)
	}
	channels := []int{len(stat(1))}
	gamma = b.param(&c.gamma, base+".weight", stat(1), channels, false)
	beta = b.param(&c.beta, base+".bias", stat(2), channels, false)
	c.bn = bn.Name
	c.stats = &ops.BN{
		Mean: append([]float32(nil), stat(3)...), Var: append([]float32(nil), stat(4)...),
		Eps: bn.Float("epsilon", 1e-5), Momentum: momentum, Training: b.o.Training,
	}
	b.net.BNs = append(b.net.BNs, BN{strings.TrimSuffix(c.gamma, ".weight"), c.stats})
	return gamma, beta
}

// param adds a parameter with its own copy of the data and tells its name.
func (b *builder) param(told *string, name string, data []float32, shape []int, decay bool) *gorgonia.Node {
	for b.taken[name] {
		name += "_"
	}
	b.taken[name], *told = true, name
	t := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float32(nil), data...)))
	node := ops.Input(b.net.G, b.o.Prefix+name, shape, t)
	b.net.Params = append(b.net.Params, Param{name, node, decay})
	return node
}

// name is the module of a convolution: that of its weights' name, quantized
// ones' suffix aside, or its node's with dots.
func (b *builder) name(nd *graph.Node) string {
	w := strings.TrimRight(nd.In[1].Name, "_")
	base, ok := strings.CutSuffix(strings.TrimSuffix(w, "_dq"), ".weight")
	if !ok || base == "" || b.taken[base+".weight"] {
		return dotted(nd.Name)
	}
	return base
}

// dotted makes the module's path of a node's name: /model.22/cv2.0/cv2.0.2/Conv
// is model.22.cv2.0.2, since a scope repeats what it lies in.
func dotted(node string) string {
	parts := strings.Split(strings.Trim(node, "/"), "/")
	if len(parts) > 1 {
		parts = parts[:len(parts)-1]
	}
	out := parts[0]
	for i := 1; i < len(parts); i++ {
		if i+1 < len(parts) && strings.HasPrefix(parts[i+1], parts[i]+".") {
			continue
		}
		out += "." + parts[i]
	}
	return out
}

// window reads a square window with equal strides and pads.
func window(nd *graph.Node) (k, stride, pad int, err error) {
	for name, into := range map[string]*int{"kernel_shape": &k, "strides": &stride, "pads": &pad} {
		list := nd.Ints(name)
		for i, v := range list {
			if v != list[0] {
				return 0, 0, 0, fmt.Errorf("%w: %s %v, only equal ones can be trained", graph.ErrUnsupported, name, list)
			}
			if i == 0 {
				*into = int(v)
			}
		}
	}
	for _, d := range nd.Ints("dilations") {
		if d != 1 {
			return 0, 0, 0, fmt.Errorf("%w: dilation %d", graph.ErrUnsupported, d)
		}
	}
	return k, stride, pad, nil
}

// detect takes the maps of the head and the feature maps before it.
func (b *builder) detect(u *graph.Graph, nd *graph.Node) {
	n := b.net
	n.RegMax, n.Classes = int(nd.Int("reg_max", 0)), int(nd.Int("classes", 0))
	made := map[*graph.Value]*graph.Node{}
	for _, m := range u.Nodes {
		for _, v := range m.Out {
			made[v] = m
		}
	}
	for i, s := range nd.Attrs["strides"].Floats {
		n.Strides = append(n.Strides, int(s))
		n.Box, n.Cls = append(n.Box, b.at[nd.In[2*i]]), append(n.Cls, b.at[nd.In[2*i+1]])
		n.Neck = append(n.Neck, b.at[fork(made, nd.In[2*i], nd.In[2*i+1])])
	}
}

// fork returns the value at which the ways back from two maps through
// convolutions meet; nil where they do not.
func fork(made map[*graph.Value]*graph.Node, a, b *graph.Value) *graph.Value {
	back := func(v *graph.Value) *graph.Value {
		if nd := made[v]; nd != nil && (nd.Op == "Conv" || nd.Op == "BatchNormalization" || nd.Op == "SiLU") {
			return nd.In[0]
		}
		return nil
	}
	seen := map[*graph.Value]bool{}
	for ; a != nil; a = back(a) {
		seen[a] = true
	}
	for ; b != nil && !seen[b]; b = back(b) {
	}
	return b
}
