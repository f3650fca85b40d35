package bench

import (
	"context"
	"fmt"
	"slices"

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
	out := make([][]Latency, len(models))
	for _, n := range threads {
		tabs := make([]*tab, len(models))
		for i, m := range models {
			address := lab.Put(fmt.Sprintf("variant%d.onnx", i), m.Model)
			t, err := openTab(browserCtx, fmt.Sprintf("%s/bench.html?threads=%d&size=%d&model=%s", lab.URL, n, size, address))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			defer t.cancel()
			if err := t.eval(nil, "bench.load().then(() => true)"); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			tabs[i] = t
		}
		all := make([][]float64, len(models))
		ratios := make([][]float64, len(models))
		for range rounds {
			turn := make([]float64, len(models))
			for i, t := range tabs {
				if err := t.front(); err != nil {
					return nil, err
				}
				var ms []float64
				script := "(async () => { const v = []; for (let i = 0; i <= %d; i++) { const s = performance.now(); await bench.run(); if (i) v.push(performance.now() - s); } return v; })()"
				if err := t.eval(&ms, script, frames); err != nil {
					return nil, fmt.Errorf("%s: %w", models[i].Name, err)
				}
				all[i] = append(all[i], ms...)
				slices.Sort(ms)
				turn[i] = quantile(ms, 0.5)
			}
			for i := range tabs {
				ratios[i] = append(ratios[i], turn[i]/turn[0])
			}
		}
		for i := range models {
			out[i] = append(out[i], Latency{n, median(all[i]), median(ratios[i])})
			tabs[i].cancel()
		}
	}
	return out, nil
}
