package ui

import (
	"strconv"
	"syscall/js"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Ids of the canvases that show a comparison.
const (
	IDCompareFloat = "compare-float"
	IDCompareInt8  = "compare-int8"
)

// Models is the picker of models, and what can be made of the one in use.
type Models struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (c *Models) Copy() vecty.Component {
	d := *c
	d.Core = vecty.Core{}
	return &d
}

// SkipRender implements vecty.RenderSkipper.
func (c *Models) SkipRender(prev vecty.Component) bool {
	p, ok := prev.(*Models)
	return ok && p.State.Models == c.State.Models && p.State.Engine.Model == c.State.Engine.Model && p.State.Engine.Phase == c.State.Engine.Phase &&
		p.State.Source.Live == c.State.Source.Live && p.State.Source.Kind == c.State.Source.Kind && p.State.Settings.Lang == c.State.Settings.Lang
}

// Render implements vecty.Component.
func (c *Models) Render() vecty.ComponentOrHTML {
	s := c.State
	return panel("models", s.Say("Models"), false,
		c.list(), c.ask(), c.fetch(), c.stored(), c.quantize(), c.work(), c.made(), c.study())
}

// press is a button of the panel.
func (c *Models) press(id, text string, hidden, off bool, a state.Action) vecty.ComponentOrHTML {
	return elem.Button(vecty.Markup(prop.ID(id), prop.Type(prop.TypeButton), vecty.Class("small"), vecty.Property("hidden", hidden), vecty.Property("disabled", off),
		event.Click(func(*vecty.Event) { c.Do(a) })), vecty.Text(text))
}

// list shows the catalogue; one listener serves all of it.
func (c *Models) list() vecty.ComponentOrHTML {
	s := c.State
	data := func(e *vecty.Event, name string) string {
		if v := e.Target.Get("dataset").Get(name); v.Type() == js.TypeString {
			return v.String()
		}
		return ""
	}
	rows := []vecty.MarkupOrChild{vecty.Markup(prop.ID("model-list"), vecty.Class("models"),
		event.Change(func(e *vecty.Event) {
			if id := data(e, "model"); id != "" {
				c.Do(state.ModelWanted{ID: id})
			}
		}),
		event.Click(func(e *vecty.Event) {
			if id := data(e, "delete"); id != "" {
				c.Do(state.ModelDeleted{ID: id})
			}
		}))}
	if s.Models.Catalog != nil {
		for i := range s.Models.Catalog.Entries {
			e := &s.Models.Catalog.Entries[i]
			rows = append(rows, elem.ListItem(
				elem.Label(
					elem.Input(vecty.Markup(prop.Type(prop.TypeRadio), prop.Name("model"), vecty.Data("model", e.ID), vecty.Property("checked", e.ID == s.Models.Wanted()))),
					elem.Span(vecty.Markup(vecty.Class("ellipsis")), vecty.Text(e.Name)),
					elem.Span(vecty.Markup(vecty.Class("quiet")), vecty.Text(s.DescribeEntry(e))),
				),
				elem.Button(vecty.Markup(prop.Type(prop.TypeButton), vecty.Class("small"), vecty.Data("delete", e.ID), vecty.Property("hidden", !e.Stored),
					vecty.Attribute("aria-label", s.Say("Delete {name} from this device", "name", e.Name))), vecty.Text(s.Say("Delete"))),
			))
		}
	}
	return elem.UnorderedList(rows...)
}

// ask is the question before a large download.
func (c *Models) ask() vecty.ComponentOrHTML {
	s := c.State
	text := ""
	if e := s.Models.Catalog.Entry(s.Models.Ask); e != nil {
		text = s.Say("“{name}” has {size}. Download it?", "name", e.Name, "size", state.Megabytes(e.Bytes))
	}
	return elem.Div(vecty.Markup(prop.ID("model-ask"), vecty.Class("ask"), vecty.Attribute("role", "alert"), vecty.Property("hidden", text == "")),
		elem.Paragraph(vecty.Text(text)),
		elem.Div(vecty.Markup(vecty.Class("pair")),
			c.press("model-yes", s.Say("Download"), false, false, state.DownloadAgreed{}),
			c.press("model-no", s.Say("Not now"), false, false, state.DownloadDeclined{})))
}

// fetch is the download under way.
func (c *Models) fetch() vecty.ComponentOrHTML {
	s := c.State
	f := s.Models.Fetch
	return elem.Div(vecty.Markup(vecty.Class("ask"), vecty.Property("hidden", f.ID == "")),
		elem.Paragraph(vecty.Text(s.Say("{done} of {all}", "done", state.Megabytes(f.Done), "all", state.Megabytes(f.Total)))),
		bar(s.Say("Download"), f.Done, f.Total),
		c.press("model-stop", s.Say("Stop"), false, false, state.FetchStopped{}))
}

func bar(label string, done, total float64) vecty.ComponentOrHTML {
	v := 0.0
	if total > 0 {
		v = done / total
	}
	return elem.Progress(vecty.Markup(vecty.Attribute("aria-label", label), vecty.Attribute("max", "1"), vecty.Attribute("value", v)))
}

// stored tells how much lies on the device.
func (c *Models) stored() vecty.ComponentOrHTML {
	s := c.State
	text := s.Say("No model is kept on this device.")
	if cat := s.Models.Catalog; cat != nil && cat.Stored > 0 {
		text = s.Say("Models on this device: {size}", "size", state.Megabytes(cat.Stored))
	}
	own := s.Engine.Model != nil && s.Models.InUse == ""
	return elem.Div(vecty.Markup(vecty.Class("row")),
		elem.Paragraph(vecty.Markup(prop.ID("model-stored"), vecty.Class("quiet")), vecty.Text(text)),
		c.press("model-keep", s.Say("Keep the model in use"), !own, false, state.ModelKept{}))
}

// quantize makes the int8 form of a float model.
func (c *Models) quantize() vecty.ComponentOrHTML {
	s := c.State
	can := s.CanQuantize()
	return elem.Section(vecty.Markup(vecty.Class("ask"), vecty.Property("hidden", !can), vecty.Attribute("aria-label", s.Say("Quantize"))),
		elem.Paragraph(vecty.Text(s.Say("This model computes in float. Its int8 form is smaller and faster; it is made here, from pictures like those that the model will see."))),
		elem.Label(elem.Input(vecty.Markup(prop.ID("quantize-careful"), prop.Type(prop.TypeCheckbox), vecty.Property("checked", s.Models.Careful),
			event.Change(func(e *vecty.Event) { c.Do(state.CarefulSet{On: e.Target.Get("checked").Bool()}) }))),
			vecty.Text(s.Say("Round the weights carefully: more accurate, takes minutes"))),
		elem.Div(vecty.Markup(vecty.Class("pair")),
			elem.Button(vecty.Markup(prop.ID("quantize"), prop.Type(prop.TypeButton), vecty.Class("small"), vecty.Property("disabled", !s.CanGather()),
				event.Click(func(*vecty.Event) { c.Do(state.QuantizeWanted{Careful: c.State.Models.Careful}) })), vecty.Text(s.Say("From the live picture"))),
			elem.Label(vecty.Markup(vecty.Class("button"), vecty.Class("small")), vecty.Text(s.Say("From pictures")),
				elem.Input(vecty.Markup(prop.ID("quantize-files"), vecty.Class("file"), prop.Type(prop.TypeFile), vecty.Property("multiple", true), vecty.Attribute("accept", "image/*"),
					event.Change(func(e *vecty.Event) {
						c.Hand.Calibrate(e.Target.Get("files"), c.State.Models.Careful)
						e.Target.Set("value", "")
					}))))))
}

// work tells what is being made.
func (c *Models) work() vecty.ComponentOrHTML {
	s := c.State
	w := s.Models.Work
	return elem.Div(vecty.Markup(prop.ID("model-work"), vecty.Class("ask"), vecty.Property("hidden", w.Kind == state.WorkNone)),
		elem.Paragraph(vecty.Text(s.WorkText())),
		bar(s.Say("Progress"), float64(w.Done), float64(w.Total)),
		c.press("work-stop", s.Say("Cancel"), false, false, state.WorkStopped{}))
}

// made is the int8 model.
func (c *Models) made() vecty.ComponentOrHTML {
	s := c.State
	m := s.Models.Made
	if m == nil {
		m = &state.Made{}
	}
	return elem.Section(vecty.Markup(prop.ID("made"), vecty.Class("ask"), vecty.Property("hidden", s.Models.Made == nil), vecty.Attribute("aria-label", s.Say("The int8 model"))),
		elem.Paragraph(vecty.Markup(vecty.Class("ellipsis")), vecty.Text(m.Name)),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text(s.MadeText(m))),
		elem.Div(vecty.Markup(vecty.Class("pair")),
			c.press("made-open", s.Say("Use it"), false, false, state.MadeOpened{}),
			c.press("made-save", s.Say("Save"), false, false, state.MadeSaved{}),
			c.press("made-keep", s.Say("Keep"), false, false, state.MadeKept{}),
			c.press("made-compare", s.Say("Compare"), false, s.Models.Work.Kind != state.WorkNone, state.CompareWanted{}),
			c.press("made-drop", s.Say("Forget it"), false, false, state.MadeDropped{})))
}

// study shows both models' boxes on a picture.
func (c *Models) study() vecty.ComponentOrHTML {
	s := c.State
	v, at := s.Models.Study, s.Models.Shown
	lines := []vecty.MarkupOrChild{vecty.Markup(prop.ID("compare-text"), vecty.Class("quiet"))}
	n := 0
	if v != nil {
		n = len(v.Pictures)
		for _, t := range s.StudyText(v) {
			lines = append(lines, elem.Paragraph(vecty.Text(t)))
		}
	}
	canvas := func(id, label string) vecty.ComponentOrHTML {
		return elem.Figure(elem.Canvas(vecty.Markup(prop.ID(id), vecty.Attribute("role", "img"), vecty.Attribute("aria-label", label))), elem.FigureCaption(vecty.Text(label)))
	}
	return elem.Section(vecty.Markup(prop.ID("compare"), vecty.Class("compare"), vecty.Property("hidden", v == nil), vecty.Attribute("aria-label", s.Say("Comparison"))),
		elem.Div(vecty.Markup(vecty.Class("sides")), canvas(IDCompareFloat, s.Say("Float")), canvas(IDCompareInt8, s.Say("int8"))),
		elem.Div(vecty.Markup(vecty.Class("row")),
			c.press("compare-prev", s.Say("Previous"), false, at <= 0, state.CompareShown{Index: at - 1}),
			elem.Span(vecty.Markup(vecty.Class("quiet")), vecty.Text(strconv.Itoa(min(at+1, n))+" / "+strconv.Itoa(n))),
			c.press("compare-next", s.Say("Next"), false, at+1 >= n, state.CompareShown{Index: at + 1})),
		elem.Div(lines...))
}
