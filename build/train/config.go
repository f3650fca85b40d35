// Package train trains detectors: it runs batches of a data set through a
// training graph, moves its weights against their gradients, judges the average
// of the weights by the engine that the page runs, and keeps checkpoints from
// which a killed training goes on as if nothing had been. Recipe and defaults
// are those of Ultralytics YOLOv8. It may import what lies in build, wasm/graph,
// wasm/onnx and wasm.
package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"eagleeye/build/train/data"
	"eagleeye/build/train/loss"
	"eagleeye/build/train/net"
	"eagleeye/wasm/graph"

	"gorgonia.org/gorgonia"
)

// Optimizers.
const (
	Auto  = "auto" // AdamW up to 10,000 updates, beyond it SGD, each with its rate
	SGD   = "sgd"
	AdamW = "adamw"
)

// Hyper is everything besides model and data that decides the result. It is
// recorded, and a resumed training must have the same. Start from Defaults.
type Hyper struct {
	Epochs int `json:"epochs"`
	Steps  int `json:"steps"` // batches in all; over 0 it rules instead of Epochs

	Batch  int    `json:"batch"`
	Width  int    `json:"width"` // of the network's input in pixels
	Height int    `json:"height"`
	Seed   uint64 `json:"seed"`

	Optimizer   string  `json:"optimizer"`
	LR          float64 `json:"lr"`        // 0 is the optimizer's own
	FinalLR     float64 `json:"final_lr"`  // at the end, as a part of LR
	Cosine      bool    `json:"cosine"`    // decay; else linear
	Momentum    float64 `json:"momentum"`  // AdamW's β1
	WeightDecay float64 `json:"decay"`     // at a batch of Nominal; biases and norms have none
	Nominal     int     `json:"nominal"`   // pictures an update: smaller batches add up; 0 updates each batch
	ClipNorm    float64 `json:"clip_norm"` // of all gradients; 0 is none

	WarmupEpochs   float64 `json:"warmup_epochs"`
	WarmupSteps    int     `json:"warmup_steps"` // at least, where WarmupEpochs is over 0
	WarmupMomentum float64 `json:"warmup_momentum"`
	WarmupBiasLR   float64 `json:"warmup_bias_lr"`

	EMADecay float64 `json:"ema_decay"` // of the averaged weights; 0 takes the weights themselves
	EMATau   float64 `json:"ema_tau"`   // updates over which the decay ramps up

	Augment     data.Augment `json:"augment"`
	CloseMosaic int          `json:"close_mosaic"` // last epochs without mosaics

	ValEvery int `json:"val_every"` // epochs
	Patience int `json:"patience"`  // epochs without a better model before the end; 0 is no early end
}

// Defaults are those of Ultralytics YOLOv8.
func Defaults() Hyper {
	return Hyper{
		Epochs: 100, Batch: 16, Width: 640, Height: 640,
		Optimizer: Auto, FinalLR: 0.01, Momentum: 0.937, WeightDecay: 5e-4, Nominal: 64, ClipNorm: 10,
		WarmupEpochs: 3, WarmupSteps: 100, WarmupMomentum: 0.8, WarmupBiasLR: 0.1,
		EMADecay: 0.9999, EMATau: 2000,
		Augment: data.Ultralytics, CloseMosaic: 10, ValEvery: 1, Patience: 100,
	}
}

// Config is a training.
type Config struct {
	Hyper
	Graph *graph.Graph // the model to start from, as read from a file or made by the zoo
	Train data.Source
	Val   data.Source // nil: nothing is judged, and there is no best model
	// ValLoss measures the loss, too, on the pictures to judge on.
	ValLoss bool
	Out     string // folder of everything that is written
	Note    any    // goes into the record: where model and data came from

	Resume    bool          // go on from the checkpoint in Out
	SaveEvery time.Duration // between checkpoints; 0 is a minute
	SaveSteps int           // between checkpoints; 0 goes by time alone

	Loss  loss.Options
	Net   net.Options // hooks for fake quantization; sizes are set by Run
	Extra Extra
	// Export turns the state of a net, as n.State lists it, into the model to
	// write; nil is n.ExportState with batch norms folded.
	Export func(n *net.Net, state []net.Tensor) (*graph.Graph, error)

	CacheBytes int64     // of decoded pictures; 0 is data.DefaultCache
	Workers    int       // goroutines that make batches; 0 is one a processor
	Log        io.Writer // an epoch a line, and warnings; nil drops them
	Progress   io.Writer // a bar; nil is silent

	fail func(what string) error // tests make writes fail
}

// Extra adds to what is trained: a teacher, scales to learn. Each part may be
// nil.
type Extra struct {
	// Attach is called once, when the net and its loss stand. It returns what is
	// minimised in place of hard, the scalar loss × batch, and what else is trained.
	Attach func(n *net.Net, hard *gorgonia.Node) (total *gorgonia.Node, params []net.Param, err error)
	// Step is called before each batch runs.
	Step func(step int, b *data.Batch) error
	// Parts names the values that the log shows besides the loss's own, as they
	// are after a batch.
	Parts func() []Part
	// Judge is called before and after the loss is measured on pictures to judge
	// on, with averaged weights: nothing is to be learned from them in between.
	Judge func(on bool)
	// State is further data, always in the same order, that a checkpoint keeps.
	State func() []net.Tensor
}

// Part is a part of the loss, per picture.
type Part struct {
	Name  string
	Value float64
}

// Result tells what became of a training.
type Result struct {
	Steps, Epochs int
	Best          *Row // the epoch of best.onnx; nil where nothing was judged
	Last          Row
	Stopped       bool // early, for want of progress
	Seconds       float64
	Problems      []data.Problem
}

// ErrConfig marks settings that cannot be used.
var ErrConfig = errors.New("unusable settings")

func (h *Hyper) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	for _, v := range []struct {
		name      string
		value     float64
		low, high float64
	}{
		{"lr", h.LR, 0, 10}, {"final lr", h.FinalLR, 0, 1}, {"momentum", h.Momentum, 0, 0.9999}, {"weight decay", h.WeightDecay, 0, 1},
		{"clip norm", h.ClipNorm, 0, math.MaxFloat32}, {"warm-up epochs", h.WarmupEpochs, 0, 1e6}, {"warm-up steps", float64(h.WarmupSteps), 0, 1e9},
		{"warm-up momentum", h.WarmupMomentum, 0, 0.9999}, {"warm-up bias lr", h.WarmupBiasLR, 0, 10},
		{"EMA decay", h.EMADecay, 0, 0.999999}, {"EMA tau", h.EMATau, 0, 1e9},
		{"batch", float64(h.Batch), 1, 4096}, {"nominal batch", float64(h.Nominal), 0, 1 << 20},
		{"steps", float64(h.Steps), 0, 1e9}, {"last epochs without mosaics", float64(h.CloseMosaic), 0, 1e9},
		{"epochs between validations", float64(h.ValEvery), 1, 1e9}, {"patience", float64(h.Patience), 0, 1e9},
	} {
		if !(v.value >= v.low && v.value <= v.high) {
			return bad("%s %g: use %g to %g", v.name, v.value, v.low, v.high)
		}
	}
	if h.Steps == 0 && (h.Epochs < 1 || h.Epochs > 1e9) {
		return bad("%d epochs: use at least 1", h.Epochs)
	}
	for _, side := range []int{h.Width, h.Height} {
		if side < 32 || side > 4096 || side%32 != 0 {
			return bad("input of %d×%d: sides must be multiples of 32 from 32 to 4096", h.Width, h.Height)
		}
	}
	switch h.Optimizer {
	case Auto, SGD, AdamW:
		return nil
	}
	return bad("optimizer %q: use %s, %s or %s", h.Optimizer, Auto, SGD, AdamW)
}

// choose fills in what Auto and a rate of 0 mean, for a number of updates and
// classes, as Ultralytics does.
func (h *Hyper) choose(updates, classes int) {
	own := math.Round(0.002*5/float64(4+classes)*1e6) / 1e6
	if h.Optimizer == Auto {
		h.Momentum = 0.9
		if h.Optimizer = AdamW; updates > 10_000 {
			h.Optimizer = SGD
		}
		h.WarmupBiasLR = 0
	}
	if h.LR == 0 {
		if h.LR = 0.01; h.Optimizer == AdamW {
			h.LR = own
		}
	}
}

// interval is the time between checkpoints.
func (c *Config) interval() time.Duration {
	if c.SaveEvery == 0 {
		return time.Minute
	}
	return c.SaveEvery
}

func (c *Config) logf(format string, args ...any) {
	if c.Log != nil {
		fmt.Fprintf(c.Log, format+"\n", args...)
	}
}

// Run trains. Whatever is wrong with the settings, the model, the data or the
// folder is said before the first step. When ctx ends, a checkpoint is written
// and ctx's error returned.
func Run(ctx context.Context, c Config) (Result, error) {
	t, err := prepare(c)
	if err != nil {
		return Result{}, fmt.Errorf("train: %w", err)
	}
	defer t.close()
	if err := t.run(ctx); err != nil {
		return t.result(), fmt.Errorf("train: %w", err)
	}
	return t.result(), nil
}
