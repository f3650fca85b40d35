package capture

import (
	"syscall/js"

	"eagleeye/web/dom"
)

// Wish is what is asked of a camera.
type Wish struct {
	Device        string // id, "" for any
	Facing        string // "environment" or "user", where Device is ""
	Width, Height int
}

// Camera asks for a camera.
func (s *Source) Camera(seq int, w Wish) {
	s.Close()
	s.seq = seq
	video := dom.Object("width", dom.Object("ideal", w.Width), "height", dom.Object("ideal", w.Height))
	if w.Device != "" {
		video.Set("deviceId", dom.Object("ideal", w.Device))
	} else {
		video.Set("facingMode", w.Facing)
	}
	s.stand("getUserMedia", dom.Object("audio", false, "video", video))
}

// Screen asks for a tab, a window or the screen.
func (s *Source) Screen(seq int) {
	s.Close()
	s.seq = seq
	s.stand("getDisplayMedia", dom.Object("audio", false, "video", true))
}

// stand asks the browser for a stream of pictures.
func (s *Source) stand(method string, wish js.Value) {
	seq := s.seq
	devices := js.Global().Get("navigator").Get("mediaDevices")
	if !devices.Truthy() {
		s.on.Failed(seq, "Insecure", "")
		return
	}
	if devices.Get(method).Type() != js.TypeFunction {
		s.on.Failed(seq, "Unsupported", "")
		return
	}
	dom.Then(devices.Call(method, wish), func(stream js.Value) {
		if seq != s.seq {
			stopTracks(stream)
			return
		}
		s.stream = stream
		if tracks := stream.Call("getVideoTracks"); tracks.Length() > 0 {
			s.offTrack = dom.Listen(tracks.Index(0), "ended", func(js.Value) { s.on.Ended(seq) })
		}
		s.video.Set("srcObject", stream)
		s.play()
	}, func(name, text string) {
		if seq == s.seq {
			s.on.Failed(seq, name, text)
		}
	})
}

// Fixed shows a canvas as a still picture.
func (s *Source) Fixed(seq int, canvas js.Value) {
	s.Close()
	s.seq = seq
	s.bitmap(seq, canvas)
}
