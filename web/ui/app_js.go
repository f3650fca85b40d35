// Package ui holds the page's Vecty components. Each draws itself from a
// state.State and answers with state.Actions; the moving pictures, the boxes
// and the figures that change several times a second are written beside Vecty
// into the elements with the ids below. Elements are hidden, not removed: Vecty
// keeps the listener of a removed one. It may import web/state.
package ui

import (
	"strings"
	"syscall/js"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Ids of the elements that other packages draw into.
const (
	IDApp     = "app"
	IDStage   = "stage"
	IDVideo   = "video"
	IDPicture = "picture"
	IDOverlay = "overlay"
	IDFPS     = "fps"
	IDLatency = "latency"
	IDPrepare = "prepare"
	IDInfer   = "infer"
	IDDecode  = "decode"
	IDFound   = "found"
	IDFile    = "file"
)

// App is the whole page.
type App struct {
	vecty.Core
	State state.State         `vecty:"prop"`
	Do    func(state.Action)  `vecty:"prop"`
	Pick  func(file js.Value) `vecty:"prop"` // a file of the chooser
}

// Copy implements vecty.Copier: without it every render chains the last tree.
func (a *App) Copy() vecty.Component {
	c := *a
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (a *App) Render() vecty.ComponentOrHTML {
	s := a.State
	return elem.Div(
		vecty.Markup(prop.ID(IDApp), vecty.Class("app"), vecty.ClassMap{"live": s.Source.Live}),
		&Stage{State: s, Do: a.Do},
		elem.Aside(
			vecty.Markup(vecty.Class("dock"), vecty.Attribute("aria-label", "Controls")),
			elem.Header(
				elem.Heading1(vecty.Text("Eagle Eye")),
				elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text("Computed in this tab. No picture leaves it.")),
			),
			&Status{State: s},
			&Offline{State: s, Do: a.Do},
			&Problem{Problem: s.Problem, Lasting: s.Problem == s.Engine.Fault, Do: a.Do},
			&Sources{State: s, Do: a.Do, Pick: a.Pick},
			&Thresholds{Conf: s.Settings.Conf, IoU: s.Settings.IoU, Do: a.Do},
			&Figures{Live: s.Source.Live && s.Engine.Model != nil, Summary: s.Summary},
			&Settings{State: s, Do: a.Do},
			&Results{State: s, Do: a.Do},
			&Models{State: s, Do: a.Do},
			&Model{Model: s.Engine.Model},
			&Performance{State: s, Do: a.Do},
		),
	)
}

// Stage is the picture with the boxes on it, or the invitation to choose one.
type Stage struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Stage) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (s *Stage) Render() vecty.ComponentOrHTML {
	src, phase := s.State.Source, s.State.Engine.Phase
	title, text := "Point a camera at the room", "Or drop a picture, a video or an .onnx model anywhere."
	if s.State.ShowsDemo() {
		title = "Hold a drawing up to the camera"
		if m := s.State.Engine.Model; m != nil {
			text = "Drawn or printed: " + strings.Join(m.Classes, ", ") + ". " + text
		}
	}
	switch {
	case src.Kind == state.SourceCamera:
		title, text = "Waiting for the camera", "Allow this page to use it in the question that the browser shows."
	case src.Kind != state.SourceNone:
		title, text = "Opening", src.Name
	case phase == state.EngineNoModel:
		title, text = "A model is needed", state.HowToGetModel
	case phase == state.EngineFailed:
		title, text = "The detector is not running", ""
		if why := s.State.Engine.Fault; why != nil {
			text = why.Remedy
		}
	}
	film := src.Live && (src.Kind == state.SourceCamera || src.Kind == state.SourceVideo)
	still := src.Live && (src.Kind == state.SourceImage || src.Kind == state.SourceDemo)
	return elem.Main(
		vecty.Markup(prop.ID(IDStage), vecty.Class("stage"), vecty.Attribute("aria-label", "Picture")),
		elem.Video(vecty.Markup(prop.ID(IDVideo), vecty.ClassMap{"away": !film},
			vecty.Attribute("playsinline", ""), vecty.Property("muted", true), vecty.Attribute("aria-label", "Live picture"))),
		elem.Canvas(vecty.Markup(prop.ID(IDPicture), vecty.ClassMap{"away": !still},
			vecty.Attribute("role", "img"), vecty.Attribute("aria-label", src.Name))),
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
					vecty.Text("Start camera"),
				),
				demoButton("invite-demo", s.State, s.Do),
				elem.Label(vecty.Markup(vecty.Class("button"), prop.For(IDFile)), vecty.Text("Open a file")),
			),
		),
		elem.Div(vecty.Markup(vecty.Class("drop")), elem.Paragraph(vecty.Text("Drop a picture, a video or a model"))),
	)
}
