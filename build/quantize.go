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
	"time"

	"eagleeye/build/calib"
	"eagleeye/build/coco"
	"eagleeye/build/compress/sensitivity"
	"eagleeye/build/judge"
	"eagleeye/build/picture"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/quant"
)

type quantizeCmd struct {
	In          string  `arg:"" help:"Float model (.onnx or .pt)." type:"existingfile"`
	Out         string  `short:"o" required:"" help:"int8 model to write." type:"path"`
	Calib       string  `help:"Folder of photos like those the model will see, or one with images/ in it (else drawn scenes)." type:"existingdir" placeholder:"DIR"`
	Images      int     `help:"Photos to observe." default:"100"`
	Observer    string  `help:"How the range of an activation is chosen: ${enum}." enum:"mse,percentile,minmax,entropy" default:"mse"`
	Percentile  float64 `help:"What --observer=percentile keeps, in percent." default:"99.999"`
	BiasImages  int     `help:"Photos to match the biases on; 0 leaves them as they are, which is better where weights are rounded by photos." default:"0"`
	RoundImages int     `help:"Photos to round the weights by, so that results change least; -1 rounds each to the nearest." default:"32"`
	Wide        bool    `help:"Use all of int8 for every weight; without, those that relaxed SIMD multiplies are kept where it is exact, which makes them run faster." name:"wide-weights"`
	Size        int     `help:"Side of the network's input while observing; 0 is the model's own." default:"0"`
	WeightsOnly bool    `help:"Only the weights become int8: a small file that computes in float."`

	FloatBudget float64  `help:"Share of a frame's time, as predicted, for which the layers with the noisiest activations stay float; 0 is int8 throughout." default:"${float_budget}" group:"Mixed precision"`
	Float       []string `help:"Layers to leave in float, as --sensitivity names them." placeholder:"LAYER,…" group:"Mixed precision"`
	MaxDrop     float64  `help:"Leave as few layers in float as keep the loss within this; 0 leaves none." default:"0" group:"Mixed precision"`
	DropOf      string   `help:"What --max-drop bounds: fidelity is the rms difference of the scores from the float model's, ap is AP50-95 on --data. One of ${enum}." enum:"fidelity,ap" default:"fidelity" group:"Mixed precision"`
	Sensitivity string   `help:"Write what each layer costs in int8 to this CSV file, and a chart beside it (.svg)." type:"path" placeholder:"FILE" group:"Mixed precision"`
	JudgeImages int      `help:"Photos of --calib to judge layers and fidelity by, of those not observed where there are any." default:"24" group:"Mixed precision"`
	Data        string   `help:"For --drop-of=ap: folder with images/ and a COCO instances.json." type:"existingdir" placeholder:"DIR" group:"Mixed precision"`
}

func (c *quantizeCmd) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return usageError{err}
	}
	o := calib.Options{
		In: c.In, Out: c.Out, CalibDir: c.Calib, Images: c.Images, BiasImages: c.BiasImages, RoundImages: c.RoundImages, Size: c.Size,
		Choice: calib.Choice{Observer: quant.Observer(c.Observer), Percentile: c.Percentile, Wide: c.Wide, FloatBudget: c.FloatBudget},
		Log:    t.err, Progress: t.bars(),
	}
	if c.WeightsOnly {
		o.Images, o.BiasImages = 1, 0 // activations get no grid
	}
	start := time.Now()
	s, err := calib.Begin(o)
	if err != nil {
		return err
	}
	defer s.Close()
	layout, err := quant.Analyze(s.Float)
	if err != nil {
		return err
	}
	if o.FloatGroups, err = c.groups(layout); err != nil {
		return usageError{err}
	}
	var data *coco.Dataset
	if c.Data != "" {
		if data, err = coco.Load(c.Data); err != nil {
			return err
		}
	}
	if c.WeightsOnly {
		o.FloatGroups = slices.Repeat([]bool{true}, layout.Groups)
	}
	q, err := s.Graph(ctx, o.Choice)
	if err != nil {
		return err
	}
	if c.Sensitivity != "" || c.MaxDrop > 0 {
		m := mixer{c, t, s, o.Choice, layout, data}
		if q, err = m.mix(ctx, q); err != nil {
			return err
		}
	}
	r, err := s.Commit(q)
	if err != nil {
		return err
	}
	if c.WeightsOnly {
		t.logf("%s: %.2f MB; the weights of %d convolutions in int8, rounded by %d pictures, in %v",
			c.Out, float64(r.Bytes)/1e6, r.Convs, r.RoundImages, time.Since(start).Round(time.Second))
		return nil
	}
	t.logf("%s: %.2f MB; weights of %d convolutions in int8, rounded by %d pictures, %d activations calibrated on %d, %d layers in float, biases matched on %d, in %v",
		c.Out, float64(r.Bytes)/1e6, r.Convs, r.RoundImages, r.Points, r.Images, r.Float, r.BiasImages, time.Since(start).Round(time.Second))
	return nil
}

// check refuses what cannot work before anything is read.
func (c *quantizeCmd) check() error {
	mixed := c.MaxDrop != 0 || c.Sensitivity != ""
	switch {
	case c.MaxDrop < 0 || c.MaxDrop >= 1:
		return fmt.Errorf("--max-drop=%g: it is a difference of scores or of AP, from 0 to 1; 0.03 is a good start", c.MaxDrop)
	case c.WeightsOnly && (mixed || len(c.Float) > 0):
		return errors.New("--weights-only leaves all activations in float: --float, --max-drop and --sensitivity have nothing to choose")
	case c.MaxDrop > 0 && len(c.Float) > 0:
		return errors.New("--float names the layers that --max-drop is to find: give one of them")
	case c.DropOf == "ap" && (c.MaxDrop == 0 || c.Data == ""):
		return errors.New("--drop-of=ap wants --max-drop and labelled pictures: --data=DIR")
	case c.Data != "" && c.DropOf != "ap":
		return errors.New("--data is for --drop-of=ap")
	case mixed && c.JudgeImages < 1:
		return fmt.Errorf("--judge-images=%d: use at least 1", c.JudgeImages)
	}
	if c.Sensitivity == "" {
		return nil
	}
	if filepath.Ext(c.Sensitivity) != ".csv" {
		return fmt.Errorf("--sensitivity=%s: name a .csv file; the chart gets its name with .svg", c.Sensitivity)
	}
	f, err := os.CreateTemp(filepath.Dir(c.Sensitivity), ".sensitivity.*")
	if err != nil {
		return fmt.Errorf("--sensitivity=%s cannot be written: %w", c.Sensitivity, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// groups finds the layers that --float names.
func (c *quantizeCmd) groups(l *quant.Layout) ([]bool, error) {
	if len(c.Float) == 0 {
		return nil, nil
	}
	layers := sensitivity.Layers(l)
	var chosen []sensitivity.Layer
	for _, name := range c.Float {
		at := slices.IndexFunc(layers, func(l sensitivity.Layer) bool {
			return l.Name == name || slices.Contains(strings.Fields(l.Name), name)
		})
		if at < 0 {
			var known []string
			for _, l := range layers {
				known = append(known, strings.Fields(l.Name)[0])
			}
			return nil, fmt.Errorf("--float: no layer %q: there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, layers[at])
	}
	return sensitivity.Float(l, chosen), nil
}

// mixer chooses the layers that stay in float.
type mixer struct {
	*quantizeCmd
	t      terminal
	s      *calib.Session
	choice calib.Choice
	layout *quant.Layout
	data   *coco.Dataset
}

// make is the model with groups of activations and the named weights in float.
func (m *mixer) make(ctx context.Context, float []bool, weights map[string]bool) (*graph.Graph, error) {
	c := m.choice
	c.FloatBudget = 0 // layers are judged one by one
	c.FloatGroups, c.FloatWeights = float, weights
	return m.s.Graph(ctx, c)
}

// mix analyses the layers of the model q and finds the mixed form that --max-drop
// asks for.
func (m *mixer) mix(ctx context.Context, q *graph.Graph) (*graph.Graph, error) {
	held, unseen, err := m.s.Held(m.JudgeImages)
	if err != nil {
		return nil, err
	}
	if !unseen {
		m.t.logf("warning: all %d pictures were observed: layers are judged by some of the same", len(held))
	}
	j := judge.New(len(held), func(i int) (*image.RGBA, error) { return held[i], nil })
	j.Size = m.Size
	if _, err := j.Reference(ctx, m.s.Float); err != nil {
		return nil, err
	}
	modes := sensitivity.Modes{Int8: true}
	bar := countBar(m.t, modes.Runs(m.layout), "judging layers")
	a, err := sensitivity.Analyze(ctx, m.layout, m.make, j, m.Size, modes, func(string) { bar.Add(1) })
	bar.Close()
	if err != nil {
		return nil, err
	}
	var found *sensitivity.Mixed
	if m.MaxDrop > 0 {
		drop, err := m.drop(ctx, j)
		if err != nil {
			return nil, err
		}
		found, err = sensitivity.Search(ctx, m.layout, a.Order(), m.make, m.MaxDrop, m.Size, drop)
		if err != nil {
			return nil, err
		}
		q = found.Graph
		m.t.logf("%s %.4f with %d of %d layers in float, %.1f %% more time than int8 throughout%s", m.what(), found.Drop,
			len(found.Layers), len(a.Layers), 100*(found.Time/a.Time-1), named(found.Layers))
	}
	for _, l := range a.Layers[:min(5, len(a.Layers))] {
		m.t.logf("  %.4f with %s alone in int8; in float it takes %+.1f %% of a frame", l.Int8.RMSScore, l.Name, 100*l.Cost)
	}
	if m.Sensitivity == "" {
		return q, nil
	}
	var mixed []sensitivity.Layer
	if found != nil {
		mixed = found.Layers
	}
	if err := writeFile(m.Sensitivity, func(f *os.File) error { return a.WriteCSV(f) }); err != nil {
		return nil, err
	}
	chart := strings.TrimSuffix(m.Sensitivity, ".csv") + ".svg"
	return q, writeFile(chart, func(f *os.File) error { _, err := f.Write(a.SVG(mixed)); return err })
}

func (m *mixer) what() string {
	if m.DropOf == "ap" {
		return "AP50-95 falls by"
	}
	return "rms Δscore is"
}

func named(layers []sensitivity.Layer) string {
	s := ""
	for i, l := range layers {
		s += map[bool]string{true: ": ", false: "; "}[i == 0] + l.Name
	}
	return s
}

// drop returns what measures --drop-of.
func (m *mixer) drop(ctx context.Context, j *judge.Judge) (func(*graph.Graph) (float64, error), error) {
	if m.DropOf == "fidelity" {
		return func(q *graph.Graph) (float64, error) {
			v, err := j.Run(ctx, q)
			return v.Fidelity().RMSScore, err
		}, nil
	}
	on := judge.New(len(m.data.Images), func(i int) (*image.RGBA, error) {
		return picture.Read(m.data.Path(m.data.Images[i]), false)
	})
	on.Size = m.Size
	found, err := on.Reference(ctx, m.s.Float)
	if err != nil {
		return nil, err
	}
	float := m.data.Evaluate(judge.Detections(m.data, on.Names, found)).AP
	return func(q *graph.Graph) (float64, error) {
		v, err := on.Run(ctx, q)
		return float64(float - m.data.Evaluate(judge.Detections(m.data, on.Names, v.Found)).AP), err
	}, nil
}
