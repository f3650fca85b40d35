package main

import (
	"errors"
	"syscall/js"

	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/worker/port"
)

// stager writes pictures into the kernels' memory. What it needs for each frame
// of one size is made once.
type stager struct {
	await   *port.Awaiter
	memory  js.Value // WebAssembly.Memory
	bytes   js.Value // Uint8Array
	frame   js.Value // VideoFrame, undefined where the browser has none
	canvas  js.Value
	context js.Value

	buffer js.Value // of which out is a view
	place  wasm.Planes
	nv12   bool
	w, h   int
	out    js.Value
	layout js.Value // options of VideoFrame.copyTo
}

func newStager(await *port.Awaiter) *stager {
	g := js.Global()
	return &stager{await: await, memory: g.Get("eagleeyeKernels").Get("memory"), bytes: g.Get("Uint8Array"), frame: g.Get("VideoFrame")}
}

// picture is a VideoFrame or ImageBitmap of w×h pixels (see session.Picture).
type picture struct {
	*stager
	js.Value
	w, h int
}

// thrown turns what the browser's calls throw into an error.
func thrown(err *error) {
	switch r := recover().(type) {
	case nil:
	case js.Error:
		*err = errors.New(r.Error())
	default:
		panic(r)
	}
}

// upright says that the picture is a VideoFrame which shows its samples as they
// are.
func (p picture) upright() bool {
	if !p.frame.Truthy() || !p.InstanceOf(p.frame) || p.Get("rotation").Truthy() || p.Get("flip").Truthy() {
		return false
	}
	rect := p.Get("visibleRect")
	return rect.Truthy() && rect.Get("width").Int() == p.w && rect.Get("height").Int() == p.h
}

// matrices are those that we know of the names in VideoColorSpace (WebCodecs,
// 9.9). Cameras that say nothing send BT.601.
var matrices = map[string]kernels.YUVMatrix{
	"null": kernels.BT601, "smpte170m": kernels.BT601, "bt470bg": kernels.BT601, "bt709": kernels.BT709, "bt2020-ncl": kernels.BT2020,
}

// Colours implements session.Picture. Wide gamuts and high dynamic ranges are
// left to the browser.
func (p picture) Colours() (c wasm.Colours, ok bool) {
	if !p.upright() {
		return c, false
	}
	switch f := p.Get("format"); {
	case f.Type() != js.TypeString:
		return c, false
	case f.String() == "NV12":
		c.NV12 = true
	case f.String() != "I420":
		return c, false
	}
	space := p.Get("colorSpace")
	if !space.Truthy() {
		return c, false
	}
	text := js.Global().Get("String")
	switch text.Invoke(space.Get("transfer")).String() {
	case "pq", "hlg", "linear":
		return c, false
	}
	c.Full = space.Get("fullRange").Truthy()
	c.Matrix, ok = matrices[text.Invoke(space.Get("matrix")).String()]
	return c, ok
}

// WritePlanes implements session.Picture.
func (p picture) WritePlanes(at wasm.Planes) (err error) {
	defer thrown(&err)
	s := p.stager
	nv12 := at.V == at.U+1
	if buffer := s.memory.Get("buffer"); s.place != at || s.nv12 != nv12 || s.w != 0 || !s.buffer.Equal(buffer) {
		s.buffer, s.place, s.nv12, s.w, s.h = buffer, at, nv12, 0, 0
		plane := func(addr uint32, row int) any {
			return map[string]any{"offset": int(addr - at.Y), "stride": row}
		}
		layout, end := []any{plane(at.Y, at.YRow), plane(at.U, at.ChromaRow)}, at.U
		if !nv12 {
			layout, end = append(layout, plane(at.V, at.ChromaRow)), at.V
		}
		s.out = s.bytes.New(buffer, at.Y, int(end-at.Y)+at.ChromaRow*at.Chromatic)
		s.layout = js.ValueOf(map[string]any{"layout": layout})
	}
	if _, err = s.await.Value(p.Call("copyTo", s.out, s.layout)); err == nil {
		p.Call("close") // the camera has few of them
	}
	return err
}

// WriteRGBA implements session.Picture.
func (p picture) WriteRGBA(addr uint32) (err error) {
	defer thrown(&err)
	defer p.Call("close")
	s := p.stager
	s.aim(p.w, p.h, addr)
	if p.convertible() {
		if _, err := s.await.Value(p.Call("copyTo", s.out, s.layout)); err == nil {
			return nil
		} // else draw it
	}
	if !s.canvas.Truthy() {
		s.canvas = js.Global().Get("OffscreenCanvas").New(p.w, p.h)
		s.context = s.canvas.Call("getContext", "2d", map[string]any{"willReadFrequently": true})
		s.context.Set("globalCompositeOperation", "copy")
	}
	if s.canvas.Get("width").Int() != p.w || s.canvas.Get("height").Int() != p.h {
		s.canvas.Set("width", p.w) // which resets the context
		s.canvas.Set("height", p.h)
		s.context.Set("globalCompositeOperation", "copy")
	}
	s.context.Call("drawImage", p.Value, 0, 0, p.w, p.h)
	s.out.Call("set", s.context.Call("getImageData", 0, 0, p.w, p.h).Get("data"))
	return nil
}

// aim makes out the place for w×h RGBA pixels at addr.
func (s *stager) aim(w, h int, addr uint32) {
	buffer, at := s.memory.Get("buffer"), wasm.Planes{Y: addr}
	if s.w == w && s.h == h && s.place == at && s.buffer.Equal(buffer) {
		return
	}
	s.buffer, s.w, s.h, s.place = buffer, w, h, at
	s.out = s.bytes.New(buffer, addr, 4*w*h)
	s.layout = js.ValueOf(map[string]any{"format": "RGBA", "layout": []any{map[string]any{"offset": 0, "stride": 4 * w}}})
}

// convertible says that copyTo yields the picture as RGBA bytes. Browsers that
// do not know its format option ignore it, which shows in the size for planar
// frames, and not at all for BGR ones.
func (p picture) convertible() bool {
	if !p.upright() {
		return false
	}
	format := p.Get("format")
	if !format.Truthy() || len(format.String()) < 3 || format.String()[:3] == "BGR" {
		return false
	}
	return p.Call("allocationSize", p.layout).Int() == 4*p.w*p.h
}
