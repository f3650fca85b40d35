// Command worker is the engine in a Web Worker. worker.js has put the kernels
// into globalThis.eagleeyeKernels; what the page asks comes as messages of
// wasm/message. It may import all of wasm/.
package main

import (
	"runtime"
	"runtime/debug"
	"syscall/js"

	"eagleeye/wasm"
	"eagleeye/wasm/host"
	"eagleeye/wasm/message"
	"eagleeye/wasm/worker/port"
	"eagleeye/wasm/worker/session"
)

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
	requests := port.Listen()
	s := &session.Session{
		Open: func(model []byte, o wasm.Options) (session.Detector, error) { return wasm.Open(model, machine, o) },
		Say:  port.Post,
		Memory: func() (uint64, uint64) {
			return uint64(machine.Size()), uint64(js.Global().Get("eagleeyeEngineMemory").Get("buffer").Get("byteLength").Float())
		},
		Read: machine.Read,
	}
	await := port.NewAwaiter()
	pictures := newStager(await)
	port.Post(message.Ready{Variant: machine.Variant()})
	var file js.Value // Blob of the model, outside of this heap
	read := func() ([]byte, bool) {
		model, err := await.Bytes(file.Call("arrayBuffer"))
		if err != nil {
			port.Post(message.Failed{Text: "the file cannot be read: " + err.Error()})
		}
		return model, err == nil
	}
	for frames := 1; ; {
		r := <-requests
		switch m := r.M.(type) {
		case message.Load:
			file = r.X
			if model, ok := read(); ok {
				s.Load(m, model)
			}
			runtime.GC()
		case message.Reload:
			if !file.Truthy() {
				port.Post(message.Failed{Text: "no model is loaded"})
			} else if model, ok := read(); ok {
				s.Reload(m, model)
			}
			runtime.GC()
		case message.Frame:
			s.Frame(m, picture{pictures, r.X, int(m.Width), int(m.Height)})
			r.X.Call("close")
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
