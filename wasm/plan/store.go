package plan

import (
	"fmt"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// repr is how the elements of a map are stored: float32, or uint8 with
// real = scale·(q − zero).
type repr struct {
	u8    bool
	scale float32
	zero  int32
}

var float = repr{}

func (r repr) size() int {
	if r.u8 {
		return 1
	}
	return 4
}

// reprs chooses the representation of every activation. A value with Quant is
// uint8 on that grid, and so is what only picks among its elements; other
// values are float32.
func reprs(g *graph.Graph) (map[*graph.Value]repr, error) {
	r := map[*graph.Value]repr{}
	fixed := map[*graph.Value]bool{}
	for _, v := range activations(g) {
		q := v.Quant
		if q == nil {
			continue
		}
		if len(q.Scale) != 1 || len(q.Zero) != 1 || (q.DType != graph.Uint8 && q.DType != graph.Int8) {
			return nil, fmt.Errorf("plan: value %q: activations are quantized per tensor to 8 bits, not with %d scales to %v", v.Name, len(q.Scale), q.DType)
		}
		zero := q.Zero[0]
		if q.DType == graph.Int8 { // stored as q + 128
			zero += 128
		}
		if !(q.Scale[0] > 0) || zero < 0 || zero > 255 {
			return nil, fmt.Errorf("plan: value %q: bad quantization scale %v, zero %d", v.Name, q.Scale[0], zero)
		}
		r[v], fixed[v] = repr{true, q.Scale[0], zero}, true
	}
	for _, v := range g.Inputs { // the picture's bytes are the finest grid there is
		if fixed[v] {
			r[v] = repr{true, 1.0 / 255, 0}
		}
	}
	outputs := map[*graph.Value]bool{}
	for _, v := range g.Outputs {
		outputs[v] = true
	}
	users := consumers(g)
	for changed := true; changed; {
		changed = false
		set := func(v *graph.Value, to repr) {
			if !fixed[v] && to.u8 && v.Const == nil {
				r[v], fixed[v], changed = to, true, true
			}
		}
		for _, n := range g.Nodes { // forwards: picking stays on the grid
			if to, ok := common(r, n.In); ok && picks(n) && !outputs[n.Out[0]] {
				set(n.Out[0], to)
			}
		}
		for i := len(g.Nodes) - 1; i >= 0; i-- { // backwards: rounding before picking is the same
			for _, x := range g.Nodes[i].In {
				if x == nil || fixed[x] || outputs[x] || isInput(g, x) {
					continue
				}
				if to, ok := commonUse(r, users[x]); ok {
					set(x, to)
				}
			}
		}
	}
	return r, nil
}

// picks says whether the elements of a node's result are elements of its
// inputs.
func picks(n *graph.Node) bool {
	switch n.Op {
	case "Concat", "Slice", "MaxPool", "Upsample":
		return true
	}
	return false
}

func common(r map[*graph.Value]repr, vs []*graph.Value) (repr, bool) {
	for _, v := range vs {
		if v == nil || !r[v].u8 || r[v] != r[vs[0]] {
			return float, false
		}
	}
	return r[vs[0]], len(vs) > 0
}

func commonUse(r map[*graph.Value]repr, users []*graph.Node) (repr, bool) {
	if len(users) == 0 {
		return float, false
	}
	first := r[users[0].Out[0]]
	for _, n := range users {
		if !picks(n) || !r[n.Out[0]].u8 || r[n.Out[0]] != first {
			return float, false
		}
	}
	return first, true
}

func consumers(g *graph.Graph) map[*graph.Value][]*graph.Node {
	m := map[*graph.Value][]*graph.Node{}
	for _, n := range g.Nodes {
		for _, x := range n.In {
			if x != nil {
				m[x] = append(m[x], n)
			}
		}
	}
	return m
}

func isInput(g *graph.Graph, v *graph.Value) bool {
	for _, in := range g.Inputs {
		if in == v {
			return true
		}
	}
	return false
}

// area is the storage of a map [h][w][width], or a channel range of another
// area. Only an area without parent has a buffer.
type area struct {
	parent *area
	at     int // first channel in parent

	h, w, width int
	size        int // bytes of an element
	pad         int // pixels of border on every side
	buf         *buffer
}

// root resolves a channel of an area in the area that has the storage.
func (a *area) root(at int) (*area, int) {
	for a.parent != nil {
		at += a.at
		a = a.parent
	}
	return a, at
}

func (a *area) pix() int { return a.width * a.size }
func (a *area) row() int { return (a.w + 2*a.pad) * a.pix() }
func (a *area) bytes() int64 {
	return int64(a.h+2*a.pad) * int64(a.w+2*a.pad) * int64(a.width) * int64(a.size)
}

// ref is a value in one representation, stored in an area from channel at on.
type ref struct {
	repr
	area *area
	at   int
	h, w int
	lay  Layout
	size int  // bytes of an element; 2 for a widened copy
	fine bool // a float map that is computed on as numbers of 16 bits: real = scale·number
}

func (r ref) width() int { return r.lay.Width() }

func (r ref) buffer() *buffer {
	a, _ := r.area.root(r.at)
	return a.buf
}

// place returns the map of a value once the arena stands at base.
func (r ref) place(base int64) kernels.Map {
	a, at := r.area.root(r.at)
	addr := base + a.buf.addr + int64(a.pad)*int64(a.row()+a.pix()) + int64(at*a.size)
	return kernels.Map{Addr: uint32(addr), Row: int32(a.row()), Pix: int32(a.pix())}
}

// store gives every activation its place: slices are views of what they slice,
// members of a concatenation lie in it where that is possible.
func (b *builder) store() error {
	b.refs = map[*graph.Value]ref{}
	for _, v := range b.g.Inputs {
		b.own(v)
	}
	for _, n := range b.g.Nodes {
		if n.Op == "Detect" {
			continue
		}
		y := n.Out[0]
		x, stored := ref{}, false
		if n.Op == "Slice" {
			x, stored = b.refs[n.In[0]]
		}
		if stored && b.reprs[y] == x.repr {
			r := x
			r.lay, r.at = b.lays[y], x.at+x.lay.Stored(int(n.Int("start", 0)))
			b.refs[y] = r
			continue
		}
		b.own(y)
		if n.Op == "Concat" {
			b.joinMembers(n)
		}
	}
	return nil
}

func (b *builder) own(v *graph.Value) {
	r := ref{repr: b.reprs[v], h: v.Shape[2], w: v.Shape[3], lay: b.lays[v], size: b.reprs[v].size()}
	r.area = &area{h: r.h, w: r.w, width: r.width(), size: r.size}
	b.refs[v] = r
}

// joinMembers moves the areas of a concatenation's members into its own, each
// only if everything in that area then lies where the concatenation wants it.
func (b *builder) joinMembers(n *graph.Node) {
	y := b.refs[n.Out[0]]
	starts := memberStarts(n, y.lay)
	for i, v := range n.In {
		x := b.refs[v]
		a, at := x.area.root(x.at)
		delta := starts[i] - at
		if x.repr != y.repr || isInput(b.g, v) || a == y.area || delta < 0 || delta+a.width > y.width() {
			continue
		}
		fits := true
		for j, other := range n.In {
			o := b.refs[other]
			if starts[j] >= delta+a.width || starts[j]+o.width() <= delta {
				continue
			}
			oa, oat := o.area.root(o.at)
			fits = fits && oa == a && oat+delta == starts[j]
		}
		if fits {
			a.parent, a.at = y.area, delta
		}
	}
}

// memberStarts returns the stored channel at which each member of a
// concatenation starts.
func memberStarts(n *graph.Node, lay Layout) []int {
	starts, at := make([]int, len(n.In)), 0
	for i, x := range n.In {
		starts[i] = lay.Stored(at)
		at += x.Shape[1]
	}
	return starts
}
