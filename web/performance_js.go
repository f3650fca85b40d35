package main

import (
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// performanceRoom is what the page holds to tell how fast it is.
type performanceRoom struct {
	latency, prepare, infer, decode state.Series
	found                           map[uint32]int // boxes of each class in the last picture
	fields                          map[string]*field
	began                           float64 // ms, when the measurement's first counted picture came
	counted                         int
}

// The measurement of a device: pictures that only warm it up, and those that count.
const (
	benchWarm   = 8
	benchFrames = 100
)

func (r *performanceRoom) clear() {
	for _, s := range [...]*state.Series{&r.latency, &r.prepare, &r.infer, &r.decode} {
		s.Reset()
	}
	r.counted = 0
	clear(r.found)
}

// timed notes the times of the last result and carries a measurement on.
func (p *page) timed(now float64) {
	r, m := &p.performance, &p.last
	bench := p.store.State().Source.Kind == state.SourceBench
	if bench {
		switch r.counted++; {
		case r.counted < benchWarm:
			p.arrived()
			return
		case r.counted == benchWarm:
			r.began = now
			p.arrived()
			return
		}
	}
	r.latency.Push(p.took)
	r.prepare.Push(float64(m.Prepare) / 1000)
	r.infer.Push(float64(m.Infer) / 1000)
	r.decode.Push(float64(m.Decode) / 1000)
	switch {
	case !bench:
	case r.counted < benchWarm+benchFrames:
		p.arrived()
	default:
		p.store.Dispatch(state.BenchDone{Report: p.report(now)})
	}
}

// report tells what a measurement found.
func (p *page) report(now float64) *state.Report {
	s, r := p.store.State(), &p.performance
	out := &state.Report{
		Date:    js.Global().Get("Date").New().Call("toISOString").String()[:10],
		Browser: dom.Window.Get("navigator").Get("userAgent").String(),
		Frames:  benchFrames, PerSecond: benchFrames * 1000 / (now - r.began),
		Picture: strconv.Itoa(int(p.last.Width)) + " × " + strconv.Itoa(int(p.last.Height)),
		Latency: r.latency.Quantiles(), Prepare: r.prepare.Quantiles(), Infer: r.infer.Quantiles(), Decode: r.decode.Quantiles(),
		Memory: p.memory(),
	}
	if d := s.Devices; d != nil {
		out.Cores, out.Isolated = d.Cores, d.Isolated
	}
	if m := s.Engine.Model; m != nil {
		out.Model = *m
	}
	return out
}

// memory is the bytes of the three WebAssembly memories.
func (p *page) memory() float64 {
	return js.Global().Get("eagleeyeUIMemory").Get("buffer").Get("byteLength").Float() + float64(p.last.EngineBytes) + float64(p.last.KernelBytes)
}

// reportObject is a report as others' programs read it; times in ms.
func reportObject(r *state.Report) js.Value {
	quantiles := func(q state.Quantiles) js.Value { return dom.Object("p50", q.P50, "p90", q.P90, "p99", q.P99) }
	m := r.Model
	return dom.Object("date", r.Date, "browser", r.Browser, "cores", r.Cores, "isolated", r.Isolated,
		"model", dom.Object("name", m.Name, "width", m.Width, "height", m.Height, "precision", m.Precision, "variant", m.Variant, "threads", m.Threads,
			"parameters", float64(m.Params), "macs", float64(m.MACs)),
		"frames", r.Frames, "picture", r.Picture, "perSecond", r.PerSecond,
		"latency", quantiles(r.Latency), "prepare", quantiles(r.Prepare), "infer", quantiles(r.Infer), "decode", quantiles(r.Decode), "memory", r.Memory)
}

// tickPerformance writes the panel's figures and its chart while it is open.
func (p *page) tickPerformance(s state.State, now float64) {
	chart := dom.ByID(ui.IDChart)
	if chart.Get("offsetParent").IsNull() {
		return
	}
	r := &p.performance
	set := func(id, text string) {
		f := r.fields[id]
		if f == nil {
			one := at(id)
			f = &one
			r.fields[id] = f
		}
		f.set(text)
	}
	ms := func(v float64) string { return state.Decimal(v) + " ms" }
	q := r.latency.Quantiles()
	set("p50", ms(q.P50))
	set("p90", ms(q.P90))
	set("p99", ms(q.P99))
	set(ui.IDPrepare, ms(float64(p.last.Prepare)/1000))
	set(ui.IDInfer, ms(float64(p.last.Infer)/1000))
	set(ui.IDDecode, ms(float64(p.last.Decode)/1000))
	if m := s.Engine.Model; m != nil {
		set("threads-used", strconv.Itoa(m.Threads))
		set("variant", m.Variant)
	}
	set(ui.IDMemory, state.Megabytes(p.memory()))
	set("rate-full", state.Decimal(p.rate.PerSecond(now)))
	set("dropped", strconv.Itoa(p.gate.Dropped))
	set("downloaded", state.Megabytes(loaded()))
	p.draw(chart, q)
}

// loaded is the bytes of the page's own files, unpacked.
func loaded() float64 {
	sum := 0.0
	list := dom.Window.Get("performance").Call("getEntriesByType", "resource")
	for i := range list.Length() {
		sum += list.Index(i).Get("decodedBodySize").Float()
	}
	return sum
}

// draw draws the latency of the last frames, the newest at the right, with a
// line at the median.
func (p *page) draw(canvas js.Value, q state.Quantiles) {
	ratio := dom.Window.Get("devicePixelRatio").Float()
	w, h := canvas.Get("clientWidth").Float(), canvas.Get("clientHeight").Float()
	if int(w*ratio) != canvas.Get("width").Int() || int(h*ratio) != canvas.Get("height").Int() {
		canvas.Set("width", int(w*ratio))
		canvas.Set("height", int(h*ratio))
	}
	c := canvas.Call("getContext", "2d")
	style := dom.Window.Call("getComputedStyle", canvas)
	c.Call("setTransform", ratio, 0, 0, ratio, 0, 0)
	c.Call("clearRect", 0, 0, w, h)
	series := &p.performance.latency
	n := series.Len()
	if n < 2 || q.P99 <= 0 {
		return
	}
	top := q.P99 * 1.25
	const shown = 120
	first := max(0, n-shown)
	y := func(v float64) float64 { return h - 1 - min(v/top, 1)*(h-2) }
	c.Set("strokeStyle", style.Call("getPropertyValue", "--line"))
	c.Set("lineWidth", 1)
	c.Call("beginPath")
	c.Call("moveTo", 0, y(q.P50))
	c.Call("lineTo", w, y(q.P50))
	c.Call("stroke")
	c.Set("strokeStyle", style.Call("getPropertyValue", "--accent"))
	c.Set("lineWidth", 1.5)
	c.Call("beginPath")
	for i := first; i < n; i++ {
		c.Call("lineTo", w-float64(n-1-i)*w/(shown-1), y(series.At(i)))
	}
	c.Call("stroke")
}

// fixedPicture draws the picture of a measurement: the same on every machine.
func fixedPicture() js.Value {
	const w, h = 640, 480
	canvas := dom.Document.Call("createElement", "canvas")
	canvas.Set("width", w)
	canvas.Set("height", h)
	c := canvas.Call("getContext", "2d")
	seed := uint32(1)
	next := func(n int) int { // Numerical Recipes' generator
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	c.Set("fillStyle", "#7a8a94")
	c.Call("fillRect", 0, 0, w, h)
	for range 160 {
		c.Set("fillStyle", "hsl("+strconv.Itoa(next(360))+" "+strconv.Itoa(20+next(60))+"% "+strconv.Itoa(15+next(70))+"%)")
		x, y, size := next(w), next(h), 8+next(120)
		if next(2) == 0 {
			c.Call("fillRect", x-size/2, y-size/2, size, 8+next(120))
		} else {
			c.Call("beginPath")
			c.Call("arc", x, y, size/2, 0, 7)
			c.Call("fill")
		}
	}
	return canvas
}
