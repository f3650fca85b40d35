package ui

import (
	"strconv"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Thresholds holds the two sliders.
type Thresholds struct {
	vecty.Core
	Conf float32            `vecty:"prop"`
	IoU  float32            `vecty:"prop"`
	Do   func(state.Action) `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (t *Thresholds) Copy() vecty.Component {
	c := *t
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (t *Thresholds) Render() vecty.ComponentOrHTML {
	return elem.Section(
		vecty.Markup(vecty.Class("sliders"), vecty.Attribute("aria-label", "Thresholds")),
		slider("conf", "Confidence", "Boxes below it are hidden", t.Conf, func(v float32) { t.Do(state.ConfSet{Value: v}) }),
		slider("iou", "Overlap (IoU)", "Of two boxes that overlap more, the stronger stays", t.IoU, func(v float32) { t.Do(state.IoUSet{Value: v}) }),
	)
}

func slider(id, name, help string, value float32, set func(float32)) vecty.ComponentOrHTML {
	percent := strconv.Itoa(int(value*100 + 0.5))
	return elem.Div(
		vecty.Markup(vecty.Class("slider")),
		elem.Label(vecty.Markup(prop.For(id)), vecty.Text(name)),
		elem.Output(vecty.Markup(prop.For(id)), vecty.Text(percent+" %")),
		elem.Input(vecty.Markup(prop.ID(id), prop.Type(prop.TypeRange),
			vecty.Attribute("min", "1"), vecty.Attribute("max", "99"), vecty.Attribute("step", "1"),
			vecty.Attribute("aria-describedby", id+"-help"), vecty.Attribute("aria-valuetext", percent+" percent"),
			vecty.Property("value", percent),
			event.Input(func(e *vecty.Event) {
				if v, err := strconv.Atoi(e.Target.Get("value").String()); err == nil {
					set(float32(v) / 100)
				}
			}))),
		elem.Paragraph(vecty.Markup(prop.ID(id+"-help"), vecty.Class("quiet")), vecty.Text(help)),
	)
}

// Figures shows the rate, the latency and what was found. The numbers are
// written by the main program, a few times a second, without rendering.
type Figures struct {
	vecty.Core
	Live    bool   `vecty:"prop"`
	Summary string `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (f *Figures) Copy() vecty.Component {
	c := *f
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (f *Figures) Render() vecty.ComponentOrHTML {
	return elem.Section(
		vecty.Markup(vecty.Class("figures"), vecty.Property("hidden", !f.Live), vecty.Attribute("aria-label", "Results")),
		elem.DescriptionList(
			figure(IDFPS, "Frames a second", "big"),
			figure(IDLatency, "Latency", "big"),
			figure(IDPrepare, "Prepare", ""),
			figure(IDInfer, "Infer", ""),
			figure(IDDecode, "Decode", ""),
		),
		// The same words twice: as often as the boxes move for the eye, seldom for
		// the ear.
		elem.Paragraph(vecty.Markup(prop.ID(IDFound), vecty.Attribute("aria-hidden", "true"))),
		elem.Paragraph(vecty.Markup(vecty.Class("heard"), vecty.Attribute("aria-live", "polite")), vecty.Text(f.Summary)),
	)
}

func figure(id, name, class string) vecty.ComponentOrHTML {
	return elem.Div(
		vecty.Markup(vecty.MarkupIf(class != "", vecty.Class(class))),
		elem.DefinitionTerm(vecty.Text(name)),
		elem.Description(vecty.Markup(prop.ID(id))),
	)
}
