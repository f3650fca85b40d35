package state

// reduceCamera changes the camera; one that is open opens again.
func reduceCamera(s State, a Action) (State, []Effect) {
	v := &s.Settings
	before := *v
	switch a := a.(type) {
	case CameraChosen:
		v.Device = a.Device
	case CameraFlipped:
		v.Device = ""
		if v.Facing == FacingUser {
			v.Facing = FacingRoom
		} else {
			v.Facing = FacingUser
		}
		v.Mirror = v.Facing == FacingUser // as people know themselves
	case ResSet:
		if _, _, ok := Resolution(a.Value); ok {
			v.Res = a.Value
		}
	case MirrorSet:
		v.Mirror = a.On
		return s, nil
	}
	if *v == before || s.Source.Kind != SourceCamera {
		return s, nil
	}
	return open(s, SourceCamera, s.Say("Camera"), OpenCamera)
}

// Where a camera looks, in the words of the Media Capture specification.
const (
	FacingRoom = "environment"
	FacingUser = "user"
)

// Resolutions are those that a person can ask a camera for, by their height.
var Resolutions = [...]string{"240", "480", "720", "1080"}

// Resolution returns the size in pixels that one of Resolutions stands for.
func Resolution(name string) (w, h int, ok bool) {
	switch name {
	case "240":
		return 320, 240, true
	case "480":
		return 640, 480, true
	case "720":
		return 1280, 720, true
	case "1080":
		return 1920, 1080, true
	}
	return 0, 0, false
}

// Mirrored says that the picture on show is to be mirrored, boxes with it.
func (s State) Mirrored() bool { return s.Settings.Mirror && s.Source.Kind == SourceCamera }

// reduceFilm moves within the source on show.
func reduceFilm(s State, a Action) (State, []Effect) {
	src := &s.Source
	switch a := a.(type) {
	case Turned:
		if src.Strip == nil {
			return s, nil
		}
		strip, n := src.Strip, len(src.Strip.Names)
		index := ((src.Index+a.By)%n + n) % n
		s, effects := open(s, SourceImage, strip.Names[index], OpenPicture)
		s.Source.Strip, s.Source.Index = strip, index
		return s, effects
	case FilmToggled:
		switch {
		case !src.Live || src.Analysing:
		case src.Kind == SourceVideo, src.Kind == SourceDemo:
			src.Paused = !src.Paused
			return s, []Effect{PlayFilm}
		}
	case FilmPaused:
		if src.Kind == SourceVideo && !src.Analysing {
			src.Paused = a.Paused
		}
	case FilmStepped:
		if src.Kind != SourceVideo || !src.Live || src.Analysing || a.By == 0 {
			return s, nil
		}
		src.Paused = true
		if a.By < 0 {
			return s, []Effect{StepFilmBack}
		}
		return s, []Effect{StepFilm}
	case FilmMeasured:
		if a.Seq == src.Seq && src.Kind == SourceVideo {
			src.Duration = a.Duration
		}
	case AnalysisWanted:
		if src.Kind == SourceVideo && src.Live && src.Duration > 0 && !src.Analysing && s.Engine.Phase == EngineReady {
			src.Analysing, src.Paused, src.PerSecond = true, true, a.PerSecond
			return s, []Effect{ClearBoxes, StartAnalysis}
		}
	case AnalysisEnded:
		if src.Analysing {
			src.Analysing = false
			return s, []Effect{StopAnalysis}
		}
	case BenchDone:
		if src.Kind == SourceBench {
			s.Report = a.Report
			return closed(s)
		}
	}
	return s, nil
}
