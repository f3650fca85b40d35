package main

import (
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/dom"
	"eagleeye/web/state"
)

// publish sets window.eagleeye, a frozen object for tests and the curious:
//
//	snapshot() → {
//	  status,                        // the line that the page shows
//	  engine,                        // "idle", "nomodel", "loading", "warming", "ready", "failed"
//	  source, live,                  // "none", "camera", "image", "video", "demo", "screen", "bench"; pictures are there
//	  film: {time, length, paused, analysing} or null,  // seconds
//	  strip: [index, count] or null, // of pictures that were opened together
//	  problem: {code, title, text, remedy} or null,
//	  models: {inUse, stored, ask, work,  // ids, bytes on the device, id asked about, what is being made
//	    list: [{id, name, size, stored}], made: {id, name, size} or null, share},  // of boxes that agree, or null
//	  restarts,                      // crashes since a person last chose a model
//	  model: {name, width, height, precision, variant, threads} or null,
//	  frames, dropped,               // results, and pictures skipped, since the page opened
//	  fps, latency,                  // a second; ms from taking a picture to its result
//	  offline: {kept, failed, update, cut, install}, // works without a network, or why not; a newer version waits
//	  memory: {ui, engine, kernels}, // bytes of the three WebAssembly memories
//	  result: null or {
//	    id, width, height,           // of the picture, in pixels
//	    prepare, infer, decode,      // ms
//	    stages: {capture, copy, letterbox, infer, decode, draw},  // ms; copy and letterbox are prepare
//	    planes,                      // the samples came in Y'CbCr, as the camera made them
//	    detections: [{class, name, score, x1, y1, x2, y2}],  // pixels of the picture
//	    thumb: [144 numbers],        // 8×6 mean colours; with "?thumbs" in the address
//	  }
//	}
//
// A snapshot is made when asked for and costs nothing otherwise.
func (p *page) publish() {
	hook := dom.Object("snapshot", js.FuncOf(func(js.Value, []js.Value) any { return p.snapshot() }))
	object := js.Global().Get("Object")
	object.Call("defineProperty", js.Global(), "eagleeye", dom.Object("value", object.Call("freeze", hook)))
}

var (
	phaseNames  = [...]string{"idle", "nomodel", "loading", "warming", "ready", "failed"}
	sourceNames = [...]string{"none", "camera", "image", "video", "demo", "screen", "bench"}
)

func (p *page) snapshot() js.Value {
	s := p.store.State()
	problem, model, result, strip, film := js.Null(), js.Null(), js.Null(), js.Null(), js.Null()
	if v := s.Source.Strip; v != nil {
		strip = dom.Array(s.Source.Index, len(v.Names))
	}
	if s.Source.Film() {
		film = dom.Object("time", p.source.Time(), "length", p.source.Length(), "paused", s.Source.Paused, "analysing", s.Source.Analysing)
	}
	if v := s.Problem; v != nil {
		problem = dom.Object("code", v.Code, "title", v.Title, "text", v.Text, "remedy", v.Remedy)
	}
	if v := s.Engine.Model; v != nil {
		model = dom.Object("name", v.Name, "width", v.Width, "height", v.Height, "precision", v.Precision, "variant", v.Variant, "threads", v.Threads, "memory", float64(v.Memory), "quantized", v.Quantized)
	}
	if p.last.Width > 0 {
		result = resultObject(&p.last, s.Engine.Names())
		ms := func(micros uint32) float64 { return float64(micros) / 1000 }
		result.Set("stages", dom.Object("capture", p.capture, "copy", ms(p.last.Copy), "letterbox", ms(p.last.Prepare-p.last.Copy),
			"infer", ms(p.last.Infer), "decode", ms(p.last.Decode), "draw", p.drawn))
	}
	return dom.Object(
		"status", s.Status(),
		"engine", phaseNames[s.Engine.Phase],
		"source", sourceNames[s.Source.Kind], "live", s.Source.Live, "film", film, "strip", strip,
		"problem", problem, "model", model, "result", result,
		"models", p.modelsObject(), "functions", dom.Functions(),
		"restarts", s.Engine.Crashes,
		"frames", p.frames, "dropped", p.gate.Dropped,
		"fps", p.rate.PerSecond(dom.Now()), "latency", p.took,
		"offline", p.offlineObject(),
		"results", p.resultsObject(result),
		"memory", dom.Object(
			"ui", js.Global().Get("eagleeyeUIMemory").Get("buffer").Get("byteLength"),
			"engine", float64(p.last.EngineBytes), "kernels", float64(p.last.KernelBytes)),
	)
}

func resultObject(r *message.Result, names []string) js.Value {
	found := dom.Array()
	for _, d := range r.Detections {
		found.Call("push", dom.Object(
			"class", int(d.Class), "name", state.ClassName(d.Class, names), "score", d.Score,
			"x1", d.X1, "y1", d.Y1, "x2", d.X2, "y2", d.Y2))
	}
	thumb := dom.Array()
	for _, v := range r.Thumb {
		thumb.Call("push", int(v))
	}
	return dom.Object(
		"id", int(r.ID), "width", int(r.Width), "height", int(r.Height),
		"prepare", float64(r.Prepare)/1000, "infer", float64(r.Infer)/1000, "decode", float64(r.Decode)/1000,
		"planes", r.Planes, "detections", found, "thumb", thumb)
}

func (p *page) modelsObject() js.Value {
	m := p.store.State().Models
	list, stored, made, share := dom.Array(), 0.0, js.Null(), js.Null()
	if m.Catalog != nil {
		stored = m.Catalog.Stored
		for _, e := range m.Catalog.Entries {
			list.Call("push", dom.Object("id", e.ID, "name", e.Name, "size", e.Bytes, "stored", e.Stored))
		}
	}
	if v := m.Made; v != nil {
		made = dom.Object("id", v.ID, "name", v.Name, "size", v.Bytes)
	}
	if v := m.Study; v != nil {
		share = js.ValueOf(v.Agree.Share())
	}
	return dom.Object("inUse", m.InUse, "stored", stored, "ask", m.Ask, "work", int(m.Work.Kind), "list", list, "made", made, "share", share, "fetching", m.Fetch.ID)
}
