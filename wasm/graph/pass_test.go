package graph

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b *net, x, y *Value)
		says  string
	}{
		{"nil node", func(b *net, x, y *Value) { b.g.Nodes = append(b.g.Nodes, nil) }, "node 1 is nil"},
		{"nil input", func(b *net, x, y *Value) { b.g.Inputs = append(b.g.Inputs, nil) }, "input 1 is nil"},
		{"nil output", func(b *net, x, y *Value) { b.g.Outputs = []*Value{nil} }, "output 0 is nil"},
		{"no outputs", func(b *net, x, y *Value) { b.g.Outputs = nil }, "no outputs"},
		{"node without results", func(b *net, x, y *Value) { b.g.Nodes[0].Out = nil }, "no outputs"},
		{"dangling", func(b *net, x, y *Value) { b.g.Nodes[0].In[0] = &Value{Name: "nowhere"} }, `"nowhere" is used before`},
		{"dangling output", func(b *net, x, y *Value) { b.g.Outputs[0] = &Value{Name: "nowhere"} }, `"nowhere" is used before`},
		{"wrong order", func(b *net, x, y *Value) {
			b.op("Relu", nil, y)
			b.g.Nodes[0], b.g.Nodes[1] = b.g.Nodes[1], b.g.Nodes[0]
		}, "used before"},
		{"cycle", func(b *net, x, y *Value) { b.g.Nodes[0].In[0] = y }, "used before"},
		{"two definitions", func(b *net, x, y *Value) { b.g.Nodes = append(b.g.Nodes, b.g.Nodes[0]) }, "defined twice"},
		{"input computed", func(b *net, x, y *Value) { b.g.Nodes[0].Out[0] = x }, "defined twice"},
		{"constant computed", func(b *net, x, y *Value) { y.Const = FloatTensor([]float32{1}) }, "is a constant"},
		{"constant input", func(b *net, x, y *Value) { x.Const = FloatTensor([]float32{1}) }, "is a constant"},
		{"same name", func(b *net, x, y *Value) { y.Name = x.Name }, "two values are called"},
		{"short payload", func(b *net, x, y *Value) { b.g.Nodes[0].In[1].Const.Data = make([]byte, 7) }, "7 bytes"},
		{"negative dimension", func(b *net, x, y *Value) { b.g.Nodes[0].In[1].Const.Shape = []int{-1} }, "negative"},
		{"huge dimension", func(b *net, x, y *Value) { b.g.Nodes[0].In[1].Const.Shape = []int{1 << 40, 1 << 40} }, "elements"},
		{"typeless payload", func(b *net, x, y *Value) { b.g.Nodes[0].In[1].Const.DType = Invalid }, "invalid"},
		{"scales of another length", func(b *net, x, y *Value) {
			b.g.Nodes[0].In[1].Quant = &Quant{Scale: []float32{1, 2}, Zero: []int32{0, 0}}
		}, "do not fit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, x := newNet(1, 3, 4, 4)
			y := b.op("Add", nil, x, b.real(1, 2, 3, 4))
			b.g.Outputs = []*Value{y}
			if err := b.g.Verify(); err != nil {
				t.Fatal(err)
			}
			c.spoil(b, x, y)
			if err := b.g.Verify(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// fuse runs the body passes over a graph whose input has a shape.
func fuse(t *testing.T, g *Graph) *Graph {
	t.Helper()
	g = Clone(g)
	if err := run(g, append([]pass{{"fold", Fold}, {"quantization", LiftQDQ}, {"copies", dropCopies}}, body...)); err != nil {
		t.Fatal(err)
	}
	if err := infer(g); err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFusion(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *net, x *Value) []*Value
		want  map[string]int
	}{
		{"SiLU", func(b *net, x *Value) []*Value {
			return []*Value{b.silu(b.silu(b.conv(x, 4, 4, 3, 1)))}
		}, map[string]int{"Conv": 1, "SiLU": 1, "Sigmoid": 0, "Mul": 0}},
		{"sigmoid used twice", func(b *net, x *Value) []*Value {
			x = b.conv(x, 4, 4, 3, 1)
			s := b.op("Sigmoid", nil, x)
			return []*Value{b.op("Mul", nil, x, s), s}
		}, map[string]int{"Conv": 1, "SiLU": 1, "Sigmoid": 1}},
		{"sigmoid of something else", func(b *net, x *Value) []*Value {
			return []*Value{b.op("Mul", nil, x, b.op("Sigmoid", nil, b.conv(x, 4, 4, 1, 1)))}
		}, map[string]int{"Conv": 1, "SiLU": 0, "Sigmoid": 1, "Mul": 1}},
		{"convolution read twice", func(b *net, x *Value) []*Value {
			x = b.conv(x, 4, 4, 3, 1)
			return []*Value{b.silu(x), x}
		}, map[string]int{"Conv": 1, "SiLU": 1}},
		{"residual", func(b *net, x *Value) []*Value {
			return []*Value{b.op("Add", nil, x, b.silu(b.conv(x, 4, 4, 3, 1)))}
		}, map[string]int{"Conv": 1, "Add": 0, "SiLU": 0}},
		{"residual, other order", func(b *net, x *Value) []*Value {
			return []*Value{b.op("Add", nil, b.conv(x, 4, 4, 3, 1), x)}
		}, map[string]int{"Conv": 1, "Add": 0}},
		{"residual computed later", func(b *net, x *Value) []*Value {
			y := b.conv(x, 4, 4, 3, 1)
			z := b.op("MaxPool", map[string]Attr{"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}, x)
			return []*Value{b.op("Add", nil, y, z)}
		}, map[string]int{"Conv": 1, "Add": 0, "MaxPool": 1}},
		{"two convolutions", func(b *net, x *Value) []*Value {
			return []*Value{b.op("Add", nil, b.conv(x, 4, 4, 3, 1), b.conv(x, 4, 4, 1, 1))}
		}, map[string]int{"Conv": 2, "Add": 0}},
		{"a chain of sums", func(b *net, x *Value) []*Value {
			y := b.op("Add", nil, x, b.conv(x, 4, 4, 3, 1))
			return []*Value{b.op("Add", nil, b.op("Add", nil, y, b.conv(y, 4, 4, 1, 1)), b.conv(x, 4, 4, 1, 1))}
		}, map[string]int{"Conv": 3, "Add": 0}},
		{"a value plus itself", func(b *net, x *Value) []*Value {
			y := b.conv(x, 4, 4, 3, 1)
			return []*Value{b.op("Add", nil, y, y)}
		}, map[string]int{"Conv": 1, "Add": 1}},
		{"sum read before", func(b *net, x *Value) []*Value {
			y := b.conv(x, 4, 4, 3, 1)
			return []*Value{b.op("Add", nil, x, y), y}
		}, map[string]int{"Conv": 1, "Add": 1}},
		{"sum of a quantized value", func(b *net, x *Value) []*Value {
			y := b.qdq(b.silu(b.conv(x, 4, 4, 3, 1)), 0.1, 3, Uint8)
			return []*Value{b.op("Add", nil, x, y)}
		}, map[string]int{"Conv": 1, "Add": 1}},
		{"batch norm", func(b *net, x *Value) []*Value {
			y := b.conv(x, 4, 4, 3, 1)
			return []*Value{b.silu(b.norm(y))}
		}, map[string]int{"Conv": 1, "BatchNormalization": 0, "SiLU": 0}},
		{"splits and slices", func(b *net, x *Value) []*Value {
			p := b.ops("Split", 3, map[string]Attr{"axis": num(-3)}, x, b.list(1, 2, 1))
			s := b.op("Slice", nil, x, b.list(-3), b.list(1<<62), b.list(1))
			u := b.op("Upsample", nil, b.concat(-3, p[2], s, p[1]), b.real(1, 1, 3, 3))
			return []*Value{u}
		}, map[string]int{"Slice": 3, "Concat": 1, "Upsample": 1, "Split": 0}},
		{"same padding", func(b *net, x *Value) []*Value {
			w := b.constant(FloatTensor(b.floats(4*4*9, 0.2), 4, 4, 3, 3))
			y := b.op("Conv", map[string]Attr{"auto_pad": str("SAME_UPPER"), "strides": ints(2, 2)}, x, w)
			return []*Value{b.op("MaxPool", map[string]Attr{"auto_pad": str("SAME_LOWER"), "kernel_shape": ints(2, 2)}, y)}
		}, map[string]int{"Conv": 1, "MaxPool": 1}},
		{"identities", func(b *net, x *Value) []*Value {
			y := b.op("Identity", nil, b.op("Dropout", nil, x))
			y = b.op("Cast", map[string]Attr{"to": num(1)}, y)
			return []*Value{b.conv(b.concat(1, y), 4, 4, 1, 1)}
		}, map[string]int{"Conv": 1, "Identity": 0, "Dropout": 0, "Cast": 0, "Concat": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, x := newNet(7, 4, 6, 8)
			b.g.Outputs = c.build(b, x)
			got := fuse(t, b.g)
			for op, n := range c.want {
				if count(got, op) != n {
					t.Errorf("%d %s nodes, want %d", count(got, op), op, n)
				}
			}
			same(t, b.g, got, b.input(), 1e-5)
		})
	}
}

func (b *net) norm(x *Value) *Value {
	stat := func(positive bool) *Value {
		f := b.floats(4, 1)
		for i := range f {
			if positive {
				f[i] = f[i]*f[i] + 0.1
			}
		}
		return b.real(f...)
	}
	return b.op("BatchNormalization", map[string]Attr{"epsilon": {Kind: AttrFloat, F: 1e-3}}, x, stat(false), stat(false), stat(false), stat(true))
}

func TestLoweringRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *net, x *Value) *Value
		says  string
	}{
		{"focus", func(b *net, x *Value) *Value {
			return b.op("Slice", nil, x, b.list(0), b.list(99), b.list(2), b.list(2))
		}, "ranges of channels"},
		{"rows cut", func(b *net, x *Value) *Value {
			return b.op("Slice", nil, x, b.list(1), b.list(99), b.list(2))
		}, "ranges of channels"},
		{"rows split", func(b *net, x *Value) *Value {
			return b.ops("Split", 2, map[string]Attr{"axis": num(2)}, x)[0]
		}, "axis 2"},
		{"halved", func(b *net, x *Value) *Value {
			return b.op("Resize", map[string]Attr{"coordinate_transformation_mode": str("asymmetric"), "nearest_mode": str("floor")}, x, nil, b.real(1, 1, .5, .5))
		}, "whole factor"},
		{"shifted", func(b *net, x *Value) *Value {
			return b.op("Resize", map[string]Attr{"coordinate_transformation_mode": str("half_pixel"), "nearest_mode": str("ceil")}, x, nil, b.real(1, 1, 2, 2))
		}, "repeat pixels"},
		{"uneven", func(b *net, x *Value) *Value {
			return b.op("Upsample", nil, x, b.real(1, 1, 2, 3))
		}, "whole factor"},
		{"dilated pool", func(b *net, x *Value) *Value {
			return b.op("MaxPool", map[string]Attr{"kernel_shape": ints(2, 2), "dilations": ints(2, 2)}, x)
		}, "dilations"},
		{"computed weights", func(b *net, x *Value) *Value { return b.op("Conv", nil, x, b.op("Relu", nil, x)) }, ""},
		{"lone batch norm", func(b *net, x *Value) *Value { return b.norm(x) }, "does not follow"},
		{"quantized integers", func(b *net, x *Value) *Value {
			q := b.op("QuantizeLinear", nil, x, b.real(0.1))
			return b.op("Cast", map[string]Attr{"to": num(1)}, q)
		}, "other than DequantizeLinear"},
		{"two grids", func(b *net, x *Value) *Value {
			return b.op("Add", nil, b.qdq(x, 0.1, 0, Uint8), b.qdq(x, 0.2, 0, Uint8))
		}, "two different grids"},
		{"unequal pair", func(b *net, x *Value) *Value {
			return b.op("DequantizeLinear", nil, b.op("QuantizeLinear", nil, x, b.real(0.1)), b.real(0.2))
		}, "differ"},
		{"a grid per channel", func(b *net, x *Value) *Value {
			s := b.constant(FloatTensor([]float32{.1, .2, .3, .4}, 4))
			return b.op("DequantizeLinear", nil, b.op("QuantizeLinear", nil, x, s), s)
		}, "4 scales"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, x := newNet(7, 4, 6, 8)
			b.g.Outputs = []*Value{c.build(b, x)}
			err := run(b.g, append([]pass{{"fold", Fold}, {"quantization", LiftQDQ}}, body...))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// The body passes change no result of random graphs of what they know.
func TestFusionOfRandomGraphs(t *testing.T) {
	for seed := range uint64(60) {
		b, x := newNet(seed, 4, 6, 6)
		grow(b, x, seed%2 == 1)
		got := fuse(t, b.g)
		same(t, b.g, got, b.input(), 1e-4)
	}
}

// grow appends random nodes over maps of 4 channels, some followed by a pair
// that quantizes their result for all readers. The last four are outputs.
func grow(b *net, x *Value, quantized bool) {
	pool := []*Value{x}
	pick := func() *Value { return pool[b.rng.IntN(len(pool))] }
	for range 12 {
		v := pick()
		switch b.rng.IntN(8) {
		case 0, 1:
			v = b.silu(b.conv(v, 4, 4, 1+2*b.rng.IntN(2), 1))
		case 2:
			v = b.conv(v, 4, 4, 1, 1)
		case 3:
			v = b.op("Add", nil, v, pick())
		case 4:
			v = b.op("Add", nil, b.conv(v, 4, 4, 3, 1), pick())
		case 5:
			p := b.ops("Split", 2, map[string]Attr{"axis": num(1)}, v)
			v = b.concat(1, p[1], p[b.rng.IntN(2)])
		case 6:
			v = b.op("MaxPool", map[string]Attr{"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}, v)
		case 7:
			v = b.conv(v, 4, 4, 3, 1)
			if !quantized { // folding rounds otherwise, which a grid would amplify
				v = b.norm(v)
			}
		}
		if quantized && b.rng.IntN(2) == 0 {
			v = b.qdq(v, 0.25, 100+int64(b.rng.IntN(2)), Uint8)
		}
		pool = append(pool, v)
	}
	b.g.Outputs = append([]*Value{}, pool[len(pool)-4:]...)
}

// Grids that spread change nothing: rounding is the same before and after an
// operator that only moves numbers.
func TestSpreadGrids(t *testing.T) {
	b, x := newNet(3, 4, 6, 6)
	y := b.silu(b.conv(x, 4, 4, 3, 1))
	z := b.silu(b.conv(x, 4, 4, 1, 1))
	p := b.ops("Split", 2, map[string]Attr{"axis": num(1)}, y)
	m := b.op("MaxPool", map[string]Attr{"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}, z)
	all := b.qdq(b.concat(1, p[0], p[1], z, m), 0.05, 20, Uint8)
	part := b.qdq(p[1], 0.05, 20, Uint8)
	up := b.op("Upsample", nil, part, b.real(1, 1, 2, 2))
	b.g.Outputs = []*Value{b.conv(all, 12, 4, 3, 1), b.conv(up, 2, 2, 1, 1)}
	got := fuse(t, b.g)
	for _, n := range got.Nodes {
		if q := n.Out[0].Quant; (q != nil) != (n.Out[0] != got.Outputs[0] && n.Out[0] != got.Outputs[1]) {
			t.Errorf("node %s: grid %v", n, q)
		}
	}
	same(t, b.g, got, b.input(), 0)

	// A reader that computes keeps the value as it is.
	b, x = newNet(3, 4, 6, 6)
	y = b.silu(b.conv(x, 4, 4, 3, 1))
	c := b.qdq(b.concat(1, y, x), 0.05, 20, Uint8)
	b.g.Outputs = []*Value{c, b.op("Sigmoid", nil, y)}
	got = fuse(t, b.g)
	if q := got.Nodes[0].Out[0].Quant; q != nil {
		t.Errorf("a value that Sigmoid reads got grid %v", q)
	}
}

func TestLiftQDQ(t *testing.T) {
	weights := func(b *net, dt DType, zero int64, scales int, axis int64) *Value {
		raw := make([]byte, 4*4)
		for i := range raw {
			raw[i] = byte(b.rng.IntN(256))
		}
		scale, zp := make([]float32, scales), make([]int64, scales)
		for i := range scale {
			scale[i], zp[i] = 0.01*float32(i+1), zero
		}
		shape := []int{scales}
		if scales == 1 {
			shape = []int{}
		}
		q := b.constant(&Tensor{DType: dt, Shape: []int{4, 4, 1, 1}, Data: raw})
		return b.op("DequantizeLinear", map[string]Attr{"axis": num(axis)}, q, b.constant(FloatTensor(scale, shape...)), b.constant(intTensor(dt, zp, shape)))
	}
	for _, c := range []struct {
		name  string
		make  func(b *net) *Value
		int8s bool
	}{
		{"int8 per channel", func(b *net) *Value { return weights(b, Int8, 0, 4, 0) }, true},
		{"int8 per tensor", func(b *net) *Value { return weights(b, Int8, 0, 1, 1) }, true},
		{"uint8 around 128", func(b *net) *Value { return weights(b, Uint8, 128, 1, 1) }, true},
		{"uint8 around 100", func(b *net) *Value { return weights(b, Uint8, 100, 1, 1) }, false},
		{"int8 around 5", func(b *net) *Value { return weights(b, Int8, 5, 4, 0) }, false},
		{"int8 per input channel", func(b *net) *Value { return weights(b, Int8, 0, 4, 1) }, false},
		{"quantized in the file's graph", func(b *net) *Value {
			return b.qdq(b.constant(FloatTensor(b.floats(16, 1), 4, 4, 1, 1)), 0.02, 0, Int8)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, x := newNet(5, 4, 6, 6)
			w := c.make(b)
			bias := b.op("DequantizeLinear", map[string]Attr{"axis": num(0)}, b.constant(intTensor(Int32, []int64{100, -200, 3000, 7}, []int{4})),
				b.constant(FloatTensor([]float32{.01, .02, .03, .04}, 4)))
			y := b.op("Conv", nil, b.qdq(x, 0.05, -10, Int8), w, bias)
			b.g.Outputs = []*Value{b.qdq(b.silu(b.qdq(y, 0.05, 128, Uint8)), 0.02, 7, Uint8)}
			got := fuse(t, b.g)
			if len(got.Nodes) != 1 {
				t.Fatalf("%d nodes, want one Conv", len(got.Nodes))
			}
			n := got.Nodes[0]
			if w := n.In[1]; (w.Const.DType == Int8) != c.int8s || (w.Quant != nil) != c.int8s || c.int8s && len(w.Quant.Scale) != 4 {
				t.Errorf("weights are %v, %v", w.Const.DType, w.Quant)
			}
			if n.In[2].Const.DType != Float32 || n.In[2].Const.Floats()[2] != 90 {
				t.Errorf("bias is %v", n.In[2].Const.DType)
			}
			if q := n.In[0].Quant; q == nil || q.DType != Uint8 || q.Zero[0] != 118 {
				t.Errorf("input grid %v, want uint8 around 118", q)
			}
			if q := n.Out[0].Quant; q == nil || q.Zero[0] != 7 {
				t.Errorf("output grid %v", q)
			}
			// Only the grid between convolution and SiLU is gone.
			b.g.Nodes = without(b.g.Nodes, y)
			same(t, b.g, got, b.input(), 1e-5)
			f := FloatOnly(got)
			if w := f.Nodes[0].In[1]; w.Quant != nil || w.Const.DType != Float32 || f.Nodes[0].Out[0].Quant != nil || f.Inputs[0].Quant != nil {
				t.Error("FloatOnly left a grid")
			}
		})
	}
}

// without removes the pair that quantizes a value.
func without(nodes []*Node, v *Value) []*Node {
	var out []*Node
	var q, dq *Value
	for _, n := range nodes {
		switch {
		case n.Op == "QuantizeLinear" && n.In[0] == v:
			q = n.Out[0]
			continue
		case n.Op == "DequantizeLinear" && n.In[0] == q:
			dq = n.Out[0]
			continue
		}
		for k, in := range n.In {
			if in != nil && in == dq {
				n.In[k] = v
			}
		}
		out = append(out, n)
	}
	return out
}

// A batch norm scales int8 weights by their scales where it can.
func TestBatchNormOfQuantizedWeights(t *testing.T) {
	for _, negative := range []bool{false, true} {
		b, x := newNet(5, 4, 6, 6)
		w := b.qdq(b.constant(FloatTensor(b.floats(16, 1), 4, 4, 1, 1)), 0.02, 0, Int8)
		gamma := []float32{1, 2, 0.5, 3}
		if negative {
			gamma[2] = -1
		}
		b.g.Outputs = []*Value{b.op("BatchNormalization", nil, b.op("Conv", nil, x, w), b.real(gamma...), b.real(1, 2, 3, 4), b.real(0, 1, 0, 1), b.real(1, 4, 9, 1))}
		got := fuse(t, b.g)
		if q := got.Nodes[0].In[1].Quant; (q == nil) != negative {
			t.Errorf("negative %v: grid %v", negative, q)
		}
		same(t, b.g, got, b.input(), 1e-5)
	}
}

// A small file must not make large constants.
func TestFoldBudget(t *testing.T) {
	b, x := newNet(1, 3, 4, 4)
	big := b.op("ConstantOfShape", nil, b.list(1<<12, 1<<12))
	y := b.op("Add", nil, big, b.op("Exp", nil, big))
	b.g.Outputs = []*Value{b.op("Add", nil, y, b.op("ReduceMax", nil, x))}
	if err := Fold(b.g); !errors.Is(err, ErrUnsupported) {
		t.Errorf("folding 48 M elements: %v", err)
	}
}

// A small file must not make folding take minutes.
func TestFoldBudgetCountsTerms(t *testing.T) {
	for name, last := range map[string]func(b *net, big *Value) *Value{
		"convolution": func(b *net, big *Value) *Value {
			return b.op("Conv", nil, big, b.constant(FloatTensor(make([]float32, 64*64*9), 64, 64, 3, 3)))
		},
		"pool": func(b *net, big *Value) *Value {
			side := Attr{Kind: AttrInts, Ints: []int64{31, 31}}
			return b.op("MaxPool", map[string]Attr{"kernel_shape": side}, big)
		},
	} {
		b, x := newNet(1, 3, 4, 4)
		y := last(b, b.op("ConstantOfShape", nil, b.list(1, 64, 128, 128)))
		b.g.Outputs = []*Value{b.op("Add", nil, b.op("ReduceMax", nil, y), b.op("ReduceMax", nil, x))}
		if err := Fold(b.g); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s over 1 M elements: %v", name, err)
		}
	}
}

// Damaged graphs are refused or prepared; nothing panics.
func TestPrepareSurvivesDamage(t *testing.T) {
	refused := 0
	for seed := range uint64(1500) {
		if prepareDamaged(seed) != nil {
			refused++
		}
	}
	if refused < 500 {
		t.Errorf("only %d of 1500 refused: the damage does no harm", refused)
	}
}

func FuzzPrepareDamaged(f *testing.F) {
	f.Add(uint64(1500))
	f.Fuzz(func(t *testing.T, seed uint64) { prepareDamaged(seed) })
}

func prepareDamaged(seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 12))
	b := tiny(1, 8, 8, options{dynamic: rng.IntN(2) == 0, apart: rng.IntN(4) == 0})
	for range 1 + rng.IntN(3) {
		damage(rng, b.g)
	}
	_, err := Prepare(b.g, 8, 8)
	return err
}

func damage(rng *rand.Rand, g *Graph) {
	numbers := []int64{-1, 0, 1, 2, 3, 7, 255, 1 << 20, 1 << 40, -1 << 62, 1<<63 - 1}
	n := g.Nodes[rng.IntN(len(g.Nodes))]
	number := func() int64 { return numbers[rng.IntN(len(numbers))] }
	switch rng.IntN(9) {
	case 0: // another operator
		n.Op = Supported[rng.IntN(len(Supported))]
	case 1: // another attribute
		names := []string{"axis", "pads", "strides", "dilations", "kernel_shape", "group", "perm", "to", "axes", "starts", "scales"}
		n.Attrs[names[rng.IntN(len(names))]] = ints(number(), number())
		n.Attrs[names[rng.IntN(len(names))]] = num(number())
	case 2: // an attribute's number
		for k, a := range n.Attrs {
			for i := range a.Ints {
				a.Ints[i] = number()
			}
			a.I = number()
			n.Attrs[k] = a
		}
	case 3: // a constant's numbers
		for _, v := range n.In {
			if v != nil && v.Const != nil && v.Const.DType == Int64 {
				l := v.Const.Int64s()
				l[rng.IntN(len(l))] = number()
				v.Const = intTensor(Int64, l, v.Const.Shape)
			}
		}
	case 4: // a constant's shape
		for _, v := range n.In {
			if v != nil && v.Const != nil {
				v.Const = &Tensor{DType: v.Const.DType, Shape: []int{v.Const.Len()}, Data: v.Const.Data}
			}
		}
	case 5: // fewer or more operands
		if rng.IntN(2) == 0 && len(n.In) > 0 {
			n.In = n.In[:len(n.In)-1]
		} else {
			n.In = append(n.In, g.Inputs[0])
		}
	case 6: // another operand
		m := g.Nodes[rng.IntN(len(g.Nodes))]
		if len(n.In) > 0 && len(m.In) > 0 {
			n.In[rng.IntN(len(n.In))] = m.In[rng.IntN(len(m.In))]
		}
	case 7: // a constant of another type
		for _, v := range n.In {
			if v != nil && v.Const != nil {
				v.Const = &Tensor{DType: Uint8, Shape: []int{len(v.Const.Data)}, Data: v.Const.Data}
			}
		}
	case 8: // the input's shape
		g.Inputs[0].Shape = []int{1, 3, int(number()), int(number())}
		if rng.IntN(2) == 0 {
			g.Inputs[0].Shape = g.Inputs[0].Shape[:rng.IntN(5)]
		}
	}
}
