package main

import (
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// pickAll offers the store the files that a person chose, dropped or pasted:
// several pictures as a strip, else the one that says most.
func (p *page) pickAll(files js.Value) {
	var pictures []js.Value
	var names []string
	other := js.Undefined()
	for i := range files.Length() {
		file := files.Index(i)
		name := file.Get("name").String()
		switch state.Classify(name, file.Get("type").String()) {
		case state.FileImage:
			pictures, names = append(pictures, file), append(names, name)
		case state.FileUnknown:
		default:
			if other.IsUndefined() {
				other = file
			}
		}
	}
	switch {
	case !other.IsUndefined():
		p.pick(other)
	case len(pictures) > 1:
		p.pictures = pictures
		p.store.Dispatch(state.PicturesPicked{Strip: &state.Strip{Names: names}})
	case len(pictures) == 1:
		p.pick(pictures[0])
	case files.Length() > 0:
		p.pick(files.Index(0))
	}
}

// pick offers the store a file that a person chose or dropped.
func (p *page) pick(file js.Value) {
	p.picked = file
	p.store.Dispatch(state.Picked{
		Name: file.Get("name").String(), Type: file.Get("type").String(), Size: file.Get("size").Float(),
	})
}

// acceptDrops takes files that are dropped anywhere on the page.
func (p *page) acceptDrops() {
	dragging := func(on bool) {
		dom.ByID(ui.IDApp).Get("classList").Call("toggle", "dragging", on)
	}
	dom.Listen(dom.Window, "dragover", func(e js.Value) {
		e.Call("preventDefault")
		dragging(true)
	})
	dom.Listen(dom.Window, "dragleave", func(e js.Value) {
		if e.Get("relatedTarget").IsNull() {
			dragging(false)
		}
	})
	dom.Listen(dom.Window, "drop", func(e js.Value) {
		e.Call("preventDefault")
		dragging(false)
		p.pickAll(e.Get("dataTransfer").Get("files"))
	})
	dom.Listen(dom.Window, "paste", func(e js.Value) {
		if data := e.Get("clipboardData"); data.Truthy() && data.Get("files").Length() > 0 {
			e.Call("preventDefault")
			p.pickAll(data.Get("files"))
		}
	})
}

// fetchModel looks for the model that the site ships: model.json names it,
// model.onnx is it. It is kept as a Blob, which lies outside the page's heap.
func (p *page) fetchModel() {
	unreachable := func(_, text string) {
		p.store.Dispatch(state.ModelUnreachable{Text: text})
	}
	dom.Then(fetch("model.json"), func(r js.Value) {
		if !r.Get("ok").Bool() {
			p.store.Dispatch(state.ModelMissing{})
			return
		}
		dom.Then(r.Call("json"), func(about js.Value) {
			name, size := about.Get("name"), about.Get("size")
			if name.Type() != js.TypeString || size.Type() != js.TypeNumber {
				unreachable("", "model.json lacks the model's name or size.")
				return
			}
			p.readManifest(about)
			if about.Get("demo").Truthy() {
				p.store.Dispatch(state.DemoShipped{Model: name.String()})
			}
			p.fetchBytes(name.String(), size.Float(), unreachable)
		}, unreachable)
	}, unreachable)
}

// fetch asks for a file of the site, or takes over boot.js's request for it.
func fetch(name string) js.Value {
	if early := js.Global().Get("eagleeyeEarly"); early.Truthy() {
		if request := early.Get("fetches").Get(name); request.Truthy() {
			early.Get("fetches").Delete(name)
			return request
		}
	}
	return js.Global().Call("fetch", dom.Asset(name))
}

func (p *page) fetchBytes(name string, size float64, unreachable func(name, text string)) {
	dom.Then(fetch("model.onnx"), func(r js.Value) {
		if !r.Get("ok").Bool() {
			unreachable("", "The server answered "+strconv.Itoa(r.Get("status").Int())+" for model.onnx.")
			return
		}
		reader := r.Get("body").Call("getReader")
		parts := dom.Array()
		done, told := 0.0, 0.0
		var read func()
		read = func() {
			dom.Then(reader.Call("read"), func(v js.Value) {
				if v.Get("done").Bool() {
					if done != size {
						unreachable("", "model.onnx ended after "+state.Megabytes(done)+" of "+state.Megabytes(size)+".")
						return
					}
					if !p.store.State().Engine.AwaitsSite() {
						return
					}
					p.model = js.Global().Get("Blob").New(parts)
					p.store.Dispatch(state.ModelArrived{Name: name})
					return
				}
				chunk := v.Get("value")
				parts.Call("push", chunk)
				done += chunk.Get("length").Float()
				if now := dom.Now(); now-told > 100 {
					told = now
					p.store.Dispatch(state.ModelProgress{Done: done, Total: size})
				}
				read()
			}, unreachable)
		}
		read()
	}, unreachable)
}
