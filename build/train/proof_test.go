package train

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"eagleeye/build/modelfile"
	"eagleeye/build/shared"
	"eagleeye/build/train/data"
	"eagleeye/wasm/zoo"
)

// The long forms of what training must show run where this is set; they take
// minutes:
//
//	EAGLEEYE_PROOFS=1 go test -v -timeout 2h -run 'Overfits|KeepsAccuracy|Memory' ./build/train
const proofs = "EAGLEEYE_PROOFS"

func long(t *testing.T) {
	t.Helper()
	if os.Getenv(proofs) == "" {
		t.Skipf("takes minutes: set %s=1", proofs)
	}
}

// out is a folder for a proof: named by EAGLEEYE_PROOFS_OUT, where it stays, or
// the test's own.
func out(t *testing.T) string {
	if dir := os.Getenv(proofs + "_OUT"); dir != "" {
		return filepath.Join(dir, t.Name())
	}
	return t.TempDir()
}

// overfit is a recipe for few pictures: plain ones, an update a batch, and a rate
// that ends near zero, so that the running statistics catch up with the weights.
func overfit(h *Hyper, steps int, lr float64) {
	h.Steps, h.Nominal, h.Augment, h.Patience = steps, 0, data.Augment{}, 0
	h.Optimizer, h.LR, h.Momentum, h.WeightDecay, h.Cosine = AdamW, lr, 0.9, 0, true
	h.WarmupSteps, h.WarmupEpochs, h.WarmupBiasLR = 10, 1, 0
}

// TestLearns: a tiny model learns eight pictures of rectangles by heart.
func TestLearns(t *testing.T) {
	c := small(t)
	c.Batch, c.Train, c.Val, c.ValEvery = 8, blocks(8), blocks(8), 120
	overfit(&c.Hyper, 240, 0.01)
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Last.AP50 < 0.9 {
		t.Errorf("AP50 %.3f, want at least 0.9", r.Last.AP50)
	}

	// Another training goes on from the exported file, and ends early since
	// nothing gets better.
	next := c
	if next.Graph, err = modelfile.Graph(filepath.Join(c.Out, BestFile)); err != nil {
		t.Fatal(err)
	}
	next.Out, next.Steps, next.Patience, next.ValEvery = t.TempDir(), 50, 2, 1
	next.Optimizer, next.LR = SGD, 1e-9
	early, err := Run(context.Background(), next)
	if err != nil {
		t.Fatal(err)
	}
	if !early.Stopped || early.Epochs != 3 || early.Last.AP50 < r.Best.AP50-0.01 {
		t.Errorf("from the exported file: %+v", early)
	}
	next.Resume = true
	if early, err = Run(context.Background(), next); err != nil || !early.Stopped || early.Epochs != 3 {
		t.Errorf("resumed after an early end: %+v, %v", early, err)
	}
}

// visible is the first n pictures with objects, all of which have sides of a cell
// of the finest map (8 pixels) or more at a size: smaller ones may have no cell's
// centre in them, and are then never taught.
func visible(t *testing.T, s data.Source, n, size int) data.Source {
	t.Helper()
	truths, _, err := data.Annotations(s)
	if err != nil {
		t.Fatal(err)
	}
	least := map[int64]float64{}
	for _, a := range truths.Annotations {
		im := truths.Images[a.Image]
		side := min(a.Box[2], a.Box[3]) * float64(size) / float64(max(im.Width, im.Height))
		if old, ok := least[a.Image]; !ok || side < old {
			least[a.Image] = side
		}
	}
	var index []int
	for _, im := range truths.Images {
		if least[im.ID] >= 8 && len(index) < n {
			index = append(index, int(im.ID))
		}
	}
	if len(index) < n {
		t.Fatalf("only %d pictures", len(index))
	}
	return data.Pick(s, index)
}

// TestOverfits is TestLearns with photographs: eight of coco/calib, from random
// weights.
func TestOverfits(t *testing.T) {
	long(t)
	f, err := data.Open(shared.File(t, "coco", "calib"), "train")
	if err != nil {
		t.Fatal(err)
	}
	const size = 160
	eight := visible(t, f, 8, size)
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024, Classes: f.Names(), Size: size, BN: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := Defaults()
	h.Batch, h.Width, h.Height, h.ValEvery = 8, size, size, 100
	overfit(&h, 700, 0.003)
	// An object that no predicted box overlaps yet has targets near zero (the
	// overlap counts to the sixth power). Others in many sizes and places teach
	// the boxes there first; then the pictures come one by one.
	h.Augment, h.CloseMosaic = data.Augment{Mosaic: 1, Scale: 0.3, Translate: 0.1}, 500
	r, err := Run(context.Background(), Config{Hyper: h, Graph: g, Train: eight, Val: eight, Out: out(t), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Last.AP50 < 0.9 {
		t.Errorf("AP50 %.3f, want at least 0.9", r.Last.AP50)
	}
}

// TestKeepsAccuracy: 20 steps from the real weights with the default recipe do not
// spoil them.
func TestKeepsAccuracy(t *testing.T) {
	long(t)
	train, err := data.Open(shared.File(t, "coco", "calib"), "train")
	if err != nil {
		t.Fatal(err)
	}
	val, err := data.Open(shared.File(t, "coco", "val"), "val")
	if err != nil {
		t.Fatal(err)
	}
	path := shared.File(t, "models", "yolov8n.onnx")
	g, err := modelfile.Graph(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := modelfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJudge(val, 640, 640)
	if err != nil {
		t.Fatal(err)
	}
	before, _, err := j.run(context.Background(), file, func() {})
	if err != nil {
		t.Fatal(err)
	}
	h := Defaults()
	h.Batch, h.Steps, h.ValEvery = 4, 20, 1000
	r, err := Run(context.Background(), Config{Hyper: h, Graph: g, Train: train, Val: val, Out: out(t), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("AP50-95 %.4f before, %.4f after", before.AP, r.Last.AP)
	if r.Last.AP < float64(before.AP)-0.01 {
		t.Errorf("AP50-95 fell from %.4f to %.4f", before.AP, r.Last.AP)
	}
}

// TestMemory: steps take no more memory as they go on.
func TestMemory(t *testing.T) {
	c := small(t)
	first, last := 20, 80
	if os.Getenv(proofs) != "" {
		last = 1020
	}
	c.Steps, c.Val, c.ValEvery, c.Log = last+1, nil, 1e6, nil
	var before, after runtime.MemStats
	c.Extra.Step = func(step int, _ *data.Batch) error {
		switch step {
		case first:
			runtime.GC()
			runtime.ReadMemStats(&before)
		case last:
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		return nil
	}
	if _, err := Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	each := (after.TotalAlloc - before.TotalAlloc) / uint64(last-first)
	t.Logf("%d steps: %d bytes more on the heap, %d bytes and %d objects allocated a step",
		last-first, grown, each, (after.Mallocs-before.Mallocs)/uint64(last-first))
	if grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes in %d steps", grown, last-first)
	}
}
