package train

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"os"
	"testing"

	"eagleeye/build/train/data"
	"eagleeye/build/zoo"
)

// blocks are pictures with a few rectangles in a class's colour.
type blocks int

func (b blocks) Len() int        { return int(b) }
func (b blocks) Names() []string { return []string{"red", "green"} }

func (b blocks) Load(i int) (*image.RGBA, []data.Box, error) {
	rnd := rand.New(rand.NewPCG(3, uint64(i)))
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: uint8(rnd.IntN(80))}), image.Point{}, draw.Src)
	var boxes []data.Box
	for k := range 2 {
		class := rnd.IntN(2)
		x, y := 32*k+rnd.IntN(8), rnd.IntN(30)
		r := image.Rect(x, y, x+14+rnd.IntN(10), y+14+rnd.IntN(18))
		draw.Draw(img, r, image.NewUniform([]color.Color{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}}[class]), image.Point{}, draw.Src)
		boxes = append(boxes, data.Box{Class: class, X1: float32(r.Min.X), Y1: float32(r.Min.Y), X2: float32(r.Max.X), Y2: float32(r.Max.Y)})
	}
	return img, boxes, nil
}

// small is a short training of a tiny model.
func small(t testing.TB) Config {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.05, MaxChannels: 512, Classes: blocks(0).Names(), Size: 64, BN: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := Defaults()
	h.Batch, h.Width, h.Height, h.Steps, h.Seed = 4, 64, 64, 12, 5
	h.WarmupSteps, h.WarmupEpochs, h.Nominal, h.ValEvery = 4, 1, 8, 2
	return Config{Hyper: h, Graph: g, Train: blocks(10), Val: blocks(6), Out: t.TempDir(), Log: t.Output()}
}

func TestRun(t *testing.T) {
	c := small(t)
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	for _, name := range []string{RecordFile, StartFile, CheckpointFile, ResultsFile, CurvesSVG, CurvesPNG, PredictionsFile, BestFile, LastFile} {
		if info, err := os.Stat(c.Out + "/" + name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
