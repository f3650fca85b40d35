package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// checkTask refuses what the metadata of an Ultralytics file says is no
// detector.
func checkTask(g *Graph) error {
	if task := g.Meta["task"]; task != "" && task != "detect" {
		return notYOLO("the file's task is %q; only detection is supported", task)
	}
	return nil
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

// maxPixels bounds the input: 2048×2048, or as much in another form.
const maxPixels = 1 << 22

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
		for _, size := range [][2]int{{*h, *w}, {ownH, ownW}} {
			if size[0] > maxPixels/size[1] {
				return fmt.Errorf("%w: an input of %d×%d pixels, at most %d pixels", ErrUnsupported, size[1], size[0], maxPixels)
			}
		}
		s := in.Shape
		if len(s) == 4 && s[0] > 1 {
			return fmt.Errorf("%w: input %q is a batch of %d images; export with batch=1", ErrUnsupported, in.Name, s[0])
		}
		if len(s) != 0 && len(s) != 4 || len(s) == 4 && s[1] > 0 && s[1] != 3 {
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
