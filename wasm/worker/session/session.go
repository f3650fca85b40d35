// Package session is the worker's side of the conversation with the page, in
// plain Go: it answers the messages with the engine's results and turns errors
// into what a person can act on. It may import wasm/message, the engine and
// wasm/onnx for the errors of the latter.
package session

import (
	"errors"
	"fmt"
	"time"

	"eagleeye/wasm"
	"eagleeye/wasm/message"
	"eagleeye/wasm/onnx"
)

// Detector is what a session needs of the engine; *wasm.Detector has it.
type Detector interface {
	Stage(w, h int) (addr uint32, err error)
	StagePlanes(w, h int, c wasm.Colours) (wasm.Planes, error)
	Run(t wasm.Thresholds) ([]wasm.Detection, wasm.Timing, error)
	Again(t wasm.Thresholds) ([]wasm.Detection, error)
	Info() wasm.Info
	Warm() error
}

// Picture is the picture of a frame. Each of its functions that write is called
// once at most.
type Picture interface {
	// Colours says how the picture is encoded, if its planes can be had.
	Colours() (wasm.Colours, bool)
	// WritePlanes writes the samples to their places.
	WritePlanes(p wasm.Planes) error
	// WriteRGBA writes Width×Height RGBA bytes to an address.
	WriteRGBA(addr uint32) error
}

// Session answers one page. Its functions are called by one goroutine.
type Session struct {
	// Open makes a detector of the bytes of a model.
	Open func(model []byte, o wasm.Options) (Detector, error)
	// Say sends a message to the page.
	Say func(message.Message)
	// Memory returns the bytes of the kernels' memory and of the engine's own.
	Memory func() (kernels, engine uint64)
	// Read copies the kernels' memory at addr to b.
	Read func(addr uint32, b []byte)

	det    Detector
	load   message.Load // that det answers
	w, h   int          // of the staged picture, 0 before the first
	thumb  []byte
	result message.Result // reused
}

// Load opens a model and warms it up, so that the first frame finds everything in
// place, then tells the page Loaded or Failed.
func (s *Session) Load(m message.Load, model []byte) {
	start := time.Now()
	s.det, s.w, s.h = nil, 0, 0
	s.Say(message.Progress{Stage: message.StageParse})
	if len(model) == 0 {
		s.Say(message.Failed{Reason: message.ReasonEmpty, Text: "the file has 0 bytes"})
		return
	}
	s.open(m, model, start)
}

// Reload opens the model of the last Load in another way, and where that fails
// in the old one.
func (s *Session) Reload(m message.Reload, model []byte) {
	old := s.load
	if s.det == nil {
		s.Say(message.Failed{Reason: message.ReasonEngine, Text: "no model is loaded"})
		return
	}
	if !s.open(message.Load{Name: old.Name, Choice: m.Choice}, model, time.Now()) {
		s.open(old, model, time.Now())
	}
}

// open opens a model, warms it up and tells the page how that went.
func (s *Session) open(m message.Load, model []byte, start time.Time) bool {
	s.det, s.w, s.h = nil, 0, 0
	det, err := s.Open(model, wasm.Options{Width: int(m.Width), Height: int(m.Height), Precision: precisions[m.Precision]})
	if err != nil {
		s.Say(message.Failed{Reason: Reason(err), Text: err.Error()})
		return false
	}
	opened := time.Now()
	s.Say(message.Progress{Stage: message.StageWarm})
	if err = det.Warm(); err != nil {
		s.Say(message.Failed{Reason: message.ReasonEngine, Text: fmt.Sprintf("the first run failed: %v", err)})
		return false
	}
	s.det, s.load = det, m
	info := det.Info()
	kernels, _ := s.Memory()
	s.Say(message.Loaded{
		Name: m.Name, Width: uint32(info.Width), Height: uint32(info.Height),
		Precision: info.Precision, Variant: info.Variant, Threads: uint32(info.Threads),
		Params: uint64(info.Params), MACs: uint64(info.MACs), Memory: kernels,
		Classes:    info.Names,
		OpenMicros: micros(opened.Sub(start)), WarmMicros: micros(time.Since(opened)), Quantized: info.Quantized,
	})
	return true
}

var precisions = [...]wasm.Precision{message.PrecisionFile: wasm.Auto, message.PrecisionFloat: wasm.F32, message.PrecisionMixed: wasm.Mixed}

// Frame runs the detector on a picture and tells the page Result or Failed.
func (s *Session) Frame(m message.Frame, pic Picture) {
	start := time.Now()
	s.w, s.h = 0, 0
	fail := func(r message.Reason, err error) { s.fail(m.ID, r, err) }
	if s.det == nil {
		fail(message.ReasonEngine, errors.New("no model is loaded"))
		return
	}
	w, h := int(m.Width), int(m.Height)
	if w <= 0 || h <= 0 || w > maxSide || h > maxSide || w*h > maxPixels {
		fail(message.ReasonPicture, fmt.Errorf("a picture of %d×%d pixels is outside 1×1 to %d a side and %d million in all", w, h, maxSide, maxPixels>>20))
		return
	}
	rgba, why, err := s.stage(w, h, pic)
	if err != nil {
		fail(why, err)
		return
	}
	s.w, s.h, s.thumb = w, h, nil
	s.result.Copy = micros(time.Since(start))
	if m.Thumb {
		s.thumb = Thumbnail(rgba(), w, h)
	}
	s.run(m.ID, m.Thresholds)
}

// stage hands a picture to the detector: its planes, or where the browser does
// not give them its RGBA bytes. rgba reads them back.
func (s *Session) stage(w, h int, pic Picture) (rgba func() []byte, why message.Reason, err error) {
	if c, ok := pic.Colours(); ok {
		p, err := s.det.StagePlanes(w, h, c)
		if err != nil {
			return nil, Reason(err), err
		}
		if pic.WritePlanes(p) == nil {
			s.result.Planes = true
			return func() []byte { return p.RGBA(s.Read, w, h, c) }, 0, nil
		}
	}
	s.result.Planes = false
	addr, err := s.det.Stage(w, h)
	if err != nil {
		return nil, Reason(err), err
	}
	if err := pic.WriteRGBA(addr); err != nil {
		return nil, message.ReasonPicture, fmt.Errorf("the browser did not give the picture's pixels: %w", err)
	}
	return func() []byte {
		b := make([]byte, 4*w*h)
		s.Read(addr, b)
		return b
	}, 0, nil
}

// The engine's share of the limits that the page sets on pictures.
const (
	maxSide   = 16384
	maxPixels = 32 << 20
)

// Rerun applies other thresholds to the last frame, without running the
// network again; Prepare and Infer of the result are that frame's.
func (s *Session) Rerun(m message.Rerun) {
	if s.det == nil || s.w == 0 {
		s.fail(m.ID, message.ReasonEngine, errors.New("no picture is at hand"))
		return
	}
	start := time.Now()
	found, err := s.det.Again(thresholds(m.Thresholds))
	if err != nil {
		s.fail(m.ID, message.ReasonEngine, err)
		return
	}
	s.result.Decode = micros(time.Since(start))
	s.say(m.ID, found)
}

func (s *Session) run(id uint32, t message.Thresholds) {
	found, timing, err := s.det.Run(thresholds(t))
	if err != nil {
		s.fail(id, message.ReasonEngine, err)
		return
	}
	s.result.Prepare, s.result.Infer, s.result.Decode = s.result.Copy+micros(timing.Prepare), micros(timing.Infer), micros(timing.Decode)
	s.say(id, found)
}

func (s *Session) say(id uint32, found []wasm.Detection) {
	r := &s.result
	r.ID, r.Width, r.Height, r.Thumb = id, uint32(s.w), uint32(s.h), s.thumb
	r.KernelBytes, r.EngineBytes = s.Memory()
	r.Detections = r.Detections[:0]
	for _, d := range found {
		r.Detections = append(r.Detections, message.Detection{
			X1: d.X1, Y1: d.Y1, X2: d.X2, Y2: d.Y2, Score: d.Score, Class: uint32(d.Class),
		})
	}
	s.Say(*r)
}

func (s *Session) fail(id uint32, r message.Reason, err error) {
	s.Say(message.Failed{Frame: true, ID: id, Reason: r, Text: err.Error()})
}

func thresholds(t message.Thresholds) wasm.Thresholds {
	return wasm.Thresholds{Conf: t.Conf, IoU: t.IoU, Max: int(t.Max)}
}

func micros(d time.Duration) uint32 { return uint32(max(0, min(d.Microseconds(), 1<<32-1))) }

// Reason classes the engine's errors by what can be done about them.
func Reason(err error) message.Reason {
	for _, c := range [...]struct {
		of error
		is message.Reason
	}{
		{onnx.ErrEmpty, message.ReasonEmpty},
		{onnx.ErrNotONNX, message.ReasonNotModel},
		{onnx.ErrUnknownOp, message.ReasonOperator},
		{onnx.ErrOpset, message.ReasonOperator},
		{onnx.ErrUnsupported, message.ReasonOperator},
		{onnx.ErrDType, message.ReasonOperator},
		{onnx.ErrInput, message.ReasonShape},
		{onnx.ErrTooLarge, message.ReasonMemory},
		{onnx.ErrTruncated, message.ReasonBroken},
		{onnx.ErrCorrupt, message.ReasonBroken},
		{onnx.ErrShape, message.ReasonBroken},
		{onnx.ErrName, message.ReasonBroken},
		{onnx.ErrCycle, message.ReasonBroken},
		{onnx.ErrNotFinite, message.ReasonBroken},
		{wasm.ErrMemory, message.ReasonMemory},
		{wasm.ErrPicture, message.ReasonPicture},
		{wasm.ErrSize, message.ReasonShape},
		{wasm.ErrModel, message.ReasonShape},
	} {
		if errors.Is(err, c.of) {
			return c.is
		}
	}
	return message.ReasonEngine
}

// Thumbnail returns the mean colours of a ThumbW×ThumbH grid over w×h RGBA
// pixels, every step-th pixel of a cell counted, so that large frames cost no
// more than small ones.
func Thumbnail(rgba []byte, w, h int) []byte {
	out := make([]byte, 0, message.ThumbBytes)
	for gy := range message.ThumbH {
		y0, y1 := gy*h/message.ThumbH, (gy+1)*h/message.ThumbH
		for gx := range message.ThumbW {
			x0, x1 := gx*w/message.ThumbW, (gx+1)*w/message.ThumbW
			step := max(1, (x1-x0)/16)
			var sum [3]int
			n := 0
			for y := y0; y < y1; y += step {
				for x := x0; x < x1; x += step {
					p := rgba[4*(y*w+x):]
					sum[0] += int(p[0])
					sum[1] += int(p[1])
					sum[2] += int(p[2])
					n++
				}
			}
			n = max(n, 1)
			out = append(out, byte(sum[0]/n), byte(sum[1]/n), byte(sum[2]/n))
		}
	}
	return out
}
