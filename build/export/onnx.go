package export

import (
	"encoding/binary"
	"fmt"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// ONNXOptions choose the form of an ONNX file.
type ONNXOptions struct {
	form.Options
	Opset   int  // 11 to 21; 0 is 13, the first that can say all of int8
	Dynamic bool // batch, height and width are left open
}

// opset returns the opset to write.
func (o ONNXOptions) opset() (int, error) {
	switch {
	case o.Opset == 0:
		return 13, nil
	case o.Opset < 11 || o.Opset > 21:
		return 0, fmt.Errorf("opset %d: want 11 to 21", o.Opset)
	case o.Opset < 13 && o.Precision == form.Int8:
		return 0, fmt.Errorf("opset %d has no scale a channel: int8 needs 13 or later", o.Opset)
	}
	return o.Opset, nil
}

// ONNX writes g, as read from a file, anew: constants folded, one operator a
// step, any opset. Half weights are cast to float where they are used, so every
// runtime reads them; quantized models keep their grids as
// QuantizeLinear/DequantizeLinear pairs.
func ONNX(g *graph.Graph, o ONNXOptions) ([]byte, error) {
	var err error
	if o.Opset, err = o.opset(); err != nil {
		return nil, err
	}
	p, err := form.Prepare(g, o.Options)
	if err != nil {
		return nil, err
	}
	w := &onnxWriter{o: o, g: &graph.Graph{Name: g.Name, Opset: o.Opset, Meta: map[string]string{}}, at: map[*graph.Value]*graph.Value{}, shared: map[string]*graph.Value{}}
	for k, v := range g.Meta {
		w.g.Meta[k] = v
	}
	in := p.Inputs[0]
	w.g.Meta["imgsz"] = fmt.Sprintf("[%d, %d]", in.Shape[2], in.Shape[3])
	x := &graph.Value{Name: in.Name, DType: graph.Float32, Shape: in.Shape}
	if o.Dynamic {
		x.Shape = []int{-1, 3, -1, -1}
	}
	w.g.Inputs = []*graph.Value{x}
	w.made(in, nil, x)
	for _, n := range p.Nodes {
		if err := w.node(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	return onnx.Write(w.g)
}

// onnxWriter grows the new graph.
type onnxWriter struct {
	o      ONNXOptions
	g      *graph.Graph
	at     map[*graph.Value]*graph.Value // the new value of an old one
	shared map[string]*graph.Value       // constants by content
	count  int
}

func list(v ...int64) graph.Attr         { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
func number(v int64) graph.Attr          { return graph.Attr{Kind: graph.AttrInt, I: v} }
func word(v string) graph.Attr           { return graph.Attr{Kind: graph.AttrString, S: v} }
func axis(v int64) map[string]graph.Attr { return map[string]graph.Attr{"axis": number(v)} }

// op adds a node with one result.
func (w *onnxWriter) op(kind, name string, attrs map[string]graph.Attr, in ...*graph.Value) *graph.Value {
	w.count++
	if name == "" {
		name = fmt.Sprintf("%s_%d", kind, w.count)
	}
	out := &graph.Value{Name: name, DType: graph.Float32}
	w.g.Nodes = append(w.g.Nodes, &graph.Node{Name: name, Op: kind, In: in, Out: []*graph.Value{out}, Attrs: attrs})
	return out
}

// constant makes a value of a tensor.
func (w *onnxWriter) constant(name string, t *graph.Tensor) *graph.Value {
	w.count++
	if name == "" {
		name = fmt.Sprintf("constant_%d", w.count)
	}
	return &graph.Value{Name: name, DType: t.DType, Shape: t.Shape, Const: t}
}

// ints is a list of int64; equal lists share a constant.
func (w *onnxWriter) ints(v ...int64) *graph.Value {
	key := fmt.Sprint(v)
	if w.shared[key] == nil {
		w.shared[key] = w.constant("", graph.IntTensor(v))
	}
	return w.shared[key]
}

// scalar is an int64 of rank 0.
func (w *onnxWriter) scalar(v int64) *graph.Value {
	key := fmt.Sprintf("scalar %d", v)
	if w.shared[key] == nil {
		w.shared[key] = w.constant("", &graph.Tensor{DType: graph.Int64, Shape: []int{}, Data: binary.LittleEndian.AppendUint64(nil, uint64(v))})
	}
	return w.shared[key]
}

func (w *onnxWriter) floats(name string, v []float32, shape ...int) *graph.Value {
	if shape == nil {
		shape = []int{}
	}
	return w.constant(name, graph.FloatTensor(v, shape...))
}

// weights are floats, or halves and a cast.
func (w *onnxWriter) weights(v *graph.Value) *graph.Value {
	if v.Quant != nil {
		scale := form.Scales(v)
		zero := &graph.Tensor{DType: graph.Int8, Shape: []int{len(scale)}, Data: make([]byte, len(scale))}
		return w.op("DequantizeLinear", "", axis(0), w.constant(v.Name, v.Const), w.floats("", scale, len(scale)), w.constant("", zero))
	}
	if w.o.Precision != form.Float16 {
		return w.constant(v.Name, v.Const)
	}
	var data []byte
	for _, f := range v.Const.Floats() {
		data = binary.LittleEndian.AppendUint16(data, graph.Float32to16(f))
	}
	half := w.constant(v.Name, &graph.Tensor{DType: graph.Float16, Shape: v.Shape, Data: data})
	return w.op("Cast", "", map[string]graph.Attr{"to": number(1)}, half)
}

// made records the new value of an old one, behind a pair of Q and DQ where it
// has a grid on which its source does not lie.
func (w *onnxWriter) made(v, source *graph.Value, x *graph.Value) {
	if q := v.Quant; q != nil && (source == nil || !form.SameGrid(q, source.Quant)) {
		scale := w.floats("", q.Scale[:1])
		zero := w.constant("", &graph.Tensor{DType: q.DType, Shape: []int{}, Data: []byte{byte(q.Zero[0])}})
		r := w.op("QuantizeLinear", "", nil, x, scale, zero)
		r.DType = q.DType
		x = w.op("DequantizeLinear", "", nil, r, scale, zero)
	}
	w.at[v] = x
}

func (w *onnxWriter) node(n *graph.Node) error {
	if n.Op == "Detect" {
		w.detect(n)
		return nil
	}
	x := w.at[n.In[0]]
	keep := func(names ...string) map[string]graph.Attr {
		m := map[string]graph.Attr{}
		for _, k := range names {
			if a, ok := n.Attrs[k]; ok {
				m[k] = a
			}
		}
		return m
	}
	switch n.Op {
	case "Conv":
		in := []*graph.Value{x, w.weights(n.In[1])}
		if len(n.In) > 2 && n.In[2] != nil {
			in = append(in, w.constant(n.In[2].Name, n.In[2].Const))
		}
		x = w.op("Conv", n.Name, keep("kernel_shape", "strides", "pads", "dilations", "group"), in...)
		if n.Str("act", "") == "SiLU" {
			x = w.op("Mul", n.Name+"/silu", nil, x, w.op("Sigmoid", n.Name+"/sigmoid", nil, x))
		}
		if len(n.In) > 3 && n.In[3] != nil {
			x = w.op("Add", n.Name+"/sum", nil, w.at[n.In[3]], x)
		}
	case "MaxPool":
		x = w.op("MaxPool", n.Name, keep("kernel_shape", "strides", "pads"), x)
	case "Upsample":
		f := float32(n.Int("factor", 1))
		var roi *graph.Value
		if w.o.Opset < 13 { // may not be left out there
			roi = w.floats("", nil, 0)
		}
		x = w.op("Resize", n.Name, map[string]graph.Attr{"mode": word("nearest"), "coordinate_transformation_mode": word("asymmetric"), "nearest_mode": word("floor")},
			x, roi, w.floats("", []float32{1, 1, f, f}, 4))
	case "Concat":
		in := []*graph.Value{}
		for _, v := range n.In {
			in = append(in, w.at[v])
		}
		x = w.op("Concat", n.Name, axis(1), in...)
	case "Slice":
		x = w.slice(n.Name, x, n.Int("start", 0), n.Int("end", 0))
	case "Add", "Mul", "Sigmoid", "SiLU":
		var in []*graph.Value
		for _, v := range n.In {
			if v.Const != nil {
				return fmt.Errorf("%w for constants", form.ErrUnsupported)
			}
			in = append(in, w.at[v])
		}
		kind := n.Op
		if kind == "SiLU" {
			kind, in = "Mul", []*graph.Value{x, w.op("Sigmoid", n.Name+"/sigmoid", nil, x)}
		}
		x = w.op(kind, n.Name, nil, in...)
	default:
		return fmt.Errorf("%w: no ONNX operator", form.ErrUnsupported)
	}
	w.made(n.Out[0], form.OnGridOf(n), x)
	return nil
}

// slice takes from..to of the channels.
func (w *onnxWriter) slice(name string, x *graph.Value, from, to int64) *graph.Value {
	return w.op("Slice", name, nil, x, w.ints(from), w.ints(to), w.ints(1))
}
