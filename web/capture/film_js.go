package capture

import (
	"math"

	"eagleeye/web/dom"
)

// What is guessed of a film's frames until two have been seen, in seconds, and
// the shortest that is believed.
const (
	guessedPeriod  = 1.0 / 30
	shortestPeriod = 1.0 / 240
)

// presented notes the time of a film's frame that came on show, in seconds.
func (s *Source) presented(at float64) {
	if d := at - s.at; d >= shortestPeriod && (s.period == 0 || d < s.period) && !s.video.Get("paused").Bool() {
		s.period = d
	}
	s.at = at
}

// measured learns a film's length. That of a recording is told only after a jump
// past its end.
func (s *Source) measured() {
	if s.url == "" {
		return
	}
	switch d := s.video.Get("duration").Float(); {
	case math.IsNaN(d):
	case math.IsInf(d, 0):
		if !s.reaching {
			s.reaching = true
			s.video.Set("currentTime", 1e7)
		}
	default:
		if s.reaching {
			s.reaching = false
			s.video.Set("currentTime", 0)
		}
		s.length = d
		s.on.Measured(s.seq, d)
	}
}

// Length and Time are a film's length and the time of the frame on show, in
// seconds; −1 where there is none.
func (s *Source) Length() float64 {
	if s.url == "" || s.length <= 0 {
		return -1
	}
	return s.length
}

// Time is the time within a film, in seconds, −1 for other sources.
func (s *Source) Time() float64 {
	if s.url == "" {
		return -1
	}
	return s.video.Get("currentTime").Float()
}

// Pause stops a film or lets it go on.
func (s *Source) Pause(on bool) {
	switch {
	case s.reel != nil:
		s.reel.pause(s, on)
	case s.url == "":
	case on:
		s.video.Call("pause")
	default:
		dom.Then(s.video.Call("play"), nil, nil)
	}
}

// Seek goes to a part of a film, 0..1.
func (s *Source) Seek(part float64) {
	if length := s.Length(); length > 0 && !s.analysing {
		s.video.Set("currentTime", part*length)
	}
}

// Skip goes some seconds on, or back.
func (s *Source) Skip(seconds float64) {
	if length := s.Length(); length > 0 && !s.analysing {
		s.video.Set("currentTime", max(0, min(s.Time()+seconds, length-s.frame()/2)))
	}
}

// Step goes one frame on, or back for −1, and pauses.
func (s *Source) Step(by int) {
	if s.Length() > 0 {
		s.video.Call("pause")
		// Half a frame inside the next one, so that rounding does not show the same.
		first := math.Round(s.Time()/s.frame() - 0.5)
		s.video.Set("currentTime", max(0, min((first+float64(by)+0.5)*s.frame(), s.length)))
	}
}

func (s *Source) frame() float64 {
	if s.period > 0 {
		return s.period
	}
	return guessedPeriod
}

// Analyse goes through a whole film, perSecond pictures a second of it, or all of
// its frames for 0: each comes on show, Events.Frame tells so, and Next goes on.
func (s *Source) Analyse(perSecond int) {
	if s.Length() <= 0 {
		s.on.Analysed(s.seq)
		return
	}
	s.video.Call("pause")
	s.step = s.frame()
	if perSecond > 0 {
		s.step = math.Max(1/float64(perSecond), s.step)
	}
	s.analysing, s.goal = true, 0
	s.reach()
}

// Next goes to the next picture of an analysis.
func (s *Source) Next() {
	if !s.analysing {
		return
	}
	if s.goal++; float64(s.goal)*s.step >= s.length {
		s.analysing = false
		s.on.Analysed(s.seq)
		return
	}
	s.reach()
}

// reach seeks the middle of the frame that is wanted; "seeked" follows.
func (s *Source) reach() {
	s.video.Set("currentTime", min(float64(s.goal)*s.step+s.frame()/2, s.length))
}

// Goal is the time of the picture that an analysis is at, in seconds.
func (s *Source) Goal() float64 { return float64(s.goal) * s.step }

// EndAnalysis leaves the film paused where it is.
func (s *Source) EndAnalysis() { s.analysing = false }
