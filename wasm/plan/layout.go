package plan

import (
	"fmt"
	"slices"

	"eagleeye/wasm/graph"
)

// lane is the number of channels that kernels handle at once: segments of a
// layout start and end on multiples of it.
const lane = 8

// Layout says where the channels of a value lie in a pixel. The channels are
// cut into segments and every segment is padded to a multiple of 8, so that a
// slice at a cut and a member of a concatenation are views: pixel offsets into
// a wider map. Padding channels hold the real value 0.
type Layout struct {
	Cuts   []int // logical channels where segments start, then the channel count
	Starts []int // the same places in stored channels; the last is the width
}

func newLayout(cuts []int) Layout {
	l := Layout{Cuts: cuts, Starts: make([]int, len(cuts))}
	for i := 1; i < len(cuts); i++ {
		l.Starts[i] = l.Starts[i-1] + (cuts[i]-cuts[i-1]+lane-1)/lane*lane
	}
	return l
}

// Channels is the logical channel count, Width the stored one.
func (l Layout) Channels() int { return l.Cuts[len(l.Cuts)-1] }

// Width is the number of stored channels, padding included.
func (l Layout) Width() int { return l.Starts[len(l.Starts)-1] }

// Stored returns the stored index of logical channel c; a cut at the end of
// the layout maps to its width.
func (l Layout) Stored(c int) int {
	i, exact := slices.BinarySearch(l.Cuts, c)
	if !exact {
		i--
	}
	return l.Starts[i] + c - l.Cuts[i]
}

// Logical returns the logical channel of each stored one, −1 for padding.
func (l Layout) Logical() []int {
	t := make([]int, l.Width())
	for i := range t {
		t[i] = -1
	}
	for c := range l.Channels() {
		t[l.Stored(c)] = c
	}
	return t
}

// dense says whether the layout has no padding between channels.
func (l Layout) dense() bool { return l.Stored(l.Channels()-1) == l.Channels()-1 }

// cutSets collects for every activation the channels at which it must be cut:
// the fixpoint of what its producer and its consumers ask for. Operators that
// work channel by channel hand all cuts through, a concatenation and a slice
// shift them, a convolution places its outputs freely.
type cutSets struct {
	of      map[*graph.Value]map[int]bool
	total   int // cuts of all values
	changed bool
}

// maxCuts bounds the cuts of all values: YOLOv8 has some hundreds, a hostile
// graph could have billions.
const maxCuts = 1 << 20

func (c *cutSets) add(v *graph.Value, at int) {
	if v.Const != nil || len(v.Shape) != 4 || at < 0 || at > v.Shape[1] {
		return
	}
	set := c.of[v]
	if set == nil {
		set = map[int]bool{0: true, v.Shape[1]: true}
		c.of[v] = set
	}
	if !set[at] {
		set[at] = true
		c.total++
		c.changed = true
	}
}

// share hands the cuts of src in [from, to) to dst, moved by shift.
func (c *cutSets) share(src, dst *graph.Value, from, to, shift int) {
	for at := range c.of[src] {
		if from <= at && at <= to {
			c.add(dst, at+shift)
		}
	}
}

// layouts computes the layout of every activation of a prepared graph.
func layouts(g *graph.Graph) (map[*graph.Value]Layout, error) {
	c := &cutSets{of: map[*graph.Value]map[int]bool{}}
	for _, v := range activations(g) {
		c.add(v, 0)
	}
	for c.changed = true; c.changed; {
		c.changed = false
		for i := range 2 * len(g.Nodes) { // there and back, as cuts travel both ways
			n := g.Nodes[min(i, 2*len(g.Nodes)-1-i)]
			if err := c.visit(n); err != nil {
				return nil, err
			}
			if c.total > maxCuts {
				return nil, fmt.Errorf("plan: %s %q: the model cuts its channels into too many parts", n.Op, n.Name)
			}
		}
	}
	out := map[*graph.Value]Layout{}
	for v, set := range c.of {
		cuts := make([]int, 0, len(set))
		for at := range set {
			cuts = append(cuts, at)
		}
		slices.Sort(cuts)
		out[v] = newLayout(cuts)
	}
	for _, v := range g.Inputs { // the letterbox writes R, G, B, 0
		if l := out[v]; l.Channels() == 3 {
			out[v] = Layout{Cuts: []int{0, 3}, Starts: []int{0, 4}}
		}
	}
	return out, nil
}

func (c *cutSets) visit(n *graph.Node) error {
	y := n.Out[0]
	switch n.Op {
	case "Conv":
		if len(n.In) > 3 && n.In[3] != nil {
			c.both(n.In[3], y)
		}
	case "MaxPool", "Upsample", "Sigmoid", "SiLU", "Softmax", "Add", "Mul":
		for _, x := range n.In {
			if x != nil {
				c.both(x, y)
			}
		}
	case "Concat":
		at := 0
		for _, x := range n.In {
			k := x.Shape[1]
			c.add(y, at)
			c.share(x, y, 0, k, at)
			c.share(y, x, at, at+k, -at)
			at += k
		}
	case "Slice":
		x, start, end := n.In[0], int(n.Int("start", 0)), int(n.Int("end", 0))
		if start < 0 || end > x.Shape[1] || end-start != y.Shape[1] {
			return fmt.Errorf("plan: %s %q takes channels %d to %d of %v and gives %v", n.Op, n.Name, start, end, x.Shape, y.Shape)
		}
		c.add(x, start)
		c.add(x, end)
		c.share(x, y, start, end, -start)
		c.share(y, x, 0, end-start, start)
	}
	return nil
}

func (c *cutSets) both(a, b *graph.Value) {
	if a.Const != nil || len(a.Shape) != 4 || len(b.Shape) != 4 {
		return
	}
	c.share(a, b, 0, a.Shape[1], 0)
	c.share(b, a, 0, b.Shape[1], 0)
}

// activations lists the graph's inputs and the results of its nodes, without
// what Detect gives.
func activations(g *graph.Graph) []*graph.Value {
	vs := slices.Clone(g.Inputs)
	for _, n := range g.Nodes {
		if n.Op != "Detect" {
			vs = append(vs, n.Out...)
		}
	}
	return vs
}
