package main

import (
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/results"
	"eagleeye/web/state"
)

// logStore holds the chunks of the log as Blobs, which lie outside the page's
// heap. When there are too many bytes, the oldest frames go.
type logStore struct {
	chunks []chunk // oldest first
	bytes  int
	gone   int // frames that had to go
}

type chunk struct {
	blob          js.Value
	bytes, frames int
}

// mostLogged is some ten hours of film with five boxes a picture.
const mostLogged = 96 << 20

func (l *logStore) take(b []byte, frames int) {
	l.chunks = append(l.chunks, chunk{newBlob(b, ""), len(b), frames})
	l.bytes += len(b)
	for l.bytes > mostLogged && len(l.chunks) > 1 {
		l.bytes -= l.chunks[0].bytes
		l.gone += l.chunks[0].frames
		l.chunks = l.chunks[1:]
	}
}

func (l *logStore) reset() { l.chunks, l.bytes, l.gone = nil, 0, 0 }

func newBlob(b []byte, mime string) js.Value {
	array := dom.Window.Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return dom.Window.Get("Blob").New(dom.Array(array), dom.Object("type", mime))
}

// about tells what the log is of.
func (p *page) about() results.About {
	s := p.store.State()
	a := results.About{Source: s.Source.Name, Names: s.Engine.Names()}
	if m := s.Engine.Model; m != nil {
		a.Model = m.Name
	}
	return a
}

// fileName names the next download.
func (p *page) fileName(ext string) string {
	p.results.saved++
	return results.FileName(p.store.State().Source.Name, p.results.saved, ext)
}

// saveResults downloads the log in the chosen format.
func (p *page) saveResults() {
	s := p.store.State()
	if p.results.log.Frames == 0 {
		p.store.Dispatch(state.Told{Text: s.Say("Nothing has been found yet.")})
		return
	}
	kind := results.KindOf(s.Results.Format)
	name := p.fileName(kind.Ext)
	p.export(kind, func(blob js.Value) { dom.Save(name, blob) })
}

// pieceBytes is about how much of a file is gathered before it goes into a Blob.
const pieceBytes = 256 << 10

// export writes the log, chunk by chunk, so that neither the log nor the file
// lies whole in the page's heap.
func (p *page) export(kind results.Kind, done func(blob js.Value)) {
	r := &p.results
	r.log.Flush()
	chunks := r.store.chunks
	format := kind.New(p.about())
	parts, out := dom.Array(), format.Begin(nil)
	flush := func(all bool) {
		if all || len(out) >= pieceBytes {
			parts.Call("push", newBlob(out, ""))
			out = out[:0]
		}
	}
	var in []byte
	var step func(pass, i int)
	step = func(pass, i int) {
		if i == len(chunks) {
			if pass+1 == format.Passes() {
				out = format.End(out)
				flush(true)
				done(dom.Window.Get("Blob").New(parts, dom.Object("type", kind.MIME)))
				return
			}
			out = format.Between(out)
			step(pass+1, 0)
			return
		}
		failed := func(_, text string) { p.store.Dispatch(state.Told{Text: text}) }
		dom.Then(chunks[i].blob.Call("arrayBuffer"), func(buffer js.Value) {
			in = append(in[:0], make([]byte, chunks[i].bytes)...)
			js.CopyBytesToGo(in, dom.Window.Get("Uint8Array").New(buffer))
			if err := results.Each(in, func(f results.Frame) { out = format.Frame(out, pass, f) }); err != nil {
				failed("", err.Error())
				return
			}
			flush(false)
			step(pass, i+1)
		}, failed)
	}
	step(0, 0)
}

// copyResults copies what is on the picture now, in the chosen format.
func (p *page) copyResults() {
	s := p.store.State()
	if p.last.Width == 0 {
		p.store.Dispatch(state.Told{Text: s.Say("Nothing has been found yet.")})
		return
	}
	var one results.Log
	one.Add(results.Frame{Time: p.results.now, Width: int(p.last.Width), Height: int(p.last.Height), Items: p.itemsOf(&p.last)})
	text, err := results.Write(results.KindOf(s.Results.Format).New(p.about()), one.Held())
	if err != nil { // its own log
		panic(err)
	}
	p.copyText(string(text))
}
