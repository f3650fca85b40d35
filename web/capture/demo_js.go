package capture

import (
	"encoding/binary"
	"errors"
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
)

// reel is the site's film being played: single JPEG pictures, one after the other
// for ever. They are decoded one by one, when they are shown.
type reel struct {
	frames []js.Value // Blobs
	period float64    // ms
	next   int
	timer  js.Value
	show   js.Func // for the timer; nil value before the film is here
	loaded bool
	ended  bool
	paused bool
	busy   bool // a frame is being decoded
}

// filmName is the file; what it holds is told where it is made (build/scenes).
const filmName, filmMagic = "demo.bin", "EYE1"

// Demo plays the site's film over and over.
func (s *Source) Demo(seq int) {
	s.Close()
	s.seq = seq
	r := &reel{}
	s.reel = r
	failed := func(_, text string) {
		if !r.ended {
			s.on.Failed(seq, "", text)
		}
	}
	dom.Then(js.Global().Call("fetch", dom.Asset(filmName)), func(response js.Value) {
		if !response.Get("ok").Bool() {
			failed("", s.on.Say("The server answered {status} for {file}.", "status", strconv.Itoa(response.Get("status").Int()), "file", filmName))
			return
		}
		dom.Then(response.Call("arrayBuffer"), func(buffer js.Value) {
			if r.ended {
				return
			}
			if err := r.load(buffer); err != nil {
				failed("", err.Error())
				return
			}
			r.show = js.FuncOf(func(js.Value, []js.Value) any {
				s.turn(r, seq)
				return nil
			})
			r.loaded = true
			s.turn(r, seq)
		}, failed)
	}, failed)
}

var errFilm = errors.New(filmName + " is no film of this page, or it is cut short")

// load cuts the file into its frames.
func (r *reel) load(buffer js.Value) error {
	size := buffer.Get("byteLength").Int()
	bytes := js.Global().Get("Uint8Array").New(buffer)
	head := make([]byte, 8)
	if js.CopyBytesToGo(head, bytes); size < 8 || string(head[:4]) != filmMagic {
		return errFilm
	}
	n := int(binary.LittleEndian.Uint16(head[4:]))
	r.period = float64(binary.LittleEndian.Uint16(head[6:]))
	sizes := make([]byte, 4*n)
	if at := 8 + 4*n; n == 0 || r.period < 1 || at > size {
		return errFilm
	}
	js.CopyBytesToGo(sizes, bytes.Call("subarray", 8))
	at := 8 + 4*n
	for k := range n {
		one := int(binary.LittleEndian.Uint32(sizes[4*k:]))
		if one < 1 || one > size-at {
			return errFilm
		}
		part := dom.Array(bytes.Call("subarray", at, at+one))
		r.frames = append(r.frames, js.Global().Get("Blob").New(part, dom.Object("type", "image/jpeg")))
		at += one
	}
	return nil
}

// turn shows the next frame and asks for the one after it.
func (s *Source) turn(r *reel, seq int) {
	began := dom.Now()
	r.busy = true
	dom.Then(js.Global().Call("createImageBitmap", r.frames[r.next]), func(bitmap js.Value) {
		r.busy = false
		if r.ended {
			bitmap.Call("close")
			return
		}
		w, h := bitmap.Get("width").Int(), bitmap.Get("height").Int()
		first := !s.still.Truthy()
		if first {
			s.picture.Set("width", w)
			s.picture.Set("height", h)
		} else {
			s.still.Call("close")
		}
		s.still = bitmap
		s.picture.Call("getContext", "2d").Call("drawImage", bitmap, 0, 0)
		if first {
			s.on.Live(seq, "", w, h)
		}
		if s.on.Frame(); r.ended {
			return
		}
		r.next = (r.next + 1) % len(r.frames)
		if r.paused {
			return
		}
		r.timer = js.Global().Call("setTimeout", r.show, max(r.period-(dom.Now()-began), 0))
	}, func(_, text string) {
		if !r.ended {
			s.on.Failed(seq, "", s.undecodable(text))
		}
	})
}

// pause stops the film or lets it go on. The frame that is being decoded while
// that is asked for still comes on show.
func (r *reel) pause(s *Source, on bool) {
	if !r.loaded || r.paused == on {
		return
	}
	r.paused = on
	js.Global().Call("clearTimeout", r.timer)
	if !on && !r.busy {
		r.timer = js.Global().Call("setTimeout", r.show, r.period)
	}
}

// end stops the film. What is still being decoded is let go when it is done.
func (r *reel) end() {
	r.ended = true
	if r.loaded {
		js.Global().Call("clearTimeout", r.timer)
		r.show.Release()
	}
}
