package graph

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNotYOLOv8 marks a model whose output is not that of a YOLOv8 detector as
// Ultralytics exports it: [1, 4+classes, anchors] with boxes cx, cy, w, h in
// input pixels and class scores after the sigmoid.
var ErrNotYOLOv8 = errors.New("not a YOLOv8 detector")

// Prepare turns a graph as read from a file into the few kinds of nodes that
// can be lowered, for an input of h×w pixels (0: the file's own size):
//
//   - Conv: x, weights [O,I,kh,kw] (float32, or int8 with one scale an output
//     channel), bias (float32) or nil, and perhaps a residual that is added
//     after the activation. Attributes kernel_shape, strides, pads, dilations,
//     group, and act ("" or "SiLU").
//   - MaxPool (kernel_shape, strides, pads), Upsample (factor, nearest),
//     Concat (axis 1), Slice (channels start to end), Add, Mul, Sigmoid, SiLU,
//     Softmax (over channels).
//   - Detect: box and class maps by rising stride; strides, reg_max, classes;
//     its result is the file's output.
//
// All shapes are known, batch 1, NCHW. Activations that the file quantizes
// have Value.Quant (Uint8, one scale). The file's decoding tail, whose anchors
// and strides may be constants for one input size, is recognised, checked
// against the reference interpreter, and replaced by Detect, so one file
// serves every size that its largest stride divides. The argument is not
// changed.
func Prepare(g *Graph, h, w int) (*Graph, error) {
	g = Clone(g)
	for _, p := range []struct {
		name string
		run  func(*Graph) error
	}{
		{"verify", (*Graph).Verify},
		{"operators", checkOps},
		{"constants", constants},
		{"float32", widen},
		{"input", ownInput(&h, &w)},
		{"fold", Fold},
		{"quantization", LiftQDQ},
		{"fold dequantized", Fold},
		{"copies", dropCopies},
		{"head", replaceHead},
		{"batch norm", foldBatchNorm},
		{"SiLU", findSiLU},
		{"lower", lower},
		{"activation", fuseSiLU},
		{"residual", fuseResidual},
		{"dead code", DropDead},
		{"size", func(g *Graph) error { return resize(g, h, w) }},
		{"result", checkPrepared},
		{"verify result", (*Graph).Verify},
	} {
		if err := p.run(g); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return g, nil
}

// InputSize returns the height and width in pixels that a file is made for:
// its input's, else the metadata's imgsz ("[640, 640]"), else 640.
func InputSize(g *Graph) (h, w int) {
	if len(g.Inputs) > 0 && g.Inputs[0] != nil {
		if s := g.Inputs[0].Shape; len(s) == 4 && s[2] > 0 && s[3] > 0 {
			return s[2], s[3]
		}
	}
	f := strings.FieldsFunc(g.Meta["imgsz"], func(r rune) bool { return r < '0' || r > '9' })
	if len(f) == 2 {
		h, _ = strconv.Atoi(f[0])
		w, _ = strconv.Atoi(f[1])
	}
	if h < 1 || w < 1 || h > 1<<13 || w > 1<<13 {
		return 640, 640
	}
	return h, w
}

// A dynamic file's tail is verified at this size: not square, so that height
// and width cannot be confused, small, and divisible by strides up to 64.
const verifyH, verifyW = 128, 192

// ownInput fixes the input's shape for recognition: the file's own size where
// it is static. Where the caller named no size it becomes the file's.
func ownInput(h, w *int) func(*Graph) error {
	return func(g *Graph) error {
		if len(g.Inputs) != 1 {
			return fmt.Errorf("%w: %d inputs, want one image", ErrNotYOLOv8, len(g.Inputs))
		}
		in := g.Inputs[0]
		if in.DType != Float32 && in.DType != Invalid {
			return fmt.Errorf("%w: input %q is %v, want float32", ErrNotYOLOv8, in.Name, in.DType)
		}
		ownH, ownW := InputSize(g)
		if *h <= 0 || *w <= 0 {
			*h, *w = ownH, ownW
		}
		if *h > 1<<13 || *w > 1<<13 {
			return fmt.Errorf("%w: an input of %d×%d pixels", ErrUnsupported, *w, *h)
		}
		s := in.Shape
		if len(s) != 0 && len(s) != 4 || len(s) == 4 && (s[0] > 1 || s[1] > 0 && s[1] != 3) {
			return fmt.Errorf("%w: input %q is %v, want [1, 3, height, width]", ErrNotYOLOv8, in.Name, s)
		}
		own := []int{1, 3, verifyH, verifyW}
		if len(s) == 4 {
			if s[2] > 0 {
				own[2] = s[2]
			}
			if s[3] > 0 {
				own[3] = s[3]
			}
		}
		in.DType, in.Shape = Float32, own
		return nil
	}
}

// constants turns Constant nodes into values.
func constants(g *Graph) error {
	dead := map[*Node]bool{}
	for _, n := range g.Nodes {
		if n.Op != "Constant" {
			continue
		}
		t, err := constantTensor(n)
		if err != nil {
			return fmt.Errorf("node %s: %w", n, err)
		}
		n.Out[0].Const, n.Out[0].DType, n.Out[0].Shape = t, t.DType, t.Shape
		dead[n] = true
	}
	removeNodes(g, dead)
	return nil
}

// widen makes every float16 and float64 constant and cast float32 (files
// exported with half=True).
func widen(g *Graph) error {
	done := map[*Value]bool{}
	value := func(v *Value) {
		if v == nil || done[v] {
			return
		}
		done[v] = true
		if v.DType == Float16 || v.DType == Float64 {
			v.DType = Float32
		}
		if t := v.Const; t != nil && (t.DType == Float16 || t.DType == Float64) {
			v.Const = FloatTensor(t.Floats(), t.Shape...)
		}
	}
	for _, v := range g.Inputs {
		value(v)
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			value(v)
		}
		for _, v := range n.Out {
			value(v)
		}
		if to := n.Int("to", 0); n.Op == "Cast" && (to == 10 || to == 11) {
			n.Attrs["to"] = Attr{Kind: AttrInt, I: 1}
		}
		if a := n.Attrs["value"]; n.Op == "ConstantOfShape" && a.T != nil && isFloat(a.T.DType) {
			if err := a.T.check(); err != nil {
				return fmt.Errorf("node %s: %w", n, err)
			}
			n.Attrs["value"] = Attr{Kind: AttrTensor, T: FloatTensor(a.T.Floats(), a.T.Shape...)}
		}
	}
	return nil
}

// dropCopies makes the readers of Identity, Dropout and casts between equal
// types read the original.
func dropCopies(g *Graph) error {
	output := map[*Value]bool{}
	for _, o := range g.Outputs {
		output[o] = true
	}
	by, dead := map[*Value]*Value{}, map[*Node]bool{}
	for _, n := range g.Nodes {
		switch {
		case n.Op == "Identity", n.Op == "Dropout",
			n.Op == "Cast" && n.In[0].DType == n.Out[0].DType,
			n.Op == "Concat" && len(n.In) == 1:
			if !output[n.Out[0]] {
				by[n.Out[0]], dead[n] = n.In[0], true
			}
		}
	}
	replace(g, by)
	removeNodes(g, dead)
	return nil
}

// resize infers all shapes for an input of h×w.
func resize(g *Graph, h, w int) error {
	g.Inputs[0].Shape = []int{1, 3, h, w}
	if err := infer(g); err != nil {
		return fmt.Errorf("at %d×%d pixels: %w", w, h, err)
	}
	n := g.Nodes[len(g.Nodes)-1]
	for k, s := range n.Attrs["strides"].Floats {
		if m := n.In[2*k].Shape; m[2]*int(s) != h || m[3]*int(s) != w {
			return fmt.Errorf("an input of %d×%d pixels: %w: width and height must be multiples of the largest stride, %g",
				w, h, ErrUnsupported, n.Attrs["strides"].Floats[len(n.Attrs["strides"].Floats)-1])
		}
	}
	return nil
}

// checkPrepared makes sure that only what Prepare promises is left.
func checkPrepared(g *Graph) error {
	for _, n := range g.Nodes {
		for k, v := range n.In {
			if v != nil && v.Const != nil && !(n.Op == "Conv" && (k == 1 || k == 2)) {
				return fmt.Errorf("node %s: %w: input %q is a constant", n, ErrUnsupported, v.Name)
			}
		}
		switch n.Op {
		case "Conv", "MaxPool", "Upsample", "Slice", "Detect":
		case "Sigmoid", "SiLU":
		case "Softmax":
			if a := n.Int("axis", -1); a != 1 && a != -3 {
				return fmt.Errorf("node %s: %w: axis %d, only channels (1)", n, ErrUnsupported, a)
			}
		case "Concat":
			if a := n.Int("axis", 1); a != 1 {
				return fmt.Errorf("node %s: %w: axis %d, only channels (1)", n, ErrUnsupported, a)
			}
		case "Add", "Mul":
			if !sameShape(n.In[0].Shape, n.In[1].Shape) {
				return fmt.Errorf("node %s: %w: shapes %v and %v differ", n, ErrUnsupported, n.In[0].Shape, n.In[1].Shape)
			}
		default:
			return fmt.Errorf("node %s: %w before the head%s", n, ErrUnsupported, hint(n.Op))
		}
		if out := n.Out[0]; n.Op != "Detect" && len(out.Shape) != 4 {
			return fmt.Errorf("node %s: %w: result %v, want four dimensions", n, ErrUnsupported, out.Shape)
		}
	}
	return nil
}

// FloatOnly returns a copy of a prepared graph without quantization: int8
// weights become the float32 numbers that they stand for, and activations are
// no longer rounded.
func FloatOnly(g *Graph) *Graph {
	g = Clone(g)
	done := map[*Value]bool{}
	drop := func(v *Value) {
		if v == nil || v.Quant == nil || done[v] {
			return
		}
		done[v] = true
		if v.Const != nil {
			v.Const = FloatTensor(dequantize(v.Const, v.Quant), v.Const.Shape...)
			v.DType = Float32
		}
		v.Quant = nil
	}
	for _, v := range g.Inputs {
		drop(v)
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			drop(v)
		}
		for _, v := range n.Out {
			drop(v)
		}
	}
	return g
}
