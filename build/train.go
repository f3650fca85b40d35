package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/yolo"
	"eagleeye/wasm/zoo"

	"github.com/alecthomas/kong"
)

type trainCmd struct {
	Model string  `help:"Scale of a new YOLOv8 (n, s, m, l, x), or a model to start from (.onnx, .pt)." default:"n"`
	Width float64 `help:"Of a new model: multiplies the channels, in place of the scale's." placeholder:"X"`
	Depth float64 `help:"Of a new model: multiplies the repeats, in place of the scale's." placeholder:"X"`

	Data   string `help:"Folder with a COCO instances.json, or a YOLO data.yaml." type:"path" placeholder:"PATH"`
	Val    string `help:"Data set to judge on (else the val of a data.yaml; none: judge nothing)." placeholder:"PATH"`
	Images int    `help:"Train on the first N pictures only." placeholder:"N"`
	Out    string `short:"o" help:"Folder to write into (else the first free of runs/train, runs/train2 …)." type:"path" placeholder:"DIR"`
	Resume string `help:"Go on with the training of this folder, with its own settings." type:"existingdir" placeholder:"DIR"`

	Epochs int    `help:"Times that each picture is seen." default:"${epochs}"`
	Steps  int    `help:"Batches in all, instead of --epochs." placeholder:"N"`
	Batch  int    `help:"Pictures at once." default:"16"`
	Imgsz  int    `help:"Side of the network's input, a multiple of 32; 0 is the model's own, 640 for a new one." default:"0"`
	Seed   uint64 `help:"Of weights, order and augmentation." default:"0"`

	Optimizer   string  `help:"${enum}; auto is adamw up to 10,000 updates, beyond it sgd, each with its own rate and momentum." enum:"auto,sgd,adamw" default:"${optimizer}"`
	LR          float64 `help:"First rate; 0 is the optimizer's own." name:"lr" default:"${lr}"`
	FinalLR     float64 `help:"Last rate, as a part of the first." name:"final-lr" default:"0.01"`
	Cosine      bool    `help:"Lower the rate by a cosine, not a line."`
	Momentum    float64 `help:"Momentum; of adamw, β1." default:"0.937"`
	WeightDecay float64 `help:"Weight decay; biases and norms have none." default:"0.0005"`
	Nominal     int     `help:"Pictures an update: smaller batches add up to it; 0 updates after each batch." default:"${nominal}"`
	ClipNorm    float64 `help:"Longest gradient; 0 is any." default:"10"`
	Warmup      float64 `help:"Epochs of warm-up, but at least ${warmsteps} batches; 0 is none." default:"${warmup}"`
	EMA         float64 `help:"Decay of the averaged weights; 0 takes the weights themselves." name:"ema" default:"0.9999"`

	Mosaic      float64 `help:"Share of mosaics of four pictures." default:"${mosaic}"`
	CloseMosaic int     `help:"Last epochs without mosaics." default:"10"`
	Scale       float64 `help:"Zoom by 1 ± this." default:"0.5"`
	Translate   float64 `help:"Shift by ± this part of a side." default:"0.1"`
	Degrees     float64 `help:"Turn by ± this." default:"0"`
	Shear       float64 `help:"Shear by ± this many degrees." default:"0"`
	FlipLR      float64 `help:"Share mirrored left to right." name:"fliplr" default:"0.5"`
	FlipUD      float64 `help:"Share mirrored top to bottom." name:"flipud" default:"0"`
	HSVH        float64 `help:"Hue by ± this many turns." name:"hsv-h" default:"0.015"`
	HSVS        float64 `help:"Saturation times 1 ± this." name:"hsv-s" default:"0.7"`
	HSVV        float64 `help:"Value times 1 ± this." name:"hsv-v" default:"0.4"`

	ValEvery  int           `help:"Epochs from one judgement to the next." default:"1"`
	ValLoss   bool          `help:"Measure the loss, too, on the data set to judge on." default:"true" negatable:""`
	Patience  int           `help:"End after so many epochs without a better model; 0 is never." default:"100"`
	SaveEvery time.Duration `help:"Time from one checkpoint to the next." default:"1m"`
	Cache     int64         `help:"Megabytes of decoded pictures to keep." default:"1024"`

	// Command is which command's training this is, "" for train.
	Command string `kong:"-" json:"command,omitempty"`
}

// trainVars are the defaults in which the commands that train differ.
func trainVars(command string) kong.Vars {
	if command == "qat" { // a trained model needs a little, gently
		return kong.Vars{"epochs": "10", "lr": "0.0001", "optimizer": train.AdamW, "mosaic": "0", "nominal": "0", "warmup": "0.3", "warmsteps": "20"}
	}
	return kong.Vars{"epochs": "100", "lr": "0", "optimizer": train.Auto, "mosaic": "1", "nominal": "64", "warmup": "3", "warmsteps": "100"}
}

func (c *trainCmd) Run(ctx context.Context, t terminal) error {
	cfg, err := c.config(t, nil)
	if err != nil {
		return err
	}
	return c.run(ctx, t, cfg)
}

// run trains and tells the result.
func (c *trainCmd) run(ctx context.Context, t terminal, cfg train.Config) (err error) {
	if c.Resume == "" {
		if cfg.Out, err = c.folder(); err != nil {
			return err
		}
	}
	t.logf("writing into %s", cfg.Out)
	r, err := train.Run(ctx, cfg)
	switch {
	case errors.Is(err, train.ErrConfig):
		return usageError{err}
	case errors.Is(err, context.Canceled):
		t.logf("stopped at step %d; go on with: %s --resume %s", r.Steps, cmp.Or(c.Command, "train"), cfg.Out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d epochs, %d steps in %v\n", r.Epochs, r.Steps, time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	if r.Best != nil {
		fmt.Fprintf(t.out, "best: %v\n  %s\n", *r.Best, filepath.Join(cfg.Out, train.BestFile))
	}
	fmt.Fprintf(t.out, "last: %v\n  %s\n", r.Last, filepath.Join(cfg.Out, train.LastFile))
	return nil
}

// config reads model and data. folder is what to train on, nil for --data.
func (c *trainCmd) config(t terminal, folder *data.Folder) (cfg train.Config, err error) {
	if c.Resume != "" {
		if err := c.recorded(); err != nil {
			return cfg, err
		}
	}
	if folder == nil {
		if c.Data == "" {
			return cfg, usageError{errors.New("missing flags: --data=PATH, or --resume=DIR")}
		}
		if folder, err = data.Open(c.Data, "train"); err != nil {
			return cfg, err
		}
	}
	cfg = train.Config{
		Train: data.First(folder, c.Images), Out: c.Resume, Resume: c.Resume != "", Note: trainNote{c},
		ValLoss: c.ValLoss, SaveEvery: c.SaveEvery, CacheBytes: c.Cache << 20, Log: t.err, Progress: t.bars(),
	}
	if c.Cache <= 0 {
		cfg.CacheBytes = -1
	}
	if cfg.Graph, err = c.model(folder.Names()); err != nil {
		return cfg, err
	}
	if err := c.transplant(t, &cfg, folder.Names()); err != nil {
		return cfg, err
	}
	if err := c.validation(&cfg, folder.Names()); err != nil {
		return cfg, err
	}
	cfg.Hyper = c.hyper()
	if c.Imgsz == 0 {
		cfg.Height, cfg.Width = graph.InputSize(cfg.Graph)
	}
	return cfg, c.rename(&cfg)
}

// rename numbers the classes of the data as the model does. One without names
// takes the data's numbers.
func (c *trainCmd) rename(cfg *train.Config) (err error) {
	names, bad := yolo.ParseNames(cfg.Graph.Meta["names"])
	if bad != nil {
		return nil
	}
	for _, s := range []*data.Source{&cfg.Train, &cfg.Val} {
		if *s == nil {
			continue
		}
		if *s, err = data.Rename(*s, names); err != nil {
			return usageError{fmt.Errorf("%w; train the float model on them first: train --model FILE", err)}
		}
	}
	return nil
}

// transplant gives a model from a file new class layers where the data set has
// classes that it does not know. An int8 model's grids could not follow.
func (c *trainCmd) transplant(t terminal, cfg *train.Config, names []string) error {
	known, bad := yolo.ParseNames(cfg.Graph.Meta["names"])
	unknown := slices.IndexFunc(names, func(n string) bool { return !slices.Contains(known, n) })
	if _, preset := zoo.Presets["yolov8"+c.Model]; preset || bad != nil || unknown < 0 || c.Resume != "" || c.Command == "qat" {
		return nil
	}
	g, r, err := net.WithClasses(cfg.Graph, names, c.Seed)
	if err != nil {
		return fmt.Errorf("the data set has a class %q that the model has not: %w", names[unknown], err)
	}
	t.logf("the data set has a class %q that the model has not: its layers for %d classes begin anew for the data's %d (%d of %d weights), all else is kept",
		names[unknown], r.Classes, len(names), r.Weights, r.All)
	cfg.Graph = g
	return nil
}

// hyper are the settings of the flags.
func (c *trainCmd) hyper() train.Hyper {
	h := train.Defaults()
	h.Epochs, h.Steps, h.Batch, h.Width, h.Height, h.Seed = c.Epochs, c.Steps, c.Batch, c.Imgsz, c.Imgsz, c.Seed
	h.Optimizer, h.LR, h.FinalLR, h.Cosine = c.Optimizer, c.LR, c.FinalLR, c.Cosine
	h.Momentum, h.WeightDecay, h.Nominal, h.ClipNorm = c.Momentum, c.WeightDecay, c.Nominal, c.ClipNorm
	h.WarmupEpochs, h.EMADecay = c.Warmup, c.EMA
	h.Augment = data.Augment{
		Mosaic: c.Mosaic, Scale: c.Scale, Translate: c.Translate, Degrees: c.Degrees, Shear: c.Shear,
		FlipLR: c.FlipLR, FlipUD: c.FlipUD, Hue: c.HSVH, Saturation: c.HSVS, Value: c.HSVV,
	}
	h.CloseMosaic, h.ValEvery, h.Patience = c.CloseMosaic, c.ValEvery, c.Patience
	return h
}

// model is a new one for the data's classes, or the file's. A resumed training
// begins with what it began with.
func (c *trainCmd) model(names []string) (*graph.Graph, error) {
	if c.Resume != "" {
		return modelfile.Graph(filepath.Join(c.Resume, train.StartFile))
	}
	z, ok := zoo.Presets["yolov8"+c.Model]
	if !ok {
		if c.Width != 0 || c.Depth != 0 {
			return nil, usageError{errors.New("--width and --depth are for a new model, not for a file")}
		}
		g, err := modelfile.Graph(c.Model)
		if errors.Is(err, os.ErrNotExist) {
			return nil, usageError{fmt.Errorf("--model %s: neither a scale (n, s, m, l, x) nor a file", c.Model)}
		}
		return g, err
	}
	if c.Width != 0 {
		z.Width = c.Width
	}
	if c.Depth != 0 {
		z.Depth = c.Depth
	}
	z.Classes, z.Size, z.BN, z.Seed = names, c.Imgsz, true, c.Seed
	g, err := zoo.YOLOv8(z)
	if err != nil {
		return nil, usageError{err}
	}
	return g, nil
}

// validation opens what is judged on, with its classes numbered as names.
func (c *trainCmd) validation(cfg *train.Config, names []string) error {
	path := c.Val
	switch path {
	case "none":
		return nil
	case "":
		path = c.Data
		if _, err := os.Stat(filepath.Join(path, "instances.json")); err == nil {
			return usageError{errors.New("name a data set to judge on: --val PATH, or --val none")}
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if c.Val != "" {
		c.Val = path // the record is read from anywhere
	}
	val, err := data.Open(path, "val")
	if err != nil {
		return err
	}
	cfg.Val, err = data.Rename(val, names)
	return err
}

// folder is --out, or a free one.
func (c *trainCmd) folder() (string, error) {
	if c.Out != "" {
		return c.Out, nil
	}
	for i := 1; ; i++ {
		dir := filepath.Join("runs", "train")
		if i > 1 {
			dir += fmt.Sprint(i)
		}
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return dir, nil
		} else if err != nil {
			return "", err
		}
	}
}

// trainNote is what a record keeps of the command line.
type trainNote struct {
	Train *trainCmd `json:"train"`
}

// recorded takes over the command line of the training to resume.
func (c *trainCmd) recorded() error {
	dir := c.Resume
	own := trainCmd{Resume: dir, Command: c.Command}
	if k, err := kong.New(&own, trainVars(c.Command)); err != nil {
		return err
	} else if _, err := k.Parse(nil); err != nil {
		return err
	}
	if own.Resume, own.Command = dir, c.Command; *c != own {
		return usageError{errors.New("--resume goes on with the settings that the training began with: give it alone")}
	}
	text, err := os.ReadFile(filepath.Join(dir, train.RecordFile))
	if err != nil {
		return fmt.Errorf("nothing to resume: %w", err)
	}
	var r struct {
		Note trainNote `json:"note"`
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Note.Train == nil || r.Note.Train.Command != c.Command {
		return fmt.Errorf("%s: not the record of a training that this command began", filepath.Join(dir, train.RecordFile))
	}
	*c = *r.Note.Train
	c.Resume = dir
	return nil
}
