package main

import (
	"runtime"
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/capture"
	"eagleeye/web/client"
	"eagleeye/web/dom"
	"eagleeye/web/overlay"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// page is the running page.
type page struct {
	store   *state.Store
	app     *ui.App
	source  *capture.Source
	client  *client.Client
	overlay *overlay.Overlay
	figures *figures
	search  string // of the address: "?thumbs" adds thumbnails to the results

	picked js.Value // the file chosen last, until an effect takes it
	model  js.Value // Blob of the model to open

	gate    state.Gate
	rate    state.Rate
	flight  int    // number of the source whose picture is under way
	frameID uint32 // of the picture under way
	dirty   bool   // the thresholds moved while the still image was under way
	frames  int    // results since the page opened
	last    message.Result
	sent    float64 // ms, when the picture under way was taken
	took    float64 // ms from taking the last picture to its result
	said    float64 // ms, when the summary was last told
}

// collectEvery is after how many results the garbage is collected: JavaScript
// values that Go has seen live until Go's collector runs, which the page's
// small heap hardly ever makes it do. It costs a fraction of a millisecond.
const collectEvery = 64

// arrived takes the picture on show, unless one is under way already.
func (p *page) arrived() {
	s := p.store.State()
	if s.Engine.Phase == state.EngineFailed || s.Engine.Model == nil || s.Source.Kind == state.SourceNone {
		return
	}
	if p.gate.Arrived() {
		p.take()
	}
}

func (p *page) take() {
	s := p.store.State()
	p.flight = s.Source.Seq
	p.dirty = false
	p.source.Take(func(picture js.Value, w, h int) {
		p.frameID++
		p.sent = dom.Now()
		sent := p.client.Post(message.Frame{
			ID: p.frameID, Width: uint32(w), Height: uint32(h),
			Thresholds: p.store.State().Thresholds(), Thumb: p.search == "?thumbs",
		}, picture)
		if !sent {
			picture.Call("close")
			p.gate.Reset()
		}
	}, p.finished)
}

// finished lets the next picture go.
func (p *page) finished() {
	if p.gate.Finished() {
		p.take()
	}
}

// reanalyse runs the still image again under the present thresholds.
func (p *page) reanalyse() {
	if p.gate.Busy() {
		p.dirty = true
		return
	}
	if p.last.Width == 0 { // nothing is staged: its first run failed or is not done
		p.arrived()
		return
	}
	p.gate.Arrived()
	p.flight = p.store.State().Source.Seq
	p.frameID++
	p.sent = dom.Now()
	if !p.client.Post(message.Rerun{ID: p.frameID, Thresholds: p.store.State().Thresholds()}, js.Undefined()) {
		p.gate.Reset()
	}
}

// stale says that the picture under way is of a source that was closed since.
func (p *page) stale() bool { return p.flight != p.store.State().Source.Seq }

// result shows a result and lets the next picture go first, so that the worker
// does not wait for the drawing.
func (p *page) result(m message.Result) {
	now := dom.Now()
	stale := p.stale() // before the next picture is under way
	took := now - p.sent
	p.finished()
	if p.frames++; p.frames%collectEvery == 0 {
		defer runtime.GC()
	}
	if stale {
		return
	}
	p.took, p.last = took, m
	p.rate.Mark(now)
	p.overlay.Show(m)
	if p.dirty && !p.gate.Busy() {
		p.dirty = false
		p.reanalyse()
	}
}

// tick refreshes the figures and, now and then, the words for screen readers.
func (p *page) tick() {
	s := p.store.State()
	if !s.Source.Live || p.last.Width == 0 {
		return
	}
	now := dom.Now()
	still := s.Source.Kind == state.SourceImage
	classes := make([]uint32, len(p.last.Detections))
	for i, d := range p.last.Detections {
		classes[i] = d.Class
	}
	found := state.Summarize(classes, s.Engine.Names())
	p.figures.show(p.rate.PerSecond(now), p.took, &p.last, found, still)
	if found != s.Summary && (still || now-p.said > 3000) {
		p.said = now
		p.store.Dispatch(state.Summarized{Text: found})
	}
}

// figures writes numbers into the dock without rendering it.
type figures struct {
	fps, latency, prepare, infer, decode, found field
}

type field struct {
	node js.Value
	text string
}

func newFigures() *figures {
	at := func(id string) field { return field{node: dom.ByID(id)} }
	return &figures{at(ui.IDFPS), at(ui.IDLatency), at(ui.IDPrepare), at(ui.IDInfer), at(ui.IDDecode), at(ui.IDFound)}
}

func (f *field) set(text string) {
	if f.text != text {
		f.text = text
		f.node.Set("textContent", text)
	}
}

// clear forgets the numbers of the last source.
func (f *figures) clear() {
	for _, one := range [...]*field{&f.fps, &f.latency, &f.prepare, &f.infer, &f.decode} {
		one.set("–")
	}
	f.found.set("")
}

func (f *figures) show(fps, took float64, r *message.Result, found string, still bool) {
	f.found.set(found)
	if still || fps == 0 {
		f.fps.set("–")
	} else {
		f.fps.set(state.Decimal(fps))
	}
	f.latency.set(state.Decimal(took) + " ms")
	f.prepare.set(state.Decimal(float64(r.Prepare)/1000) + " ms")
	f.infer.set(state.Decimal(float64(r.Infer)/1000) + " ms")
	f.decode.set(state.Decimal(float64(r.Decode)/1000) + " ms")
}
