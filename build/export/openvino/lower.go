package openvino

import (
	"fmt"
	"slices"

	"eagleeye/build/export/form"
	"eagleeye/wasm/graph"
)

func (w *writer) node(n *graph.Node) error {
	if n.Op == "Detect" {
		w.detect(n)
		return nil
	}
	y := n.Out[0]
	x := w.at[n.In[0]]
	var out port
	switch n.Op {
	case "Conv":
		out = w.conv(n)
	case "MaxPool":
		p := form.Ints(n, "pads", 0, 0, 0, 0)
		out = w.op("MaxPool", 1, y.Shape, []attr{{"strides", list(form.Ints(n, "strides", 1, 1))}, {"kernel", list(n.Ints("kernel_shape"))},
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
		}
		out = w.op("Concat", 1, y.Shape, []attr{{"axis", "1"}}, in...)
	case "Slice":
		out = w.slice(x, 1, int(n.Int("start", 0)), int(n.Int("end", 0)))
	case "Add", "Mul":
		for _, v := range n.In {
			if v.Const != nil {
				return fmt.Errorf("%w for constants", form.ErrUnsupported)
			}
		}
		out = w.binary(map[string]string{"Add": "Add", "Mul": "Multiply"}[n.Op], x, w.at[n.In[1]])
	case "Sigmoid":
		out = w.op("Sigmoid", 1, y.Shape, nil, x)
	case "SiLU":
		out = w.op("Swish", 4, y.Shape, nil, x)
	default:
		return fmt.Errorf("%w for this operator", form.ErrUnsupported)
	}
	w.made(y, form.OnGridOf(n), out)
	return nil
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
		weights = w.binary("Multiply", w.convert(w.constant("i8", v.Const.Data, dims...)), w.reals(form.Scales(v), false, ones...))
	} else {
		weights = w.reals(v.Const.Floats(), true, dims...)
	}
	p := form.Ints(n, "pads", 0, 0, 0, 0)
	out := w.op(kind, 1, shape, []attr{{"strides", list(form.Ints(n, "strides", 1, 1))}, {"dilations", list(form.Ints(n, "dilations", 1, 1))},
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
func (w *writer) detect(n *graph.Node) {
	h := form.HeadOf(n)
	var boxes, scores []port
	for i := 0; i < len(n.In); i += 2 {
		flat := func(v *graph.Value) port { return w.reshape(w.at[v], 1, v.Shape[1], v.Shape[2]*v.Shape[3]) }
		boxes, scores = append(boxes, flat(n.In[i])), append(scores, flat(n.In[i+1]))
	}
	bins, classes, total := h.Bins, h.Classes, len(h.Stride)
	join := func(axis string, channels int, parts ...port) port {
		return w.op("Concat", 1, []int{1, channels, total}, []attr{{"axis", axis}}, parts...)
	}
	dist := w.reshape(join("2", 4*bins, boxes...), 1, 4, bins, total)
	dist = w.op("Transpose", 1, []int{1, bins, 4, total}, nil, dist, w.indices(0, 2, 1, 3))
	dist = w.op("Softmax", 8, dist.shape, []attr{{"axis", "1"}}, dist)
	sides := w.op("Convolution", 1, []int{1, 1, 4, total}, []attr{{"strides", "1,1"}, {"dilations", "1,1"},
		{"pads_begin", "0,0"}, {"pads_end", "0,0"}, {"auto_pad", "explicit"}}, dist, w.reals(h.Means, false, 1, bins, 1, 1))
	sides = w.reshape(sides, 1, 4, total)
	near, far := w.slice(sides, 1, 0, 2), w.slice(sides, 1, 2, 4)
	half := w.binary("Multiply", w.binary("Subtract", far, near), w.reals([]float32{0.5}, false, 1, 1, 1))
	centre := w.binary("Add", half, w.reals(slices.Concat(h.X, h.Y), false, 1, 2, total))
	box := join("1", 4, centre, w.binary("Add", far, near))
	box = w.binary("Multiply", box, w.reals(h.Stride, false, 1, 1, total))
	score := w.op("Sigmoid", 1, []int{1, classes, total}, nil, join("2", classes, scores...))
	out := w.layer(layer{kind: "Concat", set: 1, attrs: []attr{{"axis", "1"}}, in: []port{box, score}, name: "detections", tensor: n.Out[0].Name}, []int{1, 4 + classes, total})
	w.layer(layer{kind: "Result", set: 1, in: []port{out}, name: n.Out[0].Name}, out.shape)
}
