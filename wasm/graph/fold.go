package graph

import "fmt"

// Folding may make foldFloor numbers over a whole graph and foldFactor times
// what the file's constants have, sums' terms counted: a small file can neither
// make a large memory nor take minutes.
const (
	foldFloor  = 1 << 24
	foldFactor = 4
)

// Fold infers the type and shape of every value from the graph inputs' (which
// must be known) and computes at once what depends on constants and shapes
// only. Dequantized constants stay as they are: LiftQDQ needs them. A folded
// value loses its grid: a constant needs none.
func Fold(g *Graph) error {
	budget := foldFloor + foldFactor*constantElements(g)
	dead := map[*Node]bool{}
	known := map[*Value]*array{}
	for _, v := range g.Inputs {
		if _, err := elements(v.Shape); err != nil {
			return fmt.Errorf("input %q: %w", v.Name, err)
		}
		known[v] = &array{dt: v.DType, shape: v.Shape}
	}
	for _, n := range g.Nodes {
		c := &call{n: n, opset: g.Opset, in: make([]*array, len(n.In))}
		constant := n.Op != "DequantizeLinear"
		for k, v := range n.In {
			if v == nil {
				continue
			}
			if known[v] == nil {
				if v.Const == nil {
					return fmt.Errorf("node %s: %w: input %q has no shape", n, ErrInvalid, v.Name)
				}
				known[v] = constArray(v)
			}
			c.in[k] = known[v]
			constant = constant && known[v].known() || n.Op == "Shape"
		}
		if err := c.infer(); err != nil {
			return fmt.Errorf("node %s: %w", n, err)
		}
		if constant {
			if err := c.fold(&budget); err != nil {
				return fmt.Errorf("node %s: %w", n, err)
			}
			dead[n] = true
		}
		for k, v := range n.Out {
			if v == nil {
				continue
			}
			a := c.out[k]
			if a == nil {
				return fmt.Errorf("node %s: %w: output %q is not defined", n, ErrUnsupported, v.Name)
			}
			known[v] = a
			v.DType, v.Shape = a.dt, a.shape
			if constant {
				v.Const = a.tensor()
				v.DType, v.Quant = v.Const.DType, nil
			}
		}
	}
	removeNodes(g, dead)
	return nil
}

// constantElements counts the elements of all constants that nodes read.
func constantElements(g *Graph) int {
	sum := 0
	seen := map[*Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil && v.Const != nil && !seen[v] {
				seen[v] = true
				sum += v.Const.Len()
			}
		}
	}
	return sum
}

// terms is the number of operands behind each number of a node's result, where
// it may be large: a window's.
func terms(n *Node) int {
	switch n.Op {
	case "Conv":
		if w := n.In[1].Const; w != nil && len(w.Shape) > 0 {
			return w.Len() / max(w.Shape[0], 1)
		}
	case "MaxPool":
		if k := n.Ints("kernel_shape"); len(k) == 2 {
			return int(k[0] * k[1])
		}
	}
	return 1
}

// fold computes a node at compile time.
func (c *call) fold(budget *int) error {
	for _, a := range c.out {
		if a != nil {
			*budget -= a.len() * terms(c.n)
		}
	}
	if *budget < 0 {
		return fmt.Errorf("%w: its constants grow beyond all measure", ErrUnsupported)
	}
	if c.n.Op == "Shape" { // its operand's elements need not be known
		if err := c.infer(); err != nil {
			return err
		}
		return evalShape(c)
	}
	return c.eval()
}

// infer sets the type and shape of every value of a graph whose constants are
// weights only, for the present shapes of the inputs.
func infer(g *Graph) error {
	for _, n := range g.Nodes {
		c := &call{n: n, opset: g.Opset, in: make([]*array, len(n.In))}
		for k, v := range n.In {
			switch {
			case v == nil:
			case v.Const != nil:
				c.in[k] = constArray(v)
			default:
				c.in[k] = &array{dt: v.DType, shape: v.Shape}
			}
		}
		if err := c.infer(); err != nil {
			return fmt.Errorf("node %s: %w", n, err)
		}
		for k, v := range n.Out {
			if v != nil && c.out[k] != nil {
				v.DType, v.Shape = c.out[k].dt, c.out[k].shape
			}
		}
	}
	return nil
}
