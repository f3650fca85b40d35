// Package capture opens the sources of pictures (camera, image, video file) and
// takes single pictures of them. It may import web/dom, web/geometry.
package capture

import (
	"strconv"
	"syscall/js"

	"eagleeye/web/dom"
	"eagleeye/web/geometry"
)

// Events is what a source tells, with the number it was opened under. Name of
// Failed is that of the DOMException or "".
type Events struct {
	Live   func(seq int, name string, w, h int)
	Failed func(seq int, name, text string)
	Ended  func(seq int) // the camera went away
	Frame  func()        // a new picture is on show

	Say func(text string, pairs ...string) string // in the page's language

	Paused   func(paused bool)
	Measured func(seq int, seconds float64) // a film's length
	Analysed func(seq int)                  // Analyse is at the end
}

// Source is the one source that the page has open. The zero Seq is none.
type Source struct {
	on             Events
	seq            int
	film           bool
	video, picture js.Value
	stream, still  js.Value
	url            string
	offTrack       func()
	reel           *reel // the demo under way
	onFrame        js.Func
	asked          js.Value // handle of the callback that waits for the next picture
	perFrame       bool     // the browser has requestVideoFrameCallback
	videoFrames    bool     // … and VideoFrame

	at, period, length float64 // of a film: time on show, of one frame, of all; seconds
	reaching           bool    // for its end, to learn the length
	analysing          bool
	goal               int     // picture of the analysis
	step               float64 // seconds between two of them
}

// New returns a source that shows films in video and images in picture, a
// canvas.
func New(video, picture js.Value, on Events) *Source {
	s := &Source{on: on, video: video, picture: picture}
	s.perFrame = video.Get("requestVideoFrameCallback").Type() == js.TypeFunction
	s.videoFrames = js.Global().Get("VideoFrame").Type() == js.TypeFunction
	s.onFrame = js.FuncOf(func(_ js.Value, args []js.Value) any {
		s.asked = js.Undefined()
		if s.film {
			if s.perFrame && s.url != "" {
				s.presented(args[1].Get("mediaTime").Float())
			}
			s.next()
			if !s.analysing {
				s.on.Frame()
			}
		}
		return nil
	})
	dom.Listen(video, "durationchange", func(js.Value) { s.measured() })
	dom.Listen(video, "seeked", func(js.Value) {
		if s.analysing {
			s.on.Frame()
		}
	})
	for _, event := range [...]string{"play", "pause"} {
		dom.Listen(video, event, func(js.Value) {
			if s.film && s.url != "" {
				s.on.Paused(event == "pause")
			}
		})
	}
	dom.Listen(video, "loadeddata", func(js.Value) {
		switch w, h := video.Get("videoWidth").Int(), video.Get("videoHeight").Int(); {
		case !s.film:
		case w > 0:
			s.on.Live(s.seq, s.label(), w, h)
		case s.url != "": // sound alone, or pictures in a codec that is lacking
			s.on.Failed(s.seq, "", s.on.Say("The browser finds no picture in it."))
		}
	})
	dom.Listen(video, "error", func(js.Value) {
		if e := video.Get("error"); s.film && e.Truthy() {
			_, text := dom.Error(e)
			s.on.Failed(s.seq, "", text)
		}
	})
	return s
}

func (s *Source) label() string {
	if !s.stream.Truthy() {
		return ""
	}
	if tracks := s.stream.Call("getVideoTracks"); tracks.Length() > 0 {
		return tracks.Index(0).Get("label").String()
	}
	return ""
}

func (s *Source) next() {
	if s.perFrame {
		s.asked = s.video.Call("requestVideoFrameCallback", s.onFrame)
	} else {
		s.asked = js.Global().Call("requestAnimationFrame", s.onFrame)
	}
}

// unask withdraws the callback that still waits. Left alone it would fire for
// the next source's pictures and ask again, one more time with every source.
func (s *Source) unask() {
	switch {
	case s.asked.IsUndefined():
	case s.perFrame:
		s.video.Call("cancelVideoFrameCallback", s.asked)
	default:
		js.Global().Call("cancelAnimationFrame", s.asked)
	}
	s.asked = js.Undefined()
}

// Video plays a file over and over.
func (s *Source) Video(seq int, file js.Value) {
	s.Close()
	s.seq = seq
	s.url = js.Global().Get("URL").Call("createObjectURL", file).String()
	s.video.Set("loop", true)
	s.video.Set("src", s.url)
	s.play()
}

func (s *Source) play() {
	s.film = true
	seq := s.seq
	s.next()
	dom.Then(s.video.Call("play"), nil, func(name, text string) {
		// The error event tells the same of a file that cannot be decoded; being
		// closed before it started is no failure.
		if seq == s.seq && s.film && name != "AbortError" && !s.video.Get("error").Truthy() {
			s.on.Failed(seq, name, text)
		}
	})
}

// Image shows an image file.
func (s *Source) Image(seq int, file js.Value) {
	s.Close()
	s.seq = seq
	s.bitmap(seq, file)
}

// bitmap decodes a file, or scales a bitmap, and shows it.
func (s *Source) bitmap(seq int, from js.Value, options ...any) {
	var promise js.Value
	thrown, failed := dom.Try(func() {
		promise = js.Global().Call("createImageBitmap", append([]any{from}, options...)...)
	})
	if failed {
		_, text := dom.Error(thrown)
		s.on.Failed(seq, "", s.undecodable(text))
		return
	}
	dom.Then(promise, func(bitmap js.Value) {
		if len(options) > 0 {
			from.Call("close")
		}
		w, h := bitmap.Get("width").Int(), bitmap.Get("height").Int()
		problem := geometry.Problem(w, h)
		switch dw, dh := geometry.Downscale(w, h); {
		case seq != s.seq:
			bitmap.Call("close")
		case problem != "":
			bitmap.Call("close")
			s.on.Failed(seq, "", s.on.Say("It measures {w} × {h} pixels: {problem}.", "w", strconv.Itoa(w), "h", strconv.Itoa(h), "problem", s.on.Say(problem)))
		case dw != w || dh != h:
			s.bitmap(seq, bitmap, dom.Object("resizeWidth", dw, "resizeHeight", dh, "resizeQuality", "high"))
		default:
			s.still = bitmap
			s.picture.Set("width", w)
			s.picture.Set("height", h)
			s.picture.Call("getContext", "2d").Call("drawImage", bitmap, 0, 0)
			s.on.Live(seq, "", w, h)
		}
	}, func(_, text string) {
		if seq == s.seq {
			s.on.Failed(seq, "", s.undecodable(text))
		}
	})
}

func (s *Source) undecodable(text string) string {
	return s.on.Say("The browser cannot decode it: {text}", "text", text)
}

// Take hands over the picture on show, to be transferred; a picture that cannot
// be taken is skipped.
func (s *Source) Take(use func(picture js.Value, w, h int), skipped func()) {
	switch {
	case s.film && s.videoFrames:
		var frame js.Value
		if _, failed := dom.Try(func() { frame = js.Global().Get("VideoFrame").New(s.video) }); failed {
			skipped()
			return
		}
		use(frame, frame.Get("displayWidth").Int(), frame.Get("displayHeight").Int())
	case s.film:
		s.takeBitmap(s.video, use, skipped)
	case s.still.Truthy():
		s.takeBitmap(s.still, use, skipped)
	default:
		skipped()
	}
}

func (s *Source) takeBitmap(of js.Value, use func(js.Value, int, int), skipped func()) {
	var promise js.Value
	if _, failed := dom.Try(func() { promise = js.Global().Call("createImageBitmap", of) }); failed {
		skipped()
		return
	}
	seq := s.seq
	dom.Then(promise, func(b js.Value) {
		if seq != s.seq {
			b.Call("close")
			skipped()
			return
		}
		use(b, b.Get("width").Int(), b.Get("height").Int())
	}, func(string, string) { skipped() })
}

// Close ends the source: the camera's light goes out, the file is let go.
func (s *Source) Close() {
	s.seq, s.film = 0, false
	s.at, s.period, s.length, s.reaching, s.analysing = 0, 0, 0, false, false
	s.unask()
	if s.reel != nil {
		s.reel.end()
		s.reel = nil
	}
	if s.offTrack != nil {
		s.offTrack()
		s.offTrack = nil
	}
	if s.stream.Truthy() {
		stopTracks(s.stream)
		s.video.Set("srcObject", js.Null())
		s.stream = js.Undefined()
	}
	if s.url != "" {
		s.video.Call("pause")
		s.video.Call("removeAttribute", "src")
		s.video.Call("load")
		js.Global().Get("URL").Call("revokeObjectURL", s.url)
		s.url = ""
	}
	if s.still.Truthy() {
		s.still.Call("close")
		s.still = js.Undefined()
		s.picture.Set("width", 1)
		s.picture.Set("height", 1)
	}
}

func stopTracks(stream js.Value) {
	tracks := stream.Call("getTracks")
	for i := range tracks.Length() {
		tracks.Index(i).Call("stop")
	}
}
