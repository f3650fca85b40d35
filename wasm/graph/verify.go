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
