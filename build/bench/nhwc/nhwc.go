// Package nhwc rewrites a detector in the operations that TensorFlow's runtimes
// have, with channels last: for TensorFlow.js as a list that a page executes,
// for LiteRT as a .tflite file, in float32 or int8. The comparison needs both;
// the weights are the model's own. It may import wasm, wasm/graph.
package nhwc

import (
	"errors"
	"fmt"

	"eagleeye/wasm/graph"
)

// Kind names an operation by TensorFlow.js's word for it.
type Kind string

// The operations. In names a Net's tensors by index.
const (
	Conv     Kind = "conv"     // x, weights [O,kh,kw,I], bias [O]; Stride, Pad
	Sigmoid  Kind = "sigmoid"  //
	Mul      Kind = "mul"      // broadcasts
	Add      Kind = "add"      // broadcasts
	Sub      Kind = "sub"      // broadcasts
	MaxPool  Kind = "maxpool"  // Window, stride 1, "same"
	Upsample Kind = "upsample" // nearest, to the result's height and width
	Concat   Kind = "concat"   // Axis
	Slice    Kind = "slice"    // of the last axis, from Begin
	Reshape  Kind = "reshape"  //
	Softmax  Kind = "softmax"  // of the last axis
)

// Op is an operation.
type Op struct {
	Kind   Kind  `json:"kind"`
	In     []int `json:"in"`
	Out    int   `json:"out"`
	Stride int   `json:"stride,omitempty"`
	Pad    int   `json:"pad,omitempty"`
	Window int   `json:"window,omitempty"`
	Axis   int   `json:"axis,omitempty"`
	Begin  int   `json:"begin,omitempty"`
}

// Tensor is a result, or a constant where Data is set.
type Tensor struct {
	Name  string    `json:"-"` // the graph's value, "" for others
	Shape []int     `json:"shape"`
	Data  []float32 `json:"-"`
}

// Net is a detector from pixels [1,H,W,3] in 0..1 to [1,N,4+classes]: corners
// x1, y1, x2, y2 in pixels of the input, then scores.
type Net struct {
	Tensors       []Tensor
	Ops           []Op
	Input, Output int
}

// ErrUnsupported says that a model has what this package does not rewrite.
var ErrUnsupported = errors.New("nhwc: not rewritten")

// Lower rewrites a graph as graph.Unfused gives it.
func Lower(g *graph.Graph) (*Net, error) {
	b := &builder{net: &Net{}, of: map[*graph.Value]int{}}
	if len(g.Inputs) != 1 || len(g.Nodes) == 0 {
		return nil, fmt.Errorf("%w: %d inputs", ErrUnsupported, len(g.Inputs))
	}
	b.net.Input = b.result(g.Inputs[0])
	for _, n := range g.Nodes {
		if err := b.node(n); err != nil {
			return nil, fmt.Errorf("node %s: %w", n, err)
		}
	}
	b.net.Output = len(b.net.Tensors) - 1
	return b.net, nil
}

type builder struct {
	net *Net
	of  map[*graph.Value]int
}

// result makes a tensor for a value of the graph.
func (b *builder) result(v *graph.Value) int {
	s := v.Shape
	i := b.tensor(s[0], s[2], s[3], s[1])
	b.net.Tensors[i].Name = v.Name
	b.of[v] = i
	return i
}

func (b *builder) tensor(shape ...int) int {
	b.net.Tensors = append(b.net.Tensors, Tensor{Shape: shape})
	return len(b.net.Tensors) - 1
}

func (b *builder) constant(data []float32, shape ...int) int {
	i := b.tensor(shape...)
	b.net.Tensors[i].Data = data
	return i
}

func (b *builder) add(o Op) int {
	b.net.Ops = append(b.net.Ops, o)
	return o.Out
}

func (b *builder) node(n *graph.Node) error {
	in := make([]int, 0, len(n.In))
	if n.Op != "Conv" {
		for _, v := range n.In {
			i, ok := b.of[v]
			if !ok {
				return fmt.Errorf("%w: an input is a constant or missing", ErrUnsupported)
			}
			in = append(in, i)
		}
	}
	switch n.Op {
	case "Conv":
		return b.conv(n)
	case "SiLU":
		s := b.add(Op{Kind: Sigmoid, In: in, Out: b.tensor(b.net.Tensors[in[0]].Shape...)})
		b.add(Op{Kind: Mul, In: []int{in[0], s}, Out: b.result(n.Out[0])})
	case "Sigmoid":
		b.add(Op{Kind: Sigmoid, In: in, Out: b.result(n.Out[0])})
	case "Add":
		b.add(Op{Kind: Add, In: in, Out: b.result(n.Out[0])})
	case "Concat":
		b.add(Op{Kind: Concat, In: in, Axis: 3, Out: b.result(n.Out[0])})
	case "Slice":
		b.add(Op{Kind: Slice, In: in, Begin: int(n.Int("start", 0)), Out: b.result(n.Out[0])})
	case "Upsample":
		b.add(Op{Kind: Upsample, In: in, Out: b.result(n.Out[0])})
	case "MaxPool":
		k, s, p := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads")
		if len(k) != 2 || k[0] != k[1] || k[0]%2 == 0 || !all(s, 1) || !all(p, k[0]/2) {
			return fmt.Errorf("%w: window %v, strides %v, pads %v", ErrUnsupported, k, s, p)
		}
		b.add(Op{Kind: MaxPool, In: in, Window: int(k[0]), Out: b.result(n.Out[0])})
	case "Detect":
		return b.detect(n, in)
	default:
		return ErrUnsupported
	}
	return nil
}

func all(v []int64, want int64) bool {
	for _, x := range v {
		if x != want {
			return false
		}
	}
	return true
}

func (b *builder) conv(n *graph.Node) error {
	x, ok := b.of[n.In[0]]
	w := n.In[1].Const
	if !ok || w == nil || n.Int("group", 1) != 1 || n.Str("act", "") != "" || w.DType != graph.Float32 {
		return fmt.Errorf("%w: only plain float convolutions", ErrUnsupported)
	}
	s, p := n.Ints("strides"), n.Ints("pads")
	stride, pad := int64(1), int64(0)
	if len(s) > 0 {
		stride = s[0]
	}
	if len(p) > 0 {
		pad = p[0]
	}
	if !all(s, stride) || !all(p, pad) || !all(n.Ints("dilations"), 1) {
		return fmt.Errorf("%w: strides %v, pads %v, dilations %v", ErrUnsupported, s, p, n.Ints("dilations"))
	}
	out, in, kh, kw := w.Shape[0], w.Shape[1], w.Shape[2], w.Shape[3]
	src, dst := w.Floats(), make([]float32, out*in*kh*kw)
	for o := range out {
		for c := range in {
			for k := range kh * kw {
				dst[(o*kh*kw+k)*in+c] = src[(o*in+c)*kh*kw+k]
			}
		}
	}
	bias := make([]float32, out)
	if len(n.In) > 2 && n.In[2] != nil {
		copy(bias, n.In[2].Const.Floats())
	}
	b.add(Op{
		Kind: Conv, In: []int{x, b.constant(dst, out, kh, kw, in), b.constant(bias, out)},
		Stride: int(stride), Pad: int(pad), Out: b.result(n.Out[0]),
	})
	return nil
}

// detect writes the head's decoding with ordinary operations: the mean of the
// softmax over the bins of each side (distribution focal loss, Li et al., 2020)
// is a distance in strides from the cell's centre.
func (b *builder) detect(n *graph.Node, in []int) error {
	bins, classes := int(n.Int("reg_max", 0)), int(n.Int("classes", 0))
	var boxes, scores []int
	var centres, steps []float32
	for k, stride := range n.Attrs["strides"].Floats {
		shape := b.net.Tensors[in[2*k]].Shape
		h, w := shape[1], shape[2]
		boxes = append(boxes, b.add(Op{Kind: Reshape, In: in[2*k : 2*k+1], Out: b.tensor(1, h*w, 4*bins)}))
		scores = append(scores, b.add(Op{Kind: Reshape, In: in[2*k+1 : 2*k+2], Out: b.tensor(1, h*w, classes)}))
		for y := range h {
			for x := range w {
				centres = append(centres, float32(x)+0.5, float32(y)+0.5)
				steps = append(steps, stride)
			}
		}
	}
	anchors := len(steps)
	box := b.add(Op{Kind: Concat, In: boxes, Axis: 1, Out: b.tensor(1, anchors, 4*bins)})
	score := b.add(Op{Kind: Concat, In: scores, Axis: 1, Out: b.tensor(1, anchors, classes)})
	box = b.add(Op{Kind: Reshape, In: []int{box}, Out: b.tensor(1, anchors, 4, bins)})
	box = b.add(Op{Kind: Softmax, In: []int{box}, Out: b.tensor(1, anchors, 4, bins)})
	mean := make([]float32, bins)
	for i := range mean {
		mean[i] = float32(i)
	}
	weights, none := b.constant(mean, 1, 1, 1, bins), b.constant([]float32{0}, 1)
	box = b.add(Op{Kind: Conv, In: []int{box, weights, none}, Stride: 1, Out: b.tensor(1, anchors, 4, 1)})
	box = b.add(Op{Kind: Reshape, In: []int{box}, Out: b.tensor(1, anchors, 4)})
	low := b.add(Op{Kind: Slice, In: []int{box}, Out: b.tensor(1, anchors, 2)})
	high := b.add(Op{Kind: Slice, In: []int{box}, Begin: 2, Out: b.tensor(1, anchors, 2)})
	centre, step := b.constant(centres, 1, anchors, 2), b.constant(steps, 1, anchors, 1)
	low = b.add(Op{Kind: Sub, In: []int{centre, low}, Out: b.tensor(1, anchors, 2)})
	high = b.add(Op{Kind: Add, In: []int{centre, high}, Out: b.tensor(1, anchors, 2)})
	box = b.add(Op{Kind: Concat, In: []int{low, high}, Axis: 2, Out: b.tensor(1, anchors, 4)})
	box = b.add(Op{Kind: Mul, In: []int{box, step}, Out: b.tensor(1, anchors, 4)})
	score = b.add(Op{Kind: Sigmoid, In: []int{score}, Out: b.tensor(1, anchors, classes)})
	b.add(Op{Kind: Concat, In: []int{box, score}, Axis: 2, Out: b.tensor(1, anchors, 4+classes)})
	return nil
}
