package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"

	"eagleeye/web/state"
)

// Results shows tracks, counts, the timeline, and what can be saved.
type Results struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Results) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// Render implements vecty.Component.
func (c *Results) Render() vecty.ComponentOrHTML {
	return elem.Div(vecty.Markup(vecty.Property("hidden", true)))
}
