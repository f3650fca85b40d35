package sensitivity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"eagleeye/wasm/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

// ErrDrop tells that no setting loses as little as was asked.
var ErrDrop = errors.New("no setting loses so little")

// Mixed is a model of which some layers are float.
type Mixed struct {
	Graph  *graph.Graph
	Layers []Layer // in float
	Drop   float64 // as measured
	Time   float64 // ms a frame
}

// Order lists the layers whose int8 form costs most for the time it saves first.
func (a *Analysis) Order() []Layer {
	layers := slices.Clone(a.Layers)
	// What is free or pays for itself still has to be worth something.
	worth := func(l Layer) float64 { return a.Error(l) / max(l.Cost, 1e-3) }
	slices.SortStableFunc(layers, func(x, y Layer) int { return cmp.Compare(worth(y), worth(x)) })
	return slices.DeleteFunc(layers, func(l Layer) bool { return a.Error(l) <= 0 })
}

// Search finds the fewest layers, taken in the order of what they give for
// their time, with which the drop is at most limit. drop measures a model; it is
// called some log2 times the number of layers.
func Search(ctx context.Context, l *quant.Layout, order []Layer, make Quantizer, limit float64, size int, drop func(*graph.Graph) (float64, error)) (*Mixed, error) {
	try := func(n int) (*Mixed, error) {
		m := &Mixed{Layers: order[:n]}
		var err error
		if m.Graph, err = make(ctx, Float(l, m.Layers), nil); err != nil {
			return nil, err
		}
		if m.Drop, err = drop(m.Graph); err != nil {
			return nil, err
		}
		m.Time, err = calib.FrameTime(m.Graph, size)
		return m, err
	}
	best, err := try(0)
	if err != nil || best.Drop <= limit {
		return best, err
	}
	// The first few layers usually do: double, then halve what lies between.
	low, high := 0, 0
	for n := 1; ; n *= 2 {
		n = min(n, len(order))
		m, err := try(n)
		if err != nil {
			return nil, err
		}
		if m.Drop <= limit {
			best, high = m, n
			break
		}
		if n == len(order) {
			return nil, fmt.Errorf("%w: %.4f is asked, %.4f is left with all activations in float", ErrDrop, limit, m.Drop)
		}
		low = n
	}
	for high-low > 1 {
		n := (low + high) / 2
		m, err := try(n)
		if err != nil {
			return nil, err
		}
		if m.Drop <= limit {
			best, high = m, n
		} else {
			low = n
		}
	}
	return best, nil
}

// Float tells of each group of a layout whether it is among the layers; nil
// where none is.
func Float(l *quant.Layout, layers []Layer) []bool {
	if len(layers) == 0 {
		return nil
	}
	out := make([]bool, l.Groups)
	for _, layer := range layers {
		out[layer.Group] = true
	}
	return out
}
