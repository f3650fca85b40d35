package wasm

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unsafe"

	"eagleeye/kernels"
	"eagleeye/wasm/plan"
	"eagleeye/wasm/yolo"
)

// Thresholds choose among the boxes.
type Thresholds struct {
	Conf       float32 // boxes with a score above it count, 0..1
	IoU        float32 // of two boxes of a class that overlap more, the better one stays
	Max        int     // number of boxes at most; 0: 300
	MultiLabel bool    // every class above Conf, not the best only: for evaluation
}

// DefaultThresholds are Ultralytics' for prediction.
var DefaultThresholds = Thresholds{Conf: 0.25, IoU: 0.7, Max: 300}

// Detection is an object that was found.
type Detection struct {
	X1, Y1, X2, Y2 float32 // pixels of the picture
	Class          int
	Name           string
	Score          float32 // 0..1
}

// Timing says where a frame's time went.
type Timing struct {
	Prepare time.Duration // copy (Detect only) and letterbox
	Infer   time.Duration // the network
	Decode  time.Duration // boxes, suppression
}

// maxPixels bounds a picture: 256 MiB of RGBA.
const maxPixels = 1 << 26

// slack is how far kernels may read behind a picture.
const slack = 64

// Stage makes room for a picture of w×h RGBA pixels, rows of 4·w bytes without
// gaps, and returns its address in the machine's memory. The caller writes the
// pixels there, then calls Run. The address holds until the next Stage with
// another size.
func (d *Detector) Stage(w, h int) (addr uint32, err error) {
	in := &d.plan.Input
	if d.staged && d.planes == nil && d.box.SrcW == w && d.box.SrcH == h {
		return in.Source, nil
	}
	if err := checkSize(w, h); err != nil {
		return 0, err
	}
	d.staged, d.ran = false, false
	if err := d.machine.Reserve(int(in.Source) + 4*w*h + slack); err != nil {
		return 0, fmt.Errorf("%w: a picture of %d×%d pixels: %w", ErrMemory, w, h, err)
	}
	d.box = yolo.Fit(w, h, in.Width, in.Height)
	l := d.letterbox(in.Source, 4*w)
	d.machine.Write(in.Desc, kernels.Bytes(&l))
	d.firstStep(kernels.OpLetterbox, in.Desc)
	d.staged, d.planes = true, nil
	return in.Source, nil
}

// Detect finds objects in a picture of w×h pixels: len(rgba) = 4·w·h, alpha is
// ignored.
func (d *Detector) Detect(rgba []byte, w, h int, t Thresholds) ([]Detection, Timing, error) {
	start := time.Now()
	if w <= 0 || h <= 0 || w > maxPixels || h > maxPixels || len(rgba) != 4*w*h {
		return nil, Timing{}, fmt.Errorf("%w: %d bytes for %d×%d pixels; want 4 a pixel", ErrPicture, len(rgba), w, h)
	}
	addr, err := d.Stage(w, h)
	if err != nil {
		return nil, Timing{}, err
	}
	d.machine.Write(addr, rgba)
	copied := time.Since(start)
	found, timing, err := d.Run(t)
	timing.Prepare += copied
	return found, timing, err
}

// Warm runs one tile of every step on whatever the memory holds, so that the
// browser compiles the kernels and hands out the memory before the first frame,
// which is then as quick as after a whole run. The staged picture is gone.
func (d *Detector) Warm() error {
	if _, err := d.Stage(640, 480); err != nil {
		return err
	}
	d.staged, d.ran = false, false
	steps := make([]kernels.Step, len(d.plan.Steps))
	record := func(i int) []byte { return kernels.Bytes(&steps[i]) }
	at := func(i int) uint32 { return d.plan.Program + recordBytes*uint32(i) }
	for i := range steps {
		d.machine.Read(at(i), record(i))
		one := steps[i]
		one.Tiles = min(one.Tiles, 1)
		d.machine.Write(at(i), kernels.Bytes(&one))
	}
	err := d.machine.Run(d.plan.Program, len(steps))
	for i := range steps {
		d.machine.Write(at(i), record(i))
	}
	return err
}

// Run finds objects in the staged picture, best first.
func (d *Detector) Run(t Thresholds) ([]Detection, Timing, error) {
	if err := t.check(); err != nil {
		return nil, Timing{}, err
	}
	if !d.staged {
		return nil, Timing{}, fmt.Errorf("%w: none is staged", ErrPicture)
	}
	var timing Timing
	d.ran = false
	p := d.plan
	start := time.Now()
	if err := d.machine.Run(p.Program, 1); err != nil {
		return nil, Timing{}, err
	}
	prepared := time.Now()
	if err := d.machine.Run(p.Program+recordBytes, p.Detect.First-1); err != nil {
		return nil, Timing{}, err
	}
	inferred := time.Now()
	d.ran = true
	found, err := d.decode(t)
	timing.Prepare, timing.Infer, timing.Decode = prepared.Sub(start), inferred.Sub(prepared), time.Since(inferred)
	return found, timing, err
}

// Again applies other thresholds to the last run, without running the network.
func (d *Detector) Again(t Thresholds) ([]Detection, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if !d.ran {
		return nil, fmt.Errorf("%w: none has been run", ErrPicture)
	}
	return d.decode(t)
}

func (t Thresholds) check() error {
	for _, v := range []float32{t.Conf, t.IoU} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("wasm: threshold %v is outside 0 to 1", v)
		}
	}
	return nil
}

const (
	recordBytes    = uint32(unsafe.Sizeof(kernels.Step{}))
	candidateBytes = int(unsafe.Sizeof(kernels.Candidate{}))
)

// decode turns the head's maps into boxes in pixels of the picture.
func (d *Detector) decode(t Thresholds) ([]Detection, error) {
	n, err := d.candidates(logit(t.Conf))
	if err != nil {
		return nil, err
	}
	d.cands = d.cands[:0]
	if t.MultiLabel {
		d.allLabels(n, t.Conf)
	} else {
		for i := range n {
			c := d.candidate(i)
			d.consider(c, c.Class, c.Logit, t.Conf)
		}
	}
	limit := t.Max
	if limit <= 0 {
		limit = DefaultThresholds.Max
	}
	kept := yolo.NMS(d.cands, t.IoU, limit)
	found := make([]Detection, len(kept))
	for i, c := range kept {
		b := d.box.ToSource(c.Box)
		found[i] = Detection{X1: b.X1, Y1: b.Y1, X2: b.X2, Y2: b.Y2, Class: int(c.Class), Name: d.info.Names[c.Class], Score: c.Score}
	}
	return found, nil
}

// candidates runs the head's last steps for all anchors whose best logit is at
// least threshold, reads the boxes into d.buf and returns their number.
func (d *Detector) candidates(threshold float32) (int, error) {
	p := &d.plan.Detect
	binary.LittleEndian.PutUint32(d.param[:], math.Float32bits(threshold))
	binary.LittleEndian.PutUint32(d.param[4:], 0)
	d.machine.Write(p.Params, d.param[:])
	if err := d.machine.Run(d.plan.Program+recordBytes*uint32(p.First), len(p.Heads)); err != nil {
		return 0, err
	}
	d.machine.Read(p.Params, d.param[:])
	n := int(binary.LittleEndian.Uint32(d.param[4:]))
	if n > p.Anchors {
		return 0, fmt.Errorf("wasm: the head gave %d boxes for %d anchors", n, p.Anchors)
	}
	d.buf = grow(d.buf, n*candidateBytes)
	d.machine.Read(p.Out, d.buf)
	return n, nil
}

// candidate views a candidate in d.buf.
func (d *Detector) candidate(i int) *kernels.Candidate {
	return (*kernels.Candidate)(unsafe.Pointer(&d.buf[i*candidateBytes]))
}

// allLabels appends a candidate for every class of an anchor above conf.
func (d *Detector) allLabels(n int, conf float32) {
	for _, h := range d.plan.Detect.Heads {
		anchors := h.Cls.H * h.Cls.W
		var logits []byte
		for i := range n {
			c := d.candidate(i)
			at := int(c.Anchor) - h.Anchor0
			if at < 0 || at >= anchors {
				continue
			}
			if logits == nil {
				logits = d.read(h.Cls)
			}
			y, x := at/h.Cls.W, at%h.Cls.W
			row := logits[y*int(h.Cls.Map.Row)+x*int(h.Cls.Map.Pix):]
			for class := range d.plan.Detect.Classes {
				d.consider(c, int32(class), math.Float32frombits(binary.LittleEndian.Uint32(row[4*class:])), conf)
			}
		}
	}
}

// consider appends a candidate's box for a class when its score is above conf.
// Boxes that are no numbers, of a network that overflows, are left out.
func (d *Detector) consider(c *kernels.Candidate, class int32, logit, conf float32) {
	score := sigmoid(logit)
	if !(score > conf) || math.IsNaN(float64(c.X1+c.Y1+c.X2+c.Y2)) {
		return
	}
	d.cands = append(d.cands, yolo.Candidate{Box: yolo.Box{X1: c.X1, Y1: c.Y1, X2: c.X2, Y2: c.Y2}, Score: score, Class: class, Anchor: c.Anchor})
}

// read copies a map from its first to its last byte, gaps included, into
// d.lines.
func (d *Detector) read(p plan.Place) []byte {
	size := 4
	if p.U8 {
		size = 1
	}
	d.lines = grow(d.lines, (p.H-1)*int(p.Map.Row)+(p.W-1)*int(p.Map.Pix)+p.Width()*size)
	d.machine.Read(p.Map.Addr, d.lines)
	return d.lines
}

// grow returns b with length n, in its old memory where that suffices.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// logit is a little below the logit of a score: what it lets through is
// compared as a score again.
func logit(score float32) float32 {
	s := float64(score)
	switch {
	case s <= 0:
		return float32(math.Inf(-1))
	case s >= 1:
		return float32(math.Inf(1))
	}
	l := math.Log(s / (1 - s))
	return float32(l - 1e-5*max(1, math.Abs(l)))
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func int32Bytes(v []int32) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v))
}
