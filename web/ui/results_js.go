package ui

import (
	"strconv"

	"github.com/hexops/vecty"
	"github.com/hexops/vecty/elem"
	"github.com/hexops/vecty/event"
	"github.com/hexops/vecty/prop"

	"eagleeye/web/count"
	"eagleeye/web/state"
)

// Elements of the results that are filled beside Vecty.
const (
	IDTable    = "found-rows" // the table's body
	IDMore     = "found-more"
	IDEmpty    = "found-none"
	IDTotal    = "found-total"
	IDTimeline = "timeline"
	IDSpan     = "timeline-text"
	IDTally    = "tally-" // + index of the shape

	ResultRows = 10 // of the table
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
	s := c.State
	r := s.Results
	return panel("results", s.Say("Results"), false,
		elem.Div(vecty.Markup(vecty.Class("saves")),
			c.button("snapshot", s.Say("Snapshot"), !s.Source.Live, func() { c.Do(state.SnapshotWanted{}) }),
			c.recordButton(),
		),
		toggle("track", s.Say("Follow objects"), !r.Untracked, false, func(on bool) { c.Do(state.TrackSet{On: on}) }),
		toggle("trails", s.Say("Draw their ways"), !r.Untrailed, r.Untracked, func(on bool) { c.Do(state.TrailsSet{On: on}) }),
		c.table(),
		elem.Paragraph(vecty.Markup(prop.ID(IDTotal), vecty.Class("quiet"))),
		elem.Heading3(vecty.Text(s.Say("Over time"))),
		elem.Canvas(vecty.Markup(prop.ID(IDTimeline), vecty.Class("chart"), vecty.Attribute("role", "img"), vecty.Attribute("aria-label", s.Say("Boxes a picture over time")))),
		elem.Paragraph(vecty.Markup(prop.ID(IDSpan), vecty.Class("quiet"))),
		elem.Heading3(vecty.Text(s.Say("Lines and zones"))),
		c.drawing(),
		c.shapes(),
		elem.Heading3(vecty.Text(s.Say("Save what was found"))),
		c.save(),
	)
}

func (c *Results) button(id, text string, disabled bool, press func(), more ...vecty.Applyer) vecty.ComponentOrHTML {
	return elem.Button(vecty.Markup(append([]vecty.Applyer{prop.ID(id), prop.Type(prop.TypeButton), vecty.Property("disabled", disabled),
		event.Click(func(*vecty.Event) { press() })}, more...)...), vecty.Text(text))
}

func (c *Results) recordButton() vecty.ComponentOrHTML {
	s := c.State
	text := s.Say("Record")
	if s.Results.Recording {
		text = s.Say("Stop and save")
	}
	film := s.Source.Live && (s.Source.Moving() || s.Source.Film())
	return c.button("record", text, !film, func() { c.Do(state.RecordToggled{}) }, vecty.ClassMap{"recording": s.Results.Recording})
}

// table lists what is on the picture now.
func (c *Results) table() vecty.ComponentOrHTML {
	s := c.State
	return elem.Div(vecty.Markup(vecty.Class("found-table")),
		elem.Table(
			elem.Caption(vecty.Markup(vecty.Class("heard")), vecty.Text(s.Say("On the picture now"))),
			elem.TableHead(elem.TableRow(
				elem.TableHeader(vecty.Markup(vecty.Attribute("scope", "col")), vecty.Text(s.Say("Object"))),
				elem.TableHeader(vecty.Markup(vecty.Attribute("scope", "col")), vecty.Text(s.Say("Number"))),
				elem.TableHeader(vecty.Markup(vecty.Attribute("scope", "col")), vecty.Text(s.Say("Score"))),
			)),
			elem.TableBody(vecty.Markup(prop.ID(IDTable))),
		),
		elem.Paragraph(vecty.Markup(prop.ID(IDEmpty), vecty.Class("quiet")), vecty.Text(s.Say("Nothing is on the picture."))),
		elem.Paragraph(vecty.Markup(prop.ID(IDMore), vecty.Class("quiet"))),
	)
}

// drawing begins and ends lines and zones, and says how.
func (c *Results) drawing() vecty.ComponentOrHTML {
	s := c.State
	d := s.Results.Draw
	full := len(s.Results.List()) >= state.MaxShapes
	idle := d.Mode == state.DrawNone
	help := s.Say("They count the middles of the objects that are followed.")
	switch d.Mode {
	case state.DrawLine:
		help = s.Say("Put two points on the picture; by keyboard: arrows, then Enter.")
	case state.DrawZone:
		help = s.Say("Put the corners ({n} so far), then the first one again or Enter twice.", "n", strconv.Itoa(d.Points.Len()))
	case state.DrawMove:
		help = s.Say("Drag a corner; by keyboard: Enter for the next one, arrows to move it.")
	}
	done := s.Say("Cancel")
	if d.Mode == state.DrawMove {
		done = s.Say("Done")
	}
	return elem.Div(
		elem.Div(vecty.Markup(vecty.Class("pair")),
			c.button("draw-line", s.Say("Draw a line"), !s.Source.Live || full, func() { c.Do(state.DrawWanted{}) }, vecty.Property("hidden", !idle)),
			c.button("draw-zone", s.Say("Draw a zone"), !s.Source.Live || full, func() { c.Do(state.DrawWanted{Zone: true}) }, vecty.Property("hidden", !idle)),
			c.button("draw-close", s.Say("Close the zone"), d.Points.Len() < 3, func() { c.Do(state.DrawDone{}) }, vecty.Property("hidden", d.Mode != state.DrawZone), vecty.Class("primary")),
			c.button("draw-back", s.Say("Last point back"), d.Points.Len() == 0, func() { c.Do(state.PointBack{}) }, vecty.Property("hidden", d.Mode != state.DrawZone)),
			c.button("draw-end", done, false, func() { c.Do(state.DrawDropped{}) }, vecty.Property("hidden", idle)),
		),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet"), vecty.Attribute("aria-live", "polite")), vecty.Text(help)),
	)
}

// shapes lists the lines and zones: rows that are hidden rather than removed.
func (c *Results) shapes() vecty.ComponentOrHTML {
	s := c.State
	list := s.Results.List()
	rows := []vecty.MarkupOrChild{vecty.Markup(vecty.Class("shapes"), vecty.Property("hidden", len(list) == 0))}
	for i := range state.MaxShapes {
		var sh *count.Shape
		name, id := "", 0
		if i < len(list) {
			sh = list[i]
			id = sh.ID
			name = s.Say("Zone {n}", "n", strconv.Itoa(id))
			if sh.IsLine() {
				name = s.Say("Line {n}", "n", strconv.Itoa(id))
			}
		}
		rows = append(rows, elem.ListItem(vecty.Markup(vecty.Property("hidden", sh == nil), vecty.ClassMap{"chosen": id != 0 && id == s.Results.Draw.Shape}),
			elem.Div(elem.Strong(vecty.Text(name)), elem.Span(vecty.Markup(prop.ID(IDTally+strconv.Itoa(i)), vecty.Class("quiet")))),
			c.button("move-"+strconv.Itoa(i), s.Say("Move"), !s.Source.Live, func() { c.choose(i) }, vecty.Class("small"), vecty.Attribute("aria-label", s.Say("Move {name}", "name", name))),
			c.button("remove-"+strconv.Itoa(i), s.Say("Delete"), false, func() { c.remove(i) }, vecty.Class("small"), vecty.Attribute("aria-label", s.Say("Delete {name}", "name", name))),
		))
	}
	return elem.UnorderedList(rows...)
}

// choose and remove act on the shape of a row.
func (c *Results) choose(i int) {
	if list := c.State.Results.List(); i < len(list) {
		c.Do(state.ShapeChosen{ID: list[i].ID})
	}
}

func (c *Results) remove(i int) {
	if list := c.State.Results.List(); i < len(list) {
		c.Do(state.ShapeRemoved{ID: list[i].ID})
	}
}

func (c *Results) save() vecty.ComponentOrHTML {
	s := c.State
	format := s.Results.Format
	if format == "" {
		format = "json"
	}
	return elem.Div(
		choices("format", s.Say("Format"), format, false, func(v string) { c.Do(state.FormatSet{ID: v}) },
			"json", "JSON", "csv", "CSV", "coco", s.Say("COCO data set"), "coco-results", s.Say("COCO results")),
		elem.Div(vecty.Markup(vecty.Class("pair")),
			c.button("download", s.Say("Download all"), false, func() { c.Do(state.DownloadWanted{}) }),
			c.button("copy", s.Say("Copy this picture's"), false, func() { c.Do(state.CopyWanted{}) }),
			c.button("forget", s.Say("Start anew"), false, func() { c.Do(state.ResultsCleared{}) }),
		),
		elem.Paragraph(vecty.Markup(vecty.Class("quiet")), vecty.Text(s.Say("All that was found since the source was opened, or by the analysis of a whole file."))),
	)
}
