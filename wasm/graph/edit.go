package graph

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

// FloatOnly returns a copy of a prepared graph without quantization: int8
// weights become the float32 numbers that they stand for, and activations are
// no longer rounded.
func FloatOnly(g *Graph) *Graph {
	g = Clone(g)
	done := map[*Value]bool{}
	drop := func(v *Value) {
		if v == nil || v.Quant == nil || done[v] {
			return
		}
		done[v] = true
		if v.Const != nil {
			v.Const = FloatTensor(dequantize(v.Const, v.Quant), v.Const.Shape...)
			v.DType = Float32
		}
		v.Quant = nil
	}
	for _, v := range g.Inputs {
		drop(v)
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			drop(v)
		}
		for _, v := range n.Out {
			drop(v)
		}
	}
	return g
}

// FloatHead returns a copy of a prepared graph whose head computes in float32:
// what lies between the feature maps, which others read as well, and Detect is
// no longer rounded. Weights keep the numbers that their integers stand for.
func FloatHead(g *Graph) *Graph {
	g = Clone(g)
	made, readers := map[*Value]*Node{}, map[*Value]int{}
	var ends []*Value
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			made[v] = n
		}
		for _, v := range n.In {
			readers[v]++
		}
		if n.Op == "Detect" {
			ends = n.In
		}
	}
	for _, v := range ends {
		for n := made[v]; n != nil && n.Op == "Conv"; n = made[n.In[0]] {
			if in := n.In[0]; readers[in] > 1 || made[in] == nil || made[in].Op != "Conv" {
				break
			}
			n.In[0].Quant = nil
		}
	}
	return g
}

// FloatConvs counts the convolutions of a prepared graph that read floats.
func FloatConvs(g *Graph) int {
	count := 0
	for _, n := range g.Nodes {
		if n.Op == "Conv" && n.In[0].Quant == nil {
			count++
		}
	}
	return count
}

// Quantized says that a convolution of a prepared graph reads bytes.
func Quantized(g *Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == "Conv" && n.In[0].Quant != nil {
			return true
		}
	}
	return false
}
