package graph

import (
	"errors"
	"fmt"
	"slices"
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
// have Value.Quant (Uint8, one scale), and so do those that hold the same
// numbers before or after a Slice, Concat, Upsample or MaxPool. The file's
// decoding tail, whose anchors and strides may be constants for one input size,
// is recognised, checked against the reference interpreter, and replaced by
// Detect, so one file serves every size that its largest stride divides. The
// argument is not changed.
func Prepare(g *Graph, h, w int) (*Graph, error) {
	g = Clone(g)
	if err := run(g, reading(h, w, body, pass{"result", checkPrepared})); err != nil {
		return nil, err
	}
	return g, nil
}

// A pass rewrites a graph in place.
type pass struct {
	name string
	run  func(*Graph) error
}

// body are the passes over what is before the head, at the size of the file.
var body = []pass{
	{"batch norm", foldBatchNorm},
	{"SiLU", findSiLU},
	{"lower", lower},
	{"activation", fuseSiLU},
	{"residual", fuseResidual},
	{"grids", spreadGrids},
	{"dead code", DropDead},
}

// reading returns all passes of a reading: up to the head, those over what is
// before it, and those at an input of h×w pixels (0: the file's own size).
func reading(h, w int, middle []pass, last ...pass) []pass {
	first := []pass{
		{"verify", (*Graph).Verify},
		{"task", checkTask},
		{"operators", checkOps},
		{"constants", constants},
		{"float32", widen},
		{"input", ownInput(&h, &w)},
		{"fold", Fold},
		{"quantization", LiftQDQ},
		{"quantized constants", snapConstants},
		{"fold dequantized", Fold},
		{"copies", dropCopies},
		{"head", replaceHead},
	}
	size := []pass{{"size", func(g *Graph) error { return resize(g, h, w) }}}
	return slices.Concat(first, middle, size, last, []pass{{"verify result", (*Graph).Verify}})
}

func run(g *Graph, passes []pass) error {
	for _, p := range passes {
		if err := p.run(g); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// resize infers all shapes for an input of h×w, which the largest stride must
// divide.
func resize(g *Graph, h, w int) error {
	detect := g.Nodes[len(g.Nodes)-1]
	strides := detect.Attrs["strides"].Floats
	for _, s := range strides {
		if h%int(s) != 0 || w%int(s) != 0 {
			return fmt.Errorf("%w: an input of %d×%d pixels: width and height must be multiples of the largest stride, %g",
				ErrUnsupported, w, h, strides[len(strides)-1])
		}
	}
	g.Inputs[0].Shape = []int{1, 3, h, w}
	if err := infer(g); err != nil {
		return fmt.Errorf("at %d×%d pixels: %w", w, h, err)
	}
	for k, s := range strides {
		if m := detect.In[2*k].Shape; m[2]*int(s) != h || m[3]*int(s) != w {
			return fmt.Errorf("%w: at %d×%d pixels the map with stride %g is %v", ErrUnsupported, w, h, s, m)
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
			return fmt.Errorf("node %s: %w before the head%s", n, ErrUnsupported, Hint(n.Op))
		}
		if out := n.Out[0]; n.Op != "Detect" && len(out.Shape) != 4 {
			return fmt.Errorf("node %s: %w: result %v, want four dimensions", n, ErrUnsupported, out.Shape)
		}
	}
	return nil
}
