package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/build/calib"
	"eagleeye/build/coco"
	"eagleeye/build/compress/methods"
	"eagleeye/build/judge"
	"eagleeye/build/picture"
	core "eagleeye/wasm/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

type methodsCmd struct {
	In       string  `arg:"" help:"Float model (.onnx or .pt)." type:"existingfile"`
	Out      string  `short:"o" required:"" help:"Table to write (.md); its figures go beside it as .csv." type:"path"`
	Calib    string  `required:"" help:"Folder of photos to calibrate on." type:"existingdir" placeholder:"DIR"`
	Data     string  `required:"" help:"Folder with images/ and a COCO instances.json to judge on, of other photos." type:"existingdir" placeholder:"DIR"`
	Images   int     `help:"Photos to observe." default:"100"`
	Limit    int     `help:"Judge on the first N images only." default:"0" placeholder:"N"`
	Only     string  `help:"Only methods whose name has this in it, and the default." placeholder:"TEXT"`
	Equalize float64 `help:"Most that equalization across layers scales a channel of SiLU by." default:"1.2"`
}

// method is a row to be.
type method struct {
	name     string
	choice   calib.Choice
	bias     int
	equalize bool
}

// all are the methods, the default first.
func (c *methodsCmd) all(l *quant.Layout) []method {
	everything := slices.Repeat([]bool{true}, l.Groups)
	nearest := func(o quant.Observer, p float64) calib.Choice {
		return calib.Choice{Observer: o, Percentile: p, Nearest: true}
	}
	rounded := func(o quant.Observer) calib.Choice {
		return calib.Choice{Observer: o, Percentile: quant.DefaultPercentile}
	}
	const bias = 20
	list := []method{
		{name: "default: mse, rounded by photos, the noisiest layers in float", choice: calib.Choice{FloatBudget: calib.DefaultFloatBudget}},
		{name: "mse, rounded by photos, int8 throughout", choice: rounded(quant.MSE)},
		{name: "the same, biases matched", choice: rounded(quant.MSE), bias: bias},
		{name: "the same, all of int8 (`--wide-weights`)", choice: calib.Choice{Wide: true}},
		{name: "the same, 8 % of the time for float", choice: calib.Choice{FloatBudget: 0.08}},
		{name: "the same, 15 % of the time for float", choice: calib.Choice{FloatBudget: 0.15}},
		{name: "min-max, rounded by photos", choice: rounded(quant.MinMax)},
		{name: "99.999 %, rounded by photos", choice: rounded(quant.Percentile)},
		{name: "entropy, rounded by photos", choice: rounded(quant.Entropy)},
		{name: "mse, nearest", choice: nearest(quant.MSE, 0)},
		{name: "mse, nearest, biases matched", choice: nearest(quant.MSE, 0), bias: bias},
		{name: "min-max, nearest", choice: nearest(quant.MinMax, 0)},
		{name: "99.99 %, nearest", choice: nearest(quant.Percentile, 99.99)},
		{name: "99.999 %, nearest", choice: nearest(quant.Percentile, 99.999)},
		{name: "weights only, rounded by photos", choice: calib.Choice{FloatGroups: everything}},
		{name: fmt.Sprintf("mse, nearest, SiLU's channels equalized up to %g", c.Equalize), choice: nearest(quant.MSE, 0), equalize: true},
	}
	return slices.DeleteFunc(list, func(m method) bool {
		return !strings.HasPrefix(m.name, "default") && !strings.Contains(m.name, c.Only)
	})
}

func (c *methodsCmd) Run(ctx context.Context, t terminal) error {
	if filepath.Ext(c.Out) != ".md" {
		return usageError{fmt.Errorf("-o %s: name a .md file", c.Out)}
	}
	if !(c.Equalize > 1) {
		return usageError{fmt.Errorf("--equalize=%g: use more than 1", c.Equalize)}
	}
	if same, err := sameFile(c.Calib, c.Data); err == nil && same {
		return usageError{errors.New("--data and --calib are one folder: judge on other photos than those calibrated on")}
	}
	data, err := coco.Load(c.Data)
	if err != nil {
		return err
	}
	if c.Limit > 0 && c.Limit < len(data.Images) {
		data = data.First(c.Limit)
	}
	g, err := readModel(c.In)
	if err != nil {
		return err
	}
	open := func(g *graph.Graph, bias int) (*calib.Study, error) {
		return calib.Open(ctx, g, calib.Options{CalibDir: c.Calib, Images: c.Images, BiasImages: bias, Log: t.err, Progress: t.bars()})
	}
	study, err := open(g, 20)
	if err != nil {
		return err
	}
	j := judge.New(len(data.Images), func(i int) (*image.RGBA, error) { return picture.Read(data.Path(data.Images[i]), false) })
	table, err := methods.New(ctx, g, data, j)
	if err != nil {
		return err
	}
	for _, m := range c.all(study.Layout) {
		s := study
		if m.equalize {
			even, pairs, err := quant.Equalize(g, c.Equalize)
			if err != nil {
				return err
			}
			if s, err = open(even, 0); err != nil {
				return err
			}
			m.name += fmt.Sprintf(" (%d pairs)", pairs)
		}
		m.choice.OwnBiases = m.bias == 0
		q, err := s.Graph(ctx, m.choice)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		ms, err := core.FrameTime(q, 0)
		if err != nil {
			return err
		}
		if err := table.Add(ctx, m.name, q, ms); err != nil {
			return err
		}
		r := table.Rows[len(table.Rows)-1]
		t.logf("%s: rms Δscore %.4f, 1 − IoU %.4f, AP %.4f", m.name, r.Fidelity.RMSScore, r.Fidelity.MeanLoss, r.AP)
		// Each row takes a while: what is there is written at once.
		if err := writeFile(c.Out, func(f *os.File) error { return table.WriteMarkdown(f) }); err != nil {
			return err
		}
		if err := writeFile(strings.TrimSuffix(c.Out, ".md")+".csv", func(f *os.File) error { return table.WriteCSV(f) }); err != nil {
			return err
		}
	}
	return nil
}
