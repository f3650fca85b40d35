package train

import "math"

// schedule gives each step its rates, as Ultralytics' trainer does; the decay
// goes by steps where Ultralytics' goes by epochs.
type schedule struct {
	h        *Hyper
	total    int // steps
	warmup   int // steps
	perEpoch int
}

// rates are those of one step.
type rates struct {
	weights, biases float64
	momentum        float64
	accumulate      int // batches that make an update
}

func newSchedule(h *Hyper, perEpoch int) schedule {
	s := schedule{h: h, total: h.Epochs * perEpoch, perEpoch: perEpoch}
	if h.Steps > 0 {
		s.total = h.Steps
	}
	if h.WarmupEpochs > 0 {
		s.warmup = max(int(math.Round(h.WarmupEpochs*float64(perEpoch))), h.WarmupSteps)
	}
	return s
}

// epochs counts a last one that is not whole.
func (s schedule) epochs() int { return (s.total + s.perEpoch - 1) / s.perEpoch }

// batches is how many batches make an update after the warm-up.
func (h *Hyper) batches() int {
	return max(int(math.RoundToEven(float64(h.Nominal)/float64(h.Batch))), 1)
}

// decay is what weight decay is multiplied by: an update of fewer pictures than
// Nominal decays less.
func (h *Hyper) decay() float64 {
	if h.Nominal == 0 {
		return h.WeightDecay
	}
	return h.WeightDecay * float64(h.Batch*h.batches()) / float64(h.Nominal)
}

// factor is the part of LR at a step, from 1 to FinalLR.
func (s schedule) factor(step int) float64 {
	x := float64(step) / float64(max(s.total, 1))
	if s.h.Cosine {
		return (1-math.Cos(x*math.Pi))/2*(s.h.FinalLR-1) + 1
	}
	return max(1-x, 0)*(1-s.h.FinalLR) + s.h.FinalLR
}

// at is for step, counted from 0.
func (s schedule) at(step int) rates {
	lr := s.h.LR * s.factor(step)
	r := rates{lr, lr, s.h.Momentum, s.h.batches()}
	if step > s.warmup || s.warmup == 0 {
		return r
	}
	x := float64(step) / float64(s.warmup)
	between := func(from, to float64) float64 { return from + x*(to-from) }
	r.weights, r.biases = between(0, lr), between(s.h.WarmupBiasLR, lr)
	r.momentum = between(s.h.WarmupMomentum, s.h.Momentum)
	r.accumulate = max(1, int(math.RoundToEven(between(1, float64(s.h.Nominal)/float64(s.h.Batch)))))
	return r
}
