package wasm

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"eagleeye/wasm/plan"
)

// Raw returns the undecided output of the last run: N = Info().Anchors boxes
// [N][4] as x1, y1, x2, y2 in pixels of the network's input, and class logits
// (before the sigmoid) [N][classes].
func (d *Detector) Raw() (boxes, logits []float32, err error) {
	if !d.ran {
		return nil, nil, fmt.Errorf("%w: none has been run", ErrPicture)
	}
	n, err := d.candidates(float32(math.Inf(-1)))
	if err != nil {
		return nil, nil, err
	}
	classes := d.plan.Detect.Classes
	boxes = make([]float32, 4*d.plan.Detect.Anchors)
	for i := range n {
		c := d.candidate(i)
		copy(boxes[4*c.Anchor:], []float32{c.X1, c.Y1, c.X2, c.Y2})
	}
	logits = make([]float32, d.plan.Detect.Anchors*classes)
	for _, h := range d.plan.Detect.Heads {
		d.values(h.Cls, func(c, y, x int, v float32) {
			logits[(h.Anchor0+y*h.Cls.W+x)*classes+c] = v
		})
	}
	return boxes, logits, nil
}

// Tap returns a value that Options.Keep names as it stood after the last run:
// real numbers in NCHW order, and its shape [1 C H W].
func (d *Detector) Tap(name string) (data []float32, shape []int, err error) {
	p, ok := d.plan.Lookup(name)
	if !ok {
		return nil, nil, fmt.Errorf("wasm: value %q is not kept: name it in Options.Keep", name)
	}
	data = make([]float32, p.Channels()*p.H*p.W)
	d.values(p, func(c, y, x int, v float32) { data[(c*p.H+y)*p.W+x] = v })
	return data, []int{1, p.Channels(), p.H, p.W}, nil
}

// Kept returns the names that Tap knows, in no order.
func (d *Detector) Kept() []string { return d.plan.Kept() }

// values calls f with every real number of a map.
func (d *Detector) values(p plan.Place, f func(c, y, x int, v float32)) {
	b := d.read(p)
	stored := make([]int, p.Channels())
	for c := range stored {
		stored[c] = p.Stored(c)
	}
	for y := range p.H {
		for x := range p.W {
			pix := b[y*int(p.Map.Row)+x*int(p.Map.Pix):]
			for c, at := range stored {
				if p.U8 {
					f(c, y, x, float32(int32(pix[at])-p.Zero)*p.Scale)
				} else {
					f(c, y, x, math.Float32frombits(binary.LittleEndian.Uint32(pix[4*at:])))
				}
			}
		}
	}
}

// StepTime is a step of the program and the shortest time it took.
type StepTime struct {
	plan.Step
	Best time.Duration
}

// Profile runs the staged picture rounds times, step by step, and returns each
// step's best time. The sum is a little more than a whole frame's time: every
// step is a call of its own.
func (d *Detector) Profile(rounds int) ([]StepTime, error) {
	if !d.staged {
		return nil, fmt.Errorf("%w: none is staged", ErrPicture)
	}
	out := make([]StepTime, len(d.plan.Steps))
	for i := range out {
		out[i] = StepTime{Step: d.plan.Steps[i], Best: math.MaxInt64}
	}
	for range max(rounds, 1) {
		binary.LittleEndian.PutUint64(d.param[:], uint64(math.Float32bits(logit(DefaultThresholds.Conf))))
		d.machine.Write(d.plan.Detect.Params, d.param[:])
		for i := range out {
			start := time.Now()
			if err := d.machine.Run(d.plan.Program+recordBytes*uint32(i), 1); err != nil {
				return nil, fmt.Errorf("step %d, %s %q: %w", i, out[i].Kind, out[i].Name, err)
			}
			out[i].Best = min(out[i].Best, time.Since(start))
		}
	}
	d.ran = true
	return out, nil
}
