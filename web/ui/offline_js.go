package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"

	"eagleeye/web/state"
)

// Offline tells of updates, the connection and installing, in a line.
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
	return elem.Div(vecty.Markup(vecty.Property("hidden", true)))
}
