package bench

import (
	"context"
	"fmt"

	"eagleeye/build/browser"
)

// Variant is a model that is timed against others in our own engine.
type Variant struct {
	Name  string
	Model []byte // ONNX
}

// Latency is a variant's median frame, from RGBA to boxes, in ms.
type Latency struct {
	Threads int     `json:"threads"`
	Median  float64 `json:"ms"`
	Ratio   float64 `json:"ratio"` // to the first variant: the median of the rounds' ratios
}

// Variants times models by turns in one browser, for each number of threads,
// each in a tab of its own, and returns a list a model.
func Variants(ctx context.Context, lab *Lab, models []Variant, size int, threads []int, rounds, frames int, logf func(format string, args ...any)) ([][]Latency, error) {
	browserCtx, closeBrowser, err := browser.Start(ctx, logf)
	if err != nil {
		return nil, err
	}
	defer closeBrowser()
	ours, err := Choose([]string{"ours"})
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(models))
	for i, m := range models {
		addresses[i] = lab.Put(fmt.Sprintf("variant%d.onnx", i), m.Model)
	}
	return turns(models, threads, rounds, frames, func(i, threads int) (seat, error) {
		return sit(browserCtx, lab, ours[0], addresses[i], size, threads)
	})
}

// NativeVariants times models by turns in ONNX Runtime's own build, each in a
// process of the Python that has it: the network alone, without pictures and boxes.
func NativeVariants(ctx context.Context, python string, models []Variant, size int, threads []int, rounds, frames int) ([][]Latency, error) {
	sized := make([][]byte, len(models))
	for i, m := range models {
		var err error
		if sized[i], err = resized(m.Model, size); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return turns(models, threads, rounds, frames, func(i, threads int) (seat, error) {
		return startNative(ctx, python, sized[i], size, threads)
	})
}

// turns times models, for each number of threads each in a seat that open makes.
func turns(models []Variant, threads []int, rounds, frames int, open func(i, threads int) (seat, error)) ([][]Latency, error) {
	out := make([][]Latency, len(models))
	for _, n := range threads {
		list, err := turnsOf(models, n, rounds, frames, open)
		if err != nil {
			return nil, err
		}
		for i, l := range list {
			out[i] = append(out[i], l)
		}
	}
	return out, nil
}

// turnsOf times models on one number of threads. The first frame of a turn finds
// cold caches and does not count.
func turnsOf(models []Variant, threads, rounds, frames int, open func(i, threads int) (seat, error)) ([]Latency, error) {
	seats := make([]seat, len(models))
	for i, m := range models {
		s, err := open(i, threads)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		defer s.close()
		if err := s.load(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		seats[i] = s
	}
	all := make([][]float64, len(models))
	ratios := make([][]float64, len(models))
	for range rounds {
		turn := make([]float64, len(models))
		for i, s := range seats {
			t, err := s.frames(frames + 1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", models[i].Name, err)
			}
			ms := t.Frame[1:]
			all[i] = append(all[i], ms...)
			turn[i] = median(ms)
		}
		for i := range seats {
			ratios[i] = append(ratios[i], turn[i]/turn[0])
		}
	}
	out := make([]Latency, len(models))
	for i := range models {
		out[i] = Latency{threads, median(all[i]), median(ratios[i])}
	}
	return out, nil
}
