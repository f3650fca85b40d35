package main

import (
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// tick refreshes the figures and, now and then, the words for screen readers.
func (p *page) tick() {
	s := p.store.State()
	p.tickFilm(s)
	if !s.Source.Live || p.last.Width == 0 {
		return
	}
	now := dom.Now()
	still := s.Source.Still()
	classes := make([]uint32, len(p.last.Detections))
	for i, d := range p.last.Detections {
		classes[i] = d.Class
	}
	found := state.Summarize(classes, p.names, s.Say)
	p.figures.show(p.rate.PerSecond(now), p.took, found, still)
	p.tickClasses()
	p.tickPerformance(s, now)
	if found != s.Summary && (still || now-p.said > 3000) {
		p.said = now
		p.store.Dispatch(state.Summarized{Text: found})
	}
}

// tickFilm shows where a film is.
func (p *page) tickFilm(s state.State) {
	length := p.source.Length()
	if s.Source.Kind != state.SourceVideo || length <= 0 {
		return
	}
	at := p.source.Time()
	if s.Source.Analysing {
		at = p.source.Goal()
		dom.ByID(ui.IDAnalysed).Set("value", min(at/length, 1))
	}
	p.figures.time.set(state.Clock(at) + " / " + state.Clock(length))
	if seek := dom.ByID(ui.IDSeek); !seek.Equal(dom.Document.Get("activeElement")) || !s.Source.Paused {
		seek.Set("value", int(1000*at/length))
	}
}

// tickClasses writes how many of each class there are into the list.
func (p *page) tickClasses() {
	list := dom.ByID(ui.IDClasses)
	if list.Get("offsetParent").IsNull() { // closed
		return
	}
	spans := list.Call("getElementsByClassName", "n")
	for i := range spans.Length() {
		span := spans.Index(i)
		class, _ := strconv.Atoi(span.Get("dataset").Get("class").String())
		text := ""
		if n := p.performance.found[uint32(class)]; n > 0 {
			text = strconv.Itoa(n)
		}
		if span.Get("textContent").String() != text {
			span.Set("textContent", text)
		}
	}
}

// figures writes numbers into the page without rendering it.
type figures struct {
	fps, latency, found, time field
}

type field struct {
	node js.Value
	text string
}

func at(id string) field { return field{node: dom.ByID(id)} }

func newFigures() *figures {
	return &figures{at(ui.IDFPS), at(ui.IDLatency), at(ui.IDFound), at(ui.IDTime)}
}

func (f *field) set(text string) {
	if f.text != text {
		f.text = text
		f.node.Set("textContent", text)
	}
}

// clear forgets the numbers of the last source.
func (f *figures) clear() {
	f.fps.set("–")
	f.latency.set("–")
	f.found.set("")
	f.time.set("")
}

func (f *figures) show(fps, took float64, found string, still bool) {
	f.found.set(found)
	switch {
	case still:
		f.fps.set("")
	case fps == 0:
		f.fps.set("–")
	default:
		f.fps.set(state.Decimal(fps))
	}
	f.latency.set(state.Decimal(took) + " ms")
}
