package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/build/train/distill"
	"eagleeye/wasm/yolo"
)

type distillCmd struct {
	trainCmd
	distillFlags
}

// distillFlags are what distilling has besides training.
type distillFlags struct {
	Teacher     string  `help:"Model to learn from, .onnx or .pt, of any size, float or int8." type:"path" placeholder:"FILE"`
	Unlabelled  string  `help:"Folder of pictures without labels to learn from, in place of --data: the teacher alone teaches (alpha 1)." type:"path" placeholder:"DIR"`
	Alpha       float64 `help:"Share of the teacher against the labels." default:"0.7"`
	Temperature float64 `help:"Temperature of the teacher's and the student's answers." default:"4"`
	Feature     float64 `help:"Gain of the distance of the maps before the head; 0 leaves it out." default:"1"`
}

func (c *distillCmd) Run(ctx context.Context, t terminal) error {
	c.Command = "distill"
	if c.Resume != "" {
		if err := recordedExtra(c.Resume, "distill", &c.distillFlags); err != nil {
			return err
		}
	}
	if c.Teacher == "" {
		return usageError{errors.New("missing flags: --teacher=FILE")}
	}
	if err := absolute(&c.Teacher, &c.Unlabelled); err != nil {
		return err
	}
	teacher, err := modelfile.Graph(c.Teacher)
	if err != nil {
		return fmt.Errorf("teacher: %w", err)
	}
	o := distill.Defaults()
	o.Alpha, o.Temperature, o.Feature, o.Seed = c.Alpha, c.Temperature, c.Feature, c.Seed
	var folder *data.Folder
	if c.Unlabelled != "" {
		if c.Data != "" {
			return usageError{errors.New("--data and --unlabelled: name one of them")}
		}
		names, err := yolo.ParseNames(teacher.Meta["names"])
		if err != nil {
			return fmt.Errorf("teacher %s: its class names: %w", c.Teacher, err)
		}
		if folder, err = data.OpenPictures(c.Unlabelled, names); err != nil {
			return err
		}
		if o.Alpha = 1; c.Val == "" && c.Resume == "" {
			c.Val = "none"
		}
	}
	d, err := distill.New(teacher, o)
	if err != nil {
		return usageError{err}
	}
	cfg, err := c.config(t, folder)
	if err != nil {
		return err
	}
	cfg.Extra = d.Extra()
	cfg.Note = struct {
		Train   *trainCmd     `json:"train"`
		Distill *distillFlags `json:"distill"`
	}{&c.trainCmd, &c.distillFlags}
	return c.run(ctx, t, cfg)
}

// recordedExtra reads a part of the note in the record of a training.
func recordedExtra(dir, key string, into any) error {
	text, err := os.ReadFile(filepath.Join(dir, train.RecordFile))
	if err != nil {
		return fmt.Errorf("nothing to resume: %w", err)
	}
	var r struct {
		Note map[string]json.RawMessage `json:"note"`
	}
	if err := json.Unmarshal(text, &r); err == nil && r.Note[key] != nil && json.Unmarshal(r.Note[key], into) == nil {
		return nil
	}
	return fmt.Errorf("%s: not the record of a training that this command began", filepath.Join(dir, train.RecordFile))
}

// absolute makes paths that are named serve from any folder, as a record's must.
func absolute(paths ...*string) error {
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}
