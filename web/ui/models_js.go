package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"

	"eagleeye/web/state"
)

// Models is the picker of models.
type Models struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Models) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// Render implements vecty.Component.
func (c *Models) Render() vecty.ComponentOrHTML {
	return elem.Div(vecty.Markup(vecty.Property("hidden", true)))
}
