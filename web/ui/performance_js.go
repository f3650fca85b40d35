package ui

import (
	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/state"
)

// Performance shows how fast the page is. Its figures and its chart are written
// beside Vecty while the panel is open.
type Performance struct {
	vecty.Core
	State state.State        `vecty:"prop"`
	Do    func(state.Action) `vecty:"prop"`
	Hand  *Hand              `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (p *Performance) Copy() vecty.Component {
	c := *p
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (p *Performance) Render() vecty.ComponentOrHTML {
	s := p.State
	report := s.Report.Text(s.Say)
	return panel("performance", s.Say("Performance"), false,
		elem.Canvas(vecty.Markup(prop.ID(IDChart), vecty.Class("chart"), vecty.Attribute("role", "img"), vecty.Attribute("aria-label", s.Say("Latency of the last frames")))),
		elem.DescriptionList(vecty.Markup(vecty.Class("figures")),
			figure("p50", s.Say("Median")), figure("p90", "90 %"), figure("p99", "99 %"),
			figure(IDPrepare, s.Say("Prepare")), figure(IDInfer, s.Say("Infer")), figure(IDDecode, s.Say("Decode")),
			figure("threads-used", s.Say("Threads")), figure("variant", s.Say("Kernels")), figure(IDMemory, s.Say("Memory")),
			figure("rate-full", s.Say("Frames a second")), figure("dropped", s.Say("Skipped")), figure("downloaded", s.Say("Page and engine")),
		),
		elem.Button(vecty.Markup(prop.ID("bench"), prop.Type(prop.TypeButton), vecty.Property("disabled", s.Engine.Phase != state.EngineReady || s.Source.Kind == state.SourceBench),
			event.Click(func(*vecty.Event) { p.Do(state.BenchWanted{}) })), vecty.Text(s.Say("Benchmark this device"))),
		elem.Div(vecty.Markup(vecty.Class("report"), vecty.Property("hidden", s.Report == nil)),
			elem.Preformatted(vecty.Markup(prop.ID("report"), vecty.Attribute("tabindex", "0"), vecty.Attribute("role", "region"), vecty.Attribute("aria-label", s.Say("Report"))), vecty.Text(report)),
			elem.Div(vecty.Markup(vecty.Class("pair")),
				elem.Button(vecty.Markup(prop.ID("report-copy"), prop.Type(prop.TypeButton), event.Click(func(*vecty.Event) { p.Hand.Copy(p.State.Report.Text(p.State.Say)) })), vecty.Text(s.Say("Copy"))),
				elem.Button(vecty.Markup(prop.ID("report-save"), prop.Type(prop.TypeButton), event.Click(func(*vecty.Event) { p.Hand.Save(p.State.Report) })), vecty.Text(s.Say("Save as JSON"))),
			)),
	)
}

func figure(id, name string) vecty.ComponentOrHTML {
	return elem.Div(elem.DefinitionTerm(vecty.Text(name)), elem.Description(vecty.Markup(prop.ID(id)), vecty.Text("")))
}

// Found says what is on the picture: the same words twice, as often as the boxes
// move for the eye, seldom for the ear.
type Found struct {
	vecty.Core
	State state.State `vecty:"prop"`
}

// Copy implements vecty.Copier.
func (f *Found) Copy() vecty.Component {
	c := *f
	c.Core = vecty.Core{}
	return &c
}

// Render implements vecty.Component.
func (f *Found) Render() vecty.ComponentOrHTML {
	s := f.State
	return elem.Section(
		vecty.Markup(vecty.Class("found"), vecty.Property("hidden", !s.Source.Live || s.Engine.Model == nil), vecty.Attribute("aria-label", s.Say("Found"))),
		elem.Paragraph(vecty.Markup(prop.ID(IDFound), vecty.Attribute("aria-hidden", "true"))),
		elem.Paragraph(vecty.Markup(vecty.Class("heard"), vecty.Attribute("aria-live", "polite")), vecty.Text(s.Summary)),
	)
}
