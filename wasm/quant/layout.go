package quant

import (
	"errors"
	"fmt"

	"eagleeye/wasm/graph"
)

// ErrQuantized is returned for a model that holds quantized parts already.
var ErrQuantized = errors.New("the model is quantized already: start from the float model")

// Layout says which parts of a float graph become int8.
type Layout struct {
	// Points are the activations that get a grid, in the graph's order: what
	// the convolutions read, traced back through the operations that only move
	// values (Concat, Split, Slice, MaxPool, Resize). Input is among them.
	Points []Point
	// Moved are the results of those operations on the way: each carries the
	// grid of its group.
	Moved []Point
	// Convs are the convolutions with int8 weights and quantized inputs.
	Convs []*graph.Node
	// Input is the name of the image input.
	Input string
	// Groups is the number of groups, each with one grid.
	Groups int
}

// Point is a value and the group with which it shares its grid.
type Point struct {
	Name  string
	Group int
}

// Taps returns the names of the values whose statistics Quantize needs. The
// image input is not among them: its grid is 1/255, exact for bytes.
func (l *Layout) Taps() []string {
	var names []string
	for _, p := range l.Points {
		if p.Name != l.Input {
			names = append(names, p.Name)
		}
	}
	return names
}

// movers only place, repeat or choose values of their inputs, so that inputs
// and outputs can share a grid and stay exact.
var movers = map[string]bool{
	"Concat": true, "Split": true, "Slice": true, "MaxPool": true, "Resize": true, "Upsample": true, "Identity": true,
}

// mappers compute on feature maps; a feature map stays one through them.
var mappers = map[string]bool{
	"Conv": true, "BatchNormalization": true, "Sigmoid": true, "Mul": true, "Add": true,
	"Relu": true, "LeakyRelu": true, "Clip": true, "HardSwish": true, "HardSigmoid": true,
}

// Analyze finds the activations and convolutions of g, a float graph as read,
// that are to be quantized. Everything behind the first operation that makes
// something else than a feature map (a Reshape, a Softmax) is the decode tail
// and stays float; so do the outputs of the last convolutions before it, which
// no other convolution reads. The branches of a head meet in that tail only, so
// they never share a grid.
func Analyze(g *graph.Graph) (*Layout, error) { return analyze(inline(g)) }

// analyze is Analyze for a graph whose constants are inlined.
func analyze(g *graph.Graph) (*Layout, error) {
	image, err := checkFloat(g)
	if err != nil {
		return nil, err
	}
	l := &Layout{Input: image.Name}

	maker := map[*graph.Value]*graph.Node{}
	feature := map[*graph.Value]bool{image: true}
	for _, n := range g.Nodes {
		is := false
		switch {
		case n.Op == "Concat":
			is = len(n.In) > 0
			for _, v := range n.In {
				is = is && feature[v]
			}
		case movers[n.Op]:
			is = len(n.In) > 0 && feature[n.In[0]]
		case mappers[n.Op]:
			is = true
			for i, v := range n.In {
				isParam := v == nil || v.Const != nil
				is = is && (feature[v] || isParam && i > 0 || isParam && n.Op != "Conv")
			}
		}
		for _, v := range n.Out {
			maker[v] = n
			feature[v] = is
		}
		if n.Op == "Conv" && len(n.In) > 1 && feature[n.In[0]] {
			if err := checkConv(n); err != nil {
				return nil, err
			}
			l.Convs = append(l.Convs, n)
		}
	}
	if len(l.Convs) == 0 {
		return nil, fmt.Errorf("no convolution reads a feature map of the input %q: nothing to quantize", image.Name)
	}

	set := newUnion()
	isPoint, isMoved := map[*graph.Value]bool{}, map[*graph.Value]bool{}
	var reach func(v *graph.Value)
	reach = func(v *graph.Value) {
		if v == nil || isPoint[v] || isMoved[v] {
			return
		}
		n := maker[v]
		if n == nil || !movers[n.Op] {
			isPoint[v] = true
			return
		}
		from := n.In
		if n.Op != "Concat" {
			from = n.In[:1]
		}
		for _, o := range n.Out {
			isMoved[o] = true
			set.join(o, v)
		}
		for _, i := range from {
			set.join(i, v)
			reach(i)
		}
	}
	for _, n := range l.Convs {
		reach(n.In[0])
	}

	group := map[*graph.Value]int{}
	number := func(v *graph.Value) int {
		root := set.root(v)
		if _, ok := group[root]; !ok {
			group[root] = len(group)
		}
		return group[root]
	}
	add := func(v *graph.Value) {
		if isPoint[v] {
			l.Points = append(l.Points, Point{v.Name, number(v)})
		}
		if isMoved[v] {
			l.Moved = append(l.Moved, Point{v.Name, number(v)})
		}
	}
	add(image)
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			add(v)
		}
	}
	l.Groups = len(group)
	return l, nil
}

// checkFloat refuses graphs that Quantize cannot start from and returns the
// image input.
func checkFloat(g *graph.Graph) (*graph.Value, error) {
	for _, n := range g.Nodes {
		switch n.Op {
		case "QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "DynamicQuantizeLinear":
			return nil, fmt.Errorf("node %q (%s): %w", n.Name, n.Op, ErrQuantized)
		}
	}
	var image *graph.Value
	for _, v := range g.Inputs {
		if v.Const != nil {
			continue
		}
		if image != nil {
			return nil, fmt.Errorf("the model has two inputs, %q and %q: one image is expected", image.Name, v.Name)
		}
		image = v
	}
	if image == nil {
		return nil, errors.New("the model has no input")
	}
	if image.DType == graph.Uint8 || image.DType == graph.Int8 {
		return nil, fmt.Errorf("input %q holds %v: %w", image.Name, image.DType, ErrQuantized)
	}
	return image, nil
}

func checkConv(n *graph.Node) error {
	w := n.In[1]
	if w == nil || w.Const == nil {
		return fmt.Errorf("conv %q: its weights are computed at run time: export the model with constant weights", n.Name)
	}
	if w.Const.DType == graph.Int8 || w.Const.DType == graph.Uint8 {
		return fmt.Errorf("conv %q: %w", n.Name, ErrQuantized)
	}
	if len(w.Const.Shape) < 3 {
		return fmt.Errorf("conv %q: weights %q have shape %v, want [out, in, kh, kw]", n.Name, w.Name, w.Const.Shape)
	}
	if len(n.In) > 2 && n.In[2] != nil && n.In[2].Const == nil {
		return fmt.Errorf("conv %q: its bias is computed at run time: export the model with constant weights", n.Name)
	}
	return nil
}

// union is a disjoint-set forest with path halving.
type union map[*graph.Value]*graph.Value

func newUnion() union { return union{} }

func (u union) root(v *graph.Value) *graph.Value {
	if u[v] == nil {
		u[v] = v
	}
	for u[v] != v {
		u[v] = u[u[v]]
		v = u[v]
	}
	return v
}

func (u union) join(a, b *graph.Value) { u[u.root(a)] = u.root(b) }
