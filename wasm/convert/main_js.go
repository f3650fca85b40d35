// Command convert runs in a worker of its own, fetched when it is first needed:
// it turns checkpoints into ONNX files and float models into int8 ones. worker.js
// has put kernels of one thread, and their module, into globalThis.eagleeyeKernels.
// It may import all of wasm/.
package main

import (
	"errors"
	"image"
	"runtime/debug"
	"syscall/js"

	"eagleeye/wasm/convert/job"
	"eagleeye/wasm/host"
	"eagleeye/wasm/message"
	"eagleeye/wasm/worker/port"
)

func main() {
	debug.SetGCPercent(50)
	requests := port.Listen()
	await := port.NewAwaiter()
	fail := func(err error) { port.Post(message.Failed{Reason: job.Reason(err), Text: err.Error()}) }
	read := func(blob js.Value) ([]byte, bool) {
		data, err := await.Bytes(blob.Call("arrayBuffer"))
		switch {
		case err != nil:
			fail(errors.New("the file cannot be read: " + err.Error()))
		case len(data) == 0:
			port.Post(message.Failed{Reason: message.ReasonEmpty, Text: "the file has 0 bytes"})
		default:
			return data, true
		}
		return nil, false
	}
	port.Post(message.Ready{Variant: js.Global().Get("eagleeyeKernels").Get("variant").String()})
	for r := range requests {
		switch m := r.M.(type) {
		case message.Convert:
			data, ok := read(r.X)
			if !ok {
				continue
			}
			file, err := job.ONNX(data)
			if err != nil {
				fail(err)
				continue
			}
			port.PostFile(message.Converted{Name: m.Name, Bytes: uint64(len(file))}, file)
		case message.Calibrate:
			data, ok := read(r.X.Get("model"))
			if !ok {
				continue
			}
			file, done, err := job.Quantize(data, pictures(r.X.Get("pictures")), m, host.Another, func(w message.Working) { port.Post(w) })
			if err != nil {
				fail(err)
				continue
			}
			port.PostFile(done, file)
		}
	}
}

// pictures reads the pixels of ImageBitmaps, which it closes.
func pictures(list js.Value) (out job.Pictures) {
	canvas := js.Global().Get("OffscreenCanvas").New(1, 1)
	context := canvas.Call("getContext", "2d", map[string]any{"willReadFrequently": true})
	for i := range list.Length() {
		bitmap := list.Index(i)
		w, h := bitmap.Get("width").Int(), bitmap.Get("height").Int()
		if w < 1 || h < 1 {
			continue
		}
		canvas.Set("width", w)
		canvas.Set("height", h)
		context.Call("drawImage", bitmap, 0, 0)
		bitmap.Call("close")
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		js.CopyBytesToGo(img.Pix, js.Global().Get("Uint8Array").New(context.Call("getImageData", 0, 0, w, h).Get("data").Get("buffer")))
		out = append(out, img)
	}
	return out
}
