package calib

import (
	"context"
	"fmt"
	"image"
	"io"
	"os"

	"eagleeye/wasm/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

// Defaults of Options.
const (
	DefaultImages      = calib.DefaultImages
	DefaultRoundImages = calib.DefaultRoundImages
	DefaultFloatBudget = calib.DefaultFloatBudget
)

// What is the core's.
type (
	Choice = calib.Choice
	Study  = calib.Study
)

// ErrNoImages tells that there is nothing to calibrate on.
var ErrNoImages = calib.ErrNoImages

// Options of Quantize.
type Options struct {
	In, Out     string
	CalibDir    string // pictures, or a folder with images/; "" draws scenes
	Images      int    // pictures to observe; 0 is DefaultImages
	BiasImages  int    // pictures to match the biases on; 0 or less leaves them as they are
	RoundImages int    // pictures to round the weights by; 0 is DefaultRoundImages, negative rounds each weight to the nearest
	Size        int    // of the network's input while observing; 0 is the model's own
	Choice
	Log      io.Writer // warnings, one a line; nil drops them
	Progress io.Writer // bars; nil is silent

	workers int // detectors side by side; 0 is one a core
}

// Report tells what Quantize did.
type Report struct {
	calib.Report
	Scenes bool
	Bytes  int // of the file written
}

// ScenesWarning says what calibrating without photos costs. The figures are
// those of the int8 YOLOv8n against the float one on 112 photos of COCO's
// val2017 at 640, calibrated on 100 scenes or 100 other photos of COCO.
const ScenesWarning = "no --calib folder: calibrating on drawn scenes instead of photos. " +
	"For YOLOv8n on COCO photos that cost 0.016 of AP50-95 (0.392, with photos 0.408; float 0.398), though anchor by anchor it was no further off. " +
	"Another model, or pictures unlike a street or a room, may lose more: give about 100 photos of what it will see, " +
	"or compare with eval --fidelity=FLOAT_MODEL."

// Quantize reads a float YOLOv8 from o.In, calibrates it and writes the int8
// QDQ model to o.Out, which appears complete or not at all. Whatever is wrong
// with the model, the options, the folder or the output is said before the
// first picture runs.
func Quantize(ctx context.Context, o Options) (Report, error) {
	s, err := Begin(o)
	if err != nil {
		return Report{}, err
	}
	defer s.Close()
	q, err := s.Graph(ctx, s.o.Choice)
	if err != nil {
		return Report{}, err
	}
	return s.Commit(q)
}

// Source are pictures that are no files of a folder.
type Source interface {
	Len() int
	Picture(i int) (*image.RGBA, error)
}

// sourced are the pictures of a Source, spread evenly.
type sourced struct {
	Source
	order []int
}

func (s sourced) Len() int { return len(s.order) }

func (s sourced) Load(i int) (*image.RGBA, string, error) {
	img, err := s.Picture(s.order[i])
	return img, fmt.Sprint("picture ", s.order[i]), err
}

// Graph quantizes a graph as read on the pictures of src, or drawn scenes where
// that is nil; In, Out and CalibDir do not matter.
func Graph(ctx context.Context, g *graph.Graph, src Source, o Options) (*graph.Graph, Report, error) {
	if err := o.complete(); err != nil {
		return nil, Report{}, err
	}
	if src == nil {
		return o.graph(ctx, g, scenes{o.Images})
	}
	all := make([]int, src.Len())
	for i := range all {
		all[i] = i
	}
	return o.graph(ctx, g, sourced{src, spread(all, o.Images)})
}

// complete fills in the defaults and checks the options.
func (o *Options) complete() error {
	c := o.core()
	if err := c.Complete(); err != nil {
		return err
	}
	o.Images, o.RoundImages = c.Images, c.RoundImages
	if o.Observer == "" {
		o.Observer = quant.MSE
	}
	if _, err := quant.ParseObserver(string(o.Observer)); err != nil {
		return err
	}
	if !(o.FloatBudget >= 0 && o.FloatBudget <= 1) {
		return fmt.Errorf("a budget of %g of a frame's time: use 0 to 1 (%g is good)", o.FloatBudget, DefaultFloatBudget)
	}
	if o.Percentile == 0 {
		o.Percentile = quant.DefaultPercentile
	}
	if !(o.Percentile > 50 && o.Percentile <= 100) {
		return fmt.Errorf("percentile %g: use more than 50, at most 100 (%g is good)", o.Percentile, quant.DefaultPercentile)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return nil
}

// core are the options of the core.
func (o *Options) core() calib.Options {
	return calib.Options{
		Images: o.Images, BiasImages: o.BiasImages, RoundImages: o.RoundImages, Size: o.Size, Workers: o.workers,
		Skipped:  func(err error) { fmt.Fprintln(o.Log, "skipped:", err) },
		Progress: bars(o.Progress),
	}
}

// pictures are those of the folder, or drawn scenes.
func (o *Options) pictures() (calib.Pictures, error) {
	if o.CalibDir == "" {
		return scenes{o.Images}, nil
	}
	return list(o.CalibDir, o.Images)
}

// graph quantizes g on the pictures of src.
func (o *Options) graph(ctx context.Context, g *graph.Graph, src calib.Pictures) (*graph.Graph, Report, error) {
	var r Report
	s, err := o.study(ctx, g, src)
	if err != nil {
		return nil, r, err
	}
	q, err := s.Graph(ctx, o.Choice)
	r.Report = s.Report
	_, r.Scenes = src.(scenes)
	return q, r, err
}

// study observes g on the pictures of src.
func (o *Options) study(ctx context.Context, g *graph.Graph, src calib.Pictures) (*Study, error) {
	if _, drawn := src.(scenes); drawn {
		fmt.Fprintln(o.Log, "warning:", ScenesWarning)
	}
	return calib.Open(ctx, g, src, o.core())
}

// Open observes a float model as read on the pictures of a folder, as Quantize
// does; o.In, o.Out and o.Choice do not matter.
func Open(ctx context.Context, g *graph.Graph, o Options) (*Study, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	src, err := o.pictures()
	if err != nil {
		return nil, err
	}
	return o.study(ctx, g, src)
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
