package zoo

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"eagleeye/wasm/graph"
)

// net grows a graph layer by layer.
type net struct {
	c      Config
	g      *graph.Graph
	rnd    *rand.Rand
	counts map[string]int // nodes so far of an operator in a scope
	consts map[string]*graph.Value
}

// tensor is a feature map on its way: its value and shape in the model, and what
// the picture makes of it.
type tensor struct {
	v       *graph.Value
	c, h, w int
	p       plane
}

func (n *net) float() graph.DType {
	if n.c.Half {
		return graph.Float16
	}
	return graph.Float32
}

func (n *net) input() tensor {
	v := &graph.Value{Name: "images", DType: n.float(), Shape: []int{1, 3, n.c.Height, n.c.Size}}
	if n.c.Dynamic {
		v.Shape = []int{-1, 3, -1, -1}
	}
	n.g.Inputs = []*graph.Value{v}
	if n.c.BN { // the weights do not depend on a picture
		return tensor{v: v, c: 3, h: n.c.Height, w: n.c.Size}
	}
	return tensor{v, 3, n.c.Height, n.c.Size, n.picture()}
}

// node adds an operation. Its name is the scope and operator, numbered from the
// second on, as PyTorch's exporter does.
func (n *net) node(scope, op string, outs int, attrs map[string]graph.Attr, in ...*graph.Value) []*graph.Value {
	name := scope + "/" + op
	if k := n.counts[name]; k > 0 {
		n.counts[name]++
		name += "_" + strconv.Itoa(k)
	} else {
		n.counts[name] = 1
	}
	nd := &graph.Node{Name: name, Op: op, In: in, Attrs: attrs}
	for i := range outs {
		nd.Out = append(nd.Out, &graph.Value{Name: name + "_output_" + strconv.Itoa(i)})
	}
	n.g.Nodes = append(n.g.Nodes, nd)
	return nd.Out
}

func ints(v ...int64) graph.Attr             { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
func integer(v int64) graph.Attr             { return graph.Attr{Kind: graph.AttrInt, I: v} }
func text(v string) graph.Attr               { return graph.Attr{Kind: graph.AttrString, S: v} }
func number(v float32) graph.Attr            { return graph.Attr{Kind: graph.AttrFloat, F: v} }
func axisAttr(v int64) map[string]graph.Attr { return map[string]graph.Attr{"axis": integer(v)} }

// constant adds an initializer.
func (n *net) constant(name string, dt graph.DType, shape []int, data []byte) *graph.Value {
	t := &graph.Tensor{DType: dt, Shape: shape, Data: data}
	return &graph.Value{Name: name, DType: dt, Shape: shape, Const: t}
}

// int64s is a one-dimensional constant, made once for a name.
func (n *net) int64s(name string, v ...int64) *graph.Value {
	if old := n.consts[name]; old != nil {
		return old
	}
	data := make([]byte, 0, 8*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(x))
	}
	n.consts[name] = n.constant(name, graph.Int64, []int{len(v)}, data)
	return n.consts[name]
}

// floats is a constant in the model's precision.
func (n *net) floats(name string, shape []int, v []float32) *graph.Value {
	if n.c.Half {
		data := make([]byte, 0, 2*len(v))
		for _, x := range v {
			data = binary.LittleEndian.AppendUint16(data, half(x))
		}
		return n.constant(name, graph.Float16, shape, data)
	}
	return n.constant(name, graph.Float32, shape, float32s(v))
}

func float32s(v []float32) []byte {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

// half rounds to the nearest binary16, ties to even; magnitudes over 65504 do
// not occur here.
func half(x float32) uint16 {
	sign := uint16(math.Float32bits(x) >> 16 & 0x8000)
	a := math.Abs(float64(x))
	_, exp := math.Frexp(a) // a in [2^(exp−1), 2^exp)
	step := math.Ldexp(1, max(exp-11, -24))
	q := uint16(math.RoundToEven(a / step)) // ≤ 2048
	if exp < -13 || a == 0 {
		return sign | q // subnormal, or 1024 = the least normal number
	}
	return sign | uint16(exp+14)<<10 + (q - 1024)
}

// conv2d adds a convolution with weights of zero mean that fit sets to the
// picture.
func (n *net) conv2d(scope, weights string, x tensor, out, k, stride int, bias []float32, fit func(q plane, w []float32)) tensor {
	w := make([]float32, out*x.c*k*k)
	for o := range out {
		row := w[o*x.c*k*k:][:x.c*k*k]
		mean := float32(0)
		for i := range row {
			row[i] = float32(2*n.rnd.Float64() - 1)
			mean += row[i] / float32(len(row))
		}
		for i := range row {
			row[i] -= mean
		}
	}
	q := x.p.conv(w, x.c, out, k, stride)
	fit(q, w)
	p := int64(k / 2)
	v := n.node(scope, "Conv", 1, convAttrs(int64(k), p, int64(stride)), x.v,
		n.floats(weights+".weight", []int{out, x.c, k, k}, w),
		n.floats(weights+".bias", []int{out}, bias))
	return tensor{v[0], out, x.h / stride, x.w / stride, q}
}

func convAttrs(k, p, stride int64) map[string]graph.Attr {
	return map[string]graph.Attr{
		"dilations": ints(1, 1), "group": integer(1), "kernel_shape": ints(k, k),
		"pads": ints(p, p, p, p), "strides": ints(stride, stride),
	}
}

// hidden is the root mean square of hidden layers. Where it is over 1, SiLU is
// nearly a rectifier and a layer nearly keeps ratios, so that pictures unlike the
// seeded one neither explode nor vanish.
const hidden = 3

// conv is Ultralytics' Conv with its batch norm folded: convolution and SiLU.
// path is the module's path; its scope is the same with slashes.
func (n *net) conv(path string, x tensor, out, k, stride int) tensor {
	return n.convAt("/"+path, path, x, out, k, stride)
}

func (n *net) convAt(scope, path string, x tensor, out, k, stride int) tensor {
	if n.c.BN {
		return n.silu(scope, n.normed(scope, path, x, out, k, stride))
	}
	bias := make([]float32, out)
	for i := range bias {
		bias[i] = float32(0.4 * (n.rnd.Float64() - 0.5))
	}
	y := n.conv2d(scope+"/conv", path+".conv", x, out, k, stride, bias, func(q plane, w []float32) { q.level(w, bias, hidden) })
	return n.silu(scope, y)
}

func (n *net) silu(scope string, y tensor) tensor {
	s := n.node(scope+"/act", "Sigmoid", 1, nil, y.v)[0]
	y.v = n.node(scope+"/act", "Mul", 1, nil, y.v, s)[0]
	y.p.silu()
	return y
}

// split halves or parts the channels; up to opset 12 the sizes are an attribute.
func (n *net) split(scope string, x *graph.Value, sizes ...int64) []*graph.Value {
	attrs := axisAttr(1)
	if n.c.Opset < 13 {
		attrs["split"] = ints(sizes...)
		return n.node(scope, "Split", len(sizes), attrs, x)
	}
	// The exporter numbers these and the simplifier shares equal ones.
	name := "onnx::Split"
	for _, s := range sizes {
		name += "_" + strconv.Itoa(int(s))
	}
	return n.node(scope, "Split", len(sizes), attrs, x, n.int64s(name, sizes...))
}

// concat joins along an axis.
func (n *net) concat(scope string, ax int64, list ...tensor) tensor {
	out := list[0]
	in := []*graph.Value{list[0].v}
	for _, x := range list[1:] {
		in = append(in, x.v)
		out.c += x.c
		out.p.x = append(out.p.x[:len(out.p.x):len(out.p.x)], x.p.x...)
	}
	out.v = n.node(scope, "Concat", 1, axisAttr(ax), in...)[0]
	return out
}

// c2f is the cross-stage block with two convolutions and repeated bottlenecks.
func (n *net) c2f(path string, x tensor, out, repeats int, residual bool) tensor {
	scope, c := "/"+path, out/2
	y := n.convAt(scope+"/cv1", path+".cv1", x, 2*c, 1, 1)
	parts := n.split(scope, y.v, int64(c), int64(c))
	y.c = c
	list := []tensor{{parts[0], c, y.h, y.w, y.p.channels(0, c)}, {parts[1], c, y.h, y.w, y.p.channels(c, c)}}
	for i := range repeats {
		last := list[len(list)-1]
		m := fmt.Sprintf("%s/m.%d", scope, i)
		mp := fmt.Sprintf("%s.m.%d", path, i)
		z := n.convAt(m+"/cv1", mp+".cv1", last, c, 3, 1)
		z = n.convAt(m+"/cv2", mp+".cv2", z, c, 3, 1)
		if residual {
			z.v = n.node(m, "Add", 1, nil, last.v, z.v)[0]
			z.p = last.p.add(z.p)
		}
		list = append(list, z)
	}
	return n.convAt(scope+"/cv2", path+".cv2", n.concat(scope, 1, list...), out, 1, 1)
}

// sppf is the pooling pyramid: three 5×5 max-pools in a row.
func (n *net) sppf(path string, x tensor, out int) tensor {
	scope := "/" + path
	y := n.convAt(scope+"/cv1", path+".cv1", x, x.c/2, 1, 1)
	list := []tensor{y}
	for _, m := range []string{"/m", "/m_1", "/m_2"} {
		attrs := convAttrs(5, 2, 1)
		delete(attrs, "group")
		attrs["ceil_mode"] = integer(0)
		y.v = n.node(scope+m, "MaxPool", 1, attrs, y.v)[0]
		y.p = y.p.maxPool()
		list = append(list, y)
	}
	return n.convAt(scope+"/cv2", path+".cv2", n.concat(scope, 1, list...), out, 1, 1)
}

// upsample doubles height and width, nearest neighbour. The scales stay float32;
// up to opset 12 the region of interest must be there, empty.
func (n *net) upsample(scope string, x tensor) tensor {
	const shared = "/model.10/Constant_output_0"
	if n.consts[shared] == nil {
		n.consts[shared] = n.constant(shared, graph.Float32, []int{4}, float32s([]float32{1, 1, 2, 2}))
		n.consts["roi"] = n.constant("/model.10/Constant_1_output_0", graph.Float32, []int{0}, []byte{})
	}
	var roi *graph.Value
	if n.c.Opset < 13 {
		roi = n.consts["roi"]
	}
	attrs := map[string]graph.Attr{
		"coordinate_transformation_mode": text("asymmetric"), "cubic_coeff_a": number(-0.75),
		"mode": text("nearest"), "nearest_mode": text("floor"),
	}
	v := n.node(scope, "Resize", 1, attrs, x.v, roi, n.consts[shared])
	return tensor{v[0], x.c, 2 * x.h, 2 * x.w, x.p.upsample()}
}
