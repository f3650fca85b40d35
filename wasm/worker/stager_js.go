package main

import (
	"errors"
	"syscall/js"
)

// stager writes pictures into the kernels' memory. What it needs for each frame
// of one size is made once.
type stager struct {
	await   *awaiter
	memory  js.Value // WebAssembly.Memory
	bytes   js.Value // Uint8Array
	frame   js.Value // VideoFrame, undefined where the browser has none
	canvas  js.Value
	context js.Value

	buffer js.Value // of which out is a view
	addr   uint32
	w, h   int
	out    js.Value
	layout js.Value // options of VideoFrame.copyTo
}

func newStager(await *awaiter) *stager {
	g := js.Global()
	return &stager{await: await, memory: g.Get("eagleeyeKernels").Get("memory"), bytes: g.Get("Uint8Array"), frame: g.Get("VideoFrame")}
}

// stage writes a picture, a VideoFrame or ImageBitmap, as w×h RGBA bytes to addr
// and closes it.
func (s *stager) stage(picture js.Value, w, h int, addr uint32) (err error) {
	defer picture.Call("close")
	defer func() { // what the browser's calls throw
		if r := recover(); r != nil {
			thrown, ok := r.(js.Error)
			if !ok {
				panic(r)
			}
			err = errors.New(thrown.Error())
		}
	}()
	s.aim(w, h, addr)
	if s.convertible(picture) {
		if _, err := s.await.value(picture.Call("copyTo", s.out, s.layout)); err == nil {
			return nil
		} // else draw it
	}
	if !s.canvas.Truthy() {
		s.canvas = js.Global().Get("OffscreenCanvas").New(w, h)
		s.context = s.canvas.Call("getContext", "2d", map[string]any{"willReadFrequently": true})
		s.context.Set("globalCompositeOperation", "copy")
	}
	if s.canvas.Get("width").Int() != w || s.canvas.Get("height").Int() != h {
		s.canvas.Set("width", w) // which resets the context
		s.canvas.Set("height", h)
		s.context.Set("globalCompositeOperation", "copy")
	}
	s.context.Call("drawImage", picture, 0, 0, w, h)
	s.out.Call("set", s.context.Call("getImageData", 0, 0, w, h).Get("data"))
	return nil
}

// aim makes out the place for a w×h picture at addr.
func (s *stager) aim(w, h int, addr uint32) {
	buffer := s.memory.Get("buffer")
	if s.w == w && s.h == h && s.addr == addr && s.buffer.Equal(buffer) {
		return
	}
	s.buffer, s.w, s.h, s.addr = buffer, w, h, addr
	s.out = s.bytes.New(buffer, addr, 4*w*h)
	s.layout = js.ValueOf(map[string]any{"format": "RGBA", "layout": []any{map[string]any{"offset": 0, "stride": 4 * w}}})
}

// convertible says that copyTo yields the picture as RGBA bytes. Browsers that
// do not know its format option ignore it, which shows in the size for planar
// frames, and not at all for BGR ones.
func (s *stager) convertible(picture js.Value) bool {
	if !s.frame.Truthy() || !picture.InstanceOf(s.frame) || picture.Get("rotation").Truthy() || picture.Get("flip").Truthy() {
		return false
	}
	format, rect := picture.Get("format"), picture.Get("visibleRect")
	if !format.Truthy() || len(format.String()) < 3 || format.String()[:3] == "BGR" {
		return false
	}
	return rect.Get("width").Int() == s.w && rect.Get("height").Int() == s.h &&
		picture.Call("allocationSize", s.layout).Int() == 4*s.w*s.h
}
