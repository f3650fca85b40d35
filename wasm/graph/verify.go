package graph

import (
	"errors"
	"fmt"
)

// ErrInvalid marks a graph that breaks the rules of the representation: no
// model that a sound ONNX file holds does.
var ErrInvalid = errors.New("invalid graph")

// Verify checks what every pass relies on: nodes in topological order, each
// value defined once (constant, graph input or one node), nothing used that is
// not defined, unique names, outputs present, and constants whose payload has
// the size that shape and type say.
func (g *Graph) Verify() error {
	v := verifier{defined: map[*Value]bool{}, names: map[string]*Value{}, checked: map[*Value]bool{}}
	for i, in := range g.Inputs {
		if in == nil {
			return fmt.Errorf("%w: input %d is nil", ErrInvalid, i)
		}
		if in.Const != nil {
			return fmt.Errorf("%w: input %q is a constant", ErrInvalid, in.Name)
		}
		if err := v.define(in, "graph input"); err != nil {
			return err
		}
	}
	for i, n := range g.Nodes {
		if n == nil {
			return fmt.Errorf("%w: node %d is nil", ErrInvalid, i)
		}
		if err := v.node(n); err != nil {
			return fmt.Errorf("%w: node %s: %w", ErrInvalid, n, err)
		}
	}
	if len(g.Outputs) == 0 {
		return fmt.Errorf("%w: no outputs", ErrInvalid)
	}
	for i, out := range g.Outputs {
		if out == nil {
			return fmt.Errorf("%w: output %d is nil", ErrInvalid, i)
		}
		if err := v.use(out); err != nil {
			return fmt.Errorf("%w: output: %w", ErrInvalid, err)
		}
	}
	return nil
}

// String names a node for messages: "/model.0/conv/Conv" (Conv).
func (n *Node) String() string { return fmt.Sprintf("%q (%s)", n.Name, n.Op) }

type verifier struct {
	defined map[*Value]bool
	names   map[string]*Value
	checked map[*Value]bool // constants
}

func (v *verifier) node(n *Node) error {
	for _, in := range n.In {
		if in == nil {
			continue
		}
		if err := v.use(in); err != nil {
			return err
		}
	}
	if len(n.Out) == 0 {
		return fmt.Errorf("no outputs")
	}
	for _, out := range n.Out {
		if out == nil {
			continue // an omitted optional output
		}
		if out.Const != nil {
			return fmt.Errorf("output %q is a constant", out.Name)
		}
		if err := v.define(out, "output"); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) define(x *Value, what string) error {
	if v.defined[x] {
		return fmt.Errorf("%s %q is defined twice", what, x.Name)
	}
	v.defined[x] = true
	return v.name(x)
}

func (v *verifier) name(x *Value) error {
	if old, ok := v.names[x.Name]; ok && old != x {
		return fmt.Errorf("two values are called %q", x.Name)
	}
	v.names[x.Name] = x
	return nil
}

func (v *verifier) use(x *Value) error {
	if x.Const == nil {
		if !v.defined[x] {
			return fmt.Errorf("value %q is used before anything defines it", x.Name)
		}
		return nil
	}
	if v.checked[x] {
		return nil
	}
	v.checked[x] = true
	if err := x.Const.check(); err != nil {
		return fmt.Errorf("constant %q: %w", x.Name, err)
	}
	if q := x.Quant; q != nil {
		if err := q.check(x.Const.Shape); err != nil {
			return fmt.Errorf("constant %q: %w", x.Name, err)
		}
	}
	return v.name(x)
}

func (q *Quant) check(shape []int) error {
	if len(q.Scale) == 0 || len(q.Scale) != len(q.Zero) {
		return fmt.Errorf("%d scales and %d zero points", len(q.Scale), len(q.Zero))
	}
	if len(q.Scale) > 1 && (q.Axis < 0 || q.Axis >= len(shape) || shape[q.Axis] != len(q.Scale)) {
		return fmt.Errorf("%d scales do not fit axis %d of shape %v", len(q.Scale), q.Axis, shape)
	}
	return nil
}

// producers maps each value to the node that makes it.
func producers(g *Graph) map[*Value]*Node {
	m := make(map[*Value]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, o := range n.Out {
			if o != nil {
				m[o] = n
			}
		}
	}
	return m
}

// users maps each value to the nodes that read it, once per operand. A graph
// output counts as a use by a nil node.
func users(g *Graph) map[*Value][]*Node {
	m := make(map[*Value][]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.In {
			if in != nil {
				m[in] = append(m[in], n)
			}
		}
	}
	for _, o := range g.Outputs {
		m[o] = append(m[o], nil)
	}
	return m
}

// replace makes every reader of a value, the graph's outputs included, read
// the value that by maps it to.
func replace(g *Graph, by map[*Value]*Value) {
	if len(by) == 0 {
		return
	}
	final := func(v *Value) *Value {
		for by[v] != nil {
			v = by[v]
		}
		return v
	}
	for _, n := range g.Nodes {
		for i, in := range n.In {
			if in != nil {
				n.In[i] = final(in)
			}
		}
	}
	for i, o := range g.Outputs {
		g.Outputs[i] = final(o)
	}
}

// removeNodes drops the marked nodes, keeping the order of the others.
func removeNodes(g *Graph, dead map[*Node]bool) {
	if len(dead) == 0 {
		return
	}
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		if !dead[n] {
			kept = append(kept, n)
		}
	}
	clear(g.Nodes[len(kept):])
	g.Nodes = kept
}

// DropDead removes nodes whose results nothing reads.
func DropDead(g *Graph) error {
	live := map[*Value]bool{}
	for _, o := range g.Outputs {
		live[o] = true
	}
	dead := map[*Node]bool{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		used := false
		for _, o := range n.Out {
			used = used || live[o]
		}
		if !used {
			dead[n] = true
			continue
		}
		for _, in := range n.In {
			if in != nil {
				live[in] = true
			}
		}
	}
	removeNodes(g, dead)
	return nil
}

// Clone copies a graph: nodes, values and attributes are new, the payloads of
// constants are shared (no pass writes into a payload).
func Clone(g *Graph) *Graph {
	c := &Graph{Name: g.Name, Opset: g.Opset, Meta: make(map[string]string, len(g.Meta))}
	for k, v := range g.Meta {
		c.Meta[k] = v
	}
	seen := map[*Value]*Value{}
	value := func(v *Value) *Value {
		if v == nil {
			return nil
		}
		if n, ok := seen[v]; ok {
			return n
		}
		n := *v
		n.Shape = append([]int(nil), v.Shape...)
		if v.Shape != nil && n.Shape == nil {
			n.Shape = []int{}
		}
		if v.Quant != nil {
			q := *v.Quant
			n.Quant = &q
		}
		seen[v] = &n
		return &n
	}
	values := func(vs []*Value) []*Value {
		out := make([]*Value, len(vs))
		for i, v := range vs {
			out[i] = value(v)
		}
		return out
	}
	c.Inputs = values(g.Inputs)
	c.Nodes = make([]*Node, len(g.Nodes))
	for i, n := range g.Nodes {
		m := &Node{Name: n.Name, Op: n.Op, In: values(n.In), Out: values(n.Out), Attrs: make(map[string]Attr, len(n.Attrs))}
		for k, a := range n.Attrs {
			m.Attrs[k] = a
		}
		c.Nodes[i] = m
	}
	c.Outputs = values(g.Outputs)
	return c
}
