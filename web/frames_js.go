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

	shellRoom
	results resultsRoom
	offline offlineRoom
	models  modelsRoom

	performance performanceRoom

	pictures  []js.Value // files of the strip
	mediaTime float64    // of the last result, in seconds of its film; −1 where there is none

	picked js.Value // the file chosen last, until an effect takes it
	model  js.Value // Blob of the model to open

	gate    state.Gate
	rate    state.Rate
	flights map[uint32]flight // pictures under way, two at most
	frameID uint32            // of the last picture taken
	ahead   js.Value          // timer that lets the next picture go
	soon    js.Func           // what it calls
	dirty   bool              // the thresholds moved while the still image was under way
	frames  int               // results since the page opened
	raw     message.Result    // the last, as the engine gave it
	last    message.Result    // the same with the boxes on show
	flight                    // of the last result
	took    float64           // ms from taking its picture to the result
	drawn   float64           // ms that drawing it took
	said    float64           // ms, when the summary was last told
}

// flight is a picture that the worker has.
type flight struct {
	seq     int     // number of its source
	sent    float64 // ms, when it was taken
	capture float64 // ms that taking it took
	at      float64 // its time in its film, in seconds, −1 where there is none
}

// readyAhead is how long before the worker is done, in milliseconds, the next
// picture goes to lie ready there, so that the worker does not wait for it.
const readyAhead = 4

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
	p.dirty = false
	start := dom.Now()
	p.source.Take(func(picture js.Value, w, h int) {
		p.launch(s.Source.Seq, start)
		sent := p.client.Post(message.Frame{
			ID: p.frameID, Width: uint32(w), Height: uint32(h),
			Thresholds: p.store.State().Thresholds(), Thumb: p.search == "?thumbs",
		}, picture)
		if !sent {
			picture.Call("close")
			p.ground()
		}
	}, p.skipped)
}

// skipped lets the next picture go where one could not be taken.
func (p *page) skipped() {
	p.finished()
	p.source.Next()
}

// launch notes a picture that goes to the worker under the next number.
func (p *page) launch(seq int, start float64) {
	p.frameID++
	p.flights[p.frameID] = flight{seq: seq, sent: start, capture: dom.Now() - start, at: p.timeOnShow()}
	if len(p.flights) == 1 {
		p.foresee()
	}
}

// timeOnShow is the time in its film of the picture that is taken now.
func (p *page) timeOnShow() float64 {
	if p.store.State().Source.Analysing {
		return p.source.Goal()
	}
	return p.source.Time()
}

// land forgets a picture that the worker is done with.
func (p *page) land(id uint32) flight {
	f := p.flights[id]
	delete(p.flights, id)
	if len(p.flights) > 0 {
		p.foresee()
	}
	return f
}

// ground forgets all pictures under way: their worker is gone.
func (p *page) ground() {
	clear(p.flights)
	p.gate.Reset()
}

// foresee lets the next picture of a film go when the worker, which begins with
// one now, is nearly done by the measure of the last.
func (p *page) foresee() {
	kind := p.store.State().Source.Kind
	if kind != state.SourceCamera && kind != state.SourceScreen && kind != state.SourceVideo || p.last.Width == 0 {
		return
	}
	js.Global().Call("clearTimeout", p.ahead)
	ms := float64(p.last.Prepare+p.last.Infer+p.last.Decode)/1000 - readyAhead
	p.ahead = js.Global().Call("setTimeout", p.soon, max(0, ms))
}

// nearly takes the picture on show when the worker is nearly done.
func (p *page) nearly() {
	if p.gate.Nearly() {
		p.take()
	}
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
	p.launch(p.store.State().Source.Seq, dom.Now())
	if !p.client.Post(message.Rerun{ID: p.frameID, Thresholds: p.store.State().Thresholds()}, js.Undefined()) {
		p.ground()
	}
}

// stale says that a picture is of a source that was closed since.
func (p *page) stale(f flight) bool { return f.seq != p.store.State().Source.Seq }

// result shows a result and lets the next picture go first, so that the worker
// does not wait for the drawing.
func (p *page) result(m message.Result) {
	now := dom.Now()
	f := p.land(m.ID)
	stale := p.stale(f)
	p.finished()
	if p.frames++; p.frames%collectEvery == 0 {
		defer runtime.GC()
	}
	if stale {
		return
	}
	p.flight, p.took, p.raw, p.last = f, now-f.sent, m, m
	p.rate.Mark(now)
	p.mediaTime = f.at
	p.timed(now)
	p.observe()
	p.overlay.Show(p.last)
	p.resize(&m)
	p.drawn = dom.Now() - now
	p.source.Next() // of an analysis
	if p.dirty && !p.gate.Busy() {
		p.dirty = false
		p.reanalyse()
	}
}
