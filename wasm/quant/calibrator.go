package quant

import (
	"fmt"

	"eagleeye/wasm/graph"
)

// Calibrator collects the statistics that Quantize needs.
type Calibrator struct {
	hist map[string]*Histogram
}

// NewCalibrator makes an empty calibrator for the taps of a layout.
func NewCalibrator(l *Layout) *Calibrator {
	c := &Calibrator{hist: map[string]*Histogram{}}
	for _, name := range l.Taps() {
		c.hist[name] = &Histogram{}
	}
	return c
}

// Observe counts the values that the activation takes for one image, all of
// them and in any order. Names that are no taps are refused, so are NaN and
// infinities.
func (c *Calibrator) Observe(name string, data []float32) error {
	h := c.hist[name]
	if h == nil {
		return fmt.Errorf("observe %q: no activation of that name is to be quantized", name)
	}
	if err := h.Add(data); err != nil {
		return fmt.Errorf("observe %q: %w: the model's weights or this input are broken", name, err)
	}
	return nil
}

// Merge adds the statistics of o, which must be of the same layout. The result
// does not depend on how the data was divided.
func (c *Calibrator) Merge(o *Calibrator) error {
	for name, h := range o.hist {
		if c.hist[name] == nil {
			return fmt.Errorf("merge: %q is unknown here: the layouts differ", name)
		}
		c.hist[name].Merge(h)
	}
	return nil
}

// Histogram returns what was counted for a tap, nil for other names.
func (c *Calibrator) Histogram(name string) *Histogram { return c.hist[name] }

// Grids returns the grid of each group of the layout, by its number.
func (c *Calibrator) Grids(l *Layout, o Observer, percentile float64) ([]graph.Quant, error) {
	merged, image, err := c.groups(l)
	if err != nil {
		return nil, err
	}
	grids := make([]graph.Quant, l.Groups)
	for i, h := range merged {
		if i == image {
			// An input that shares its grid with other maps would not be exact;
			// no detector at hand does that, the exact grid wins.
			grids[i] = graph.Quant{DType: graph.Uint8, Scale: []float32{1.0 / 255}, Zero: []int32{0}}
			if h != nil {
				lo, hi := o.Range(h, percentile)
				grids[i] = Grid(lo, max(hi, 1))
			}
			continue
		}
		lo, hi := o.Range(h, percentile)
		grids[i] = Grid(lo, hi)
	}
	return grids, nil
}

// Noise returns what rounding to the grids adds to each group, its mean square
// as a share of the values' variance; 0 for the image, whose grid is exact.
func (c *Calibrator) Noise(l *Layout, grids []graph.Quant) ([]float64, error) {
	merged, image, err := c.groups(l)
	if err != nil {
		return nil, err
	}
	noise := make([]float64, l.Groups)
	for i, h := range merged {
		if i == image {
			continue
		}
		at, weight := h.bins()
		sum, mean, square := 0.0, 0.0, 0.0
		for k, x := range at {
			sum += weight[k]
			mean += weight[k] * x
			square += weight[k] * x * x
		}
		if variance := square - mean*mean/sum; variance > 0 {
			noise[i] = squaredError(at, weight, grids[i]) / variance
		}
	}
	return noise, nil
}

// groups merges what was counted for each group; image is that of the input,
// nil where nothing else is in it.
func (c *Calibrator) groups(l *Layout) (merged []*Histogram, image int, err error) {
	merged = make([]*Histogram, l.Groups)
	image = -1
	for _, p := range l.Points {
		if p.Name == l.Input {
			image = p.Group
			continue
		}
		h := c.hist[p.Name]
		if h == nil || h.N == 0 {
			return nil, 0, fmt.Errorf("activation %q was never observed: run the model over calibration images first", p.Name)
		}
		if merged[p.Group] == nil {
			merged[p.Group] = &Histogram{}
		}
		merged[p.Group].Merge(h)
	}
	return merged, image, nil
}
