package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"eagleeye/build/calib"
	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/net"
	"eagleeye/build/train/qat"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"

	"gorgonia.org/gorgonia"
)

type qatCmd struct {
	trainCmd
	qatFlags
}

// qatFlags are what training int8 models has besides training.
type qatFlags struct {
	Scales     string  `help:"Grids of the activations: ${enum}." enum:"learned,observed,fixed" default:"learned"`
	Freeze     float64 `help:"Last part of the training in which the grids stay." default:"0.2"`
	Bits       int     `help:"Of the weights, 2 to 8." default:"8"`
	PerTensor  bool    `help:"One scale for all weights of a convolution, in place of one an output channel."`
	Wide       bool    `help:"Use the full range of int8 for all weights, beyond what byte kernels multiply exactly."`
	Calib      int     `help:"Training pictures to observe for the grids to start from; 0 is ${calib}." default:"0"`
	BiasImages int     `help:"Of those, pictures to match the biases on; -1 leaves them as they are." default:"20"`
}

// ptqFile is the int8 model before any training.
const ptqFile = "ptq.onnx"

func (c *qatCmd) Run(ctx context.Context, t terminal) error {
	c.Command = "qat"
	if c.Resume != "" {
		if err := recordedExtra(c.Resume, "qat", &c.qatFlags); err != nil {
			return err
		}
	} else if _, preset := zoo.Presets["yolov8"+c.Model]; preset {
		return usageError{errors.New("name a trained model, float or int8: --model FILE")}
	}
	switch {
	case !(c.Freeze >= 0 && c.Freeze <= 1):
		return usageError{fmt.Errorf("--freeze %g: use 0 to 1", c.Freeze)}
	case c.Bits < 2 || c.Bits > 8:
		return usageError{fmt.Errorf("weights of %d bits: use 2 to 8", c.Bits)}
	}
	cfg, err := c.config(t, nil)
	if err != nil {
		return err
	}
	cfg.WarmupBiasLR, cfg.WarmupSteps = 0, 20
	float, q, err := c.start(ctx, t, &cfg)
	if err != nil {
		return err
	}
	a, err := qat.New(float, q, qat.Options{Scales: c.Scales, Freeze: c.frozenFrom(&cfg), Bits: c.Bits, PerTensor: c.PerTensor, Wide: c.Wide})
	if err != nil {
		return err
	}
	a.Configure(&cfg)
	if c.Resume == "" {
		if c.Out, err = c.folder(); err != nil {
			return err
		}
		cfg.Out = c.Out
	}
	attach := cfg.Extra.Attach
	cfg.Extra.Attach = func(n *net.Net, hard *gorgonia.Node) (*gorgonia.Node, []net.Param, error) {
		if c.Resume == "" { // the folder is there by now
			g, err := a.PTQ()
			if err != nil {
				return nil, nil, err
			}
			if err := writeModel(filepath.Join(cfg.Out, ptqFile), g); err != nil {
				return nil, nil, err
			}
		}
		return attach(n, hard)
	}
	cfg.Note = struct {
		Train *trainCmd `json:"train"`
		QAT   *qatFlags `json:"qat"`
	}{&c.trainCmd, &c.qatFlags}
	return c.run(ctx, t, cfg)
}

// start returns the float model and its int8 form to start from. float is nil
// where the model is int8 already.
func (c *qatCmd) start(ctx context.Context, t terminal, cfg *train.Config) (float, q *graph.Graph, err error) {
	if c.Resume != "" {
		q, err = modelfile.Graph(filepath.Join(c.Resume, ptqFile))
		return cfg.Graph, q, err
	}
	for _, n := range cfg.Graph.Nodes {
		if n.Op == "QuantizeLinear" {
			return nil, cfg.Graph, nil
		}
	}
	if float, err = zoo.Fold(cfg.Graph); err != nil {
		return nil, nil, err
	}
	q, r, err := calib.Graph(ctx, float, qat.Pictures{Source: cfg.Train}, calib.Options{
		Images: c.Calib, BiasImages: c.BiasImages, RoundImages: -1, Size: c.Imgsz, Choice: calib.Choice{Wide: c.Wide}, Log: t.err, Progress: t.bars(),
	})
	if err != nil {
		return nil, nil, err
	}
	t.logf("%d activations calibrated on %d pictures, biases matched on %d", r.Points, r.Images, r.BiasImages)
	return float, q, nil
}

// frozenFrom is the step from which grids stay.
func (c *qatCmd) frozenFrom(cfg *train.Config) int {
	steps := cfg.Steps
	if steps == 0 {
		steps = cfg.Epochs * ((cfg.Train.Len() + cfg.Batch - 1) / max(cfg.Batch, 1))
	}
	if c.Freeze == 0 {
		return 0
	}
	return max(1, int(math.Round(float64(steps)*(1-c.Freeze))))
}
