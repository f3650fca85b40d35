//go:build !js

package plan

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
)

// maker builds random prepared graphs: every operator, odd channel counts,
// slices of slices, nested and overlapping concatenations, any mix of grids.
type maker struct {
	*rand.Rand
	g     *graph.Graph
	quant float64 // share of values with a grid
}

func (m *maker) pick() *graph.Value {
	n := m.g.Nodes[m.IntN(len(m.g.Nodes))]
	if m.IntN(2) == 0 { // prefer recent values, so that chains get long
		n = m.g.Nodes[len(m.g.Nodes)-1-m.IntN(min(3, len(m.g.Nodes)))]
	}
	return n.Out[0]
}

func (m *maker) node(op string, attrs map[string]graph.Attr, shape []int, in ...*graph.Value) *graph.Value {
	id := fmt.Sprintf("v%d", len(m.g.Nodes))
	v := &graph.Value{Name: id, DType: graph.Float32, Shape: shape}
	if m.Float64() < m.quant {
		v.Quant = m.grid()
	}
	m.g.Nodes = append(m.g.Nodes, &graph.Node{Name: op + " " + id, Op: op, In: in, Out: []*graph.Value{v}, Attrs: attrs})
	return v
}

func (m *maker) grid() *graph.Quant {
	grids := [...]graph.Quant{{Scale: []float32{0.02}, Zero: []int32{14}}, {Scale: []float32{0.013}, Zero: []int32{128}}, {Scale: []float32{0.05}, Zero: []int32{0}}}
	q := grids[m.IntN(len(grids))]
	q.DType = graph.Uint8
	return &q
}

func (m *maker) conv(x *graph.Value) {
	o, k := 1+m.IntN(20), 1+2*m.IntN(3)
	s, dil, group := 1+m.IntN(2), 1, 1
	if m.IntN(4) == 0 {
		dil = 2
	}
	if m.IntN(4) == 0 && x != m.g.Inputs[0] { // depthwise
		group = x.Shape[1]
		o = group
	}
	top, left, bottom, right := m.IntN(k), m.IntN(k), m.IntN(k), m.IntN(k)
	h := (x.Shape[2]+top+bottom-dil*(k-1)-1)/s + 1
	w := (x.Shape[3]+left+right-dil*(k-1)-1)/s + 1
	if x.Shape[2]+top+bottom < dil*(k-1)+1 || x.Shape[3]+left+right < dil*(k-1)+1 {
		return
	}
	shape := []int{o, x.Shape[1] / group, k, k}
	weights := &graph.Value{Name: fmt.Sprintf("w%d", len(m.g.Nodes)), Shape: shape}
	n := o * shape[1] * k * k
	switch m.IntN(3) {
	case 0:
		t := &graph.Tensor{DType: graph.Int8, Shape: shape}
		weights.Quant = &graph.Quant{DType: graph.Int8}
		most := 127
		if len(m.g.Nodes)%2 == 0 { // small enough for the kernels of bytes
			most = kernels.LaneLimit / 4
		}
		for range n {
			t.Data = append(t.Data, byte(m.IntN(2*most+1)-most))
		}
		for range o {
			weights.Quant.Scale = append(weights.Quant.Scale, float32(m.Float64())/float32(100*k*k))
			weights.Quant.Zero = append(weights.Quant.Zero, 0)
		}
		weights.DType, weights.Const = graph.Int8, t
	default:
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(m.NormFloat64()) / float32(k*k)
		}
		weights.DType, weights.Const = graph.Float32, graph.FloatTensor(v, shape...)
	}
	in := []*graph.Value{x, weights}
	var bias *graph.Value
	if m.IntN(3) > 0 {
		v := make([]float32, o)
		for i := range v {
			v[i] = float32(m.NormFloat64())
		}
		bias = &graph.Value{Name: weights.Name + ".bias", DType: graph.Float32, Shape: []int{o}, Const: graph.FloatTensor(v, o)}
	}
	in = append(in, bias)
	out := []int{1, o, h, w}
	for _, n := range m.g.Nodes {
		if slices.Equal(n.Out[0].Shape, out) && m.IntN(2) == 0 {
			in = append(in, n.Out[0])
			break
		}
	}
	attrs := map[string]graph.Attr{
		"kernel_shape": ints(int64(k), int64(k)), "strides": ints(int64(s), int64(s)), "dilations": ints(int64(dil), int64(dil)),
		"pads": ints(int64(top), int64(left), int64(bottom), int64(right)), "group": num(int64(group)),
	}
	if m.IntN(2) == 0 {
		attrs["act"] = graph.Attr{Kind: graph.AttrString, S: "SiLU"}
	}
	m.node("Conv", attrs, out, in...)
}

func (m *maker) step() {
	x := m.pick()
	c, h, w := x.Shape[1], x.Shape[2], x.Shape[3]
	switch m.IntN(10) {
	case 0, 1, 2:
		m.conv(x)
	case 3, 4:
		if c > 1 {
			start := m.IntN(c)
			end := start + 1 + m.IntN(c-start)
			m.node("Slice", map[string]graph.Attr{"start": num(int64(start)), "end": num(int64(end))}, []int{1, end - start, h, w}, x)
		}
	case 5, 6:
		in, total := []*graph.Value{x}, c
		for range 1 + m.IntN(3) {
			if y := m.pick(); y.Shape[2] == h && y.Shape[3] == w && total < 100 {
				in, total = append(in, y), total+y.Shape[1]
			}
		}
		m.node("Concat", map[string]graph.Attr{"axis": num(1)}, []int{1, total, h, w}, in...)
	case 7:
		k := 1 + m.IntN(5)
		pad := m.IntN(k/2 + 1)
		s := 1 + m.IntN(2)
		if h+2*pad >= k && w+2*pad >= k {
			m.node("MaxPool", map[string]graph.Attr{"kernel_shape": ints(int64(k), int64(k)), "strides": ints(int64(s), int64(s)),
				"pads": ints(int64(pad), int64(pad), int64(pad), int64(pad))}, []int{1, c, (h+2*pad-k)/s + 1, (w+2*pad-k)/s + 1}, x)
		}
	case 8:
		if h*w < 300 {
			m.node("Upsample", map[string]graph.Attr{"factor": num(2)}, []int{1, c, 2 * h, 2 * w}, x)
		}
	case 9:
		op := []string{"Sigmoid", "SiLU", "Add", "Mul"}[m.IntN(4)]
		in := []*graph.Value{x}
		if op == "Add" || op == "Mul" {
			in = append(in, x)
			if y := m.pick(); slices.Equal(y.Shape, x.Shape) {
				in[1] = y
			}
		}
		m.node(op, nil, slices.Clone(x.Shape), in...)
	}
}

func randomGraph(seed uint64) *graph.Graph {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1)), g: &graph.Graph{Opset: 13}}
	m.quant = []float64{0, 0.3, 0.8, 1}[m.IntN(4)]
	in := &graph.Value{Name: "images", DType: graph.Float32, Shape: []int{1, 3, 4 + m.IntN(12), 4 + m.IntN(12)}}
	if m.quant > 0.5 {
		in.Quant = &graph.Quant{DType: graph.Uint8, Scale: []float32{1.0 / 255}, Zero: []int32{0}}
	}
	m.g.Inputs = []*graph.Value{in}
	for len(m.g.Nodes) == 0 {
		m.conv(in)
	}
	for range 4 + m.IntN(25) {
		m.step()
	}
	used := consumers(m.g)
	for _, n := range m.g.Nodes {
		if len(used[n.Out[0]]) == 0 {
			m.g.Outputs = append(m.g.Outputs, n.Out[0])
		}
	}
	return m.g
}

// runner executes a plan on a picture as large as the network's input.
type runner struct {
	t *testing.T
	m host.Machine
	p *Plan
}

func (r *runner) run(rgba []byte, poison byte) {
	r.t.Helper()
	p, in := r.p, r.p.Input
	if err := r.m.Reserve(p.Size + len(rgba) + 64); err != nil {
		r.t.Fatal(err)
	}
	all := make([]byte, p.Size-base)
	for i := range all {
		all[i] = poison
	}
	r.m.Write(base, all)
	if err := p.Load(r.m); err != nil {
		r.t.Fatal(err)
	}
	l := in.Letterbox
	l.SrcW, l.SrcH, l.SrcRow, l.NewW, l.NewH = l.DstW, l.DstH, 4*l.DstW, l.DstW, l.DstH
	r.m.Write(in.Desc, kernels.Bytes(&l))
	r.m.Write(in.XTab, bytesOf(kernels.LetterboxXTable(in.Width, in.Width)))
	r.m.Write(in.YTab, bytesOf(kernels.LetterboxYTable(in.Height, in.Height)))
	r.m.Write(in.Source, rgba)
	if err := r.m.Run(p.Program, len(p.Steps)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) value(name string) []float32 {
	r.t.Helper()
	pl, ok := r.p.Lookup(name)
	if !ok {
		r.t.Fatalf("value %q is not kept", name)
	}
	size := 4
	if pl.U8 {
		size = 1
	}
	out := make([]float32, pl.Channels()*pl.H*pl.W)
	pix := make([]byte, pl.Width()*size)
	for y := range pl.H {
		for x := range pl.W {
			r.m.Read(pl.Map.Addr+uint32(y*int(pl.Map.Row)+x*int(pl.Map.Pix)), pix)
			for c := range pl.Channels() {
				v := &out[(c*pl.H+y)*pl.W+x]
				if at := pl.Stored(c); pl.U8 {
					*v = float32(int32(pix[at])-pl.Zero) * pl.Scale
				} else {
					*v = math.Float32frombits(binary.LittleEndian.Uint32(pix[4*at:]))
				}
			}
		}
	}
	return out
}

// TestRandomGraphs checks each node of random graphs against graph.Eval on the
// inputs that it really had, then the same plan with memory reused, and one for
// relaxed SIMD: they must give the same outputs, whatever the memory held before.
func TestRandomGraphs(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	bytes, fine := 0, 0
	for seed := range uint64(rounds) {
		ofBytes, ofFine := checkGraph(t, seed)
		bytes, fine = bytes+ofBytes, fine+ofFine
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	if bytes < rounds/4 || fine < rounds/20 {
		t.Errorf("%d convolutions of bytes, %d fine maps in %d graphs: their plans go untested", bytes, fine, rounds)
	}
}

func FuzzRandomGraphs(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkGraph(t, seed) })
}

// checkGraph returns the number of convolutions of bytes in the relaxed plan, and
// of float maps that are computed on as numbers of 16 bits.
func checkGraph(t *testing.T, seed uint64) (bytes, fine int) {
	t.Helper()
	g := randomGraph(seed)
	in := g.Inputs[0].Shape
	rgba := make([]byte, 4*in[2]*in[3])
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range rgba {
		rgba[i] = byte(r.Uint32())
	}
	all, err := build(g, Options{Keep: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	checkArena(t, all.buffers, all.plan.Arena)
	kept := &runner{t, host.NewRef(), all.plan}
	kept.run(rgba, 0xff)
	steps := map[*graph.Value]float64{} // of fine maps
	for v, most := range all.most {
		if _, ok := all.widened[v]; ok {
			steps[v] = most / fineMost
		}
		for i, x := range kept.value(v.Name) {
			if !(math.Abs(float64(x)) <= most) {
				t.Fatalf("%s[%d] is %v, its bound %v", v.Name, i, x, most)
			}
		}
	}
	if err := all.plan.Load(kept.m); err != nil { // which leaves all values as they are
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		checkNode(t, kept, n, steps[n.In[0]])
	}
	tight, err := build(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkArena(t, tight.buffers, tight.plan.Arena)
	if tight.plan.Arena > all.plan.Arena {
		t.Errorf("reuse takes %d bytes, no reuse %d", tight.plan.Arena, all.plan.Arena)
	}
	relaxed, err := build(g, Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	checkArena(t, relaxed.buffers, relaxed.plan.Arena)
	for name, other := range map[string]*builder{"memory reused": tight, "relaxed SIMD": relaxed} {
		r := &runner{t, host.NewRef(), other.plan}
		r.run(rgba, 0x7f)
		for _, v := range g.Outputs {
			a, b := kept.value(v.Name), r.value(v.Name)
			for i := range a {
				if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
					t.Fatalf("%s[%d] is %v with %s, %v without", v.Name, i, b[i], name, a[i])
				}
			}
		}
	}
	return len(relaxed.bytes), len(steps)
}

// checkNode checks a node whose input is rounded to a step, 0 for none.
func checkNode(t *testing.T, r *runner, n *graph.Node, step float64) {
	t.Helper()
	one := &graph.Graph{Opset: 13, Nodes: []*graph.Node{n}, Outputs: n.Out}
	in := map[string]*graph.Tensor{}
	for _, x := range n.In {
		if x != nil && x.Const == nil && in[x.Name] == nil {
			one.Inputs = append(one.Inputs, x)
			in[x.Name] = graph.FloatTensor(r.value(x.Name), x.Shape...)
		}
	}
	out, err := graph.Eval(one, in)
	if err != nil {
		t.Fatal(err)
	}
	y := n.Out[0]
	place, _ := r.p.Lookup(y.Name)
	got := r.value(y.Name)
	var most, largest float64
	for i := range got {
		want := float64(float32At(out[y.Name].Data, i))
		if place.U8 { // perhaps on the grid of what reads it, not its own
			q := math.RoundToEven(want/float64(place.Scale)) + float64(place.Zero)
			want = (min(max(q, 0), 255) - float64(place.Zero)) * float64(place.Scale)
		}
		most, largest = max(most, math.Abs(float64(got[i])-want)), max(largest, math.Abs(want))
	}
	limit := 3e-5*largest + 2e-5
	if n.Op == "Conv" && (r.p.places[n.In[0].Name].U8 || step > 0) {
		limit += 1e-4 // float weights become 16-bit integers
		if n.Str("act", "") == "SiLU" {
			limit += kernels.SiLUApproxError
		}
	}
	rounded := 0.0
	if n.Op == "Conv" && step > 0 {
		c, err := newConv(n)
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.weights()
		if err != nil {
			t.Fatal(err)
		}
		for o, sum := range w.magnitudes() {
			rounded = max(rounded, sum*float64(w.scale[o])*step/2)
		}
		limit += 1.1 * rounded // SiLU is at most that steep
	}
	switch {
	case picks(n) && place.U8 && r.p.places[n.In[0].Name].U8 && n.Op != "Concat" && y.Quant == nil:
		limit = 1e-5
	case place.U8:
		limit = 1.001*float64(place.Scale) + 1.1*rounded
	}
	if !(most <= limit) {
		t.Errorf("%s %v: differs by %g, limit %g, largest %g, stored %+v", n.Name, y.Shape, most, limit, largest, place)
	}
}
