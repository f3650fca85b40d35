package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/prop"
)

// panel is a section of the dock that opens and closes by itself: what it shows
// first is decided by open, then by the person.
func panel(id, title string, open bool, content ...vecty.MarkupOrChild) vecty.ComponentOrHTML {
	return elem.Details(append([]vecty.MarkupOrChild{
		vecty.Markup(prop.ID(id), vecty.Class("panel"), vecty.MarkupIf(open, vecty.Attribute("open", ""))),
		elem.Summary(elem.Heading2(vecty.Text(title))),
	}, content...)...)
}
