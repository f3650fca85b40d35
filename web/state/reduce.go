package state

import "eagleeye/wasm/message"

// Reduce returns the state after an action and what is to be done about it.
// While the engine does not run, the page says why unless it has to say more.
func Reduce(s State, a Action) (State, []Effect) {
	before := s
	s, effects := reduce(s, a)
	for _, room := range [...]func(State, Action) (State, []Effect){reduceSettings, reduceResults, reduceOffline, reduceModels} {
		next, more := room(s, a)
		s, effects = next, append(effects, more...)
	}
	if s.Problem == nil && s.Engine.Phase == EngineFailed {
		s.Problem = s.Engine.Fault
	}
	return retold(s, before, a), effects
}

// retold keeps how a new problem came about, and says an old one in the language
// that the page has turned to: by what happened, once more, in that language.
func retold(s, before State, a Action) State {
	p := s.Problem
	if p == nil {
		return s
	}
	if p != before.Problem && p.again == nil {
		before.Problem = nil
		p.again = func(lang string) *Problem {
			t := before
			t.Settings.Lang = lang
			t, _ = Reduce(t, a)
			return t.Problem
		}
		return s
	}
	if s.Settings.Lang == before.Settings.Lang || p.again == nil {
		return s
	}
	if q := p.again(s.Settings.Lang); q != nil {
		q.again = p.again
		if s.Engine.Fault == p {
			s.Engine.Fault = q
		}
		s.Problem = q
	}
	return s
}

func reduce(s State, a Action) (State, []Effect) {
	switch a := a.(type) {
	case Dismissed:
		s.Problem = nil
		return s, nil
	case Summarized:
		s.Summary = a.Text
		return s, nil
	case HelpSet:
		if s.Help != a.Shown {
			s.Help = a.Shown
			return s, []Effect{ShowHelp}
		}
		return s, nil
	case Told:
		s.Notice = a.Text
		if a.Text != "" {
			return s, []Effect{ForgetNotice}
		}
		return s, nil
	case SheetSet:
		s.Sheet = a.Open
		return s, nil
	case ClassesSought:
		s.Query = a.Text
		return s, nil
	case DevicesSeen:
		s.Devices = a.Devices
		return s, nil
	case CameraWanted, ScreenWanted, DemoWanted, BenchWanted, Picked, PicturesPicked, SourceLive, SourceFailed, SourceEnded, Stopped:
		return reduceSource(s, a)
	case CameraChosen, CameraFlipped, ResSet, MirrorSet:
		return reduceCamera(s, a)
	case Turned, FilmToggled, FilmPaused, FilmStepped, FilmMeasured, AnalysisWanted, AnalysisEnded, BenchDone:
		return reduceFilm(s, a)
	}
	return reduceEngine(s, a)
}

func clamp01(v float32) float32 { return max(0, min(v, 1)) }

func reanalyse(s State) []Effect {
	if s.Source.Still() && s.Source.Live && s.Engine.Model != nil {
		return []Effect{Reanalyse}
	}
	return nil
}

func reduceEngine(s State, a Action) (State, []Effect) {
	e := &s.Engine
	switch a := a.(type) {
	case Opened:
		e.Phase, e.Loading = EngineLoading, LoadingModel
		return s, []Effect{FetchModel}
	case ModelProgress:
		if e.Phase == EngineLoading && e.Opening == "" {
			e.Loading, e.Done, e.Total = LoadingModel, a.Done, a.Total
		}
	case DemoShipped:
		s.Demo = a.Model
	case ModelMissing:
		if e.AwaitsSite() {
			e.Phase = EngineNoModel
		}
	case ModelUnreachable:
		if e.AwaitsSite() {
			e.Phase = EngineNoModel
			s.Problem = problemUnreachable(s, a.Text)
		}
	case ModelArrived:
		if s.Problem == e.Fault {
			s.Problem = nil
		}
		e.Fault = nil
		e.Phase, e.Loading, e.Done, e.Total = EngineLoading, LoadingModules, 0, 0
		e.Opening = a.Name
		return s, []Effect{OpenModel}
	case ModulesProgress:
		if e.Phase == EngineLoading {
			e.Loading, e.Done, e.Total = LoadingModules, a.Done, a.Total
		}
	case EngineAt:
		switch {
		case e.Phase != EngineLoading && e.Phase != EngineWarming:
		case a.Stage == message.StageWarm:
			e.Phase = EngineWarming
		default:
			e.Phase, e.Loading = EngineLoading, LoadingParse
		}
	case EngineLoaded:
		m := a.Model
		e.Phase, e.Model, e.Opening, e.Down = EngineReady, &m, "", false
		effects := []Effect{Promote}
		if s.Source.Still() && s.Source.Live {
			effects = append(effects, Analyse)
		}
		return s, effects
	case EngineRefused:
		if e.Opening == "" && e.Model != nil { // the model in use, after a restart
			return fail(s, problemCrash(s, a.Text))
		}
		s.Problem = problemModel(s, e.Opening, a.Reason, a.Text, e.Model)
		return s, giveUpOpening(e)
	case EngineLost:
		return engineLost(s, a)
	case NoSIMD:
		return fail(s, problemNoSIMD(s))
	case FrameRefused:
		s.Problem = problemFrame(s, a.Reason, a.Text)
		if s.Source.Kind == SourceImage {
			return closed(s)
		}
	}
	return s, nil
}

// giveUpOpening goes back to the model in use, or to asking for one.
func giveUpOpening(e *Engine) []Effect {
	e.Opening, e.Done, e.Total = "", 0, 0
	switch {
	case e.Model == nil:
		e.Phase = EngineNoModel
	case e.Down:
		e.Phase, e.Loading = EngineLoading, LoadingModules
		return []Effect{DropOpening, RestartEngine}
	default:
		e.Phase = EngineReady
	}
	return []Effect{DropOpening}
}

// engineLost restarts the engine once and then leaves the choice to the person.
func engineLost(s State, a EngineLost) (State, []Effect) {
	e := &s.Engine
	e.Crashes++
	e.Down = e.Down || !a.Opening
	switch {
	case !a.Opening && e.Opening != "": // its successor is already under way
		s.Problem = problemRestarted(s, a.Text)
		return s, []Effect{ClearBoxes}
	case e.Crashes == 1:
		s.Problem = problemRestarted(s, a.Text)
		e.Phase, e.Loading, e.Done, e.Total = EngineLoading, LoadingModules, 0, 0
		if a.Opening {
			return s, []Effect{DropOpening, OpenModel}
		}
		return s, []Effect{RestartEngine}
	case a.Opening && e.Opening != "" && e.Model != nil:
		s.Problem = problemCrash(s, a.Text)
		return s, giveUpOpening(e)
	}
	return fail(s, problemCrash(s, a.Text))
}

// fail leaves no engine.
func fail(s State, why *Problem) (State, []Effect) {
	e := &s.Engine
	e.Phase, e.Opening, e.Model, e.Down, e.Fault = EngineFailed, "", nil, false, why
	s.Problem = why
	return s, []Effect{DropOpening, ClearBoxes}
}

func reduceSource(s State, a Action) (State, []Effect) {
	switch a := a.(type) {
	case CameraWanted:
		return open(s, SourceCamera, s.Say("Camera"), OpenCamera)
	case ScreenWanted:
		return open(s, SourceScreen, s.Say("Screen"), OpenScreen)
	case DemoWanted:
		return open(s, SourceDemo, s.Say("the demo"), OpenDemo)
	case BenchWanted:
		if s.Engine.Phase != EngineReady {
			return s, nil
		}
		return open(s, SourceBench, s.Say("the benchmark"), OpenBench)
	case PicturesPicked:
		if a.Strip == nil || len(a.Strip.Names) == 0 {
			return s, nil
		}
		s, effects := open(s, SourceImage, a.Strip.Names[0], OpenPicture)
		s.Source.Strip = a.Strip
		return s, effects
	case Picked:
		switch Classify(a.Name, a.Type) {
		case FileModel:
			s.Problem = nil
			if f := s.Engine.Fault; f != nil && f.Code == codeNoSIMD {
				return s, nil
			}
			s.Engine.Crashes, s.Engine.Fault = 0, nil
			return s, []Effect{TakeModel}
		case FileImage:
			return open(s, SourceImage, a.Name, OpenImage)
		case FileVideo:
			return open(s, SourceVideo, a.Name, OpenVideo)
		}
		s.Problem = problemFile(s, a.Name)
	case SourceLive:
		if a.Seq != s.Source.Seq || s.Source.Kind == SourceNone {
			return s, nil
		}
		s.Source.Live, s.Source.Width, s.Source.Height = true, a.Width, a.Height
		if a.Name != "" {
			s.Source.Name = a.Name
		}
		if (s.Source.Kind == SourceImage || s.Source.Kind == SourceBench) && s.Engine.Model != nil {
			return s, []Effect{Analyse}
		}
	case SourceFailed:
		if a.Seq == s.Source.Seq && s.Source.Kind != SourceNone {
			why := problemSource(s, a.Name, a.Text)
			if why.Code == codeNoCamera && s.ShowsDemo() { // nothing to see otherwise
				s, effects := open(s, SourceDemo, s.Say("the demo"), OpenDemo)
				s.Problem = problemDemoInstead(s)
				return s, effects
			}
			s.Problem = why
			return closed(s)
		}
	case SourceEnded:
		switch {
		case a.Seq != s.Source.Seq:
		case s.Source.Kind == SourceCamera:
			s.Problem = problemUnplugged(s)
			return closed(s)
		case s.Source.Kind == SourceScreen: // the person ended it at the browser's own bar
			return closed(s)
		}
	case Stopped:
		return closed(s)
	}
	return s, nil
}

// open replaces the source on show by one that has yet to come alive.
func open(s State, kind SourceKind, name string, how Effect) (State, []Effect) {
	s.Source = Source{Kind: kind, Seq: s.Source.Seq + 1, Name: name}
	s.Summary, s.Problem = "", nil
	return s, []Effect{CloseSource, ClearBoxes, how}
}

// closed leaves no source. The number moves on, so that what is still under way
// for the old source is told apart.
func closed(s State) (State, []Effect) {
	s.Source = Source{Seq: s.Source.Seq + 1}
	s.Summary = ""
	return s, []Effect{CloseSource, ClearBoxes}
}
