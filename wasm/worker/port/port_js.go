// Package port is a Go program's end of the conversation between a worker and the
// page: messages in, messages out, and waiting for promises. It may import
// wasm/message.
package port

import (
	"errors"
	"syscall/js"

	"eagleeye/wasm/message"
)

// Request is a message and the object that came beside it.
type Request struct {
	M message.Message
	X js.Value
}

// Listen takes what the page posts from now on.
func Listen() <-chan Request {
	requests := make(chan Request, 16)
	js.Global().Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		data := args[0].Get("data")
		bytes := data.Get("m")
		b := make([]byte, bytes.Get("length").Int())
		js.CopyBytesToGo(b, bytes)
		m, err := message.Decode(b)
		if err != nil {
			Post(message.Failed{Text: err.Error()})
			return nil
		}
		requests <- Request{m, data.Get("x")}
		return nil
	}))
	return requests
}

var outgoing []byte // reused

// Post sends a message.
func Post(m message.Message) { post(m, js.Undefined()) }

// PostFile sends a message and a file beside it.
func PostFile(m message.Message, file []byte) {
	bytes := js.Global().Get("Uint8Array").New(len(file))
	js.CopyBytesToJS(bytes, file)
	post(m, bytes)
}

func post(m message.Message, x js.Value) {
	outgoing = message.Append(outgoing[:0], m)
	bytes := js.Global().Get("Uint8Array").New(len(outgoing))
	js.CopyBytesToJS(bytes, outgoing)
	carrier := js.Global().Get("Object").New()
	carrier.Set("m", bytes)
	if x.IsUndefined() {
		js.Global().Call("postMessage", carrier)
		return
	}
	carrier.Set("x", x)
	transfer := js.Global().Get("Array").New()
	transfer.Call("push", x.Get("buffer"))
	js.Global().Call("postMessage", carrier, transfer)
}

// Awaiter waits for promises, one at a time, with two functions for all.
type Awaiter struct {
	then, catch js.Func
	done        chan result
}

type result struct {
	v   js.Value
	err error
}

// NewAwaiter returns one.
func NewAwaiter() *Awaiter {
	a := &Awaiter{done: make(chan result, 1)}
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

// Value waits for what a promise yields.
func (a *Awaiter) Value(promise js.Value) (js.Value, error) {
	promise.Call("then", a.then, a.catch)
	r := <-a.done
	return r.v, r.err
}

// Bytes waits for an ArrayBuffer and copies it.
func (a *Awaiter) Bytes(promise js.Value) ([]byte, error) {
	buffer, err := a.Value(promise)
	if err != nil {
		return nil, err
	}
	view := js.Global().Get("Uint8Array").New(buffer)
	b := make([]byte, view.Get("length").Int())
	js.CopyBytesToGo(b, view)
	return b, nil
}
