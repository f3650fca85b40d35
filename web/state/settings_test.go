package state

import (
	"slices"
	"testing"

	"eagleeye/wasm/message"
)

func TestSettingsText(t *testing.T) {
	base := DefaultSettings()
	full := Settings{Conf: 0.4, IoU: 0.55, Max: 7, Hidden: "a=b&c\nperson\n杯", Size: 416, Rate: 30, Threads: 2, Precision: "int8",
		Lang: "zh", Theme: "dark", Mirror: true, Device: "id%1", Facing: FacingUser, Res: "720"}
	for _, c := range []struct {
		name, text string
		want       Settings
	}{
		{"nothing", "", base},
		{"all", full.Encode(base), full},
		{"with a hash", "#" + full.Encode(base), full},
		{"one", "conf=0.5", func() Settings { v := base; v.Conf = 0.5; return v }()},
		{"automatic size", "size=-1&rate=20", func() Settings { v := base; v.Size, v.Rate = SizeAuto, 20; return v }()},
		{"unknown names", "color=red&&x", base},
		{"out of range", "conf=2&iou=-1&max=0&size=33&size=99999&rate=0&threads=99&precision=int4&lang=fr&theme=pink&facing=up&res=9", base},
		{"no numbers", "conf=NaN&max=x&size=&rate=1e9", base},
		{"cut escapes", "hide=a%2", func() Settings { v := base; v.Hidden = "a%2"; return v }()},
	} {
		if got := base.Decode(c.text); got != c.want {
			t.Errorf("%s: %q gives %+v, want %+v", c.name, c.text, got, c.want)
		}
	}
	if text := base.Encode(base); text != "" {
		t.Errorf("defaults are written as %q", text)
	}
	if link := full.Private(base).Encode(base); base.Decode(link).Device != "" || base.Decode(link).Conf != 0.4 {
		t.Errorf("a link says %q", link)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("conf=0.4&hide=a%0Ab&size=640")
	f.Fuzz(func(t *testing.T, text string) {
		base := DefaultSettings()
		v := base.Decode(text)
		if again := base.Decode(v.Encode(base)); again != v {
			t.Errorf("%q: %+v is read back as %+v", text, v, again)
		}
	})
}

func TestNames(t *testing.T) {
	var n Names
	for _, name := range []string{"b", "a", "c", "a"} {
		n = n.With(name, true)
	}
	if n != "a\nb\nc" || !n.Has("b") || n.Has("") || n.Has("a\nb") {
		t.Fatalf("%q", n)
	}
	if n = n.With("b", false).With("x", false); n != "a\nc" {
		t.Fatalf("%q", n)
	}
}

// Settings change what they should. What the engine has found already is chosen
// from again; a still picture is looked at again for what it has not.
func TestReduceSettings(t *testing.T) {
	live := with(ready, image, SourceLive{1, "", 9, 9})
	for _, c := range []struct {
		name  string
		do    []Action
		check func(State) bool
		want  []Effect
	}{
		{"class hidden", []Action{ClassSet{"dog", false}}, func(s State) bool { return s.Settings.Hidden == "dog" }, []Effect{Resift}},
		{"class shown", []Action{ClassSet{"dog", false}, ClassSet{"dog", true}}, func(s State) bool { return s.Settings.Hidden == "" }, []Effect{Resift}},
		{"no class", []Action{ClassesSet{false}}, func(s State) bool { return s.Settings.Hidden == "dog\nperson" }, []Effect{Resift}},
		{"all classes", []Action{ClassesSet{false}, ClassesSet{true}}, func(s State) bool { return s.Settings.Hidden == "" }, []Effect{Resift}},
		{"max too small", []Action{MaxSet{0}}, func(s State) bool { return s.Settings.Max == 1 }, []Effect{Resift}},
		{"confidence", []Action{ConfSet{0.4}}, func(s State) bool { return s.Settings.Conf == 0.4 }, []Effect{Resift}},
		{"confidence under the floor", []Action{ConfSet{0.02}}, func(s State) bool { return s.Thresholds().Conf == 0.02 }, []Effect{Reanalyse, Resift}},
		{"overlap", []Action{IoUSet{0.4}}, func(s State) bool { return s.Settings.IoU == 0.4 }, []Effect{Reanalyse}},
		{"a link", []Action{SettingsRestored{DefaultSettings()}}, func(s State) bool { return s.Settings == DefaultSettings() }, []Effect{Reanalyse, Resift}},
		{"theme", []Action{ThemeSet{"dark"}}, func(s State) bool { return s.Settings.Theme == "dark" }, nil},
		{"language", []Action{LangSet{"zh"}}, func(s State) bool { return s.Status() != New().Status() && s.Settings.Lang == "zh" }, nil},
		{"unknown language", []Action{LangSet{"xx"}}, func(s State) bool { return s.Settings.Lang == "en" }, nil},
	} {
		s := New()
		var effects []Effect
		for _, a := range with(live, c.do...) {
			s, effects = Reduce(s, a)
		}
		effects = core(effects)
		if !c.check(s) || !slices.Equal(effects, c.want) {
			t.Errorf("%s: %+v, effects %v", c.name, s.Settings, effects)
		}
	}
}

// Films, strips and cameras move as asked, and only where they can.
func TestFilm(t *testing.T) {
	video := with(ready, Picked{Name: "a.mp4"}, SourceLive{1, "", 9, 9}, FilmMeasured{1, 4})
	strip := with(ready, PicturesPicked{&Strip{Names: []string{"a", "b", "c"}}}, SourceLive{1, "", 9, 9})
	camera := with(ready, CameraWanted{}, SourceLive{1, "", 9, 9})
	type list = []Effect
	reopen := list{CloseSource, ClearBoxes, OpenCamera}
	for _, c := range []struct {
		name  string
		do    []Action
		want  list
		check func(State) bool
	}{
		{"pause", with(video, FilmToggled{}), list{PlayFilm}, func(s State) bool { return s.Source.Paused && s.Source.Still() }},
		{"play", with(video, FilmToggled{}, FilmToggled{}), list{PlayFilm}, func(s State) bool { return !s.Source.Paused && s.Source.Moving() }},
		{"step", with(video, FilmStepped{1}), list{StepFilm}, func(s State) bool { return s.Source.Paused }},
		{"step back", with(video, FilmStepped{-1}), list{StepFilmBack}, func(s State) bool { return s.Source.Paused }},
		{"slider on a paused film", with(video, FilmToggled{}, ConfSet{0.5}), list{Resift}, func(s State) bool { return true }},
		{"overlap on a paused film", with(video, FilmToggled{}, IoUSet{0.5}), list{Reanalyse}, func(s State) bool { return true }},
		{"overlap on a paused demo", with(ready, DemoWanted{}, SourceLive{1, "", 9, 9}, FilmToggled{}, IoUSet{0.5}), list{Reanalyse}, func(s State) bool { return true }},
		{"analysis", with(video, AnalysisWanted{2}), list{ClearBoxes, StartAnalysis}, func(s State) bool { return s.Source.Analysing && s.Source.PerSecond == 2 && !s.Source.Still() }},
		{"no pause in an analysis", with(video, AnalysisWanted{}, FilmToggled{}), nil, func(s State) bool { return s.Source.Analysing }},
		{"analysis ended", with(video, AnalysisWanted{}, AnalysisEnded{}), list{StopAnalysis}, func(s State) bool { return !s.Source.Analysing }},
		{"no analysis of a camera", with(camera, AnalysisWanted{}), nil, func(s State) bool { return !s.Source.Analysing }},
		{"no analysis without a length", with(ready, Picked{Name: "a.mp4"}, SourceLive{1, "", 9, 9}, AnalysisWanted{}), nil, func(s State) bool { return !s.Source.Analysing }},
		{"late length", with(video, Stopped{}, FilmMeasured{1, 9}), nil, func(s State) bool { return s.Source.Duration == 0 }},
		{"next picture", with(strip, Turned{1}), list{CloseSource, ClearBoxes, OpenPicture}, func(s State) bool { return s.Source.Name == "b" && s.Source.Index == 1 && s.Source.Strip != nil }},
		{"before the first", with(strip, Turned{-1}), list{CloseSource, ClearBoxes, OpenPicture}, func(s State) bool { return s.Source.Name == "c" }},
		{"no strip", with(ready, image, Turned{1}), nil, func(s State) bool { return s.Source.Name == "a.png" }},
		{"empty strip", with(ready, PicturesPicked{&Strip{}}), nil, func(s State) bool { return s.Source.Kind == SourceNone }},
		{"flip", with(camera, CameraFlipped{}), reopen, func(s State) bool { return s.Settings.Facing == FacingUser && s.Settings.Mirror }},
		{"flip twice", with(camera, CameraFlipped{}, CameraFlipped{}), reopen, func(s State) bool { return s.Settings.Facing == FacingRoom && !s.Settings.Mirror }},
		{"device", with(camera, CameraChosen{"x"}), reopen, func(s State) bool { return s.Settings.Device == "x" }},
		{"same device", with(camera, CameraChosen{""}), nil, func(s State) bool { return true }},
		{"resolution", with(camera, ResSet{"720"}), reopen, func(s State) bool { return s.Settings.Res == "720" }},
		{"no such resolution", with(camera, ResSet{"9"}), nil, func(s State) bool { return s.Settings.Res == "480" }},
		{"mirror", with(camera, MirrorSet{true}), nil, func(s State) bool { return s.Mirrored() }},
		{"mirror of a picture", with(ready, image, MirrorSet{true}), nil, func(s State) bool { return !s.Mirrored() }},
		{"screen", with(ready, ScreenWanted{}), list{CloseSource, ClearBoxes, OpenScreen}, func(s State) bool { return s.Source.Kind == SourceScreen && s.Busy() }},
		{"screen refused", with(ready, ScreenWanted{}, SourceFailed{1, "NotAllowedError", ""}), list{CloseSource, ClearBoxes}, func(s State) bool { return s.Problem.Code == "screen-refused" }},
		{"screen ended", with(ready, ScreenWanted{}, SourceLive{1, "", 9, 9}, SourceEnded{1}), list{CloseSource, ClearBoxes}, func(s State) bool { return s.Problem == nil }},
		{"benchmark", with(ready, BenchWanted{}), list{CloseSource, ClearBoxes, OpenBench}, func(s State) bool { return s.Source.Kind == SourceBench }},
		{"benchmark begins", with(ready, BenchWanted{}, SourceLive{1, "", 9, 9}), list{Analyse}, func(s State) bool { return s.Source.Live }},
		{"benchmark without a model", []Action{Opened{}, BenchWanted{}}, nil, func(s State) bool { return s.Source.Kind == SourceNone }},
		{"measured", with(ready, BenchWanted{}, BenchDone{&Report{}}), list{CloseSource, ClearBoxes}, func(s State) bool { return s.Report != nil && s.Source.Kind == SourceNone }},
		{"help", with(ready, HelpSet{true}), list{ShowHelp}, func(s State) bool { return s.Help }},
	} {
		s := New()
		var effects []Effect
		for _, a := range c.do {
			s, effects = Reduce(s, a)
		}
		if effects = core(effects); !c.check(s) || len(effects) != len(c.want) {
			t.Errorf("%s: source %+v, effects %v, want %v", c.name, s.Source, effects, c.want)
			continue
		}
		for i, e := range effects {
			if e != c.want[i] {
				t.Errorf("%s: effects %v, want %v", c.name, effects, c.want)
			}
		}
	}
}

// What went wrong is said in the language that the page turns to.
func TestRetold(t *testing.T) {
	for _, c := range []struct {
		name string
		do   []Action
	}{
		{"camera", with(ready, CameraWanted{}, SourceFailed{1, "NotAllowedError", ""})},
		{"file", with(ready, Picked{Name: "a.txt"})},
		{"a failure that lasts", with(ready, EngineLost{Text: "boom"}, EngineLost{Text: "boom"})},
		{"a model", with(ready, Picked{Name: "b.onnx"}, ModelArrived{"b.onnx"}, EngineRefused{message.ReasonShape, "x"})},
	} {
		s := New()
		for _, a := range c.do {
			s, _ = Reduce(s, a)
		}
		english := *s.Problem
		s, _ = Reduce(s, LangSet{"zh"})
		if s.Problem == nil || s.Problem.Code != english.Code || s.Problem.Title == english.Title || s.Problem.Remedy == english.Remedy {
			t.Errorf("%s: in Chinese %+v", c.name, s.Problem)
			continue
		}
		if failed := s.Engine.Phase == EngineFailed; failed != (s.Engine.Fault == s.Problem) {
			t.Errorf("%s: the failure is told apart from what is on show", c.name)
		}
		if s, _ = Reduce(s, LangSet{"en"}); s.Problem.Title != english.Title || s.Problem.Text != english.Text {
			t.Errorf("%s: back in English %+v", c.name, s.Problem)
		}
	}
}

// Every key that is listed does something where it can, or belongs to the page.
func TestKeys(t *testing.T) {
	s := New()
	for _, a := range with(ready, PicturesPicked{&Strip{Names: []string{"a", "b"}}}) {
		s, _ = Reduce(s, a)
	}
	s.Demo, s.Devices = s.Engine.Model.Name, &Devices{Screen: true}
	for _, key := range []string{"c", "C", "s", "d", "x", " ", "ArrowLeft", "ArrowRight", ",", ".", "[", "]", "f", "m", "b", "l", "?"} {
		if Keyed(s, key) == nil {
			t.Errorf("%q does nothing", key)
		}
	}
	if a := Keyed(New(), "q"); a != nil {
		t.Errorf("q does %T", a)
	}
	if a := Keyed(New(), "s"); a != nil {
		t.Errorf("without a screen to share s does %T", a)
	}
}
