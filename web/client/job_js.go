package client

import (
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/dom"
)

// Job is a worker beside the one in use, for one task: its owner ends it.
type Job struct {
	w       js.Value
	release []func()
}

// JobEvents is what a job tells. X is what came beside the message.
type JobEvents struct {
	Message func(m message.Message, x js.Value)
	Lost    func(text string)
}

// Programs of a job.
const (
	Detect  = "" // the engine, as the page's own worker
	Convert = "convert"
)

// NewJob starts a worker; threads as Events.Tune. Convert's runs on exact kernels
// with one thread, so that what it makes is the same everywhere.
func NewJob(program string, threads int, on JobEvents) *Job {
	script, early := begun()
	if early.Truthy() { // it stays for the model
		js.Global().Get("eagleeyeEarly").Set("worker", early.Get("worker"))
	}
	switch {
	case program == Convert:
		script = with(with(with(script, "program", program), "kernels", "simd128"), "threads", "1")
	case threads > 0:
		script = with(script, "threads", js.ValueOf(threads).Call("toString").String())
	}
	j := &Job{w: js.Global().Get("Worker").New(script)}
	j.release = []func(){
		dom.Listen(j.w, "message", func(e js.Value) {
			data := e.Get("data")
			if boot := data.Get("boot"); boot.Type() == js.TypeString {
				if boot.String() != message.BootProgress {
					on.Lost(data.Get("text").String())
				}
				return
			}
			bytes := data.Get("m")
			b := make([]byte, bytes.Get("length").Int())
			js.CopyBytesToGo(b, bytes)
			m, err := message.Decode(b)
			if err != nil {
				on.Lost(err.Error())
				return
			}
			on.Message(m, data.Get("x"))
		}),
		dom.Listen(j.w, "error", func(e js.Value) {
			e.Call("preventDefault")
			text := "The worker reports no reason."
			if m := e.Get("message"); m.Type() == js.TypeString && m.String() != "" {
				text = m.String()
			}
			on.Lost(text)
		}),
	}
	return j
}

// Send posts a message and what lies beside it; transfer lists what of it moves.
func (j *Job) Send(m message.Message, x js.Value, transfer ...any) {
	b := message.Append(nil, m)
	bytes := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(bytes, b)
	j.w.Call("postMessage", dom.Object("m", bytes, "x", x), dom.Array(transfer...))
}

// End ends the worker; more than once does nothing more.
func (j *Job) End() {
	if j == nil || j.release == nil {
		return
	}
	j.w.Set("onerror", hush)
	j.w.Call("terminate")
	for _, f := range j.release {
		f()
	}
	j.release = nil
}
