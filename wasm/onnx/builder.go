package onnx

import (
	"fmt"

	"eagleeye/wasm/graph"
)

// tagAttr is the attribute that tells the builder which node an operation is.
const tagAttr = "eagleeye.node"

// builder makes a graph from what a driver tells it: a vertex for each value, an
// edge from each output to each of its node's inputs, and then the operation.
// Payloads and names come from the model, found by the operation's tag.
type builder struct {
	m      *model
	g      *graph.Graph
	values map[string]*graph.Value
	edges  map[int64][]*vertex // by the output's vertex
	last   int64
	err    error
}

// vertex is a value as drivers see it. It has gonum's graph.Node and onnx-go's
// Namer as interfaces and carries no data.
type vertex struct {
	id   int64
	name string
}

func (v *vertex) ID() int64           { return v.id }
func (v *vertex) SetName(name string) { v.name = name }
func (v *vertex) GetName() string     { return v.name }

func newBuilder(m *model) *builder {
	b := &builder{
		m:      m,
		g:      &graph.Graph{Name: m.name, Opset: m.header.Opset, Meta: m.meta},
		values: make(map[string]*graph.Value, len(m.inits)+len(m.nodes)),
		edges:  map[int64][]*vertex{},
	}
	for _, t := range m.inits {
		b.values[t.name] = &graph.Value{Name: t.name, DType: t.tensor.DType, Shape: t.tensor.Shape, Const: t.tensor}
	}
	for _, v := range m.inputs {
		b.values[v.name] = &graph.Value{Name: v.name, DType: v.dtype, Shape: v.shape}
		b.g.Inputs = append(b.g.Inputs, b.values[v.name])
	}
	return b
}

func (b *builder) vertex() *vertex {
	b.last++
	return &vertex{id: b.last}
}

// edge says that the node that makes out reads in at position pos.
func (b *builder) edge(out, in *vertex, pos int) {
	list := b.edges[out.id]
	if pos != len(list) && b.err == nil {
		b.err = fmt.Errorf("%w: input %d of %q came after %d others", ErrCorrupt, pos, out.name, len(list))
	}
	b.edges[out.id] = append(list, in)
}

// apply makes the node of an operation whose edges were told.
func (b *builder) apply(op string, attrs map[string]graph.Attr, outs []*vertex) error {
	tag, ok := attrs[tagAttr]
	if b.err != nil {
		return b.err
	}
	if !ok || tag.I != int64(len(b.g.Nodes)) || tag.I >= int64(len(b.m.nodes)) || len(outs) == 0 {
		return fmt.Errorf("%w: %s was told as node %d, after %d", ErrCorrupt, op, tag.I, len(b.g.Nodes))
	}
	def := b.m.nodes[tag.I]
	n := &graph.Node{Name: def.name, Op: op}
	for _, a := range def.attrs {
		if a.Kind == graph.AttrTensor {
			attrs[a.name] = a.Attr
		}
	}
	delete(attrs, tagAttr)
	if op == "Cast" && attrs["to"].I == 10 { // float16, which graphs hold as float32
		attrs["to"] = graph.Attr{Kind: graph.AttrInt, I: 1}
	}
	if len(attrs) > 0 {
		n.Attrs = attrs
	}
	if len(def.in) > 0 { // onnx-go makes an input up for nodes that have none
		for _, in := range b.edges[outs[0].id] {
			v := b.values[in.name]
			if v == nil && in.name != "" {
				return fmt.Errorf("%w: %s reads %q before it is made", ErrCorrupt, def.label(), in.name)
			}
			n.In = append(n.In, v)
		}
	}
	for _, out := range outs {
		v := &graph.Value{Name: out.name}
		b.values[out.name] = v
		n.Out = append(n.Out, v)
		delete(b.edges, out.id)
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return nil
}

func (b *builder) finish() (*graph.Graph, error) {
	if b.err != nil {
		return nil, b.err
	}
	if len(b.g.Nodes) != len(b.m.nodes) {
		return nil, fmt.Errorf("%w: %d of %d nodes arrived", ErrCorrupt, len(b.g.Nodes), len(b.m.nodes))
	}
	for _, d := range b.m.outputs {
		v := b.values[d.name]
		v.DType, v.Shape = d.dtype, d.shape
		b.g.Outputs = append(b.g.Outputs, v)
	}
	return b.g, nil
}

// driveWire makes onnx-go's calls without onnx-go.
func driveWire(b *builder, m *model) error {
	verts := make(map[string]*vertex, len(m.nodes)+len(m.inits))
	get := func(name string) *vertex {
		v := verts[name]
		if v == nil {
			v = b.vertex()
			v.SetName(name)
			verts[name] = v
		}
		return v
	}
	for i, n := range m.nodes {
		outs := make([]*vertex, len(n.out))
		for o, name := range n.out {
			outs[o] = get(name)
			for pos, in := range n.in {
				b.edge(outs[o], get(in), pos)
			}
		}
		attrs := make(map[string]graph.Attr, len(n.attrs)+1)
		attrs[tagAttr] = graph.Attr{Kind: graph.AttrInt, I: int64(i)}
		for _, a := range n.attrs {
			if a.Kind != graph.AttrTensor {
				attrs[a.name] = a.Attr
			}
		}
		if err := b.apply(n.op, attrs, outs); err != nil {
			return err
		}
	}
	return nil
}
