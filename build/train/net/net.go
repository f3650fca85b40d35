// Package net makes training graphs of detectors: gorgonia expressions of any
// YOLOv8 model that package graph recognises, built by the operators of
// build/train/ops, and its weights back into the model. It may import
// wasm/graph, wasm/quant, wasm/yolo, wasm/zoo and build/train/ops.
package net

import (
	"errors"
	"fmt"

	"eagleeye/build/train/ops"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Options of Build. Height and Width 0 mean the file's own size, Batch 0 is 1.
type Options struct {
	Batch, Height, Width int
	Training             bool // batch norms use and update statistics of the batch

	// Graph and Input build into an existing expression, on its pictures: a
	// teacher beside its student. Prefix sets the names of its nodes apart.
	Graph  *gorgonia.ExprGraph
	Input  *gorgonia.Node
	Prefix string

	// Weight and Activation, where they are set, wrap what a convolution
	// multiplies: its weights, by the name of its node, and each feature map that
	// is made (the picture included), by the name of its value in the model.
	// Returning the argument leaves it as it is. Fake quantization goes here.
	Weight     func(conv string, w *gorgonia.Node) (*gorgonia.Node, error)
	Activation func(value string, x *gorgonia.Node) (*gorgonia.Node, error)
}

// Param is a trained tensor. Its name is Ultralytics' for the model's own:
// model.0.conv.weight, model.0.bn.bias.
type Param struct {
	Name  string
	Node  *gorgonia.Node
	Decay bool // weight decay applies: not to biases and norms
}

// Data returns the elements of the parameter, live.
func (p Param) Data() []float32 { return p.Node.Value().Data().([]float32) }

// BN is a batch norm's running statistics; they live in the operator.
type BN struct {
	Name string // model.0.bn
	*ops.BN
}

// Net is a training graph.
type Net struct {
	G     *gorgonia.ExprGraph
	Input *gorgonia.Node // [B,3,H,W], 0..1

	// By rising stride: the raw distributions [B,4·RegMax,h,w], the class logits
	// [B,Classes,h,w], and the feature maps that both come from [B,C,h,w].
	Box, Cls, Neck []*gorgonia.Node

	Params  []Param
	BNs     []BN
	Strides []int
	RegMax  int
	Classes int
	Names   []string

	file  *graph.Graph // the model as read, nodes named uniquely
	convs []conv
}

// conv is what the parameters of a convolution and its batch norm are called in
// the file and here; bn is "" where there is none. The names of parameters are
// without prefix.
type conv struct {
	node, bn                  string
	weight, bias, gamma, beta string
	stats                     *ops.BN
}

// Build makes the training graph of a model as read from a file or from the zoo,
// with its own copy of the weights. Numbers that the file rounds to a grid are
// trained as floats: see Options.Activation for the grids. g is not changed.
func Build(g *graph.Graph, o Options) (*Net, error) {
	n, err := build(g, o)
	if err != nil {
		return nil, fmt.Errorf("net: %w", err)
	}
	return n, nil
}

func build(g *graph.Graph, o Options) (*Net, error) {
	file := graph.Clone(g)
	nameNodes(file)
	for _, nd := range file.Nodes {
		for _, v := range nd.In {
			if v != nil && v.Const != nil && v.Const.DType == graph.Float16 {
				return nil, fmt.Errorf("constant %q is float16: write the model to a file and read it, which widens it", v.Name)
			}
		}
	}
	u, err := graph.Unfused(file, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	u = graph.FloatOnly(u)
	n := &Net{G: o.Graph, Input: o.Input, file: file}
	if n.G == nil {
		n.G = gorgonia.NewGraph()
	}
	shape := append(tensor.Shape{max(o.Batch, 1)}, u.Inputs[0].Shape[1:]...)
	if n.Input == nil {
		n.Input = ops.Input(n.G, o.Prefix+"images", shape, nil)
	} else if !n.Input.Shape().Eq(shape) {
		return nil, fmt.Errorf("the given pictures are %v, the model's %v", n.Input.Shape(), shape)
	}
	b := &builder{net: n, o: o, at: map[*graph.Value]*gorgonia.Node{}, done: map[*graph.Node]bool{}, taken: map[string]bool{}}
	if err := b.run(u); err != nil {
		return nil, err
	}
	n.Names = names(g.Meta["names"], n.Classes)
	return n, nil
}

// nameNodes gives every node a name of its own, by which it is found again after
// the passes.
func nameNodes(g *graph.Graph) {
	taken := map[string]bool{}
	for i, nd := range g.Nodes {
		for nd.Name == "" || taken[nd.Name] {
			nd.Name = fmt.Sprintf("%s#%d", nd.Name, i)
		}
		taken[nd.Name] = true
	}
}

// names reads the metadata's class names; where they are missing or not as many
// as the classes, numbers fill up.
func names(meta string, classes int) []string {
	list, _ := yolo.ParseNames(meta)
	list = append([]string(nil), list[:min(len(list), classes)]...)
	for i := len(list); i < classes; i++ {
		list = append(list, fmt.Sprintf("class %d", i))
	}
	return list
}

// SetTraining switches the batch norms between the batch's statistics, which
// update the running ones, and the running ones.
func (n *Net) SetTraining(on bool) {
	for _, b := range n.BNs {
		b.Training = on
	}
}

// Tensor is a named part of a net's state.
type Tensor struct {
	Name string
	Data []float32
}

// State lists all that training changes, by Ultralytics' names and always in the
// same order: parameters, then running statistics. The data is live.
func (n *Net) State() []Tensor {
	var s []Tensor
	for _, p := range n.Params {
		s = append(s, Tensor{p.Name, p.Data()})
	}
	for _, b := range n.BNs {
		s = append(s, Tensor{b.Name + ".running_mean", b.Mean}, Tensor{b.Name + ".running_var", b.Var})
	}
	return s
}

// ErrState marks a state of another model.
var ErrState = errors.New("not this model's state")

// Load copies a state, as State lists it but in any order, into the net. Nothing
// is changed where it does not fit.
func (n *Net) Load(state []Tensor) error {
	have := map[string][]float32{}
	for _, t := range state {
		have[t.Name] = t.Data
	}
	own := n.State()
	if len(have) != len(own) {
		return fmt.Errorf("net: %w: %d tensors, want %d", ErrState, len(have), len(own))
	}
	for _, t := range own {
		if len(have[t.Name]) != len(t.Data) {
			return fmt.Errorf("net: %w: %q has %d elements, want %d", ErrState, t.Name, len(have[t.Name]), len(t.Data))
		}
	}
	for _, t := range own {
		copy(t.Data, have[t.Name])
	}
	return nil
}

// Files tells which constant of the model each parameter that a convolution
// multiplies by was read from.
func (n *Net) Files() map[string]string {
	nodes := map[string]*graph.Node{}
	for _, nd := range n.file.Nodes {
		nodes[nd.Name] = nd
	}
	names := map[string]string{}
	for _, c := range n.convs {
		names[c.weight] = nodes[c.node].In[1].Name
	}
	return names
}
