// Package prune removes channels from a convolutional graph. Channels that can
// only go together form a group: a residual addition couples those that it
// adds, a concatenation or a split only moves them, a depthwise convolution
// passes them on. What remains is a smaller graph of the same operators. It may
// import wasm/graph.
//
// The dependency graph follows DepGraph (arXiv:2301.12900), on channels rather
// than on layers: concatenations and splits are then offsets and need no
// rewriting of the network.
package prune

import (
	"errors"
	"fmt"

	"eagleeye/wasm/graph"
)

// ErrUnsupported marks graphs that cannot be pruned.
var ErrUnsupported = errors.New("cannot be pruned")

// channels follows the channels of every value through a graph. A label is a
// channel that a convolution makes; −1 is one that cannot go.
type channels struct {
	g      *graph.Graph
	of     map[*graph.Value][]int // labels of an activation's channels; absent: not followed
	maker  []*graph.Node          // of a label
	index  []int                  // of a label in its maker's output
	parent []int                  // union-find over labels
	cut    []bool                 // a split separates the label from the one before
	fixed  map[int]bool           // labels that must stay

	readers map[string]int // operands that read a constant
}

// analyze labels all channels.
func analyze(g *graph.Graph) (*channels, error) {
	c := &channels{g: g, of: map[*graph.Value][]int{}, fixed: map[int]bool{}, readers: map[string]int{}}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const != nil {
				c.readers[v.Name]++
			}
		}
	}
	for _, v := range g.Inputs {
		if len(v.Shape) == 4 && v.Shape[1] > 0 {
			labels := make([]int, v.Shape[1])
			for i := range labels {
				labels[i] = -1
			}
			c.of[v] = labels
		}
	}
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" || n.Op == "DequantizeLinear" {
			return nil, fmt.Errorf("%w: the model is quantized; prune the float model, then quantize", ErrUnsupported)
		}
		if err := c.node(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	for _, v := range g.Outputs {
		c.fix(v)
	}
	return c, nil
}

// node gives a node's results their labels.
func (c *channels) node(n *graph.Node) error {
	followed := false
	for _, v := range n.In {
		followed = followed || v != nil && c.of[v] != nil
	}
	if !followed {
		return nil
	}
	switch n.Op {
	case "Conv":
		return c.conv(n)
	case "BatchNormalization":
		c.pass(n)
	case "Sigmoid", "Relu", "Tanh", "Exp", "Neg", "Abs", "Clip", "Identity", "Dropout", "Cast", "MaxPool", "Resize", "Upsample", "Sqrt", "Floor":
		c.pass(n)
	case "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min":
		c.elementwise(n)
	case "Concat":
		c.concat(n)
	case "Split":
		return c.split(n)
	case "Slice":
		return c.slice(n)
	case "Shape": // sizes are read, numbers are not
	default:
		c.fixInputs(n)
	}
	return nil
}

func (c *channels) pass(n *graph.Node) { c.of[n.Out[0]] = c.of[n.In[0]] }

func (c *channels) fix(v *graph.Value) {
	for _, l := range c.of[v] {
		if l >= 0 {
			c.fixed[c.root(l)] = true
		}
	}
}

func (c *channels) fixInputs(n *graph.Node) {
	for _, v := range n.In {
		if v != nil {
			c.fix(v)
		}
	}
}

func (c *channels) root(l int) int {
	for c.parent[l] != l {
		c.parent[l] = c.parent[c.parent[l]]
		l = c.parent[l]
	}
	return l
}

// join couples two channels; one that must stay holds the other.
func (c *channels) join(a, b int) {
	switch {
	case a < 0 && b < 0:
	case a < 0:
		c.fixed[c.root(b)] = true
	case b < 0:
		c.fixed[c.root(a)] = true
	default:
		ra, rb := c.root(a), c.root(b)
		if ra != rb {
			c.parent[ra] = rb
			if c.fixed[ra] {
				c.fixed[rb] = true
			}
		}
	}
}

func (c *channels) label(n *graph.Node, index int) int {
	l := len(c.parent)
	c.maker, c.index = append(c.maker, n), append(c.index, index)
	c.parent, c.cut = append(c.parent, l), append(c.cut, index == 0)
	return l
}

// conv makes new channels, except where it is depthwise. In a grouped
// convolution the groups keep one size: channels of one place in their group
// go together.
func (c *channels) conv(n *graph.Node) error {
	w, in := n.In[1], c.of[n.In[0]]
	if in == nil || w.Const == nil || w.Const.DType != graph.Float32 {
		c.fixInputs(n)
		return nil
	}
	o, per, g := w.Const.Shape[0], w.Const.Shape[1], int(n.Int("group", 1))
	if per*g != len(in) || o%g != 0 {
		return fmt.Errorf("weights %v in %d groups over %d channels", w.Const.Shape, g, len(in))
	}
	var out []int
	switch {
	case g > 1 && per == 1: // depthwise
		for _, l := range in {
			for range o / g {
				out = append(out, l)
			}
		}
	default:
		for k := range o {
			out = append(out, c.label(n, k))
		}
		for i := per; g > 1 && i < len(in); i++ {
			c.join(in[i], in[i%per])
		}
		for k := o / g; g > 1 && k < o; k++ {
			c.join(out[k], out[k%(o/g)])
		}
	}
	c.of[n.Out[0]] = out
	return nil
}

// elementwise couples the operands' channels; a constant of a number a channel
// is cut with them, any other shape holds them.
func (c *channels) elementwise(n *graph.Node) {
	var out []int
	for _, v := range n.In {
		labels := c.of[v]
		switch {
		case labels == nil && v.Const != nil && (v.Const.Len() == 1 || out == nil):
		case labels == nil && v.Const != nil && perChannel(v.Const, len(out)):
		case labels == nil:
			c.fixInputs(n)
			return
		case out == nil:
			out = labels
		case len(labels) != len(out): // broadcast
			c.fixInputs(n)
			return
		default:
			for i, l := range labels {
				c.join(out[i], l)
			}
		}
	}
	for _, v := range n.In { // a constant may come first
		if c.of[v] == nil && v.Const.Len() > 1 && !perChannel(v.Const, len(out)) {
			c.fixInputs(n)
			return
		}
	}
	c.of[n.Out[0]] = out
}

// perChannel says whether a constant is [1,C,1,1] or [C,1,1].
func perChannel(t *graph.Tensor, channels int) bool {
	s := t.Shape
	if len(s) == 4 && s[0] == 1 {
		s = s[1:]
	}
	return len(s) == 3 && s[0] == channels && s[1] == 1 && s[2] == 1 && t.DType == graph.Float32
}

func axisOf(n *graph.Node, def int64) int64 {
	a := n.Int("axis", def)
	if a < 0 {
		a += 4 // labelled values are NCHW
	}
	return a
}

func (c *channels) concat(n *graph.Node) {
	var out []int
	for i, v := range n.In {
		labels := c.of[v]
		switch {
		case labels == nil:
			c.fixInputs(n)
			return
		case axisOf(n, 1) == 1:
			out = append(out, labels...)
		case i == 0:
			out = labels
		case len(labels) != len(out):
			c.fixInputs(n)
			return
		default:
			for k, l := range labels {
				c.join(out[k], l)
			}
		}
	}
	c.of[n.Out[0]] = out
}

// take hands channels from..to of a value on and remembers the cuts.
func (c *channels) take(labels []int, from, to int) []int {
	for _, at := range []int{from, to} {
		if at < len(labels) && labels[at] >= 0 {
			c.cut[labels[at]] = true
		}
	}
	return labels[from:to]
}

func (c *channels) split(n *graph.Node) error {
	labels := c.of[n.In[0]]
	if axisOf(n, 0) != 1 {
		for _, v := range n.Out {
			c.of[v] = labels
		}
		return nil
	}
	sizes, err := splitSizes(n, len(labels))
	if err != nil {
		return err
	}
	at := 0
	for i, v := range n.Out {
		c.of[v] = c.take(labels, at, at+sizes[i])
		at += sizes[i]
	}
	return nil
}

// splitSizes are the channels of each result.
func splitSizes(n *graph.Node, total int) ([]int, error) {
	sizes := n.Ints("split")
	if len(n.In) > 1 && n.In[1] != nil {
		if n.In[1].Const == nil {
			return nil, fmt.Errorf("%w: sizes that are computed", ErrUnsupported)
		}
		sizes = n.In[1].Const.Int64s()
	}
	out := make([]int, len(n.Out))
	sum := 0
	for i := range out {
		if sizes == nil {
			part := (total + len(out) - 1) / len(out)
			out[i] = min(part, total-part*i)
		} else if i < len(sizes) {
			out[i] = int(sizes[i])
		}
		sum += out[i]
	}
	if sum != total {
		return nil, fmt.Errorf("sizes %v of %d channels", out, total)
	}
	return out, nil
}

// slice follows a constant range of channels; other slices leave them whole.
func (c *channels) slice(n *graph.Node) error {
	labels := c.of[n.In[0]]
	from, to, touches, ok := sliceRange(n, len(labels))
	switch {
	case !ok:
		c.fixInputs(n)
	case touches:
		c.of[n.Out[0]] = c.take(labels, from, to)
	default:
		c.of[n.Out[0]] = labels
	}
	return nil
}

// sliceRange returns the range of channels of a slice with step 1. touches is
// false where it cuts rows or columns only; ok is false where it is computed or
// strided.
func sliceRange(n *graph.Node, total int) (from, to int, touches, ok bool) {
	lists := make([][]int64, 4) // starts, ends, axes, steps
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		lists[i] = n.Ints(name)
		if k := i + 1; k < len(n.In) && n.In[k] != nil {
			if n.In[k].Const == nil {
				return 0, 0, false, false
			}
			lists[i] = n.In[k].Const.Int64s()
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	for i := range starts {
		axis := int64(i)
		if axes != nil {
			axis = axes[i]
		}
		if axis < 0 {
			axis += 4
		}
		if axis != 1 {
			continue
		}
		if steps != nil && steps[i] != 1 || i >= len(ends) {
			return 0, 0, false, false
		}
		bound := func(v int64) int {
			if v < 0 {
				v += int64(total)
			}
			return int(max(0, min(v, int64(total))))
		}
		from, to = bound(starts[i]), bound(ends[i])
		if to < from {
			return 0, 0, false, false
		}
		touches = true
	}
	return from, to, touches, true
}
