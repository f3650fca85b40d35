package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"
)

// icons are strokes in a square of 24, drawn for this page.
var icons = map[string]string{
	"camera": "M3 8h4l2-3h6l2 3h4v11H3zM12 10a3.5 3.5 0 1 0 .01 0",
	"screen": "M3 5h18v11H3zM8 20h8M12 16v4",
	"files":  "M4 6h6l2 2h8v11H4zM4 11h16",
	"demo":   "M4 5h16v14H4zM10 9l5 3-5 3z",
	"close":  "M6 6l12 12M18 6L6 18",
	"play":   "M8 5l11 7-11 7z",
	"pause":  "M8 5v14M16 5v14",
	"back":   "M17 5l-8 7 8 7zM6 5v14",
	"on":     "M7 5l8 7-8 7zM18 5v14",
	"left":   "M15 5l-7 7 7 7",
	"right":  "M9 5l7 7-7 7",
	"flip":   "M4 9a8 8 0 0 1 14-3l2 2M20 3v5h-5M20 15a8 8 0 0 1-14 3l-2-2M4 21v-5h5",
	"mirror": "M12 3v18M9 7L3 17h6zM15 7l6 10h-6z",
	"theme":  "M12 4a8 8 0 1 0 .01 0M12 4v16a8 8 0 0 0 0-16",
	"help":   "M9 9a3 3 0 1 1 4 2.8c-.7.4-1 .9-1 2.2M12 17.5v.5",
	"link":   "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
}

const svgNamespace = "http://www.w3.org/2000/svg"

func icon(name string) vecty.ComponentOrHTML {
	return vecty.Tag("svg",
		vecty.Markup(vecty.Namespace(svgNamespace), vecty.Class("icon"), vecty.Attribute("viewBox", "0 0 24 24"), vecty.Attribute("aria-hidden", "true")),
		vecty.Tag("path", vecty.Markup(vecty.Namespace(svgNamespace), vecty.Attribute("d", icons[name]))))
}

// tool is a small square button with a picture; its name is heard, and shown
// under the pointer.
func tool(id, picture, name string, hidden bool, press func(), more ...vecty.Applyer) vecty.ComponentOrHTML {
	return elem.Button(
		vecty.Markup(append([]vecty.Applyer{prop.ID(id), prop.Type(prop.TypeButton), vecty.Class("tool"), vecty.Attribute("aria-label", name),
			vecty.Attribute("title", name), vecty.Property("hidden", hidden), event.Click(func(*vecty.Event) { press() })}, more...)...),
		icon(picture))
}

// choices is a labelled list of which one is chosen; values and names go in
// pairs.
func choices(id, label, value string, hidden bool, set func(string), pairs ...string) vecty.ComponentOrHTML {
	options := make([]vecty.MarkupOrChild, 0, len(pairs)/2+1)
	options = append(options, vecty.Markup(prop.ID(id), event.Change(func(e *vecty.Event) { set(e.Target.Get("value").String()) })))
	for i := 0; i+1 < len(pairs); i += 2 {
		options = append(options, elem.Option(
			vecty.Markup(vecty.Property("value", pairs[i]), vecty.Property("selected", pairs[i] == value)), vecty.Text(pairs[i+1])))
	}
	return elem.Div(vecty.Markup(vecty.Class("row"), vecty.Property("hidden", hidden)),
		elem.Label(vecty.Markup(prop.For(id)), vecty.Text(label)), elem.Select(options...))
}

// toggle is a labelled switch.
func toggle(id, label string, on, hidden bool, set func(bool)) vecty.ComponentOrHTML {
	return elem.Div(vecty.Markup(vecty.Class("row"), vecty.Property("hidden", hidden)),
		elem.Label(vecty.Markup(prop.For(id)), vecty.Text(label)),
		elem.Input(vecty.Markup(prop.ID(id), prop.Type(prop.TypeCheckbox), vecty.Class("switch"), vecty.Property("checked", on),
			event.Change(func(e *vecty.Event) { set(e.Target.Get("checked").Bool()) }))))
}
