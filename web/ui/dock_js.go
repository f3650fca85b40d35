package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Status is the line that says what is happening, with a bar while something
// loads.
type Status struct {
	vecty.Core
	State state.State `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (s *Status) Copy() vecty.Component {
	c := *s
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (s *Status) Render() vecty.ComponentOrHTML {
	e := s.State.Engine
	text := s.State.Status()
	loading := e.Phase == state.EngineLoading || e.Phase == state.EngineWarming
	bar := vecty.Markup(vecty.Attribute("aria-label", s.State.Say("Loading")), vecty.Attribute("max", "1"), vecty.Property("hidden", !loading))
	if e.Phase == state.EngineLoading && e.Total > 0 {
		bar = vecty.Markup(vecty.Attribute("aria-label", s.State.Say("Loading")), vecty.Attribute("max", "1"), vecty.Property("hidden", false),
			vecty.Attribute("value", e.Done/e.Total))
	}
	return elem.Div(
		vecty.Markup(vecty.Class("status"), vecty.ClassMap{
			"busy":   s.State.Busy(),
			"on":     e.Phase == state.EngineReady && s.State.Source.Live,
			"failed": e.Phase == state.EngineFailed,
		}),
		elem.Paragraph(vecty.Markup(vecty.Attribute("role", "status"), vecty.Attribute("aria-live", "polite"), prop.ID("status")), vecty.Text(text)),
		elem.Span(vecty.Markup(vecty.Class("quiet"), vecty.Attribute("aria-hidden", "true"), vecty.Property("hidden", e.Progress() == "")), vecty.Text(e.Progress())),
		elem.Progress(bar),
	)
}

// Problem shows what went wrong and what to do.
type Problem struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (p *Problem) Copy() vecty.Component {
	c := *p
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (p *Problem) Render() vecty.ComponentOrHTML {
	v := p.State.Problem
	lasting := v == p.State.Engine.Fault // it cannot be closed
	if v == nil {
		v = &state.Problem{}
	}
	return elem.Section(
		vecty.Markup(vecty.Class("problem"), vecty.ClassMap{"note": v.Note}, vecty.Property("hidden", p.State.Problem == nil), prop.ID("problem"),
			vecty.Attribute("role", "alert"), vecty.Data("code", v.Code)),
		elem.Heading2(vecty.Text(v.Title)),
		elem.Paragraph(vecty.Markup(vecty.Class("cause")), vecty.Text(v.Text)),
		elem.Paragraph(vecty.Markup(vecty.Class("remedy")), vecty.Text(v.Remedy)),
		elem.Button(
			vecty.Markup(vecty.Class("close"), prop.Type(prop.TypeButton), vecty.Attribute("aria-label", p.State.Say("Close this message")), vecty.Property("hidden", lasting),
				event.Click(func(*vecty.Event) { p.Do(state.Dismissed{}) })),
			vecty.Text("×"),
		),
	)
}

// Model describes the model in use.
type Model struct {
	vecty.Core
	State state.State `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (m *Model) Copy() vecty.Component {
	c := *m
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (m *Model) Render() vecty.ComponentOrHTML {
	v := m.State.Engine.Model
	if v == nil {
		v = &state.Model{}
	}
	return elem.Section(
		vecty.Markup(vecty.Class("model"), vecty.Property("hidden", m.State.Engine.Model == nil), vecty.Attribute("aria-label", m.State.Say("Model"))),
		elem.Heading2(vecty.Text(m.State.Say("Model"))),
		elem.Paragraph(vecty.Markup(vecty.Class("ellipsis")), vecty.Text(v.Name)),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text(m.State.Describe(v))),
	)
}
