package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"

	"eagleeye/build/export"
	"eagleeye/build/scenes/dataset"
	"eagleeye/build/train/data"
)

type scenesCmd struct {
	Out string `short:"o" required:"" help:"Folder for images/ and instances.json; instances.json comes last, so that a folder cut short is no data set." type:"path"`
	N   int    `help:"Scenes." default:"500"`
	Set string `help:"Which: those to ${enum} on. They never overlap." enum:"train,val,test,calib" default:"test"`
}

// Run renders scenes as a COCO data set for the commands that read one.
func (c *scenesCmd) Run(t terminal) error {
	if c.N < 1 {
		return usageError{fmt.Errorf("--n %d: use at least 1", c.N)}
	}
	seeds := map[string]uint64{"train": dataset.TrainSeed, "val": dataset.ValSeed, "test": dataset.TestSeed, "calib": dataset.CalibSeed}
	set := dataset.Set{Seed: seeds[c.Set], N: c.N}
	folder := filepath.Join(c.Out, "images")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	truth, problems, err := data.Annotations(set)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return problems[0].Err
	}
	bar := countBar(t, c.N, "rendering")
	defer bar.Close()
	for i := range c.N {
		img, _, err := set.Load(i)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
			return err
		}
		truth.Images[i].File = fmt.Sprintf("%05d.jpg", i)
		if err := export.Write(folder, []export.File{{Name: truth.Images[i].File, Data: b.Bytes()}}); err != nil {
			return err
		}
		if err := bar.Add(1); err != nil {
			return err
		}
	}
	text, err := json.Marshal(truth)
	if err != nil {
		return err
	}
	return export.Write(c.Out, []export.File{{Name: "instances.json", Data: text}})
}
