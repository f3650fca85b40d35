package graph

import "fmt"

func inferUpsampleFactor(c *call) error {
	x, f := c.in[0], c.n.Int("factor", 0)
	if len(x.shape) != 4 || f < 1 || f > 1<<10 {
		return fmt.Errorf("factor %d for %v", f, x.shape)
	}
	return c.result(0, x.dt, []int{x.shape[0], x.shape[1], x.shape[2] * int(f), x.shape[3] * int(f)})
}

func evalUpsampleFactor(c *call) error {
	x, out, f := c.in[0], c.out[0].alloc(), int(c.n.Int("factor", 1))
	w, ow := x.shape[3], out.shape[3]
	for r := range len(out.f) / max(ow, 1) {
		src, dst := x.f[r/f*w:][:w], out.f[r*ow:][:ow]
		for i := range dst {
			dst[i] = src[i/f]
		}
	}
	return nil
}

func inferChannelSlice(c *call) error {
	x, start, end := c.in[0], c.n.Int("start", 0), c.n.Int("end", 0)
	if len(x.shape) != 4 || start < 0 || end <= start || end > int64(x.shape[1]) {
		return fmt.Errorf("channels %d to %d of %v", start, end, x.shape)
	}
	return c.result(0, x.dt, []int{x.shape[0], int(end - start), x.shape[2], x.shape[3]})
}

func evalChannelSlice(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	s := strides(x.shape)
	walk(out, x, int(c.n.Int("start", 0))*s[1], s)
	return nil
}

// detection is the geometry of a Detect node: per scale a box and a class map
// with H·W anchors each.
type detection struct {
	regMax, classes int
	strides         []float32
	anchors         int
}

func detectionOf(c *call) (*detection, error) {
	d := &detection{regMax: int(c.n.Int("reg_max", 0)), classes: int(c.n.Int("classes", 0)), strides: c.n.Attrs["strides"].Floats}
	if d.regMax < 2 || d.classes < 1 || len(c.in) != 2*len(d.strides) || len(c.in) == 0 {
		return nil, fmt.Errorf("reg_max %d, %d classes, %d strides, %d inputs", d.regMax, d.classes, len(d.strides), len(c.in))
	}
	for k, x := range c.in {
		want := 4 * d.regMax
		if k%2 == 1 {
			want = d.classes
		}
		if x == nil || len(x.shape) != 4 || x.shape[0] != 1 || x.shape[1] != want {
			return nil, fmt.Errorf("input %d is not [1, %d, height, width]", k, want)
		}
		if pair := c.in[k&^1]; x.shape[2] != pair.shape[2] || x.shape[3] != pair.shape[3] {
			return nil, fmt.Errorf("inputs %d and %d are %v and %v", k&^1, k, pair.shape, x.shape)
		}
		if k%2 == 1 {
			d.anchors += x.shape[2] * x.shape[3]
		}
	}
	return d, nil
}

func inferDetect(c *call) error {
	d, err := detectionOf(c)
	if err != nil {
		return err
	}
	return c.result(0, Float32, []int{1, 4 + d.classes, d.anchors})
}

// evalDetect decodes YOLOv8's head: each side's distance is the mean of a
// softmax over reg_max bins (distribution focal loss, Li et al. 2020), measured
// in strides from the anchor at the cell's centre; rows are cx, cy, w, h in
// input pixels, then the sigmoid of each class.
func evalDetect(c *call) error {
	d, err := detectionOf(c)
	if err != nil {
		return err
	}
	out := c.out[0].alloc()
	first := 0
	for s, stride := range d.strides {
		box, cls := c.in[2*s], c.in[2*s+1]
		w, n := box.shape[3], box.shape[2]*box.shape[3]
		for p := range n {
			var side [4]float32
			for k := range side {
				side[k] = expectation(box.f[k*d.regMax*n+p:], d.regMax, n)
			}
			for k, v := range anchorBox(side, p, w) {
				out.f[k*d.anchors+first+p] = v * stride
			}
		}
		for k := range d.classes {
			dst := out.f[(4+k)*d.anchors+first:]
			for p, x := range cls.f[k*n : (k+1)*n] {
				dst[p] = sigmoid(x)
			}
		}
		first += n
	}
	return nil
}

// anchorBox is the box (cx, cy, w, h), in strides, at distances side (left, top,
// right, bottom) from anchor p of a map w wide.
func anchorBox(side [4]float32, p, w int) [4]float32 {
	ax, ay := float32(p%w)+0.5, float32(p/w)+0.5
	x1, y1, x2, y2 := ax-side[0], ay-side[1], ax+side[2], ay+side[3]
	return [4]float32{(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1}
}

// expectation is Σ k·softmax(x)[k] over n bins a step apart.
func expectation(x []float32, n, step int) float32 {
	top := x[0]
	for k := 1; k < n; k++ {
		if v := x[k*step]; v > top { // max is a slow call in the tab
			top = v
		}
	}
	var sum, mean float64
	for k := range n {
		e := exp(float64(x[k*step] - top))
		sum += e
		mean += float64(k) * e
	}
	return float32(mean / sum)
}
