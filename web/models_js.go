package main

import (
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/client"
	"eagleeye/web/dom"
	"eagleeye/web/shelf"
	"eagleeye/web/state"
)

// modelsRoom is what the page holds for the models.
type modelsRoom struct {
	manifest []state.Entry // the site's models
	sizer    state.Sizer
	abort    js.Value // AbortController of the download under way

	quit     chan struct{} // closed when the work under way is given up
	jobs     []*client.Job // its workers
	files    []js.Value    // pictures that a person gave to calibrate on
	pictures []js.Value    // ImageBitmaps that the last model was calibrated on
	float    js.Value      // Blob of the model that was quantized
	made     js.Value      // Blob of its int8 form
	asFloat  int           // input side it was quantized and is compared at
}

// startModels runs once the components are mounted.
func (p *page) startModels() {}

// tune says how the worker is to run the model.
func (p *page) tune() (message.Choice, int) {
	s := p.store.State()
	return s.Choice(), s.Settings.Threads
}

// runModels carries out an effect of the models; false: it is not one.
func (p *page) runModels(e state.Effect) bool {
	s := p.store.State()
	switch e {
	case state.ListModels:
		go p.listModels()
	case state.FetchEntry:
		if entry := s.Models.Catalog.Entry(s.Models.Fetch.ID); entry != nil {
			go p.fetchEntry(*entry)
		}
	case state.StopFetch:
		if p.models.abort.Truthy() {
			p.models.abort.Call("abort")
		}
	case state.DeleteEntry:
		go func(id string) {
			shelf.Delete(id)
			p.listModels()
		}(s.Models.Deleting)
	case state.KeepModel:
		blob, name := p.client.Model()
		m := s.Engine.Model
		go p.keepModel(blob, state.Entry{Name: name, Classes: len(m.Classes), Width: m.Width, Height: m.Height, Precision: m.Precision})
	case state.Retune:
		if p.client != nil {
			p.client.Retune()
		}
	case state.ResetSizer:
		p.models.sizer.Reset()
	case state.ReadCheckpoint:
		file := p.picked
		p.picked = js.Undefined()
		p.readCheckpoint(file)
	case state.StartQuantize:
		p.startQuantize()
	case state.StopWork:
		p.stopWork()
	case state.StartCompare:
		p.startCompare()
	case state.ShowCompare:
		p.showCompare()
	case state.OpenMade:
		p.model = p.models.made
		p.store.Dispatch(state.ModelNamed{ID: s.Models.Made.ID})
		p.store.Dispatch(state.ModelArrived{Name: s.Models.Made.Name})
	case state.SaveMade:
		dom.Save(s.Models.Made.Name, p.models.made)
	case state.KeepMade:
		entry := state.Entry{Name: s.Models.Made.Name, Precision: "int8", Width: p.models.asFloat, Height: p.models.asFloat}
		if m := s.Engine.Model; m != nil {
			entry.Classes = len(m.Classes)
		}
		go p.keepModel(p.models.made, entry)
	case state.DropMade:
		p.dropMade()
	default:
		return false
	}
	return true
}

// resize lets the Sizer see a result.
func (p *page) resize(m *message.Result) {
	s := p.store.State()
	if s.Settings.Size != state.SizeAuto || s.Engine.Model == nil || !s.Source.Moving() {
		return
	}
	side := s.Engine.Model.Width
	if next := p.models.sizer.Next(side, float64(m.Prepare+m.Infer+m.Decode)/1000, dom.Now(), s.Settings.Rate); next != side && next != s.Models.Auto {
		p.store.Dispatch(state.AutoSized{Side: next})
	}
}

// readManifest takes the site's list of models out of model.json, which
// describes the first of them.
func (p *page) readManifest(about js.Value) {
	list := about.Get("models")
	if !js.Global().Get("Array").Call("isArray", list).Bool() {
		list = dom.Array(about)
	}
	p.models.manifest = nil
	for i := range list.Length() {
		o := list.Index(i)
		text := func(name string) string {
			if v := o.Get(name); v.Type() == js.TypeString {
				return v.String()
			}
			return ""
		}
		number := func(name string) float64 {
			if v := o.Get(name); v.Type() == js.TypeNumber {
				return v.Float()
			}
			return 0
		}
		e := state.Entry{ID: text("sha256"), Name: text("name"), File: text("file"), Description: text("description"), Bytes: number("size"),
			Classes: int(number("classes")), Width: int(number("width")), Height: int(number("height")), Precision: text("precision"), Demo: o.Get("demo").Truthy()}
		if e.File == "" && i == 0 {
			e.File = dom.Asset("model.onnx")
		}
		if len(e.ID) == 64 && e.Name != "" && e.File != "" {
			p.models.manifest = append(p.models.manifest, e)
		}
	}
	if len(p.models.manifest) > 0 && p.store.State().Engine.AwaitsSite() {
		p.store.Dispatch(state.ModelNamed{ID: p.models.manifest[0].ID})
	}
}

// listModels tells the store what models there are. It waits.
func (p *page) listModels() {
	c := &state.Catalog{Entries: append([]state.Entry(nil), p.models.manifest...)}
	kept, _ := shelf.List() // without storage there are none
	for _, e := range kept {
		c.Stored += e.Bytes
		if known := c.Entry(e.ID); known != nil {
			known.Stored = true
			continue
		}
		c.Entries = append(c.Entries, e)
	}
	if connection := dom.Window.Get("navigator").Get("connection"); connection.Truthy() {
		c.Saver = connection.Get("saveData").Truthy()
	}
	p.store.Dispatch(state.CatalogArrived{Catalog: c})
}

// fetchEntry opens a model of the catalogue, from the device or the site. It
// waits.
func (p *page) fetchEntry(e state.Entry) {
	blob, _ := shelf.Get(e.ID)
	if !blob.Truthy() {
		var text string
		if blob, text = p.download(e); text != "" {
			p.store.Dispatch(state.FetchOver{Text: text})
			p.listModels() // one that was broken on the device is gone
			return
		}
		if !blob.Truthy() { // given up
			return
		}
		if shelf.Put(e, blob) == nil {
			p.listModels()
		}
	}
	if p.store.State().Models.Fetch.ID != e.ID { // another was chosen meanwhile
		return
	}
	p.store.Dispatch(state.FetchOver{})
	p.model = blob
	if e.Demo {
		p.store.Dispatch(state.DemoShipped{Model: e.Name})
	}
	p.store.Dispatch(state.ModelNamed{ID: e.ID})
	p.store.Dispatch(state.ModelArrived{Name: e.Name})
}

// download brings a model of the site and checks it; why says what is wrong,
// both are empty where the person gave it up. It waits.
func (p *page) download(e state.Entry) (blob js.Value, why string) {
	s := p.store.State()
	if e.File == "" {
		return js.Undefined(), s.Say("It was on this device only, and what was kept is broken or gone.")
	}
	abort := js.Global().Get("AbortController").New()
	p.models.abort = abort
	stopped := func(err error) (js.Value, string) {
		if abort.Get("signal").Get("aborted").Bool() {
			return js.Undefined(), ""
		}
		return js.Undefined(), err.Error()
	}
	answer, err := dom.Await(js.Global().Call("fetch", e.File, dom.Object("signal", abort.Get("signal"))))
	if err != nil {
		return stopped(err)
	}
	if !answer.Get("ok").Bool() {
		return js.Undefined(), s.Say("The server answered {n}.", "n", answer.Get("status").Call("toString").String())
	}
	reader, parts, done, told := answer.Get("body").Call("getReader"), dom.Array(), 0.0, 0.0
	for {
		v, err := dom.Await(reader.Call("read"))
		if err != nil {
			return stopped(err)
		}
		if v.Get("done").Bool() {
			break
		}
		parts.Call("push", v.Get("value"))
		done += v.Get("value").Get("length").Float()
		if now := dom.Now(); now-told > 100 {
			told = now
			p.store.Dispatch(state.FetchAt{Done: done, Total: e.Bytes})
		}
	}
	blob = js.Global().Get("Blob").New(parts)
	if sum, err := shelf.Digest(blob); err == nil && sum != e.ID {
		return js.Undefined(), s.Say("What arrived is not the model that the site lists: {done} of {all}.", "done", state.Megabytes(done), "all", state.Megabytes(e.Bytes))
	}
	return blob, ""
}

// keepModel stores a model on the device. It waits.
func (p *page) keepModel(blob js.Value, e state.Entry) {
	s := p.store.State()
	id, err := shelf.Digest(blob)
	if err == nil {
		e.ID, e.Bytes = id, blob.Get("size").Float()
		err = shelf.Put(e, blob)
	}
	if err != nil {
		p.store.Dispatch(state.Told{Text: s.Say("It cannot be kept: {why}", "why", err.Error())})
		return
	}
	p.listModels()
	p.store.Dispatch(state.Told{Text: s.Say("Kept on this device")})
}
