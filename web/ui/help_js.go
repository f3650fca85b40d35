package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Help lists the keys in a dialog, which the browser side shows and hides.
type Help struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (h *Help) Copy() vecty.Component {
	c := *h
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (h *Help) Render() vecty.ComponentOrHTML {
	s := h.State
	list := []vecty.MarkupOrChild{vecty.Markup(vecty.Class("keys"))}
	for _, k := range state.Shortcuts {
		list = append(list, elem.Div(elem.DefinitionTerm(elem.KeyboardInput(vecty.Text(k.Keys))), elem.Description(vecty.Text(s.Say(k.Does)))))
	}
	return elem.Dialog(
		vecty.Markup(prop.ID(IDHelp), vecty.Class("help"), vecty.Attribute("aria-labelledby", "help-title")),
		elem.Div(vecty.Markup(vecty.Class("head")),
			elem.Heading2(vecty.Markup(prop.ID("help-title")), vecty.Text(s.Say("Keys"))),
			tool("help-close", "close", s.Say("Close"), false, func() { h.Do(state.HelpSet{}) })),
		elem.DescriptionList(list...),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text(s.Say("Everything is also in the controls: Tab goes through them. Pictures, videos and models can be dropped anywhere, pictures pasted."))),
		elem.Button(vecty.Markup(vecty.Class("primary"), prop.Type(prop.TypeButton), event.Click(func(*vecty.Event) { h.Do(state.HelpSet{}) })), vecty.Text(s.Say("Close"))),
	)
}
