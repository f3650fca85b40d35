package graph

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A prepared detector gives what the file's own graph gives, at the file's size
// and, where the file is dynamic, at others.
func TestPrepareKeepsResults(t *testing.T) {
	for _, c := range []struct {
		name string
		h, w int
		options
	}{
		{"static square", 16, 16, options{}},
		{"static wide", 8, 24, options{}},
		{"dynamic", 16, 16, options{dynamic: true}},
		{"dynamic tall", 32, 12, options{dynamic: true}},
		{"maps kept apart", 16, 16, options{apart: true}},
		{"as many classes as box channels", 16, 16, options{classes: 16}},
		{"so and kept apart", 16, 16, options{classes: 16, apart: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(3) {
				b := tiny(seed, c.h, c.w, c.options)
				file := Clone(b.g)
				if c.dynamic {
					file.Inputs[0].Shape = []int{-1, 3, -1, -1}
				}
				p, err := Prepare(file, c.h, c.w)
				if err != nil {
					t.Fatal(err)
				}
				for op, n := range map[string]int{"Conv": 16, "Detect": 1, "Slice": 2, "Concat": 3, "MaxPool": 1, "Upsample": 1, "Add": 0, "SiLU": 0} {
					if got := count(p, op); got != n {
						t.Errorf("%d %s nodes, want %d", got, op, n)
					}
				}
				same(t, b.g, p, b.input(), 2e-4)
			}
		})
	}
}

// A static file serves another size: as a file made for that size does.
func TestPrepareAtAnotherSize(t *testing.T) {
	p, err := Prepare(tiny(1, 16, 16, options{}).g, 24, 8)
	if err != nil {
		t.Fatal(err)
	}
	b := tiny(1, 24, 8, options{})
	same(t, b.g, p, b.input(), 2e-4)
	if _, err := Prepare(tiny(1, 16, 16, options{}).g, 18, 16); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "multiples") {
		t.Errorf("18 rows with stride 4: %v", err)
	}
}

// Prepare must leave its argument as it was.
func TestPrepareKeepsArgument(t *testing.T) {
	b := tiny(1, 16, 16, options{dynamic: true})
	in := b.input()
	before := Clone(b.g)
	if _, err := Prepare(b.g, 24, 24); err != nil {
		t.Fatal(err)
	}
	if len(before.Nodes) != len(b.g.Nodes) {
		t.Fatalf("%d nodes, had %d", len(b.g.Nodes), len(before.Nodes))
	}
	same(t, before, b.g, in, 0)
}

// Tails that are not YOLOv8's are refused with the reason.
func TestPrepareRefuses(t *testing.T) {
	node := func(g *Graph, op string, nth int) *Node {
		for _, n := range g.Nodes {
			if n.Op == op {
				if nth == 0 {
					return n
				}
				nth--
			}
		}
		t.Fatalf("no %s", op)
		return nil
	}
	lastOf := func(g *Graph, op string) *Node { return node(g, op, count(g, op)-1) }
	after := func(b *net, op string, attrs map[string]Attr, in ...*Value) {
		old := b.g.Outputs[0]
		old.Name = fmt.Sprint("raw", len(b.g.Nodes))
		out := b.op(op, attrs, append([]*Value{old}, in...)...)
		out.Name = "output0"
		b.g.Outputs[0] = out
	}
	for _, c := range []struct {
		name  string
		spoil func(*net)
		want  error
		says  string
	}{
		{"no sigmoid", func(b *net) { lastOf(b.g, "Sigmoid").Op = "Identity" }, ErrNotYOLOv8, "lack their sigmoid"},
		{"normalised", func(b *net) {
			after(b, "Mul", nil, b.constant(FloatTensor([]float32{1. / 16, 1. / 16, 1. / 16, 1. / 16, 1, 1, 1}, 1, 7, 1)))
		}, ErrNotYOLOv8, "divided by the image size"},
		{"corners", func(b *net) {
			box := node(b.g, "Div", 0)
			for _, n := range b.g.Nodes { // centre and size become the corners
				if n.Op == "Concat" && n.In[0] == box.Out[0] {
					n.In = []*Value{node(b.g, "Sub", 0).Out[0], lastOf(b.g, "Div").In[0]}
					for _, m := range b.g.Nodes {
						if m.Op == "Add" && m.Out[0] == box.In[0] {
							n.In[1] = m.In[1]
						}
					}
				}
			}
		}, ErrNotYOLOv8, "corners"},
		{"wrong anchor", func(b *net) {
			for _, n := range b.g.Nodes {
				if n.Op == "Concat" && n.In[0].Const != nil && len(n.In[0].Const.Shape) == 3 {
					n.In[0].Const.Floats()[5] += 0.01
				}
			}
		}, ErrNotYOLOv8, "box centre x"},
		{"wrong bins", func(b *net) { node(b.g, "Softmax", 0).Op = "Sigmoid" }, ErrNotYOLOv8, "row 0"},
		{"transposed", func(b *net) { after(b, "Transpose", map[string]Attr{"perm": ints(0, 2, 1)}) }, ErrNotYOLOv8, "columns"},
		{"its own suppression", func(b *net) { after(b, "NonMaxSuppression", nil) }, ErrUnsupported, "nms=False"},
		{"another task", func(b *net) { b.g.Meta["task"] = "segment" }, ErrNotYOLOv8, `"segment"`},
		{"batch", func(b *net) { b.g.Inputs[0].Shape[0] = 4 }, ErrUnsupported, "batch=1"},
		{"one channel", func(b *net) { b.g.Inputs[0].Shape[1] = 1 }, ErrNotYOLOv8, "[1, 3, height, width]"},
		{"two inputs", func(b *net) {
			b.g.Inputs = append(b.g.Inputs, &Value{Name: "more", DType: Float32, Shape: []int{1}})
		}, ErrNotYOLOv8, "2 inputs"},
		{"integers", func(b *net) { b.g.Inputs[0].DType = Uint8 }, ErrNotYOLOv8, "uint8"},
		{"huge", func(b *net) { b.g.Inputs[0].Shape = []int{1, 3, 1 << 16, 1 << 16} }, ErrUnsupported, "at most"},
		{"a tail that grows", func(b *net) {
			for range 10 {
				after(b, "Tile", nil, b.list(1, 1, 2))
			}
			for range 10 {
				after(b, "Slice", nil, b.list(0), b.list(80), b.list(2))
			}
		}, ErrNotYOLOv8, "more numbers"},
		{"an activation", func(b *net) { node(b.g, "Sigmoid", 0).Op = "HardSigmoid" }, ErrUnsupported, "SiLU"},
		{"relu", func(b *net) { node(b.g, "Sigmoid", 0).Op = "Relu" }, ErrUnsupported, "Relu"},
		{"a constant added", func(b *net) {
			n := node(b.g, "Conv", 1)
			add := b.op("Add", nil, n.In[0], b.real(1))
			moved := b.g.Nodes[len(b.g.Nodes)-1]
			b.g.Nodes = append([]*Node{}, b.g.Nodes[:len(b.g.Nodes)-1]...)
			for i, m := range b.g.Nodes {
				if m == n {
					b.g.Nodes = append(b.g.Nodes[:i], append([]*Node{moved}, b.g.Nodes[i:]...)...)
					break
				}
			}
			n.In[0] = add
		}, ErrUnsupported, "constant"},
		{"linear resize", func(b *net) { node(b.g, "Resize", 0).Attrs["mode"] = str("linear") }, ErrUnsupported, "linear"},
		{"resize by 1.5", func(b *net) {
			node(b.g, "Resize", 0).In[2] = b.real(1, 1, 1.5, 1.5)
		}, ErrInvalidOrUnsupported, ""},
		{"ceil mode", func(b *net) { node(b.g, "MaxPool", 0).Attrs["ceil_mode"] = num(1) }, ErrUnsupported, "ceil_mode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := tiny(1, 16, 16, options{})
			c.spoil(b)
			_, err := Prepare(b.g, 16, 16)
			if err == nil {
				t.Fatal("accepted")
			}
			if c.want != ErrInvalidOrUnsupported && !errors.Is(err, c.want) {
				t.Errorf("%v is not %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			t.Log(err)
		})
	}
}

// ErrInvalidOrUnsupported stands for any refusal in the table above.
var ErrInvalidOrUnsupported = errors.New("refused")

// half=True: float16 constants and casts become float32.
func TestPrepareHalf(t *testing.T) {
	b := tiny(1, 16, 16, options{})
	g := Clone(b.g)
	cast := &Node{Name: "cast", Op: "Cast", In: []*Value{g.Inputs[0]}, Out: []*Value{{Name: "halved"}}, Attrs: map[string]Attr{"to": num(10)}}
	g.Nodes[0].In[0] = cast.Out[0]
	g.Nodes = append([]*Node{cast}, g.Nodes...)
	w := g.Nodes[1].In[1]
	half := make([]byte, 2*w.Const.Len())
	for i := range w.Const.Len() {
		half[2*i+1] = 0x3c // 1
	}
	w.Const, w.DType = &Tensor{DType: Float16, Shape: w.Const.Shape, Data: half}, Float16
	p, err := Prepare(g, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Nodes[0]; c.Op != "Conv" || c.In[0] != p.Inputs[0] || c.In[1].Const.DType != Float32 || c.In[1].Const.Floats()[3] != 1 {
		t.Errorf("first node %s has weights %v", c, c.In[1].Const.DType)
	}
	same(t, g, p, b.input(), 2e-4)
}

func TestInputSize(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape []int
		imgsz string
		h, w  int
	}{
		{"static", []int{1, 3, 320, 416}, "[640, 640]", 320, 416},
		{"dynamic with metadata", []int{-1, 3, -1, -1}, "[480, 640]", 480, 640},
		{"nothing", nil, "", 640, 640},
		{"nonsense", nil, "[0, 99999999999999999999]", 640, 640},
	} {
		g := &Graph{Inputs: []*Value{{Shape: c.shape}}, Meta: map[string]string{"imgsz": c.imgsz}}
		if h, w := InputSize(g); h != c.h || w != c.w {
			t.Errorf("%s: %d×%d, want %d×%d", c.name, h, w, c.h, c.w)
		}
	}
}
