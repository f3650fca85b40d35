package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"

	"eagleeye/web/state"
)

// Performance shows how fast the page is.
type Performance struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Performance) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// Render implements vecty.Component.
func (c *Performance) Render() vecty.ComponentOrHTML {
	return elem.Div(vecty.Markup(vecty.Property("hidden", true)))
}
