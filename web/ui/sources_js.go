package ui

import (
	"strconv"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Sources starts and stops the sources, and opens files.
type Sources struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Sources) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (s *Sources) Render() vecty.ComponentOrHTML {
	st := s.State
	src := st.Source
	stop, full := st.Say("Close"), ""
	switch src.Kind {
	case state.SourceCamera:
		stop = st.Say("Stop camera")
	case state.SourceScreen:
		stop = st.Say("Stop sharing")
	case state.SourceDemo:
		stop = st.Say("Stop")
		full = st.Say("Stop demo")
	case state.SourceImage, state.SourceVideo:
		full = st.Say("Close {name}", "name", src.Name)
	}
	if full == "" {
		full = stop
	}
	failed := st.Engine.Phase == state.EngineFailed
	return elem.Section(
		vecty.Markup(vecty.Class("sources"), vecty.Attribute("aria-label", st.Say("Source"))),
		elem.Button(
			vecty.Markup(vecty.Class("primary"), prop.Type(prop.TypeButton), prop.ID("start"),
				vecty.Property("hidden", src.Kind == state.SourceCamera), vecty.Property("disabled", failed),
				event.Click(func(*vecty.Event) { s.Do(state.CameraWanted{}) })),
			icon("camera"), elem.Span(vecty.Text(st.Say("Start camera"))),
		),
		elem.Button(
			vecty.Markup(prop.Type(prop.TypeButton), prop.ID("stop"), vecty.Class("stop"), vecty.Attribute("aria-label", full), vecty.Property("hidden", src.Kind == state.SourceNone),
				event.Click(func(*vecty.Event) { s.Do(state.Stopped{}) })),
			icon("close"), elem.Span(vecty.Markup(vecty.Class("ellipsis")), vecty.Text(stop)),
		),
		s.others(failed),
		s.camera(),
		s.whole(),
	)
}

// others are the sources but the camera.
func (s *Sources) others(failed bool) vecty.ComponentOrHTML {
	st := s.State
	src := st.Source
	return elem.Div(
		vecty.Markup(vecty.Class("tiles")),
		elem.Button(
			vecty.Markup(prop.Type(prop.TypeButton), prop.ID("screen"),
				vecty.Property("hidden", src.Kind == state.SourceScreen || st.Devices == nil || !st.Devices.Screen), vecty.Property("disabled", failed),
				event.Click(func(*vecty.Event) { s.Do(state.ScreenWanted{}) })),
			icon("screen"), elem.Span(vecty.Text(st.Say("Share screen"))),
		),
		elem.Input(vecty.Markup(prop.ID(IDFile), prop.Type(prop.TypeFile), vecty.Class("file"), vecty.Property("multiple", true),
			vecty.Attribute("accept", "image/*,video/*,.onnx,.pt"), vecty.Attribute("aria-label", st.Say("Open pictures, a video or a model")),
			event.Change(func(e *vecty.Event) {
				if files := e.Target.Get("files"); files.Length() > 0 {
					s.Hand.Pick(files)
				}
				e.Target.Set("value", "") // the same file can be chosen again
			}))),
		elem.Label(vecty.Markup(vecty.Class("button"), prop.For(IDFile)), icon("files"), elem.Span(vecty.Text(st.Say("Open files")))),
		demoButton("demo", st, s.Do),
	)
}

// camera chooses among cameras and what they give.
func (s *Sources) camera() vecty.ComponentOrHTML {
	st := s.State
	pairs := []string{"", st.Say("The browser's choice")}
	if st.Devices != nil {
		for i, c := range st.Devices.Cameras {
			label := c.Label
			if label == "" {
				label = st.Say("Camera {n}", "n", strconv.Itoa(i+1))
			}
			pairs = append(pairs, c.ID, label)
		}
	}
	resolutions := make([]string, 0, 2*len(state.Resolutions))
	for _, name := range state.Resolutions {
		w, h, _ := state.Resolution(name)
		resolutions = append(resolutions, name, strconv.Itoa(w)+" × "+strconv.Itoa(h))
	}
	return elem.Div(
		vecty.Markup(vecty.Class("rows"), vecty.Property("hidden", st.Source.Kind != state.SourceCamera)),
		choices("device", st.Say("Camera"), st.Settings.Device, false, func(v string) { s.Do(state.CameraChosen{Device: v}) }, pairs...),
		choices("resolution", st.Say("Resolution"), st.Settings.Res, false, func(v string) { s.Do(state.ResSet{Value: v}) }, resolutions...),
	)
}

// whole goes through a film from end to end.
func (s *Sources) whole() vecty.ComponentOrHTML {
	st := s.State
	src := st.Source
	all := "0"
	if src.PerSecond > 0 {
		all = strconv.Itoa(src.PerSecond)
	}
	return elem.Div(
		vecty.Markup(vecty.Class("rows"), vecty.Property("hidden", src.Kind != state.SourceVideo || src.Duration <= 0)),
		choices("per-second", st.Say("Pictures a second"), all, src.Analysing, func(string) {},
			"0", st.Say("every one"), "10", "10", "5", "5", "2", "2", "1", "1"),
		elem.Button(vecty.Markup(prop.ID("analyse"), prop.Type(prop.TypeButton), vecty.Property("hidden", src.Analysing),
			vecty.Property("disabled", st.Engine.Phase != state.EngineReady),
			event.Click(func(*vecty.Event) {
				n, _ := strconv.Atoi(chosen("per-second"))
				s.Do(state.AnalysisWanted{PerSecond: n})
			})), elem.Span(vecty.Text(st.Say("Go through the whole video")))),
		elem.Progress(vecty.Markup(prop.ID(IDAnalysed), vecty.Attribute("max", "1"), vecty.Attribute("value", "0"), vecty.Attribute("aria-label", st.Say("Gone through")),
			vecty.Property("hidden", !src.Analysing))),
		elem.Button(vecty.Markup(prop.ID("analyse-stop"), prop.Type(prop.TypeButton), vecty.Property("hidden", !src.Analysing),
			event.Click(func(*vecty.Event) { s.Do(state.AnalysisEnded{}) })), elem.Span(vecty.Text(st.Say("Stop here")))),
	)
}

// demoButton plays the site's film.
func demoButton(id string, s state.State, do func(state.Action)) vecty.ComponentOrHTML {
	return elem.Button(
		vecty.Markup(prop.Type(prop.TypeButton), prop.ID(id),
			vecty.Property("hidden", !s.ShowsDemo() || s.Source.Kind == state.SourceDemo),
			vecty.Property("disabled", s.Engine.Phase == state.EngineFailed),
			event.Click(func(*vecty.Event) { do(state.DemoWanted{}) })),
		icon("demo"), elem.Span(vecty.Text(s.Say("Play demo"))),
	)
}
