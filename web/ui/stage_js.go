package ui

import (
	"strconv"
	"strings"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Stage is the picture with the boxes on it, or the invitation to choose one.
type Stage struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Stage) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// invitation is what the stage says while it shows no picture.
func invitation(s state.State) (title, text string) {
	src, phase := s.Source, s.Engine.Phase
	switch {
	case src.Kind == state.SourceCamera:
		return s.Say("Waiting for the camera"), s.Say("Allow this page to use it in the question that the browser shows.")
	case src.Kind == state.SourceScreen:
		return s.Say("Waiting for the screen"), s.Say("Choose a tab, a window or the screen in the browser's question.")
	case src.Kind != state.SourceNone:
		return s.Say("Opening"), src.Name
	case phase == state.EngineNoModel:
		return s.Say("A model is needed"), s.Say(state.HowToGetModel)
	case phase == state.EngineFailed:
		if why := s.Engine.Fault; why != nil {
			text = why.Remedy
		}
		return s.Say("The detector is not running"), text
	}
	title, text = s.Say("Point a camera at the room"), s.Say("Or drop pictures, a video or an .onnx model anywhere, or paste a picture.")
	if s.ShowsDemo() {
		title = s.Say("Hold a drawing up to the camera")
		if s.Engine.Model != nil {
			text = s.Say("Drawn or printed: {names}.", "names", strings.Join(s.ShownNames(), s.Say(", "))) + " " + text
		}
	}
	return title, text
}

// Render implements vecty.Component.
func (s *Stage) Render() vecty.ComponentOrHTML {
	st := s.State
	src, phase := st.Source, st.Engine.Phase
	title, text := invitation(st)
	film := src.Live && (src.Kind == state.SourceCamera || src.Kind == state.SourceVideo || src.Kind == state.SourceScreen)
	still := src.Live && !film && src.Kind != state.SourceNone
	return elem.Main(
		vecty.Markup(prop.ID(IDStage), vecty.Class("stage"), vecty.Attribute("aria-label", st.Say("Picture"))),
		elem.Video(vecty.Markup(prop.ID(IDVideo), vecty.ClassMap{"away": !film},
			vecty.Attribute("playsinline", ""), vecty.Property("muted", true), vecty.Attribute("aria-label", st.Say("Live picture")))),
		elem.Canvas(vecty.Markup(prop.ID(IDPicture), vecty.ClassMap{"away": !still},
			vecty.Attribute("role", "img"), vecty.Attribute("aria-label", pictureName(st)))),
		elem.Canvas(vecty.Markup(prop.ID(IDOverlay), vecty.Attribute("aria-hidden", "true"))),
		elem.Div(
			vecty.Markup(vecty.Class("invite"), vecty.Property("hidden", src.Live)),
			elem.Heading2(vecty.Text(title)),
			elem.Paragraph(vecty.Text(text)),
			elem.Div(
				vecty.Markup(vecty.Class("actions"), vecty.Property("hidden", src.Kind != state.SourceNone)),
				elem.Button(
					vecty.Markup(vecty.Class("primary"), prop.Type(prop.TypeButton),
						vecty.Property("hidden", phase == state.EngineNoModel || phase == state.EngineFailed),
						event.Click(func(*vecty.Event) { s.Do(state.CameraWanted{}) })),
					vecty.Text(st.Say("Start camera")),
				),
				demoButton("invite-demo", st, s.Do),
				elem.Label(vecty.Markup(vecty.Class("button"), prop.For(IDFile)), vecty.Text(st.Say("Open files"))),
			),
		),
		s.rate(),
		s.transport(),
		elem.Div(vecty.Markup(vecty.Class("drop"), vecty.Attribute("aria-hidden", "true")),
			elem.Paragraph(vecty.Text(st.Say("Drop pictures, a video or a model")))),
	)
}

func pictureName(s state.State) string {
	if s.Source.Name == "" {
		return s.Say("Picture")
	}
	return s.Source.Name
}

// rate is the two figures that people look for, in a corner of the picture.
func (s *Stage) rate() vecty.ComponentOrHTML {
	st := s.State
	return elem.Div(
		vecty.Markup(vecty.Class("rate"), vecty.Property("hidden", !st.Source.Live || st.Engine.Model == nil)),
		elem.Span(vecty.Markup(prop.ID(IDFPS), vecty.Attribute("title", st.Say("Frames a second")))),
		elem.Span(vecty.Markup(vecty.Attribute("aria-hidden", "true"), vecty.Property("hidden", !st.Source.Moving() && st.Source.Kind != state.SourceBench)), vecty.Text(st.Say("fps"))),
		elem.Span(vecty.Markup(prop.ID(IDLatency), vecty.Attribute("title", st.Say("Latency")))),
	)
}

// transport moves within the source on show.
func (s *Stage) transport() vecty.ComponentOrHTML {
	st := s.State
	src := st.Source
	video, strip := src.Kind == state.SourceVideo, src.Strip != nil
	demo, camera := src.Kind == state.SourceDemo, src.Kind == state.SourceCamera
	seekable := video && src.Duration > 0
	count := ""
	if strip {
		count = strconv.Itoa(src.Index+1) + " / " + strconv.Itoa(len(src.Strip.Names))
	}
	picture, name := "pause", st.Say("Pause")
	if src.Paused {
		picture, name = "play", st.Say("Play")
	}
	turn := func(by int) func() { return func() { s.Do(state.Turned{By: by}) } }
	step := func(by int) func() { return func() { s.Do(state.FilmStepped{By: by}) } }
	pressed := "false"
	if st.Settings.Mirror {
		pressed = "true"
	}
	return elem.Div(
		vecty.Markup(vecty.Class("transport"), vecty.ClassMap{"film": seekable}, vecty.Attribute("role", "group"), vecty.Attribute("aria-label", st.Say("Playback")),
			vecty.Property("hidden", !src.Live || src.Kind == state.SourceBench)),
		tool("previous", "left", st.Say("Previous picture"), !strip, turn(-1)),
		elem.Span(vecty.Markup(vecty.Class("count"), prop.ID("count"), vecty.Property("hidden", !strip)), vecty.Text(count)),
		tool("next", "right", st.Say("Next picture"), !strip, turn(1)),
		tool("step-back", "back", st.Say("One frame back"), !seekable || src.Analysing, step(-1)),
		tool("play", picture, name, !(video || demo) || src.Analysing, func() { s.Do(state.FilmToggled{}) }),
		tool("step", "on", st.Say("One frame on"), !seekable || src.Analysing, step(1)),
		elem.Input(vecty.Markup(prop.ID(IDSeek), prop.Type(prop.TypeRange), vecty.Attribute("min", "0"), vecty.Attribute("max", "1000"), vecty.Attribute("step", "1"),
			vecty.Attribute("aria-label", st.Say("Position")), vecty.Property("hidden", !seekable), vecty.Property("disabled", src.Analysing),
			event.Input(func(e *vecty.Event) {
				if v, err := strconv.Atoi(e.Target.Get("value").String()); err == nil {
					s.Hand.Seek(float64(v) / 1000)
				}
			}))),
		elem.Span(vecty.Markup(prop.ID(IDTime), vecty.Class("count"), vecty.Property("hidden", !seekable))),
		tool("flip", "flip", st.Say("Front or back camera"), !camera, func() { s.Do(state.CameraFlipped{}) }),
		tool("mirror", "mirror", st.Say("Mirror the picture"), !camera, func() { s.Do(state.MirrorSet{On: !s.State.Settings.Mirror}) }, vecty.Attribute("aria-pressed", pressed)),
		tool("leave", "close", st.Say("Close"), false, func() { s.Do(state.Stopped{}) }),
	)
}
