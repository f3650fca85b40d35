// Package sensitivity finds out which layers of a model int8 hurts, and keeps
// those in float that cost least for what they give. It may import wasm,
// kernels, build/fidelity and build/judge.
package sensitivity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"eagleeye/build/fidelity"
	"eagleeye/build/judge"
	"eagleeye/wasm/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

// Layer is a group of activations that share a grid, with the convolutions that
// read them: the least that can stay float alone.
type Layer struct {
	Group int
	Name  string   // of the modules whose results these are, such as "model.1"
	Convs []string // that read them, by node
	// Int8 is the model with this layer alone in int8, against the float model.
	Int8 fidelity.Result
	// Float is the int8 model with this layer alone in float.
	Float fidelity.Result
	// Cost is what that takes longer than int8 throughout, a share of the frame's
	// time on the page's kernels by the planner's table.
	Cost float64
}

// Analysis is what Analyze found.
type Analysis struct {
	Layers []Layer         // by falling error in int8
	All    fidelity.Result // int8 throughout
	Time   float64         // ms a frame of that on one thread, by the planner's table
	Images int
}

// Quantizer makes the int8 form of a model in which groups of activations stay
// float, and the weights of the named convolutions too.
type Quantizer func(ctx context.Context, float []bool, weights map[string]bool) (*graph.Graph, error)

// Modes of Analyze.
type Modes struct {
	Int8, Float bool // layers alone in int8, in float
}

// Runs is how many models Analyze judges.
func (m Modes) Runs(l *quant.Layout) int {
	n := 1
	for _, on := range []bool{m.Int8, m.Float} {
		if on {
			n += len(Layers(l))
		}
	}
	return n
}

// Layers lists the groups of a layout but the image's, which is exact in int8.
func Layers(l *quant.Layout) []Layer {
	of := map[string]int{}
	layers := make([]Layer, l.Groups)
	image := -1
	for _, p := range slices.Concat(l.Points, l.Moved) {
		of[p.Name] = p.Group
	}
	for _, p := range l.Points {
		if p.Name == l.Input {
			image = p.Group
		}
		layers[p.Group].Group = p.Group
		if n := module(p.Name); !strings.Contains(" "+layers[p.Group].Name+" ", " "+n+" ") {
			layers[p.Group].Name = strings.TrimSpace(layers[p.Group].Name + " " + n)
		}
	}
	for _, n := range l.Convs {
		if g, ok := of[n.In[0].Name]; ok {
			layers[g].Convs = append(layers[g].Convs, n.Name)
		}
	}
	return slices.DeleteFunc(layers, func(l Layer) bool { return l.Group == image })
}

// module shortens an exporter's name of a value, "/model.2/cv1/act/Mul_output_0",
// to the module's, "model.2.cv1".
func module(value string) string {
	parts := strings.Split(strings.Trim(value, "/"), "/")
	for len(parts) > 1 {
		switch last := parts[len(parts)-1]; {
		case last == "act", last == "conv", strings.Contains(last, "_output_"), strings.Contains(last, "Mul"):
			parts = parts[:len(parts)-1]
			continue
		}
		break
	}
	out := ""
	for i, p := range parts {
		// Exporters repeat a path's beginning: model.22, cv2.0, cv2.0.0.
		if i+1 == len(parts) || !strings.HasPrefix(parts[i+1], p+".") {
			out += "." + p
		}
	}
	out = out[1:]
	return out
}

// Analyze judges every layer. tell is called before each model.
func Analyze(ctx context.Context, l *quant.Layout, make Quantizer, j *judge.Judge, size int, m Modes, tell func(what string)) (*Analysis, error) {
	a := &Analysis{Layers: Layers(l)}
	q, err := make(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	if a.Time, err = calib.FrameTime(q, size); err != nil {
		return nil, err
	}
	tell("int8 throughout")
	v, err := j.Run(ctx, q)
	if err != nil {
		return nil, err
	}
	a.All, a.Images = v.Fidelity(), len(v.Sums)
	every := map[string]bool{}
	for _, n := range l.Convs {
		every[n.Name] = true
	}
	for i := range a.Layers {
		layer := &a.Layers[i]
		q, err := make(ctx, only(l.Groups, layer.Group, true), nil)
		if err != nil {
			return nil, fmt.Errorf("%s in float: %w", layer.Name, err)
		}
		t, err := calib.FrameTime(q, size)
		if err != nil {
			return nil, err
		}
		layer.Cost = t/a.Time - 1
		if m.Float {
			tell(layer.Name + " in float")
			v, err := j.Run(ctx, q)
			if err != nil {
				return nil, err
			}
			layer.Float = v.Fidelity()
		}
		if m.Int8 {
			weights := map[string]bool{}
			for name := range every {
				weights[name] = !slices.Contains(layer.Convs, name)
			}
			if q, err = make(ctx, only(l.Groups, layer.Group, false), weights); err != nil {
				return nil, fmt.Errorf("%s in int8: %w", layer.Name, err)
			}
			tell(layer.Name + " in int8")
			v, err := j.Run(ctx, q)
			if err != nil {
				return nil, err
			}
			layer.Int8 = v.Fidelity()
		}
	}
	slices.SortStableFunc(a.Layers, func(x, y Layer) int { return cmp.Compare(a.Error(y), a.Error(x)) })
	return a, nil
}

// only is value for one group and its opposite for the others.
func only(groups, group int, value bool) []bool {
	out := make([]bool, groups)
	for i := range out {
		out[i] = (i == group) == value
	}
	return out
}

// Error is a layer's part of the squared error of the scores: what it makes alone,
// or else what leaving it in float takes away.
func (a *Analysis) Error(l Layer) float64 {
	if l.Int8.Anchors > 0 {
		return l.Int8.RMSScore * l.Int8.RMSScore
	}
	return a.All.RMSScore*a.All.RMSScore - l.Float.RMSScore*l.Float.RMSScore
}
