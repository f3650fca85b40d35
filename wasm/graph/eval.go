package graph

import "fmt"

// Eval runs a graph on inputs by name with plain Go loops and returns the
// graph's outputs by name. It is the reference that folding, verification and
// tests rely on: float32 arithmetic (float16 is computed as float32), sigmoids
// and exponentials rounded from double precision. Dynamic dimensions take the
// inputs' sizes. A value with Quant is rounded to its grid, a quantized
// constant read as its real numbers.
func Eval(g *Graph, inputs map[string]*Tensor) (map[string]*Tensor, error) {
	in := map[*Value]*array{}
	for _, v := range g.Inputs {
		t := inputs[v.Name]
		if t == nil {
			return nil, fmt.Errorf("input %q is missing", v.Name)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("input %q: %w", v.Name, err)
		}
		if len(v.Shape) > 0 && !fits(t.Shape, v.Shape) {
			return nil, fmt.Errorf("input %q is %v, want %v", v.Name, t.Shape, v.Shape)
		}
		in[v] = tensorArray(t).load()
	}
	results, err := evalNodes(g, in)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Tensor, len(results))
	for i, v := range g.Outputs {
		out[v.Name] = results[i].tensor()
	}
	return out, nil
}

// fits tells whether a shape agrees with another that may have unknown (−1)
// dimensions.
func fits(shape, want []int) bool {
	if len(shape) != len(want) {
		return false
	}
	for i, d := range want {
		if d >= 0 && shape[i] != d {
			return false
		}
	}
	return true
}

// evalNodes interprets the nodes for known inputs and returns the graph's
// outputs in order. A result is forgotten after its last use.
func evalNodes(g *Graph, have map[*Value]*array) ([]*array, error) {
	left := map[*Value]int{}
	for v, readers := range users(g) {
		left[v] = len(readers)
	}
	get := func(v *Value) (*array, error) {
		if v == nil {
			return nil, nil
		}
		if a, ok := have[v]; ok {
			return a, nil
		}
		if v.Const == nil {
			return nil, fmt.Errorf("value %q has not been computed", v.Name)
		}
		a := constArray(v)
		if have[v] = a; left[v] == 1 {
			delete(have, v)
		}
		return a, nil
	}
	for _, v := range g.Inputs {
		if a := have[v]; a != nil && v.Quant != nil {
			have[v] = grid(a, v.Quant)
		}
	}
	for _, n := range g.Nodes {
		c := &call{n: n, opset: g.Opset, in: make([]*array, len(n.In))}
		for k, v := range n.In {
			var err error
			if c.in[k], err = get(v); err != nil {
				return nil, fmt.Errorf("node %s: %w", n, err)
			}
		}
		if err := c.eval(); err != nil {
			return nil, fmt.Errorf("node %s: %w", n, err)
		}
		for k, v := range n.Out {
			if v == nil || left[v] == 0 {
				continue
			}
			have[v] = c.out[k]
			if v.Quant != nil {
				have[v] = grid(c.out[k], v.Quant)
			}
		}
		for _, v := range n.In {
			if v == nil {
				continue
			}
			if left[v]--; left[v] == 0 {
				delete(have, v)
			}
		}
	}
	out := make([]*array, len(g.Outputs))
	for i, v := range g.Outputs {
		a, err := get(v)
		if err != nil {
			return nil, fmt.Errorf("output: %w", err)
		}
		out[i] = a.load()
	}
	return out, nil
}

// grid returns a copy of an activation rounded to its quantized grid.
func grid(a *array, q *Quant) *array {
	out := &array{dt: a.dt, shape: a.shape, f: append([]float32(nil), a.f...)}
	q.round(out.f)
	return out
}
