package net

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

// Replaced tells what WithClasses made new.
type Replaced struct {
	Classes int // the model had
	Convs   int // last convolutions of the class branches
	Weights int // elements in them, of
	All     int // elements of the whole model
}

// ErrClasses marks a model whose classes cannot be replaced.
var ErrClasses = errors.New("its class layers cannot be replaced")

// WithClasses returns a copy of a float model for other classes: the last
// convolution of each class branch starts anew, its weights as PyTorch starts them
// and its biases as Ultralytics does; everything else stays. g is not changed.
func WithClasses(g *graph.Graph, names []string, seed uint64) (*graph.Graph, Replaced, error) {
	c, r, err := withClasses(g, names, seed)
	if err != nil {
		return nil, r, fmt.Errorf("net: %w", err)
	}
	return c, r, nil
}

func withClasses(g *graph.Graph, names []string, seed uint64) (*graph.Graph, Replaced, error) {
	var r Replaced
	file := graph.Clone(g)
	nameNodes(file)
	u, err := graph.Unfused(file, 0, 0)
	if err != nil {
		return nil, r, err
	}
	if len(names) < 1 {
		return nil, r, fmt.Errorf("%w: no classes are named", ErrClasses)
	}
	e := classEditor{made: map[*graph.Value]*graph.Node{}, readers: map[*graph.Value][]*graph.Node{}, done: map[*graph.Value]bool{}}
	byName := map[string]*graph.Node{}
	for _, n := range file.Nodes {
		byName[n.Name] = n
		for _, v := range n.Out {
			e.made[v] = n
		}
		for _, v := range n.In {
			if v != nil {
				e.readers[v] = append(e.readers[v], n)
			}
		}
	}
	detect := u.Nodes[len(u.Nodes)-1]
	e.rows, e.classes, e.want = 4*int(detect.Int("reg_max", 0)), int(detect.Int("classes", 0)), len(names)
	r.Classes = e.classes
	last := map[*graph.Value]string{}
	for _, n := range u.Nodes {
		for _, v := range n.Out {
			last[v] = n.Name
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 0x636c61737365))
	for i, stride := range detect.Attrs["strides"].Floats {
		conv := byName[last[detect.In[2*i+1]]]
		if conv == nil || conv.Op != "Conv" || len(conv.In) != 3 || conv.In[1].Const == nil || conv.In[2] == nil || conv.In[2].Const == nil {
			return nil, r, fmt.Errorf("%w: scale %d does not end with a float convolution with a bias: start from the float model", ErrClasses, i)
		}
		r.Convs++
		r.Weights += restart(conv, len(names), float64(stride), rnd)
		e.follow(conv.Out[0])
	}
	out := file.Outputs[0]
	if len(out.Shape) == 3 {
		out.Shape[1] = 4 + len(names)
	}
	if file.Meta == nil {
		file.Meta = map[string]string{}
	}
	file.Meta["names"] = zoo.FormatNames(names)
	// The tail is computed here: whatever was not understood shows.
	if u, err = graph.Unfused(file, 0, 0); err != nil {
		return nil, r, fmt.Errorf("%w: %w", ErrClasses, err)
	}
	if got := int(u.Nodes[len(u.Nodes)-1].Int("classes", 0)); got != len(names) {
		return nil, r, fmt.Errorf("%w: it has %d classes then", ErrClasses, got)
	}
	cost, err := zoo.CostOf(file, 0, 0)
	r.All = cost.Params
	return file, r, err
}

// restart gives a convolution new weights and biases for some classes.
func restart(conv *graph.Node, classes int, stride float64, rnd *rand.Rand) int {
	shape := slices.Clone(conv.In[1].Const.Shape)
	shape[0] = classes
	fan := shape[1] * shape[2] * shape[3]
	w, b := make([]float32, classes*fan), make([]float32, classes)
	for i := range w {
		w[i] = float32((2*rnd.Float64() - 1) / math.Sqrt(float64(fan)))
	}
	for i := range b { // five objects a 640-pixel picture are expected
		b[i] = float32(math.Log(5 / float64(classes) / math.Pow(640/stride, 2)))
	}
	set := func(k int, t *graph.Tensor) {
		conv.In[k] = &graph.Value{Name: conv.In[k].Name, DType: graph.Float32, Shape: slices.Clone(t.Shape), Const: t}
	}
	set(1, graph.FloatTensor(w, shape...))
	set(2, graph.FloatTensor(b, classes))
	return len(w) + len(b)
}

// classEditor changes what a file's decoding says of the number of classes.
type classEditor struct {
	made                map[*graph.Value]*graph.Node
	readers             map[*graph.Value][]*graph.Node
	rows, classes, want int // 4·reg_max; classes now, and then
	done                map[*graph.Value]bool
}

// follow goes from a class map down to where boxes and classes part.
func (e *classEditor) follow(v *graph.Value) {
	if e.done[v] {
		return
	}
	e.done[v], v.Shape = true, nil
	for _, n := range e.readers[v] {
		switch n.Op {
		case "Shape": // of the map, for what does not depend on the classes
			continue
		case "Reshape":
			if len(n.In) > 1 {
				e.edit(n.In[1], e.total)
			}
		case "Split":
			if a, ok := n.Attrs["split"]; ok {
				a.Ints = e.sizes(a.Ints)
				n.Attrs["split"] = a
			}
			if len(n.In) > 1 {
				e.edit(n.In[1], e.sizes)
			}
		case "Slice":
			for _, limits := range n.In[1:] {
				e.edit(limits, e.total)
			}
		}
		for _, out := range n.Out {
			if n.Op == "Split" || n.Op == "Slice" {
				e.forget(out)
			} else {
				e.follow(out)
			}
		}
	}
}

// forget drops the shapes of what follows; reading the graph finds them again.
func (e *classEditor) forget(v *graph.Value) {
	if e.done[v] || len(e.readers[v]) == 0 {
		return
	}
	e.done[v], v.Shape = true, nil
	for _, n := range e.readers[v] {
		for _, out := range n.Out {
			e.forget(out)
		}
	}
}

// edit changes the constants that a shape is computed from.
func (e *classEditor) edit(v *graph.Value, change func([]int64) []int64) {
	if v == nil || e.done[v] {
		return
	}
	e.done[v] = true
	if v.Const != nil {
		if v.Const.DType == graph.Int64 {
			v.Const = changed(v.Const, change)
		}
		return
	}
	n := e.made[v]
	if n == nil || n.Op == "Shape" {
		return
	}
	if n.Op == "Constant" {
		for k, a := range n.Attrs {
			if a.T != nil && a.T.DType == graph.Int64 {
				a.T = changed(a.T, change)
			}
			n.Attrs[k] = a
		}
	}
	for _, in := range n.In {
		e.edit(in, change)
	}
}

// changed is a copy of a tensor of whole numbers, scalars included.
func changed(t *graph.Tensor, change func([]int64) []int64) *graph.Tensor {
	list := change(t.Int64s())
	c := graph.IntTensor(list, len(list))
	c.Shape = slices.Clone(t.Shape)
	return c
}

// total changes the number of rows: boxes' and classes'.
func (e *classEditor) total(list []int64) []int64 {
	out := slices.Clone(list)
	for i, x := range out {
		if x == int64(e.rows+e.classes) {
			out[i] = int64(e.rows + e.want)
		}
	}
	return out
}

// sizes changes the last part of a split, the classes.
func (e *classEditor) sizes(list []int64) []int64 {
	out := slices.Clone(list)
	if n := len(out); n > 0 && out[n-1] == int64(e.classes) {
		out[n-1] = int64(e.want)
	}
	return out
}
