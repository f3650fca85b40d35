// Command worker is the engine in a Web Worker. worker.js has put the kernels
// into globalThis.eagleeyeKernels; what the page asks comes as messages of
// wasm/message. It may import all of wasm/.
package main

import (
	"errors"
	"runtime"
	"runtime/debug"
	"syscall/js"

	"eagleeye/wasm"
	"eagleeye/wasm/host"
	"eagleeye/wasm/message"
	"eagleeye/wasm/worker/session"
)

// request is a message and the object that came beside it.
type request struct {
	m message.Message
	x js.Value
}

// collectEvery is after how many frames the garbage is collected. JavaScript
// values that Go has seen stay alive until Go's collector finds them gone, and
// this heap grows too slowly to make it run: without this, the browser's heap
// grows by some hundred bytes a frame. It costs 0.2 ms.
const collectEvery = 64

// collectAt is the growth of the heap in percent at which garbage is collected.
// Weights on their way into the kernels' memory are large and without pointers:
// collecting them is cheap, and the tab never gives back what the heap has grown
// to.
const collectAt = 25

func main() {
	debug.SetGCPercent(collectAt)
	machine, err := host.Bootstrapped()
	if err != nil {
		panic("the kernels do not start: " + err.Error())
	}
	requests := make(chan request, 16)
	js.Global().Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		data := args[0].Get("data")
		bytes := data.Get("m")
		b := make([]byte, bytes.Get("length").Int())
		js.CopyBytesToGo(b, bytes)
		m, err := message.Decode(b)
		if err != nil {
			post(message.Failed{Text: err.Error()})
			return nil
		}
		requests <- request{m, data.Get("x")}
		return nil
	}))
	s := &session.Session{
		Open: func(model []byte, o wasm.Options) (session.Detector, error) { return wasm.Open(model, machine, o) },
		Say:  post,
		Memory: func() (uint64, uint64) {
			return uint64(machine.Size()), uint64(js.Global().Get("eagleeyeEngineMemory").Get("buffer").Get("byteLength").Float())
		},
		Read: machine.Read,
	}
	await := newAwaiter()
	pictures := newStager(await)
	post(message.Ready{Variant: machine.Variant()})
	var file js.Value // Blob of the model, outside of this heap
	read := func() ([]byte, bool) {
		model, err := await.bytes(file.Call("arrayBuffer"))
		if err != nil {
			post(message.Failed{Text: "the file cannot be read: " + err.Error()})
		}
		return model, err == nil
	}
	for frames := 1; ; {
		r := <-requests
		switch m := r.m.(type) {
		case message.Load:
			file = r.x
			if model, ok := read(); ok {
				s.Load(m, model)
			}
			runtime.GC()
		case message.Reload:
			if !file.Truthy() {
				post(message.Failed{Text: "no model is loaded"})
			} else if model, ok := read(); ok {
				s.Reload(m, model)
			}
			runtime.GC()
		case message.Frame:
			s.Frame(m, picture{pictures, r.x, int(m.Width), int(m.Height)})
			r.x.Call("close")
			if frames++; frames%collectEvery == 0 {
				runtime.GC()
			}
		case message.Rerun:
			s.Rerun(m)
		case message.Crash:
			panic("crash asked for")
		}
		if host.Ended(machine) { // the page starts another worker
			panic("a thread of the kernels has stopped")
		}
	}
}

var outgoing []byte // reused

func post(m message.Message) {
	outgoing = message.Append(outgoing[:0], m)
	bytes := js.Global().Get("Uint8Array").New(len(outgoing))
	js.CopyBytesToJS(bytes, outgoing)
	carrier := js.Global().Get("Object").New()
	carrier.Set("m", bytes)
	js.Global().Call("postMessage", carrier)
}

// awaiter waits for promises, one at a time, with two functions for all.
type awaiter struct {
	then, catch js.Func
	done        chan result
}

type result struct {
	v   js.Value
	err error
}

func newAwaiter() *awaiter {
	a := &awaiter{done: make(chan result, 1)}
	a.then = js.FuncOf(func(_ js.Value, args []js.Value) any {
		var v js.Value
		if len(args) > 0 {
			v = args[0]
		}
		a.done <- result{v: v}
		return nil
	})
	a.catch = js.FuncOf(func(_ js.Value, args []js.Value) any {
		a.done <- result{err: errors.New(js.Global().Get("String").Invoke(args[0]).String())}
		return nil
	})
	return a
}

func (a *awaiter) value(promise js.Value) (js.Value, error) {
	promise.Call("then", a.then, a.catch)
	r := <-a.done
	return r.v, r.err
}

// bytes waits for an ArrayBuffer and copies it.
func (a *awaiter) bytes(promise js.Value) ([]byte, error) {
	buffer, err := a.value(promise)
	if err != nil {
		return nil, err
	}
	view := js.Global().Get("Uint8Array").New(buffer)
	b := make([]byte, view.Get("length").Int())
	js.CopyBytesToGo(b, view)
	return b, nil
}
