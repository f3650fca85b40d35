package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/message"
	"eagleeye/wasm/onnx"
)

type fake struct {
	stageErr, runErr, warmErr error
	w, h, runs, warmed        int
}

func (f *fake) Stage(w, h int) (uint32, error) { f.w, f.h = w, h; return 4096, f.stageErr }
func (f *fake) StagePlanes(w, h int, c wasm.Colours) (wasm.Planes, error) {
	f.w, f.h = w, h
	return wasm.Planes{Y: 8192, U: 8202, V: 8204, YRow: w, ChromaRow: w / 2, Height: h, Chromatic: h / 2}, f.stageErr
}
func (f *fake) Run(wasm.Thresholds) ([]wasm.Detection, wasm.Timing, error) {
	f.runs++
	return []wasm.Detection{{X2: 3, Y2: 4, Class: 7, Score: 0.5}}, wasm.Timing{Infer: 5e6}, f.runErr
}
func (f *fake) Warm() error { f.warmed++; return f.warmErr }
func (f *fake) Again(t wasm.Thresholds) ([]wasm.Detection, error) {
	if t.Conf > 0.5 {
		return nil, nil
	}
	return []wasm.Detection{{Class: 7}}, nil
}
func (f *fake) Info() wasm.Info {
	return wasm.Info{Width: 320, Height: 640, Names: []string{"a"}, Precision: "int8"}
}

func newSession(det *fake, openErr error) (*Session, *[]message.Message) {
	var said []message.Message
	return &Session{
		Open: func([]byte, wasm.Options) (Detector, error) {
			if openErr != nil {
				return nil, openErr
			}
			return det, nil
		},
		Say:    func(m message.Message) { said = append(said, m) },
		Memory: func() (uint64, uint64) { return 1, 2 },
		Read:   func(addr uint32, b []byte) { b[0] = byte(addr >> 8) },
	}, &said
}

// still is a picture that notes where it is written.
type still struct {
	planar         bool
	planes, pixels error
	luma, rgba     uint32
}

func (p *still) Colours() (wasm.Colours, bool) { return wasm.Colours{Matrix: kernels.BT601}, p.planar }
func (p *still) WritePlanes(at wasm.Planes) error {
	p.luma = at.Y
	return p.planes
}
func (p *still) WriteRGBA(addr uint32) error {
	p.rgba = addr
	return p.pixels
}

func TestLoadThenFrames(t *testing.T) {
	det := &fake{}
	s, said := newSession(det, nil)
	s.Load(message.Load{Name: "m"}, []byte{1})
	if l, ok := (*said)[2].(message.Loaded); !ok || l.Name != "m" || l.Width != 320 || l.Height != 640 || len(l.Classes) != 1 || l.Memory != 1 {
		t.Fatalf("said %+v", *said)
	}
	pic := &still{}
	s.Frame(message.Frame{ID: 9, Width: 20, Height: 10, Thumb: true}, pic)
	r := (*said)[3].(message.Result)
	if r.ID != 9 || r.Width != 20 || r.Height != 10 || r.Infer != 5000 || len(r.Detections) != 1 || r.Detections[0].Class != 7 ||
		len(r.Thumb) != message.ThumbBytes || r.EngineBytes != 2 || pic.rgba != 4096 || r.Planes {
		t.Fatalf("staged at %d, said %+v", pic.rgba, r)
	}
	s.Rerun(message.Rerun{ID: 10, Thresholds: message.Thresholds{Conf: 0.9}})
	if r := (*said)[4].(message.Result); r.ID != 10 || r.Width != 20 || len(r.Detections) != 0 || r.Infer != 5000 {
		t.Fatalf("said %+v", r)
	}
	if det.runs != 1 || det.warmed != 1 {
		t.Fatalf("%d runs of the network, %d warm-ups", det.runs, det.warmed)
	}
}

// A model opens in another way, and in the old one where that fails.
func TestReload(t *testing.T) {
	var asked []wasm.Options
	s, said := newSession(&fake{}, nil)
	s.Open = func(_ []byte, o wasm.Options) (Detector, error) {
		if asked = append(asked, o); o.Width == 1280 {
			return nil, wasm.ErrMemory
		}
		return &fake{}, nil
	}
	s.Reload(message.Reload{}, []byte{1})
	if f, ok := (*said)[0].(message.Failed); !ok || f.Frame || len(asked) != 0 {
		t.Fatalf("before a model: said %+v", *said)
	}
	s.Load(message.Load{Name: "m", Choice: message.Choice{Width: 320, Precision: message.PrecisionFloat}}, []byte{1})
	s.Reload(message.Reload{Choice: message.Choice{Width: 640, Height: 480, Precision: message.PrecisionMixed}}, []byte{1})
	if l, ok := (*said)[len(*said)-1].(message.Loaded); !ok || l.Name != "m" || asked[1].Width != 640 || asked[1].Height != 480 || asked[1].Precision != wasm.Mixed {
		t.Fatalf("asked %+v, said %+v", asked, l)
	}
	*said = nil
	s.Reload(message.Reload{Choice: message.Choice{Width: 1280}}, []byte{1})
	f, ok := (*said)[0].(message.Failed)
	if !ok || f.Reason != message.ReasonMemory {
		t.Fatalf("said %+v", *said)
	}
	if _, ok := (*said)[len(*said)-1].(message.Loaded); !ok || asked[3].Width != 640 || asked[3].Precision != wasm.Mixed {
		t.Fatalf("asked %+v, said %+v", asked, *said)
	}
	s.Frame(message.Frame{ID: 1, Width: 2, Height: 2}, &still{})
	if _, ok := (*said)[len(*said)-1].(message.Result); !ok {
		t.Fatalf("after a refusal: said %+v", (*said)[len(*said)-1])
	}
}

// Planes are taken where the browser gives them, else RGBA bytes.
func TestFramesInPlanes(t *testing.T) {
	for _, c := range []struct {
		name       string
		pic        still
		luma, rgba uint32
		planes     bool
	}{
		{"planes", still{planar: true}, 8192, 0, true},
		{"planes withheld", still{planar: true, planes: errors.New("no")}, 8192, 4096, false},
		{"no planes", still{}, 0, 4096, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, said := newSession(&fake{}, nil)
			s.Load(message.Load{}, []byte{1})
			s.Frame(message.Frame{ID: 9, Width: 20, Height: 10, Thumb: true}, &c.pic)
			r, ok := (*said)[len(*said)-1].(message.Result)
			if !ok || r.Planes != c.planes || c.pic.luma != c.luma || c.pic.rgba != c.rgba || len(r.Thumb) != message.ThumbBytes {
				t.Fatalf("%+v, said %+v", c.pic, (*said)[len(*said)-1])
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	load := func(s *Session) { s.Load(message.Load{}, []byte{1}) }
	frame := func(w, h uint32, stage error) func(s *Session) {
		return func(s *Session) {
			s.Frame(message.Frame{ID: 3, Width: w, Height: h}, &still{pixels: stage})
		}
	}
	for _, c := range []struct {
		name    string
		det     fake
		openErr error
		do      []func(s *Session)
		want    message.Reason
		text    string
	}{
		{name: "empty model", do: []func(*Session){func(s *Session) { s.Load(message.Load{}, nil) }}, want: message.ReasonEmpty, text: "0 bytes"},
		{name: "operator", openErr: fmt.Errorf("node 3: %w: NonZero", onnx.ErrUnknownOp), do: []func(*Session){load}, want: message.ReasonOperator, text: "NonZero"},
		{name: "web page", openErr: onnx.ErrNotONNX, do: []func(*Session){load}, want: message.ReasonNotModel},
		{name: "truncated", openErr: onnx.ErrTruncated, do: []func(*Session){load}, want: message.ReasonBroken},
		{name: "no image input", openErr: onnx.ErrInput, do: []func(*Session){load}, want: message.ReasonShape},
		{name: "no detector", openErr: fmt.Errorf("%w: %w", wasm.ErrModel, errors.New("x")), do: []func(*Session){load}, want: message.ReasonShape},
		{name: "memory", openErr: wasm.ErrMemory, do: []func(*Session){load}, want: message.ReasonMemory},
		{name: "first run fails", det: fake{warmErr: errors.New("trap")}, do: []func(*Session){load}, want: message.ReasonEngine, text: "trap"},
		{name: "frame before a model", do: []func(*Session){frame(2, 2, nil)}, want: message.ReasonEngine, text: "no model"},
		{name: "frame without pixels", do: []func(*Session){load, frame(0, 2, nil)}, want: message.ReasonPicture},
		{name: "thread", do: []func(*Session){load, frame(50000, 1, nil)}, want: message.ReasonPicture, text: "50000×1"},
		{name: "too many pixels", do: []func(*Session){load, frame(16384, 16384, nil)}, want: message.ReasonPicture},
		{name: "pixels withheld", do: []func(*Session){load, frame(2, 2, errors.New("detached"))}, want: message.ReasonPicture, text: "detached"},
		{name: "rerun of nothing", do: []func(*Session){load, func(s *Session) { s.Rerun(message.Rerun{}) }}, want: message.ReasonEngine},
		{name: "rerun after a refusal", do: []func(*Session){load, frame(2, 2, nil), frame(0, 0, nil), func(s *Session) { s.Rerun(message.Rerun{}) }}, want: message.ReasonEngine},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, said := newSession(&c.det, c.openErr)
			for _, f := range c.do {
				f(s)
			}
			f, ok := (*said)[len(*said)-1].(message.Failed)
			if !ok || f.Reason != c.want || !strings.Contains(f.Text, c.text) {
				t.Fatalf("said %+v; want reason %d with %q", (*said)[len(*said)-1], c.want, c.text)
			}
		})
	}
}

func TestThumbnail(t *testing.T) {
	const w, h = 80, 48 // cells of 10×8
	rgba := make([]byte, 4*w*h)
	for y := range h {
		for x := range w {
			p := rgba[4*(y*w+x):]
			p[0], p[1], p[2], p[3] = byte(x/10*20), byte(y/8*30), byte(x%2*10), 255
		}
	}
	thumb := Thumbnail(rgba, w, h)
	for gy := range message.ThumbH {
		for gx := range message.ThumbW {
			c := thumb[3*(gy*message.ThumbW+gx):]
			if c[0] != byte(gx*20) || c[1] != byte(gy*30) || c[2] != 5 {
				t.Fatalf("cell %d,%d is %v", gx, gy, c[:3])
			}
		}
	}
	if n := len(Thumbnail(make([]byte, 4), 1, 1)); n != message.ThumbBytes {
		t.Fatalf("a pixel's thumbnail has %d bytes", n)
	}
}
