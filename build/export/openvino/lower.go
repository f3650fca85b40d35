package openvino

import (
	"fmt"

	"eagleeye/wasm/graph"
)

func (w *writer) node(n *graph.Node, input []int) error {
	if n.Op == "Detect" {
		w.detect(n, input)
		return nil
	}
	y := n.Out[0]
	x := w.at[n.In[0]]
	source := n.In[0]
	var out port
	switch n.Op {
	case "Conv":
		source, out = nil, w.conv(n)
	case "MaxPool":
		p := ints(n, "pads", 0, 0, 0, 0)
		out = w.op("MaxPool", 1, y.Shape, []attr{{"strides", list(ints(n, "strides", 1, 1))}, {"kernel", list(n.Ints("kernel_shape"))},
			{"pads_begin", list(p[:2])}, {"pads_end", list(p[2:])}, {"rounding_type", "floor"}, {"auto_pad", "explicit"}}, x)
	case "Upsample":
		f := float32(n.Int("factor", 1))
		out = w.op("Interpolate", 4, y.Shape, []attr{{"mode", "nearest"}, {"shape_calculation_mode", "scales"},
			{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}, {"antialias", "false"},
			{"pads_begin", "0,0,0,0"}, {"pads_end", "0,0,0,0"}, {"cube_coeff", "-0.75"}},
			x, w.indices(y.Shape[2], y.Shape[3]), w.reals([]float32{f, f}, false, 2), w.indices(2, 3))
	case "Concat":
		var in []port
		for _, v := range n.In {
			in = append(in, w.at[v])
			if source != nil && (v.Quant == nil || source.Quant == nil || !same(v.Quant, source.Quant)) {
				source = nil
			}
		}
		out = w.op("Concat", 1, y.Shape, []attr{{"axis", "1"}}, in...)
	case "Slice":
		out = w.slice(x, 1, int(n.Int("start", 0)), int(n.Int("end", 0)))
	case "Add", "Mul":
		for _, v := range n.In {
			if v.Const != nil {
				return fmt.Errorf("%w for constants", ErrUnsupported)
			}
		}
		source, out = nil, w.binary(map[string]string{"Add": "Add", "Mul": "Multiply"}[n.Op], x, w.at[n.In[1]])
	case "Sigmoid":
		source, out = nil, w.op("Sigmoid", 1, y.Shape, nil, x)
	case "SiLU":
		source, out = nil, w.op("Swish", 4, y.Shape, nil, x)
	default:
		return fmt.Errorf("%w for this operator", ErrUnsupported)
	}
	w.made(y, source, out)
	return nil
}

func ints(n *graph.Node, name string, def ...int64) []int64 {
	if v := n.Ints(name); len(v) == len(def) {
		return v
	}
	return def
}

// conv writes a convolution with bias, SiLU and residual.
func (w *writer) conv(n *graph.Node) port {
	v, shape := n.In[1], n.Out[0].Shape
	kind, dims, o := "Convolution", v.Shape, v.Shape[0]
	ones := []int{o, 1, 1, 1}
	if g := int(n.Int("group", 1)); g > 1 {
		kind, dims, ones = "GroupConvolution", append([]int{g, o / g}, v.Shape[1:]...), []int{g, o / g, 1, 1, 1}
	}
	var weights port
	if v.Quant != nil {
		scale := make([]float32, o)
		for c := range scale {
			scale[c] = v.Quant.Scale[min(c, len(v.Quant.Scale)-1)]
		}
		weights = w.binary("Multiply", w.convert(w.constant("i8", v.Const.Data, dims...)), w.reals(scale, false, ones...))
	} else {
		weights = w.reals(v.Const.Floats(), true, dims...)
	}
	p := ints(n, "pads", 0, 0, 0, 0)
	out := w.op(kind, 1, shape, []attr{{"strides", list(ints(n, "strides", 1, 1))}, {"dilations", list(ints(n, "dilations", 1, 1))},
		{"pads_begin", list(p[:2])}, {"pads_end", list(p[2:])}, {"auto_pad", "explicit"}}, w.at[n.In[0]], weights)
	if len(n.In) > 2 && n.In[2] != nil {
		out = w.binary("Add", out, w.reals(n.In[2].Const.Floats(), true, 1, o, 1, 1))
	}
	if n.Str("act", "") == "SiLU" {
		out = w.op("Swish", 4, shape, nil, out)
	}
	if len(n.In) > 3 && n.In[3] != nil {
		out = w.binary("Add", out, w.at[n.In[3]])
	}
	return out
}

// detect writes the decoding: softmax over each side's bins, their mean by a
// 1×1 convolution, boxes about the cells' centres, sigmoid of the classes.
func (w *writer) detect(n *graph.Node, input []int) {
	bins, classes := int(n.Int("reg_max", 0)), int(n.Int("classes", 0))
	var boxes, scores []port
	var xs, ys, scale []float32
	for i, s := range n.Attrs["strides"].Floats {
		rows, cols := input[2]/int(s), input[3]/int(s)
		boxes = append(boxes, w.reshape(w.at[n.In[2*i]], 1, 4*bins, rows*cols))
		scores = append(scores, w.reshape(w.at[n.In[2*i+1]], 1, classes, rows*cols))
		for y := range rows {
			for x := range cols {
				xs, ys, scale = append(xs, float32(x)+0.5), append(ys, float32(y)+0.5), append(scale, s)
			}
		}
	}
	total := len(scale)
	join := func(axis string, channels int, parts ...port) port {
		return w.op("Concat", 1, []int{1, channels, total}, []attr{{"axis", axis}}, parts...)
	}
	dist := w.reshape(join("2", 4*bins, boxes...), 1, 4, bins, total)
	dist = w.op("Transpose", 1, []int{1, bins, 4, total}, nil, dist, w.indices(0, 2, 1, 3))
	dist = w.op("Softmax", 8, dist.shape, []attr{{"axis", "1"}}, dist)
	mean := make([]float32, bins)
	for i := range mean {
		mean[i] = float32(i)
	}
	sides := w.op("Convolution", 1, []int{1, 1, 4, total}, []attr{{"strides", "1,1"}, {"dilations", "1,1"},
		{"pads_begin", "0,0"}, {"pads_end", "0,0"}, {"auto_pad", "explicit"}}, dist, w.reals(mean, false, 1, bins, 1, 1))
	sides = w.reshape(sides, 1, 4, total)
	near, far := w.slice(sides, 1, 0, 2), w.slice(sides, 1, 2, 4)
	half := w.binary("Multiply", w.binary("Subtract", far, near), w.reals([]float32{0.5}, false, 1, 1, 1))
	centre := w.binary("Add", half, w.reals(append(xs, ys...), false, 1, 2, total))
	box := join("1", 4, centre, w.binary("Add", far, near))
	box = w.binary("Multiply", box, w.reals(scale, false, 1, 1, total))
	score := w.op("Sigmoid", 1, []int{1, classes, total}, nil, join("2", classes, scores...))
	out := w.layer(layer{kind: "Concat", set: 1, attrs: []attr{{"axis", "1"}}, in: []port{box, score}, name: "detections", tensor: n.Out[0].Name}, []int{1, 4 + classes, total})
	w.layer(layer{kind: "Result", set: 1, in: []port{out}, name: n.Out[0].Name}, out.shape)
}
