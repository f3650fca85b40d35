package graph

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// window is a sliding window over the two spatial dimensions, padding made
// explicit.
type window struct {
	k, s, d  [2]int // kernel, stride, dilation
	pad      [4]int // top, left, bottom, right
	in, out  [2]int
	channels int
}

// windowOf reads the attributes that Conv and MaxPool share for an NCHW input.
func windowOf(n *Node, in []int, kernel []int64) (window, error) {
	w := window{s: [2]int{1, 1}, d: [2]int{1, 1}}
	if len(in) != 4 {
		return w, fmt.Errorf("%w: input of rank %d, want 4 (NCHW)", ErrUnsupported, len(in))
	}
	w.channels, w.in = in[1], [2]int{in[2], in[3]}
	if l := n.Ints("kernel_shape"); l != nil {
		if kernel != nil && (len(l) != 2 || l[0] != kernel[0] || l[1] != kernel[1]) {
			return w, fmt.Errorf("kernel_shape %v does not fit the weights' %v", l, kernel)
		}
		kernel = l
	}
	for name, dst := range map[string]*[2]int{"strides": &w.s, "dilations": &w.d, "kernel_shape": &w.k} {
		l := n.Ints(name)
		if name == "kernel_shape" {
			l = kernel
		} else if l == nil {
			continue
		}
		if len(l) != 2 {
			return w, fmt.Errorf("%s %v, want two numbers", name, l)
		}
		for i, v := range l {
			if v < 1 || v > 1<<15 {
				return w, fmt.Errorf("%s %v", name, l)
			}
			dst[i] = int(v)
		}
	}
	if l := n.Ints("pads"); l != nil {
		if len(l) != 4 {
			return w, fmt.Errorf("pads %v, want four numbers", l)
		}
		for i, v := range l {
			if v < 0 || v > 1<<15 {
				return w, fmt.Errorf("pads %v", l)
			}
			w.pad[i] = int(v)
		}
	}
	auto := n.Str("auto_pad", "NOTSET")
	for i := range 2 {
		extent := (w.k[i]-1)*w.d[i] + 1
		switch auto {
		case "NOTSET", "":
		case "VALID":
			w.pad[i], w.pad[i+2] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			total := max(0, ((w.in[i]+w.s[i]-1)/w.s[i]-1)*w.s[i]+extent-w.in[i])
			w.pad[i], w.pad[i+2] = total/2, total-total/2
			if auto == "SAME_LOWER" {
				w.pad[i], w.pad[i+2] = w.pad[i+2], w.pad[i]
			}
		default:
			return w, fmt.Errorf("%w: auto_pad %q", ErrUnsupported, auto)
		}
		span := w.in[i] + w.pad[i] + w.pad[i+2] - extent
		if span < 0 {
			return w, fmt.Errorf("a window of %d does not fit an input of %v", extent, in)
		}
		w.out[i] = span/w.s[i] + 1
	}
	return w, nil
}

func inferConv(c *call) error {
	x, k := c.in[0], c.in[1]
	if len(k.shape) != 4 {
		return fmt.Errorf("%w: weights of rank %d, want 4 ([out, in, height, width])", ErrUnsupported, len(k.shape))
	}
	w, err := windowOf(c.n, x.shape, []int64{int64(k.shape[2]), int64(k.shape[3])})
	if err != nil {
		return err
	}
	group := c.n.Int("group", 1)
	if group < 1 || group > 1<<20 || w.channels != k.shape[1]*int(group) || k.shape[0]%int(group) != 0 {
		return fmt.Errorf("weights %v in %d groups do not fit %d input channels", k.shape, group, w.channels)
	}
	if !isFloat(x.dt) || !isFloat(k.dt) {
		return fmt.Errorf("operands are %v and %v", x.dt, k.dt)
	}
	if b := c.arg(2); b != nil && (b.len() != k.shape[0] || !isFloat(b.dt)) {
		return fmt.Errorf("bias is %v of %v for %d channels", b.dt, b.shape, k.shape[0])
	}
	shape := []int{x.shape[0], k.shape[0], w.out[0], w.out[1]}
	if r := c.arg(3); r != nil && !sameShape(r.shape, shape) {
		return fmt.Errorf("residual is %v beside %v", r.shape, shape)
	}
	if act := c.n.Str("act", ""); act != "" && act != "SiLU" {
		return fmt.Errorf("%w: activation %q", ErrUnsupported, act)
	}
	return c.result(0, x.dt, shape)
}

func evalConv(c *call) error {
	x, k, out := c.in[0], c.in[1], c.out[0].alloc()
	w, err := windowOf(c.n, x.shape, []int64{int64(k.shape[2]), int64(k.shape[3])})
	if err != nil {
		return err
	}
	perGroup := k.shape[0] / int(c.n.Int("group", 1))
	act := c.n.Str("act", "")
	inMap, outMap, taps := w.in[0]*w.in[1], w.out[0]*w.out[1], w.k[0]*w.k[1]
	each(x.shape[0]*k.shape[0], func(j int) {
		img, o := j/k.shape[0], j%k.shape[0]
		y := out.f[j*outMap : (j+1)*outMap]
		if b := c.arg(2); b != nil {
			for p := range y {
				y[p] = b.f[o]
			}
		}
		first := o / perGroup * k.shape[1]
		for i := range k.shape[1] {
			from := (img*w.channels + first + i) * inMap
			w.accumulate(y, x.f[from:from+inMap], k.f[(o*k.shape[1]+i)*taps:][:taps])
		}
		if act == "SiLU" {
			for p, v := range y {
				y[p] = silu(v)
			}
		}
		if r := c.arg(3); r != nil {
			for p, v := range r.f[j*outMap : (j+1)*outMap] {
				y[p] += v
			}
		}
	})
	return nil
}

// each runs jobs on all processors.
func each(n int, job func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for j := range n {
			job(j)
		}
		return
	}
	var wg sync.WaitGroup
	for k := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := k; j < n; j += workers {
				job(j)
			}
		}()
	}
	wg.Wait()
}

// accumulate adds one input map, filtered by one kernel, to an output map.
func (w *window) accumulate(y, x, k []float32) {
	for ky := range w.k[0] {
		y0, y1 := w.valid(0, ky)
		for oy := y0; oy < y1; oy++ {
			row := x[(oy*w.s[0]+ky*w.d[0]-w.pad[0])*w.in[1]:][:w.in[1]]
			dst := y[oy*w.out[1]:][:w.out[1]]
			for kx := range w.k[1] {
				f := k[ky*w.k[1]+kx]
				x0, x1 := w.valid(1, kx)
				if x0 >= x1 {
					continue
				}
				src := row[x0*w.s[1]+kx*w.d[1]-w.pad[1]:]
				d := dst[x0:x1]
				if w.s[1] == 1 {
					src = src[:len(d)]
					for i, v := range src {
						d[i] += f * v
					}
				} else {
					for i := range d {
						d[i] += f * src[i*w.s[1]]
					}
				}
			}
		}
	}
}

// valid returns the outputs along a dimension whose tap k lies in the input.
func (w *window) valid(dim, k int) (from, to int) {
	off := k*w.d[dim] - w.pad[dim]
	if off < 0 {
		from = (-off + w.s[dim] - 1) / w.s[dim]
	}
	to = w.out[dim]
	if last := w.in[dim] - 1 - off; last < 0 {
		to = 0
	} else {
		to = min(to, last/w.s[dim]+1)
	}
	return from, to
}

func inferMaxPool(c *call) error {
	if !isFloat(c.in[0].dt) {
		return fmt.Errorf("operand is %v", c.in[0].dt)
	}
	if c.n.Ints("kernel_shape") == nil {
		return fmt.Errorf("no kernel_shape")
	}
	w, err := windowOf(c.n, c.in[0].shape, nil)
	if err != nil {
		return err
	}
	if c.n.Int("ceil_mode", 0) != 0 || c.n.Int("storage_order", 0) != 0 {
		return fmt.Errorf("%w: ceil_mode or storage_order", ErrUnsupported)
	}
	if len(c.n.Out) > 1 && c.n.Out[1] != nil {
		return fmt.Errorf("%w: the indices of the maxima", ErrUnsupported)
	}
	for i := range 2 {
		if w.pad[i] >= w.k[i] || w.pad[i+2] >= w.k[i] {
			return fmt.Errorf("pads %v for a window of %v", w.pad, w.k)
		}
	}
	return c.result(0, c.in[0].dt, []int{c.in[0].shape[0], w.channels, w.out[0], w.out[1]})
}

func evalMaxPool(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	w, err := windowOf(c.n, x.shape, nil)
	if err != nil {
		return err
	}
	inMap, outMap := w.in[0]*w.in[1], w.out[0]*w.out[1]
	each(x.shape[0]*w.channels, func(j int) {
		src, dst := x.f[j*inMap:(j+1)*inMap], out.f[j*outMap:(j+1)*outMap]
		for i := range dst {
			dst[i] = float32(math.Inf(-1))
		}
		for ky := range w.k[0] {
			y0, y1 := w.valid(0, ky)
			for kx := range w.k[1] {
				x0, x1 := w.valid(1, kx)
				for oy := y0; oy < y1; oy++ {
					at := (oy*w.s[0]+ky*w.d[0]-w.pad[0])*w.in[1] + kx*w.d[1] - w.pad[1]
					for ox := x0; ox < x1; ox++ {
						p := &dst[oy*w.out[1]+ox]
						*p = max(*p, src[at+ox*w.s[1]])
					}
				}
			}
		}
	})
	return nil
}

func inferBatchNorm(c *call) error {
	x := c.in[0]
	if len(x.shape) < 2 || !isFloat(x.dt) {
		return fmt.Errorf("input is %v of %v", x.dt, x.shape)
	}
	for k := 1; k < 5; k++ {
		if c.in[k].len() != x.shape[1] || !isFloat(c.in[k].dt) {
			return fmt.Errorf("input %d is %v of %v for %d channels", k, c.in[k].dt, c.in[k].shape, x.shape[1])
		}
	}
	if c.n.Int("training_mode", 0) != 0 {
		return fmt.Errorf("%w: training_mode", ErrUnsupported)
	}
	for _, o := range c.n.Out[1:] {
		if o != nil {
			return fmt.Errorf("%w: running statistics", ErrUnsupported)
		}
	}
	return c.result(0, x.dt, x.shape)
}

// batchNorm returns the factor and offset of each channel:
// γ/√(σ²+ε) and β − μ·factor (Ioffe & Szegedy 2015, inference form).
func batchNorm(n *Node, gamma, beta, mean, variance []float32) (factor, offset []float32) {
	eps := float64(n.Float("epsilon", 1e-5))
	factor, offset = make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range gamma {
		f := float64(gamma[i]) / math.Sqrt(float64(variance[i])+eps)
		factor[i] = float32(f)
		offset[i] = float32(float64(beta[i]) - float64(mean[i])*f)
	}
	return factor, offset
}

func evalBatchNorm(c *call) error {
	x, out := c.in[0], c.out[0].alloc()
	factor, offset := batchNorm(c.n, c.in[1].f, c.in[2].f, c.in[3].f, c.in[4].f)
	_, inner := around(x.shape, 1)
	for i, v := range x.f {
		ch := i / inner % len(factor)
		out.f[i] = v*factor[ch] + offset[ch]
	}
	return nil
}
