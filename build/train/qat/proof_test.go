package qat

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/calib"
	"eagleeye/build/demo/recipe"
	"eagleeye/build/modelfile"
	"eagleeye/build/scenes/dataset"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

func number(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// TestRecovers quantizes a float model of the rendered scenes to weights that
// hurt, and trains what was lost back. It takes a long time, so it runs where it
// is asked for, with the model's file:
//
//	EAGLEEYE_PROOFS=1 MODEL=float.onnx go test -v -timeout 3h -run Recovers ./build/train/qat
//
// STEPS, SIZE and BATCH change how long.
func TestRecovers(t *testing.T) {
	if os.Getenv("EAGLEEYE_PROOFS") == "" || os.Getenv("MODEL") == "" {
		t.Skip("takes half an hour: set EAGLEEYE_PROOFS=1 and MODEL to a float model trained on the scenes")
	}
	ctx := context.Background()
	g, err := modelfile.Graph(os.Getenv("MODEL"))
	if err != nil {
		t.Fatal(err)
	}
	float, err := zoo.Fold(g)
	if err != nil {
		t.Fatal(err)
	}
	size, steps, batch := number("SIZE", 192), number("STEPS", 200), number("BATCH", 8)
	test := dataset.Set{Seed: dataset.TestSeed, N: number("SCENES", 200), Short: size}
	judge := func(g *graph.Graph) recipe.Score {
		file, err := onnx.Write(g)
		if err != nil {
			t.Fatal(err)
		}
		s, err := recipe.Judge(ctx, file, test, size)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	best := judge(float)
	t.Logf("float: AP50 %.4f, AP50-95 %.4f at %d", best.AP50, best.AP, size)
	q, _, err := calib.Graph(ctx, float, Pictures{dataset.Set{Seed: dataset.CalibSeed, N: 40, Short: size}}, calib.Options{Images: 40, RoundImages: -1, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	whole := judge(q)
	t.Logf("int8 by quantize: AP50 %.4f, AP50-95 %.4f", whole.AP50, whole.AP)
	settings := func() train.Config {
		h := train.Defaults()
		h.Steps, h.Batch, h.Width, h.Height, h.Seed = steps, batch, size, size, 1
		h.Optimizer, h.LR, h.FinalLR, h.Cosine, h.Momentum = train.AdamW, 2e-4, 0.02, true, 0.9
		h.Nominal, h.Patience, h.ValEvery, h.Augment = 0, 0, 1000, data.Augment{}
		h.WarmupEpochs, h.WarmupSteps, h.WarmupBiasLR = 1e-9, 10, 0
		h.EMADecay, h.EMATau = 0.98, 50
		return train.Config{
			Hyper: h, Graph: float, Out: filepath.Join(t.TempDir(), "run"), CacheBytes: -1,
			Train: dataset.Fresh{Set: dataset.Set{Seed: dataset.TrainSeed, N: steps * batch, Short: size, First: 1 << 24}},
		}
	}
	trained := func(c train.Config) *graph.Graph {
		if _, err := train.Run(ctx, c); err != nil {
			t.Fatal(err)
		}
		g, err := modelfile.Graph(filepath.Join(c.Out, train.LastFile))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	// The same steps in float: what training on gains is not int8's to win back.
	if on := judge(trained(settings())); on.AP > best.AP {
		best = on
	}
	t.Logf("float, trained on where that is better: AP50 %.4f, AP50-95 %.4f", best.AP50, best.AP)
	lost := false
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"8 bits, a scale a tensor", Options{Bits: 8, PerTensor: true}},
		{"6 bits, a scale a channel", Options{Bits: 6}},
		{"6 bits, a scale a tensor", Options{Bits: 6, PerTensor: true}},
		{"4 bits, a scale a channel", Options{Bits: 4}},
		{"4 bits, a scale a tensor", Options{Bits: 4, PerTensor: true}},
	} {
		c.o.Scales, c.o.Freeze = Learned, steps*4/5
		a, err := New(float, q, c.o)
		if err != nil {
			t.Fatal(err)
		}
		ptq, err := a.PTQ()
		if err != nil {
			t.Fatal(err)
		}
		before := judge(ptq)
		loss := best.AP - before.AP
		t.Logf("%s, before: AP50 %.4f, AP50-95 %.4f", c.name, before.AP50, before.AP)
		if loss < 0.02 { // less than scenes differ
			continue
		}
		lost = true
		cfg := settings()
		a.Configure(&cfg)
		after := judge(trained(cfg))
		back := (after.AP - before.AP) / loss
		t.Logf("%s, trained: AP50 %.4f, AP50-95 %.4f; %.0f %% of the loss is back", c.name, after.AP50, after.AP, 100*back)
		if back < 0.5 {
			t.Errorf("%s: less than half of the loss is back", c.name)
		}
	}
	if !lost {
		t.Error("no setting lost anything: there was nothing to win back")
	}
}
