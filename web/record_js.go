package main

import (
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// composition is a canvas on which the picture and what is drawn over it come
// together, as the screen shows them but in the picture's own size.
type composition struct {
	canvas, ctx js.Value
	w, h        int
}

func newComposition(w, h int) composition {
	c := composition{canvas: dom.Document.Call("createElement", "canvas"), w: w, h: h}
	c.canvas.Set("width", w)
	c.canvas.Set("height", h)
	c.ctx = c.canvas.Call("getContext", "2d", dom.Object("alpha", false))
	return c
}

// shot draws the picture on show with its boxes; false without one.
func (p *page) shot(c *composition, s state.State) bool {
	w, h := float64(c.w), float64(c.h)
	picture := dom.ByID(ui.IDPicture)
	switch s.Source.Kind {
	case state.SourceCamera, state.SourceVideo, state.SourceScreen:
		picture = dom.ByID(ui.IDVideo)
		if picture.Get("videoWidth").Int() == 0 {
			return false
		}
	}
	if s.Mirrored() {
		c.ctx.Call("setTransform", -1, 0, 0, 1, w, 0)
	}
	_, failed := dom.Try(func() { c.ctx.Call("drawImage", picture, 0, 0, w, h) })
	c.ctx.Call("setTransform", 1, 0, 0, 1, 0, 0)
	p.overlay.Compose(c.ctx, w, h, max(1, min(w, h)/480))
	return !failed
}

// saveSnapshot downloads the picture with its boxes as PNG.
func (p *page) saveSnapshot() {
	s := p.store.State()
	failed := func() { p.store.Dispatch(state.Told{Text: s.Say("The browser gave no picture.")}) }
	c := newComposition(max(s.Source.Width, 1), max(s.Source.Height, 1))
	if !p.shot(&c, s) {
		failed()
		return
	}
	name := p.fileName("png")
	var done js.Func
	done = js.FuncOf(func(_ js.Value, args []js.Value) any {
		done.Release()
		if args[0].IsNull() {
			failed()
		} else {
			dom.Save(name, args[0])
		}
		return nil
	})
	c.canvas.Call("toBlob", done, "image/png")
}

// recording is a film being made of what the stage shows.
type recording struct {
	composition
	recorder js.Value
	parts    js.Value
	data     js.Func
	stopped  js.Func
}

// Containers and codecs, the best first.
var recordTypes = [...]string{"video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"}

// startRecording begins a film of the source on show.
func (p *page) startRecording() {
	s := p.store.State()
	refused := func() {
		p.store.Dispatch(state.RecordEnded{})
		p.store.Dispatch(state.Told{Text: s.Say("This browser cannot record.")})
	}
	class := dom.Window.Get("MediaRecorder")
	if !class.Truthy() {
		refused()
		return
	}
	mime := ""
	for _, t := range recordTypes {
		if class.Call("isTypeSupported", t).Bool() {
			mime = t
			break
		}
	}
	f := &recording{composition: newComposition(max(s.Source.Width, 1), max(s.Source.Height, 1)), parts: dom.Array()}
	if mime == "" || f.canvas.Get("captureStream").IsUndefined() {
		refused()
		return
	}
	p.shot(&f.composition, s)
	name := p.fileName(map[bool]string{true: "mp4", false: "webm"}[mime == "video/mp4"])
	_, failed := dom.Try(func() {
		f.recorder = class.New(f.canvas.Call("captureStream"), dom.Object("mimeType", mime, "videoBitsPerSecond", 6e6))
	})
	if failed {
		refused()
		return
	}
	f.data = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if b := args[0].Get("data"); b.Get("size").Float() > 0 {
			f.parts.Call("push", b)
		}
		return nil
	})
	f.stopped = js.FuncOf(func(js.Value, []js.Value) any {
		f.data.Release()
		f.stopped.Release()
		if f.parts.Length() > 0 {
			dom.Save(name, dom.Window.Get("Blob").New(f.parts, dom.Object("type", mime)))
		}
		if p.results.film == f { // by itself: the browser could not go on
			p.results.film = nil
			p.store.Dispatch(state.RecordEnded{})
		}
		return nil
	})
	f.recorder.Set("ondataavailable", f.data)
	f.recorder.Set("onstop", f.stopped)
	f.recorder.Call("start", 1000)
	p.results.film = f
}

// recordFrame adds the picture on show to the film.
func (p *page) recordFrame(s state.State) {
	if f := p.results.film; f != nil {
		p.shot(&f.composition, s)
	}
}

// stopRecording ends the film, which then saves itself.
func (p *page) stopRecording() {
	f := p.results.film
	if f == nil {
		return
	}
	p.results.film = nil
	if f.recorder.Get("state").String() != "inactive" {
		f.recorder.Call("stop")
	}
	tracks := f.recorder.Get("stream").Call("getTracks")
	for i := range tracks.Length() {
		tracks.Index(i).Call("stop")
	}
}
