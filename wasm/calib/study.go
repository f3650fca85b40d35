// Package calib makes int8 models: it runs a float model over pictures with the
// engine, lets package quant observe the activations, rounds the weights by what
// they change and matches the biases. It reads no files, so the same code runs
// natively and in the tab, and the same pictures give the same model. It may
// import wasm, its rooms and kernels.
package calib

import (
	"context"
	"errors"
	"fmt"
	"image"

	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// Defaults of Options.
const (
	DefaultImages      = 100
	DefaultRoundImages = 32
)

// ErrNoImages tells that there is nothing to calibrate on.
var ErrNoImages = errors.New("no calibration images")

// Pictures gives the calibration pictures one by one, those to prefer first.
type Pictures interface {
	// Len is how many there are at most.
	Len() int
	// Load returns picture i and its name. Its rows have no gaps.
	Load(i int) (*image.RGBA, string, error)
}

// Options of Open.
type Options struct {
	Images      int // pictures to observe; 0 is DefaultImages
	BiasImages  int // pictures to match the biases on; 0 or less leaves them as they are
	RoundImages int // pictures to round the weights by; 0 is DefaultRoundImages, negative rounds each weight to the nearest
	Size        int // of the network's input while observing; 0 is the model's own

	Workers int // detectors side by side; 0 is one a core
	// Machine makes machines of one thread; nil is host.New with exact kernels.
	Machine func() (host.Machine, error)
	// Skipped is told of pictures that could not be read, Progress how much of the
	// named stage is done; both may be nil and are called by one goroutine at a
	// time.
	Skipped  func(error)
	Progress func(stage string, done, total int)
}

// Stages of Options.Progress.
const (
	StageObserve = "calibrating"
	StageRound   = "rounding weights"
	StageBias    = "matching biases"
)

// Report tells what was done.
type Report struct {
	Images      int // pictures observed
	Skipped     int // pictures that could not be read
	BiasImages  int // pictures that the biases were matched on
	RoundImages int // pictures that the weights were rounded by
	Points      int // activations with a grid
	Convs       int // convolutions with int8 weights
	Float       int // groups of activations that stayed float, in the last form made
}

// Complete fills in the defaults and checks the options.
func (o *Options) Complete() error {
	if o.Images == 0 {
		o.Images = DefaultImages
	}
	if o.RoundImages == 0 {
		o.RoundImages = DefaultRoundImages
	}
	if o.Images < 0 {
		return fmt.Errorf("%d calibration images: use at least 1", o.Images)
	}
	return nil
}

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
	// FloatBudget, where FloatGroups is nil, leaves the groups with the noisiest
	// grids in float as far as that costs no more than this share of a frame's
	// time; 0 leaves none. See Study.Noisy.
	FloatBudget float64
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
	src     Pictures
	cal     *quant.Calibrator
	rounder *rounder
}

// Open observes a float model as read on pictures. Whatever is wrong with the
// model is said before the first of them runs.
func Open(ctx context.Context, g *graph.Graph, src Pictures, o Options) (*Study, error) {
	if err := o.Complete(); err != nil {
		return nil, err
	}
	g, err := zoo.Fold(g) // other programs run batch norms in float
	if err != nil {
		return nil, err
	}
	layout, err := quant.Analyze(g)
	if err != nil {
		return nil, err
	}
	s := &Study{Layout: layout, o: o, g: g, src: src}
	s.Report = Report{Points: len(layout.Points), Convs: len(layout.Convs)}

	detectors := make([]*wasm.Detector, o.parallel(min(o.Images, src.Len())))
	defer closeAll(detectors)
	for i := range detectors {
		if detectors[i], err = o.detector(g, layout.Taps()); err != nil {
			return nil, err
		}
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
	if c.FloatGroups == nil && c.FloatBudget > 0 {
		var err error
		if c.FloatGroups, err = s.Noisy(c); err != nil {
			return nil, err
		}
	}
	s.Report.Float = 0
	for _, f := range c.FloatGroups {
		if f {
			s.Report.Float++
		}
	}
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
	if err != nil || s.o.BiasImages <= 0 || c.OwnBiases {
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
