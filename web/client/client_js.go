// Package client speaks with the engine's workers. Each model gets a worker of
// its own: the one in use goes on while the next opens its model, and a model
// that hangs or crashes takes only its own worker along. It may import
// wasm/message, web/dom.
package client

import (
	"strconv"
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/dom"
)

// Events is what the client tells the page. Opening says that it concerns the
// worker that opens a model, not the one in use.
type Events struct {
	Message func(m message.Message, opening bool)
	Modules func(done, total float64)
	NoSIMD  func()
	Lost    func(opening bool, text string)
	// Tune says how models are to run: the choice for the worker, and threads, 0
	// for as many as suit the machine.
	Tune func() (message.Choice, int)
}

// Silence after which a worker is given up, in seconds. They are counted, not
// read off a clock, so that a computer that slept does not count as silence.
const (
	openSilence  = 90 // between two signs of life while a model opens
	frameSilence = 20 // for one frame, or as long as warmRuns of the first run
	warmRuns     = 5
)

// Client holds the worker in use and the one that is opening a model.
type Client struct {
	on      Events
	active  *worker
	opening *worker
	array   js.Value
	buf     []byte
}

// New returns a client without workers.
func New(on Events) *Client {
	c := &Client{on: on, array: js.Global().Get("Uint8Array")}
	dom.Every(1000, c.watch)
	return c
}

// worker is a Web Worker and the model it was given.
type worker struct {
	w       js.Value
	model   js.Value // Blob
	name    string
	choice  message.Choice // asked for last
	threads int
	silent  int  // seconds since it gave a sign of life, or was given a frame
	limit   int  // of silent
	waiting bool // for its modules, its model or a frame
	release []func()
}

// Open starts a worker with a model, in place of one that is still opening.
func (c *Client) Open(model js.Value, name string) {
	c.DropOpening()
	_, threads := c.on.Tune()
	script, early := start(threads)
	w := &worker{model: model, name: name, threads: threads, limit: openSilence, waiting: true}
	if early.Truthy() {
		w.w = early.Get("worker")
		w.w.Set("onmessage", js.Null())
		w.w.Set("onerror", js.Null())
	} else {
		w.w = js.Global().Get("Worker").New(script)
	}
	c.opening = w
	w.release = []func(){
		dom.Listen(w.w, "message", func(e js.Value) { c.receive(w, e.Get("data")) }),
		dom.Listen(w.w, "error", func(e js.Value) {
			e.Call("preventDefault")
			text := "The worker reports no reason."
			if m := e.Get("message"); m.Type() == js.TypeString && m.String() != "" {
				text = m.String()
			}
			c.lost(w, text)
		}),
	}
	if early.Truthy() {
		for said, i := early.Get("said"), 0; i < said.Length(); i++ {
			c.receive(w, said.Index(i))
		}
		if text := early.Get("failed"); text.Truthy() {
			c.lost(w, text.String())
		}
	}
}

// start returns the address of the worker's script and, once, the worker that
// boot.js has started with the page, unless that has another number of threads.
func start(threads int) (script string, early js.Value) {
	script, early = begun()
	if threads == 0 {
		return script, early
	}
	if early.Truthy() {
		early.Get("worker").Call("terminate")
	}
	return with(script, "threads", strconv.Itoa(threads)), js.Undefined()
}

// with sets a parameter of the worker's address.
func with(script, name, value string) string {
	url := js.Global().Get("URL").New(script, js.Global().Get("location").Get("href"))
	url.Get("searchParams").Call("set", name, value)
	return url.Call("toString").String()
}

func begun() (script string, early js.Value) {
	e := js.Global().Get("eagleeyeEarly")
	if !e.Truthy() {
		return dom.Asset("worker.js"), js.Undefined()
	}
	if e.Get("worker").Truthy() {
		early = dom.Object("worker", e.Get("worker"), "said", e.Get("said"), "failed", e.Get("failed"))
		e.Set("worker", js.Null())
	}
	return e.Get("script").String(), early
}

// Reopen starts a worker with the model in use, whose worker is gone.
func (c *Client) Reopen() {
	if c.active != nil {
		c.Open(c.active.model, c.active.name)
	}
}

// Retune makes the model in use run as Events.Tune says, if it does not yet: in
// its own worker, or for another number of threads in a new one. It does nothing
// while a model is opened, which is to be followed by another call.
func (c *Client) Retune() {
	w := c.active
	if w == nil || c.opening != nil || !w.alive() {
		return
	}
	choice, threads := c.on.Tune()
	switch {
	case threads != w.threads:
		c.Reopen()
	case choice != w.choice:
		w.choice = choice
		w.silent, w.waiting, w.limit = 0, true, max(w.limit, openSilence)
		c.send(w, message.Reload{Choice: choice}, js.Undefined(), false)
	}
}

// Model returns the model in use and its name, undefined without one.
func (c *Client) Model() (blob js.Value, name string) {
	if c.active == nil {
		return js.Undefined(), ""
	}
	return c.active.model, c.active.name
}

// Promote makes the worker that has opened its model the one in use.
func (c *Client) Promote() {
	if c.active != nil {
		c.active.end()
	}
	c.active, c.opening = c.opening, nil
}

// DropOpening ends the worker that is opening a model.
func (c *Client) DropOpening() {
	if c.opening != nil {
		c.opening.end()
		c.opening = nil
	}
}

// Close ends all workers.
func (c *Client) Close() {
	c.DropOpening()
	if c.active != nil {
		c.active.end()
		c.active = nil
	}
}

// hush keeps the console free of what an ended worker complains of: one that is
// ended while it loads its scripts says that they failed to load.
var hush = js.FuncOf(func(_ js.Value, args []js.Value) any {
	args[0].Call("preventDefault")
	return nil
})

func (w *worker) end() {
	w.w.Set("onerror", hush)
	w.w.Call("terminate")
	for _, f := range w.release {
		f()
	}
	w.release, w.waiting = nil, false
}

// Post sends the worker in use a request for results, with a picture to
// transfer or undefined. It reports whether there is such a worker.
func (c *Client) Post(m message.Message, picture js.Value) bool {
	if c.active == nil || !c.active.alive() {
		return false
	}
	c.active.silent, c.active.waiting = 0, true
	c.send(c.active, m, picture, true)
	return true
}

func (c *Client) send(w *worker, m message.Message, x js.Value, transfer bool) {
	c.buf = message.Append(c.buf[:0], m)
	bytes := c.array.New(len(c.buf))
	js.CopyBytesToJS(bytes, c.buf)
	carrier := dom.Object("m", bytes, "x", x)
	if transfer && !x.IsUndefined() {
		w.w.Call("postMessage", carrier, dom.Array(x))
	} else {
		w.w.Call("postMessage", carrier)
	}
}

func (c *Client) receive(w *worker, data js.Value) {
	if w != c.active && w != c.opening {
		return
	}
	opening := w == c.opening
	w.silent = 0
	if boot := data.Get("boot"); boot.Type() == js.TypeString {
		c.boot(w, boot.String(), data)
		return
	}
	bytes := data.Get("m")
	n := bytes.Get("length").Int()
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	b := c.buf[:n]
	js.CopyBytesToGo(b, bytes)
	m, err := message.Decode(b)
	if err != nil {
		c.lost(w, err.Error())
		return
	}
	switch m := m.(type) {
	case message.Ready:
		w.choice, _ = c.on.Tune()
		c.send(w, message.Load{Name: w.name, Choice: w.choice}, w.model, false)
		return
	case message.Loaded:
		w.waiting, w.limit = false, max(frameSilence, warmRuns*int(m.WarmMicros/1e6))
	case message.Result, message.Failed:
		w.waiting = false
	}
	c.on.Message(m, opening)
}

func (c *Client) boot(w *worker, what string, data js.Value) {
	switch what {
	case message.BootProgress:
		c.on.Modules(data.Get("done").Float(), data.Get("total").Float())
	case message.BootNoSIMD:
		c.on.NoSIMD()
	default:
		c.lost(w, data.Get("text").String())
	}
}

func (c *Client) lost(w *worker, text string) {
	if !w.alive() || w != c.active && w != c.opening {
		return
	}
	opening := w == c.opening
	w.end()
	c.on.Lost(opening, text)
}

func (w *worker) alive() bool { return w.release != nil }

// watch, called every second, gives up workers that have been silent for too
// long.
func (c *Client) watch() {
	for _, w := range [...]*worker{c.active, c.opening} {
		if w == nil || !w.waiting {
			continue
		}
		if w.silent++; w.silent > w.limit {
			c.lost(w, "It gave no sign of life for "+strconv.Itoa(w.limit)+" seconds.")
		}
	}
}
