package bench

import (
	"encoding/binary"
	"fmt"
	"math"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// everywhere is an ONNX file with a quantize/dequantize pair behind every
// operation before the head's decoding, as onnxruntime.quantization's static mode
// writes it (QDQ, uint8 activations, int8 weights a channel, int32 biases). Our
// own int8 file rounds only what convolutions read; ONNX Runtime then has no
// integer kernel for SiLU and runs the convolutions in float, so for it this form
// is several times faster.
func everywhere(float []byte, size int, ranges map[string]valueRange) ([]byte, error) {
	g, err := onnx.Read(float)
	if err != nil {
		return nil, err
	}
	plain, err := graph.Unfused(g, size, size)
	if err != nil {
		return nil, err
	}
	ends := map[string]bool{}
	for _, v := range plain.Nodes[len(plain.Nodes)-1].In {
		ends[v.Name] = true
	}
	q := &rounder{g: g, ranges: ranges, read: map[*graph.Value]*graph.Value{}, grids: map[*graph.Value]grid8{}}
	q.body(ends)
	nodes := g.Nodes
	g.Nodes = nil
	if err := q.pair(g.Inputs[0], grid8{scale: 1.0 / 255}); err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := q.node(n); err != nil {
			return nil, fmt.Errorf("node %s: %w", n, err)
		}
	}
	return onnx.Write(g)
}

// valueRange is the smallest and the largest number that a value took.
type valueRange struct{ Min, Max float32 }

// grid8 is a grid of uint8: real = scale·(q − zero).
type grid8 struct {
	scale float32
	zero  uint8
}

type rounder struct {
	g      *graph.Graph
	ranges map[string]valueRange
	inBody map[*graph.Node]bool
	read   map[*graph.Value]*graph.Value // a value to its rounded form
	grids  map[*graph.Value]grid8
}

// body marks the nodes from which the ends are computed.
func (q *rounder) body(ends map[string]bool) {
	q.inBody = map[*graph.Node]bool{}
	want := map[*graph.Value]bool{}
	for i := len(q.g.Nodes) - 1; i >= 0; i-- {
		n := q.g.Nodes[i]
		for _, o := range n.Out {
			if o != nil && (want[o] || ends[o.Name]) {
				q.inBody[n] = true
			}
		}
		if q.inBody[n] {
			for _, v := range n.In {
				want[v] = true
			}
		}
	}
}

func (q *rounder) node(n *graph.Node) error {
	from, quantized := n.In[0], false
	if n.Op == "Conv" && q.inBody[n] {
		if err := q.weights(n); err != nil {
			return err
		}
	}
	for i, v := range n.In {
		if r := q.read[v]; r != nil {
			n.In[i], quantized = r, true
		}
	}
	q.g.Nodes = append(q.g.Nodes, n)
	if !q.inBody[n] || !quantized {
		return nil
	}
	for _, v := range n.Out {
		var grid grid8
		switch n.Op {
		case "Sigmoid":
			grid = grid8{scale: 1.0 / 255}
		case "MaxPool", "Resize", "Split", "Slice": // they move bytes
			grid = q.grids[from]
		default:
			r, ok := q.ranges[v.Name]
			if !ok {
				return fmt.Errorf("no range for %q", v.Name)
			}
			scale := max((max(r.Max, 0)-min(r.Min, 0))/255, 1e-8)
			grid = grid8{scale, uint8(math.Round(float64(-min(r.Min, 0) / scale)))}
		}
		if err := q.pair(v, grid); err != nil {
			return err
		}
	}
	return nil
}

// pair appends the quantize/dequantize pair of a value.
func (q *rounder) pair(v *graph.Value, g grid8) error {
	scale := constant(v.Name+"/scale", graph.FloatTensor([]float32{g.scale}))
	scale.Const.Shape, scale.Shape = []int{}, []int{}
	zero := constant(v.Name+"/zero", &graph.Tensor{DType: graph.Uint8, Shape: []int{}, Data: []byte{g.zero}})
	bytes := &graph.Value{Name: v.Name + "/q", DType: graph.Uint8}
	real := &graph.Value{Name: v.Name + "/dq", DType: graph.Float32}
	q.g.Nodes = append(q.g.Nodes,
		&graph.Node{Name: v.Name + "/Q", Op: "QuantizeLinear", In: []*graph.Value{v, scale, zero}, Out: []*graph.Value{bytes}},
		&graph.Node{Name: v.Name + "/DQ", Op: "DequantizeLinear", In: []*graph.Value{bytes, scale, zero}, Out: []*graph.Value{real}})
	q.read[v], q.grids[v] = real, g
	return nil
}

// weights makes a convolution's weights int8 and its bias int32, behind
// DequantizeLinear.
func (q *rounder) weights(n *graph.Node) error {
	w := n.In[1].Const
	if w == nil || w.DType != graph.Float32 {
		return fmt.Errorf("weights are no float32 constant")
	}
	floats, outs := w.Floats(), w.Shape[0]
	rest := len(floats) / outs
	bytes, scales := make([]byte, len(floats)), make([]float32, outs)
	for o := range outs {
		top := float32(0)
		for _, v := range floats[o*rest : (o+1)*rest] {
			top = max(top, float32(math.Abs(float64(v))))
		}
		scales[o] = max(top/127, 1e-8)
		for i := o * rest; i < (o+1)*rest; i++ {
			bytes[i] = byte(int8(math.Round(float64(floats[i] / scales[o]))))
		}
	}
	n.In[1] = q.dequantized(n.In[1].Name, &graph.Tensor{DType: graph.Int8, Shape: w.Shape, Data: bytes}, scales)
	if len(n.In) < 3 || n.In[2] == nil {
		return nil
	}
	bias, x := n.In[2].Const.Floats(), q.grids[n.In[0]].scale
	sums, data := make([]float32, outs), []byte(nil)
	for o, v := range bias {
		sums[o] = x * scales[o]
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(math.Round(float64(v)/float64(sums[o])))))
	}
	n.In[2] = q.dequantized(n.In[2].Name, &graph.Tensor{DType: graph.Int32, Shape: []int{outs}, Data: data}, sums)
	return nil
}

func (q *rounder) dequantized(name string, t *graph.Tensor, scales []float32) *graph.Value {
	zero := &graph.Tensor{DType: t.DType, Shape: []int{len(scales)}, Data: make([]byte, len(scales)*t.DType.Size())}
	out := &graph.Value{Name: name + "/dq", DType: graph.Float32}
	q.g.Nodes = append(q.g.Nodes, &graph.Node{
		Name: name + "/DQ", Op: "DequantizeLinear", Attrs: map[string]graph.Attr{"axis": {Kind: graph.AttrInt, I: 0}},
		In:  []*graph.Value{constant(name+"/q", t), constant(name+"/scale", graph.FloatTensor(scales, len(scales))), constant(name+"/zero", zero)},
		Out: []*graph.Value{out},
	})
	return out
}

func constant(name string, t *graph.Tensor) *graph.Value {
	return &graph.Value{Name: name, DType: t.DType, Shape: t.Shape, Const: t}
}
