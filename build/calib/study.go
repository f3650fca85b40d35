package calib

import (
	"context"
	"fmt"

	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// Choice is one way to quantize a model.
type Choice struct {
	Observer   quant.Observer // "" is quant.MSE
	Percentile float64        // for quant.Percentile; 0 is quant.DefaultPercentile
	Wide       bool           // quant.Options.WideWeights
	Nearest    bool           // weights are rounded each to the nearest
	OwnBiases  bool           // biases stay as they are
	// FloatGroups tells of each of the layout's groups whether its activations
	// stay float; nil quantizes all.
	FloatGroups []bool
	// FloatWeights names convolutions whose weights stay float.
	FloatWeights map[string]bool
}

// Study is a float model with what was observed of it, to be quantized in many
// ways.
type Study struct {
	Layout *quant.Layout
	Report Report

	o       Options
	g       *graph.Graph
	src     pictures
	cal     *quant.Calibrator
	rounder *rounder
}

// study observes g on the pictures of src.
func (o *Options) study(ctx context.Context, g *graph.Graph, src pictures) (*Study, error) {
	layout, err := quant.Analyze(g)
	if err != nil {
		return nil, err
	}
	s := &Study{Layout: layout, o: *o, g: g, src: src}
	s.Report = Report{Points: len(layout.Points), Convs: len(layout.Convs)}
	_, s.Report.Scenes = src.(scenes)

	n := o.parallel(min(o.Images, src.count()))
	detectors := make([]*wasm.Detector, n)
	defer closeAll(detectors)
	for i := range detectors {
		if detectors[i], err = detector(g, o.Size, wasm.F32, layout.Taps()); err != nil {
			return nil, err
		}
	}
	if s.Report.Scenes {
		fmt.Fprintln(o.Log, "warning:", ScenesWarning)
	}
	s.cal, err = o.observe(ctx, layout, detectors, src, &s.Report)
	return s, err
}

func closeAll(detectors []*wasm.Detector) {
	for _, d := range detectors {
		if d != nil {
			d.Close()
		}
	}
}

// Graph quantizes the model.
func (s *Study) Graph(ctx context.Context, c Choice) (*graph.Graph, error) {
	opts := quant.Options{Observer: c.Observer, Percentile: c.Percentile, WideWeights: c.Wide, FloatGroups: c.FloatGroups}
	if c.FloatWeights != nil {
		opts.FloatWeights = func(n *graph.Node) bool { return c.FloatWeights[n.Name] }
	}
	if s.o.RoundImages > 0 && !c.Nearest {
		if s.rounder == nil {
			var err error
			if s.rounder, err = s.o.look(ctx, s.g, s.src, &s.Report); err != nil {
				return nil, err
			}
		}
		w, err := s.rounder.round(ctx, &s.o, s.wide(c))
		if err != nil {
			return nil, err
		}
		opts.Weights = w
	}
	q, err := quant.Quantize(s.g, s.cal, opts)
	if err != nil || s.o.BiasImages < 0 || c.OwnBiases {
		return q, err
	}
	if opts.Bias, err = s.o.correct(ctx, s.g, q, s.src, &s.Report); err != nil {
		return nil, err
	}
	return quant.Quantize(s.g, s.cal, opts)
}

// wide tells of a convolution whether all of int8 serves for its weights.
func (s *Study) wide(c Choice) func(n *graph.Node) bool {
	group := map[string]int{}
	for _, p := range s.Layout.Points {
		group[p.Name] = p.Group
	}
	for _, p := range s.Layout.Moved {
		group[p.Name] = p.Group
	}
	return func(n *graph.Node) bool {
		g, ok := group[n.In[0].Name]
		return c.Wide || !ok || c.FloatGroups != nil && c.FloatGroups[g]
	}
}

// Open observes a float model as read on the pictures of a folder, as Quantize
// does; o.In, o.Out and o.Choice do not matter.
func Open(ctx context.Context, g *graph.Graph, o Options) (*Study, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	g, err := zoo.Fold(g)
	if err != nil {
		return nil, err
	}
	src, err := o.pictures()
	if err != nil {
		return nil, err
	}
	return o.study(ctx, g, src)
}
