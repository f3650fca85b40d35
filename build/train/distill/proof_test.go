package distill

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eagleeye/build/demo/recipe"
	"eagleeye/build/modelfile"
	"eagleeye/build/scenes"
	"eagleeye/build/scenes/dataset"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm/zoo"
)

func number(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// TestPays trains a student of a sixteenth of YOLOv8's width on rendered scenes,
// alone and with a teacher, the same steps and scenes, for three seeds. It takes
// minutes, so it runs where it is asked for, with the teacher's file, at the size
// that the teacher was made for:
//
//	EAGLEEYE_PROOFS=1 MODEL=teacher.onnx go test -v -timeout 3h -run Pays ./build/train/distill
//
// STEPS, SIZE and BATCH change how long.
func TestPays(t *testing.T) {
	if os.Getenv("EAGLEEYE_PROOFS") == "" || os.Getenv("MODEL") == "" {
		t.Skip("takes minutes: set EAGLEEYE_PROOFS=1 and MODEL to a model trained on the scenes")
	}
	teacher, err := modelfile.Graph(os.Getenv("MODEL"))
	if err != nil {
		t.Fatal(err)
	}
	size, steps, batch := number("SIZE", 320), number("STEPS", 400), number("BATCH", 8)
	test := dataset.Set{Seed: dataset.TestSeed, N: number("SCENES", 150), Short: size}
	judge := func(path string) recipe.Score {
		file, err := modelfile.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := recipe.Judge(context.Background(), file, test, size)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := judge(os.Getenv("MODEL"))
	t.Logf("teacher: AP50 %.4f, AP50-95 %.4f at %d", s.AP50, s.AP, size)
	run := func(seed uint64, extra train.Extra) recipe.Score {
		g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.0625, MaxChannels: 1024, Classes: scenes.Names, Size: size, BN: true, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		h := train.Defaults()
		h.Steps, h.Batch, h.Width, h.Height, h.Seed = steps, batch, size, size, seed
		h.Optimizer, h.LR, h.FinalLR, h.Cosine, h.Momentum = train.AdamW, 0.003, 0.02, true, 0.9
		h.Nominal, h.Patience, h.ValEvery, h.Augment = 0, 0, 1000, data.Augment{}
		h.WarmupEpochs, h.WarmupSteps, h.WarmupBiasLR = 1e-9, 50, 0
		h.EMADecay, h.EMATau = 0.99, 100
		dir := filepath.Join(t.TempDir(), "run")
		_, err = train.Run(context.Background(), train.Config{
			Hyper: h, Graph: g, Out: dir, Extra: extra, CacheBytes: -1,
			Train: dataset.Fresh{Set: dataset.Set{Seed: dataset.TrainSeed, N: steps * batch, Short: size, First: int(seed) << 20}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return judge(filepath.Join(dir, train.LastFile))
	}
	var alone, taught []float64
	for seed := range uint64(number("SEEDS", 3)) {
		a := run(seed+1, train.Extra{})
		t.Logf("seed %d alone: AP50 %.4f, AP50-95 %.4f", seed+1, a.AP50, a.AP)
		d, err := New(teacher, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		b := run(seed+1, d.Extra())
		t.Logf("seed %d taught: AP50 %.4f, AP50-95 %.4f", seed+1, b.AP50, b.AP)
		alone, taught = append(alone, a.AP), append(taught, b.AP)
	}
	gain, deviation := compareArms(alone, taught)
	t.Logf("gain of AP50-95 %.4f; the seeds' standard deviation %.4f", gain, deviation)
	if !(gain > 2*deviation) {
		t.Errorf("the gain is not above twice the seeds' deviation")
	}
}

// compareArms returns the mean gain and the larger of the arms' standard
// deviations over the seeds.
func compareArms(alone, taught []float64) (gain, deviation float64) {
	stats := func(x []float64) (mean, dev float64) {
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			dev += (v - mean) * (v - mean)
		}
		return mean, math.Sqrt(dev / float64(max(len(x)-1, 1)))
	}
	a, da := stats(alone)
	b, db := stats(taught)
	return b - a, max(da, db)
}
