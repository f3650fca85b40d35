package net

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// Export returns a copy of the model that the net was built from, with the
// present weights and running statistics. Weights that the model holds as 8-bit
// integers are quantized again, by the scales that hold them best; the grids of
// its activations stay.
func (n *Net) Export() (*graph.Graph, error) { return n.ExportState(n.State()) }

// ExportState is Export with another state, such as an average of past ones.
func (n *Net) ExportState(state []Tensor) (*graph.Graph, error) {
	g := graph.Clone(n.file)
	nodes := map[string]*graph.Node{}
	e := exporter{
		made: map[*graph.Value]*graph.Node{}, readers: map[*graph.Value]int{},
		used: valueNames(g), data: map[string][]float32{},
	}
	for _, nd := range g.Nodes {
		nodes[nd.Name] = nd
		for _, v := range nd.Out {
			e.made[v] = nd
		}
		for _, v := range nd.In {
			e.readers[v]++
		}
	}
	for _, t := range state {
		e.data[t.Name] = t.Data
	}
	for _, t := range n.State() {
		if len(e.data[t.Name]) != len(t.Data) {
			return nil, fmt.Errorf("net: export: %w: %q has %d elements, want %d", ErrState, t.Name, len(e.data[t.Name]), len(t.Data))
		}
	}
	for _, c := range n.convs {
		if err := e.conv(c, nodes); err != nil {
			return nil, fmt.Errorf("net: export: conv %q: %w", c.node, err)
		}
	}
	return g, nil
}

type exporter struct {
	made    map[*graph.Value]*graph.Node
	readers map[*graph.Value]int
	used    map[string]bool // names of values
	data    map[string][]float32
}

func (e *exporter) conv(c conv, nodes map[string]*graph.Node) error {
	nd := nodes[c.node]
	if dq := e.made[nd.In[1]]; dq != nil && dq.Op == "DequantizeLinear" {
		if err := e.quantized(dq, e.data[c.weight]); err != nil {
			return err
		}
	} else if err := e.put(nd, 1, e.data[c.weight]); err != nil {
		return err
	}
	if c.bias != "" {
		if err := e.put(nd, 2, e.data[c.bias]); err != nil {
			return err
		}
	}
	if c.bn == "" {
		return nil
	}
	bn, base := nodes[c.bn], strings.TrimSuffix(c.gamma, ".weight")
	for k, name := range []string{c.gamma, c.beta, base + ".running_mean", base + ".running_var"} {
		if err := e.put(bn, k+1, e.data[name]); err != nil {
			return err
		}
	}
	return nil
}

// put makes input k of a node a constant of its own with new data.
func (e *exporter) put(nd *graph.Node, k int, data []float32) error {
	old := nd.In[k]
	shape := old.Shape
	if old.Const != nil {
		shape = old.Const.Shape
	} else if m := e.made[old]; m != nil && m.Attrs["value"].T != nil { // a Constant node's
		shape = m.Attrs["value"].T.Shape
	}
	size := 1
	for _, d := range shape {
		size *= d
	}
	if size != len(data) {
		return fmt.Errorf("input %q is %v, the new data has %d elements", old.Name, shape, len(data))
	}
	e.set(nd, k, graph.FloatTensor(append([]float32(nil), data...), shape...))
	return nil
}

// set replaces an input by a constant. It keeps the name where no other node
// reads the old one: equal constants may have been one in the file.
func (e *exporter) set(nd *graph.Node, k int, t *graph.Tensor) {
	for len(nd.In) <= k {
		nd.In = append(nd.In, nil)
	}
	name := fmt.Sprintf("%s_%d", nd.Name, k)
	if old := nd.In[k]; old != nil {
		name = old.Name
		if old.Const != nil && e.readers[old] == 1 {
			delete(e.used, name)
		}
	}
	for e.used[name] {
		name += "_"
	}
	e.used[name] = true
	nd.In[k] = &graph.Value{Name: name, DType: t.DType, Shape: t.Shape, Const: t}
}

// quantized writes weights as the integers and scales that a DequantizeLinear
// reads: int8, symmetric, per output channel, as package quant does.
func (e *exporter) quantized(dq *graph.Node, data []float32) error {
	old := dq.In[0].Const
	if old == nil {
		return fmt.Errorf("%w: its quantized weights %q are not constant", graph.ErrUnsupported, dq.In[0].Name)
	}
	q, scale, err := quant.Weights(graph.FloatTensor(data, old.Shape...))
	if err != nil {
		return err
	}
	e.set(dq, 0, q)
	e.set(dq, 1, graph.FloatTensor(scale, len(scale)))
	zeros := &graph.Tensor{DType: graph.Int8, Shape: []int{len(scale)}, Data: make([]byte, len(scale))}
	if len(dq.In) < 3 || dq.In[2] == nil || dq.In[2].Const == nil || !reflect.DeepEqual(dq.In[2].Const, zeros) {
		e.set(dq, 2, zeros)
	}
	dq.Attrs = map[string]graph.Attr{"axis": {Kind: graph.AttrInt, I: 0}}
	return nil
}

// Fold makes a model's batch norms part of its convolutions: see zoo.Fold.
func Fold(g *graph.Graph) (*graph.Graph, error) { return zoo.Fold(g) }

// valueNames is the set of the names of a graph's values.
func valueNames(g *graph.Graph) map[string]bool {
	names := map[string]bool{}
	for _, v := range g.Inputs {
		names[v.Name] = true
	}
	for _, nd := range g.Nodes {
		for _, v := range slices.Concat(nd.In, nd.Out) {
			if v != nil {
				names[v.Name] = true
			}
		}
	}
	return names
}
