package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Offline tells of newer versions, the connection and installing, in a line.
type Offline struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Offline) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// Render implements vecty.Component.
func (c *Offline) Render() vecty.ComponentOrHTML {
	s := c.State
	notice, choice := s.Offline.Notice(s.Say)
	kept := s.Offline.KeptText(s.Say)
	return elem.Section(
		vecty.Markup(prop.ID("offline"), vecty.Class("offline"), vecty.Attribute("aria-label", s.Say("This page on this device"))),
		elem.Div(
			vecty.Markup(vecty.Class("notice"), vecty.Attribute("role", "status"), vecty.Property("hidden", notice == "")),
			elem.Paragraph(vecty.Markup(prop.ID("offline-notice")), vecty.Text(notice)),
			elem.Div(
				vecty.Markup(vecty.Class("actions"), vecty.Property("hidden", !choice)),
				c.button("update", s.Say("Use it now"), true, state.UpdateWanted{}),
				c.button("update-later", s.Say("Later"), false, state.UpdatePutOff{}),
			),
		),
		elem.Div(
			vecty.Markup(vecty.Class("row"), vecty.Property("hidden", kept == "" && !s.Offline.Install)),
			elem.Span(vecty.Markup(prop.ID("kept"), vecty.Class("quiet")), vecty.Text(kept)),
			elem.Span(vecty.Markup(vecty.Property("hidden", !s.Offline.Install)), c.button("install", s.Say("Install"), false, state.InstallWanted{})),
		),
	)
}

func (c *Offline) button(id, text string, primary bool, a state.Action) vecty.ComponentOrHTML {
	return elem.Button(
		vecty.Markup(prop.ID(id), prop.Type(prop.TypeButton), vecty.ClassMap{"primary": primary}, event.Click(func(*vecty.Event) { c.Do(a) })),
		vecty.Text(text),
	)
}
