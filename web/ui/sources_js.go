package ui

import (
	"syscall/js"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Sources starts and stops the camera and opens files.
type Sources struct {
	vecty.Core
	State state.State         `vecty:"prop"`
	Do    func(state.Action)  `vecty:"prop"`
	Pick  func(file js.Value) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Sources) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (s *Sources) Render() vecty.ComponentOrHTML {
	none := s.State.Source.Kind == state.SourceNone
	stop := "Stop"
	switch s.State.Source.Kind {
	case state.SourceCamera:
		stop = "Stop camera"
	case state.SourceDemo:
		stop = "Stop demo"
	case state.SourceImage, state.SourceVideo:
		stop = "Close " + s.State.Source.Name
	}
	return elem.Section(
		vecty.Markup(vecty.Class("actions"), vecty.Attribute("aria-label", "Source")),
		elem.Button(
			vecty.Markup(vecty.Class("primary"), prop.Type(prop.TypeButton), prop.ID("start"),
				vecty.Property("hidden", s.State.Source.Kind == state.SourceCamera),
				vecty.Property("disabled", s.State.Engine.Phase == state.EngineFailed),
				event.Click(func(*vecty.Event) { s.Do(state.CameraWanted{}) })),
			vecty.Text("Start camera"),
		),
		demoButton("demo", s.State, s.Do),
		elem.Button(
			vecty.Markup(prop.Type(prop.TypeButton), prop.ID("stop"), vecty.Class("ellipsis"), vecty.Property("hidden", none),
				event.Click(func(*vecty.Event) { s.Do(state.Stopped{}) })),
			vecty.Text(stop),
		),
		elem.Input(vecty.Markup(prop.ID(IDFile), prop.Type(prop.TypeFile), vecty.Class("file"),
			vecty.Attribute("accept", "image/*,video/*,.onnx"),
			event.Change(func(e *vecty.Event) {
				if files := e.Target.Get("files"); files.Length() > 0 {
					s.Pick(files.Index(0))
				}
				e.Target.Set("value", "") // the same file can be chosen again
			}))),
		elem.Label(vecty.Markup(vecty.Class("button"), prop.For(IDFile)), vecty.Text("Open picture, video or model")),
	)
}

// demoButton plays the site's film.
func demoButton(id string, s state.State, do func(state.Action)) vecty.ComponentOrHTML {
	return elem.Button(
		vecty.Markup(prop.Type(prop.TypeButton), prop.ID(id),
			vecty.Property("hidden", !s.ShowsDemo() || s.Source.Kind == state.SourceDemo),
			vecty.Property("disabled", s.Engine.Phase == state.EngineFailed),
			event.Click(func(*vecty.Event) { do(state.DemoWanted{}) })),
		vecty.Text("Play demo"),
	)
}
