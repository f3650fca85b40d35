// Package recipe trains the model that the project ships: YOLOv8's architecture,
// an eighth of its width, on rendered scenes alone. The same seed gives the same
// model on processors that round alike. It may import what lies in build,
// wasm/graph and wasm/onnx.
package recipe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"eagleeye/build/scenes"
	"eagleeye/build/scenes/dataset"
	"eagleeye/build/train"
	"eagleeye/build/train/net"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// Size is the side of the model's input in pixels.
const Size = 320

// Options of Run.
type Options struct {
	Out      string  // folder of everything that is written
	Seed     uint64  // of weights and order
	Scale    float64 // of the number of steps, for trials; 0 is 1
	Log      io.Writer
	Progress io.Writer

	test int // scenes to judge on, and to calibrate on; 0 is the recipe's numbers
}

// stage is a part of the training. Most of what is to be learned shows in small
// pictures, which cost a third; how to bound it tightly takes the last stage.
type stage struct {
	name  string
	size  int // of the input and the scenes
	steps int
	lr    float64
	final float64 // rate at the end, as a part of lr
	warm  int
	first int // number of the first scene
}

const batch = 16

var stages = []stage{
	{name: "small", size: 192, steps: 4200, lr: 0.003, final: 0.2, warm: 100},
	{name: "full", size: Size, steps: 4000, lr: 0.0015, final: 0.01, warm: 50, first: 1 << 20},
}

// Scenes that each epoch is judged on, and those that count.
const (
	valScenes  = 150
	testScenes = 500
	epochs     = 12 // of a stage, between which it is judged
)

// scenes is n, or fewer in a test.
func (o Options) scenes(n int) int {
	if o.test > 0 {
		return o.test
	}
	return n
}

// Model is what the training starts from.
func Model(seed uint64) (*graph.Graph, error) {
	return zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 1024, Classes: scenes.Names, Size: Size, BN: true, Seed: seed})
}

// Run trains, makes the int8 form and judges it. What is there of an earlier run
// in the same folder is gone on with.
func Run(ctx context.Context, o Options) (Record, error) {
	if o.Scale == 0 {
		o.Scale = 1
	}
	g, err := Model(o.Seed)
	if err != nil {
		return Record{}, err
	}
	r := Record{Command: command(o), Seed: o.Seed, Classes: scenes.Names, Size: Size, Batch: batch}
	for i, s := range stages {
		s.steps = max(int(float64(s.steps)*o.Scale), 1)
		last := i == len(stages)-1
		t, next, err := o.train(ctx, g, s, last)
		if err != nil {
			return r, fmt.Errorf("stage %s: %w", s.name, err)
		}
		r.Stages = append(r.Stages, t)
		g = next
	}
	describe(g)
	return r, o.finish(ctx, g, &r)
}

// train runs a stage, or takes what it left when it is done.
func (o Options) train(ctx context.Context, g *graph.Graph, s stage, last bool) (StageRecord, *graph.Graph, error) {
	dir := filepath.Join(o.Out, s.name)
	h := train.Defaults()
	h.Steps, h.Batch, h.Width, h.Height, h.Seed = s.steps, batch, s.size, s.size, o.Seed
	h.Optimizer, h.LR, h.FinalLR, h.Cosine, h.Momentum = train.AdamW, s.lr, s.final, true, 0.9
	h.Nominal = 0 // each batch is an update
	h.WarmupEpochs, h.WarmupSteps, h.WarmupBiasLR = 1e-9, s.warm, 0
	h.EMADecay, h.EMATau = 0.998, 200
	h.Augment.Mosaic, h.Augment.Scale, h.Augment.Translate, h.Augment.FlipLR = 0, 0, 0, 0 // scenes vary enough
	h.Augment.Hue, h.Augment.Saturation, h.Augment.Value = 0, 0, 0
	h.Patience = 0
	if _, err := os.Stat(filepath.Join(dir, doneFile)); err != nil {
		_, err := os.Stat(filepath.Join(dir, train.CheckpointFile))
		perEpoch := (s.steps + epochs - 1) / epochs
		res, err := train.Run(ctx, train.Config{
			Hyper: h, Graph: g, Out: dir, Resume: err == nil, Log: o.Log, Progress: o.Progress,
			Train: dataset.Fresh{Set: dataset.Set{Seed: dataset.TrainSeed, N: perEpoch * batch, Short: s.size, First: s.first}},
			Val:   dataset.Set{Seed: dataset.ValSeed, N: o.scenes(valScenes)},
			// Scenes are never seen twice: nothing is kept.
			CacheBytes: -1,
			Export: func(n *net.Net, state []net.Tensor) (*graph.Graph, error) {
				g, err := n.ExportState(state)
				if err != nil || !last { // the next stage goes on with the batch norms
					return g, err
				}
				return net.Fold(g)
			},
		})
		if err != nil {
			return StageRecord{}, nil, err
		}
		if err := writeJSON(filepath.Join(dir, doneFile), StageRecord{s.name, s.size, res.Steps, res.Steps * batch, s.lr, res.Seconds, res.Last.AP50, res.Last.AP}); err != nil {
			return StageRecord{}, nil, err
		}
	}
	var r StageRecord
	data, err := os.ReadFile(filepath.Join(dir, doneFile))
	if err != nil {
		return r, nil, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, nil, err
	}
	if r.Steps != s.steps || r.Size != s.size {
		return r, nil, fmt.Errorf("%s holds a stage of %d steps at %d: name another folder", dir, r.Steps, r.Size)
	}
	data, err = os.ReadFile(filepath.Join(dir, train.LastFile))
	if err != nil {
		return r, nil, err
	}
	next, err := onnx.Read(data)
	return r, next, err
}
