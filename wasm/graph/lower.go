package graph

import "fmt"

// lower rewrites what is before the head in this package's forms: explicit
// windows on Conv and MaxPool, Resize as a whole factor, Split and Slice as
// ranges of channels. It needs shapes; what it makes depends on none but the
// channels, so the result fits any input size.
func lower(g *Graph) error {
	var nodes []*Node
	for _, n := range g.Nodes {
		out, err := lowerNode(g, n)
		if err != nil {
			return fmt.Errorf("node %s: %w", n, err)
		}
		nodes = append(nodes, out...)
	}
	g.Nodes = nodes
	return nil
}

func lowerNode(g *Graph, n *Node) ([]*Node, error) {
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
	switch n.Op {
	case "Conv":
		return lowerConv(n)
	case "MaxPool":
		w, err := windowOf(n, n.In[0].Shape, nil)
		if err != nil {
			return nil, err
		}
		if w.d != [2]int{1, 1} {
			return nil, fmt.Errorf("%w: dilations %v", ErrUnsupported, w.d)
		}
		n.Out, n.Attrs = n.Out[:1], w.attrs()
	case "Resize", "Upsample":
		r, err := resizeOf(c)
		if err != nil {
			return nil, err
		}
		f, err := r.factor(n.In[0].Shape)
		if err != nil {
			return nil, err
		}
		n.Op, n.In, n.Attrs = "Upsample", n.In[:1], map[string]Attr{"factor": {Kind: AttrInt, I: int64(f)}}
	case "Split":
		return lowerSplit(c)
	case "Slice":
		return lowerSlice(c)
	case "Concat", "Softmax":
		def := int64(-1)
		if g.Opset < 13 {
			def = 1
		}
		a, err := axis(n.Int("axis", def), len(n.In[0].Shape))
		if err != nil {
			return nil, err
		}
		if n.Op == "Softmax" && g.Opset < 13 && a != len(n.In[0].Shape)-1 {
			return nil, fmt.Errorf("%w: a softmax over several dimensions", ErrUnsupported)
		}
		n.Attrs = map[string]Attr{"axis": {Kind: AttrInt, I: int64(a)}}
	}
	return []*Node{n}, nil
}

// attrs writes a window as ONNX attributes.
func (w *window) attrs() map[string]Attr {
	ints := func(v ...int) Attr {
		l := make([]int64, len(v))
		for i, x := range v {
			l[i] = int64(x)
		}
		return Attr{Kind: AttrInts, Ints: l}
	}
	return map[string]Attr{
		"kernel_shape": ints(w.k[:]...), "strides": ints(w.s[:]...), "pads": ints(w.pad[:]...), "dilations": ints(w.d[:]...),
	}
}

func lowerConv(n *Node) ([]*Node, error) {
	k := n.In[1]
	if k.Const == nil {
		return nil, fmt.Errorf("%w: its weights are not constant", ErrUnsupported)
	}
	w, err := windowOf(n, n.In[0].Shape, []int64{int64(k.Const.Shape[2]), int64(k.Const.Shape[3])})
	if err != nil {
		return nil, err
	}
	attrs := w.attrs()
	attrs["group"] = Attr{Kind: AttrInt, I: n.Int("group", 1)}
	attrs["act"] = Attr{Kind: AttrString}
	n.Attrs = attrs
	if len(n.In) == 2 {
		n.In = append(n.In, nil)
	}
	if b := n.In[2]; b != nil && b.Const == nil {
		return nil, fmt.Errorf("%w: its bias is not constant", ErrUnsupported)
	}
	return []*Node{n}, nil
}

func channels(n *Node, name string, start, end int, in, out *Value) *Node {
	return &Node{Name: name, Op: "Slice", In: []*Value{in}, Out: []*Value{out}, Attrs: map[string]Attr{
		"start": {Kind: AttrInt, I: int64(start)}, "end": {Kind: AttrInt, I: int64(end)},
	}}
}

func lowerSplit(c *call) ([]*Node, error) {
	n := c.n
	ax, sizes, err := splitSizes(c)
	if err != nil {
		return nil, err
	}
	if ax != 1 || len(n.In[0].Shape) != 4 {
		return nil, fmt.Errorf("%w: axis %d, only channels (1)", ErrUnsupported, ax)
	}
	var nodes []*Node
	at := 0
	for k, size := range sizes {
		if out := n.Out[k]; out != nil && size > 0 {
			nodes = append(nodes, channels(n, fmt.Sprintf("%s:%d", n.Name, k), at, at+size, n.In[0], out))
		}
		at += size
	}
	return nodes, nil
}

func lowerSlice(c *call) ([]*Node, error) {
	ranges, err := sliceRanges(c)
	if err != nil {
		return nil, err
	}
	shape := c.in[0].shape
	for i, r := range ranges {
		if r.step != 1 || i != 1 && r.n != shape[i] || len(ranges) != 4 || r.n == 0 {
			return nil, fmt.Errorf("%w: it cuts %v other than into ranges of channels", ErrUnsupported, shape)
		}
	}
	n := c.n
	return []*Node{channels(n, n.Name, ranges[1].start, ranges[1].start+ranges[1].n, n.In[0], n.Out[0])}, nil
}
