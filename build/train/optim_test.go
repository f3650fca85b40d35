package train

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"eagleeye/build/train/net"
)

// torch is testdata/optim.json, which testdata/optim.py writes.
type torch struct {
	Decay float64       `json:"decay"`
	Start [][]float32   `json:"start"`
	Grads [][][]float32 `json:"grads"`
	Rates []struct{ Weights, Biases, Momentum float64 }
	SGD   run `json:"sgd"`
	AdamW run `json:"adamw"`
}

type run struct {
	End   [][]float32 `json:"end"`
	Norms []float64   `json:"norms"`
	EMA   []float32   `json:"ema"`
}

// TestOptimizersAsTorch compares six updates with PyTorch's and Ultralytics'
// average. Tolerance: both compute in float32, in another order.
func TestOptimizersAsTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/optim.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref torch
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]run{SGD: ref.SGD, AdamW: ref.AdamW} {
		var tensors []*tensor
		for i, w := range ref.Start {
			w = append([]float32(nil), w...)
			tensors = append(tensors, &tensor{w: w, grad: make([]float32, len(w)), decay: i == 0, bias: i == 2})
		}
		o := newOptimizer(tensors, &Hyper{Optimizer: name, WeightDecay: ref.Decay, ClipNorm: 10, Batch: 1, Nominal: 1})
		mean := newAverage([]net.Tensor{{Data: tensors[0].w}}, 0.9999, 4)
		for s, grads := range ref.Grads {
			for i := range tensors {
				copy(tensors[i].grad, grads[i])
			}
			r := rates{weights: ref.Rates[s].Weights, biases: ref.Rates[s].Biases, momentum: ref.Rates[s].Momentum}
			if name == AdamW {
				r.momentum = 0.9
			}
			if got := o.step(r); math.Abs(got-want.Norms[s]) > 1e-5*want.Norms[s] {
				t.Errorf("%s: norm %g at step %d, want %g", name, got, s, want.Norms[s])
			}
			mean.update(s + 1)
		}
		near := func(what string, got, want []float32) {
			for k := range want {
				if math.Abs(float64(got[k]-want[k])) > 2e-6*max(1, math.Abs(float64(want[k]))) {
					t.Errorf("%s: %s %v, want %v", name, what, got, want)
					return
				}
			}
		}
		for i := range tensors {
			near("weights", tensors[i].w, want.End[i])
		}
		near("average", mean.mean[0].Data, want.EMA)
	}
}

func TestNothingMovesOnNaN(t *testing.T) {
	x := &tensor{w: []float32{1}, grad: []float32{float32(math.NaN())}}
	o := newOptimizer([]*tensor{x}, &Hyper{Optimizer: SGD, Batch: 1})
	if n := o.step(rates{weights: 1}); !math.IsNaN(n) || x.w[0] != 1 {
		t.Errorf("norm %v, weight %v", n, x.w)
	}
}

func TestSchedule(t *testing.T) {
	h := Defaults()
	h.Batch, h.Epochs, h.LR, h.Optimizer = 8, 100, 0.01, SGD
	s := newSchedule(&h, 50) // 5000 steps, 150 of warm-up
	for name, c := range map[string]struct {
		step int
		want rates
	}{
		"first":        {0, rates{0, 0.1, 0.8, 1}},
		"half warm":    {75, rates{0.5 * 0.01 * s.factor(75), 0.05 + 0.5*0.01*s.factor(75), 0.8685, 4}}, // 4.5 rounds to even
		"warm":         {151, rates{0.01 * s.factor(151), 0.01 * s.factor(151), 0.937, 8}},
		"half the way": {2500, rates{0.00505, 0.00505, 0.937, 8}},
		"end":          {5000, rates{0.0001, 0.0001, 0.937, 8}},
	} {
		got := s.at(c.step)
		close := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
		if !close(got.weights, c.want.weights) || !close(got.biases, c.want.biases) || !close(got.momentum, c.want.momentum) || got.accumulate != c.want.accumulate {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	h.Cosine = true
	if f := s.factor(2500); math.Abs(f-0.505) > 1e-9 {
		t.Errorf("cosine at half the way: %g", f)
	}
	if got := h.decay(); got != h.WeightDecay {
		t.Errorf("decay %g of 8 batches of 8", got)
	}
	h.Batch = 128
	if got := h.decay(); got != 2*h.WeightDecay {
		t.Errorf("decay %g of a batch of 128", got)
	}
	h.Steps = 120
	if s := newSchedule(&h, 50); s.total != 120 || s.epochs() != 3 {
		t.Errorf("%d steps, %d epochs", s.total, s.epochs())
	}
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		h       Hyper
		updates int
		want    Hyper
	}{
		"few updates":  {Hyper{Optimizer: Auto, WarmupBiasLR: 0.1}, 100, Hyper{Optimizer: AdamW, LR: 0.000119, Momentum: 0.9}},
		"many updates": {Hyper{Optimizer: Auto}, 10_001, Hyper{Optimizer: SGD, LR: 0.01, Momentum: 0.9}},
		"own rate":     {Hyper{Optimizer: Auto, LR: 0.5}, 1, Hyper{Optimizer: AdamW, LR: 0.5, Momentum: 0.9}},
		"as told":      {Hyper{Optimizer: SGD, Momentum: 0.5, WarmupBiasLR: 0.1}, 1, Hyper{Optimizer: SGD, LR: 0.01, Momentum: 0.5, WarmupBiasLR: 0.1}},
	} {
		c.h.choose(c.updates, 80)
		if c.h != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.h, c.want)
		}
	}
}
