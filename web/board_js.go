package main

import (
	"strconv"
	"syscall/js"

	"eagleeye/web/count"
	"eagleeye/web/dom"
	"eagleeye/web/geometry"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// board writes the table of what is on the picture, the counts and the chart
// into the panel of results, four times a second and beside Vecty.
type board struct {
	panel js.Value
	rows  [ui.ResultRows]boardRow
	more  field
	empty js.Value
	total field
	span  field
	chart js.Value
	ctx   js.Value
	tally [state.MaxShapes]field
	style string // of the chart's ink and accent, read when the theme changes
	ink   string
	light string
}

type boardRow struct {
	row    js.Value
	swatch js.Value
	fill   string
	hidden bool
	cells  [3]field // object, number, score
}

// start makes the table's rows, which are then filled and hidden, not removed.
func (b *board) start() {
	b.panel = dom.ByID("results")
	body := dom.ByID(ui.IDTable)
	for i := range b.rows {
		row := dom.Document.Call("createElement", "tr")
		for k := range b.rows[i].cells {
			cell := dom.Document.Call("createElement", "td")
			text := cell
			if k == 0 {
				swatch := dom.Document.Call("createElement", "span")
				swatch.Set("className", "swatch")
				text = dom.Document.Call("createElement", "span")
				cell.Call("append", swatch, text)
				b.rows[i].swatch = swatch
			}
			row.Call("append", cell)
			b.rows[i].cells[k] = field{node: text}
		}
		row.Set("hidden", true)
		b.rows[i].row, b.rows[i].hidden = row, true
		body.Call("append", row)
	}
	at := func(id string) field { return field{node: dom.ByID(id)} }
	b.more, b.total, b.span, b.empty = at(ui.IDMore), at(ui.IDTotal), at(ui.IDSpan), dom.ByID(ui.IDEmpty)
	b.chart = dom.ByID(ui.IDTimeline)
	b.ctx = b.chart.Call("getContext", "2d")
	for i := range b.tally {
		b.tally[i] = at(ui.IDTally + strconv.Itoa(i))
	}
}

// showResults brings the panel up to date while it is open.
func (p *page) showResults() {
	b, s := &p.results.board, p.store.State()
	if !b.panel.Get("open").Bool() {
		return
	}
	p.showTable(s)
	p.showCounts(s)
	p.showTimeline(s)
}

func (p *page) showTable(s state.State) {
	r, b := &p.results, &p.results.board
	found := p.last.Detections
	b.empty.Set("hidden", len(found) > 0)
	for i := range b.rows {
		row := &b.rows[i]
		if hidden := i >= len(found); hidden != row.hidden {
			row.hidden = hidden
			row.row.Set("hidden", hidden)
		}
		if row.hidden {
			continue
		}
		d := &found[i]
		if fill := geometry.StyleOf(d.Class).Fill; fill != row.fill {
			row.fill = fill
			row.swatch.Get("style").Set("background", fill)
		}
		row.cells[0].set(state.ClassName(d.Class, p.names))
		number := "–"
		if i < len(r.ids) && r.ids[i] > 0 {
			number = strconv.Itoa(r.ids[i])
		}
		row.cells[1].set(number)
		row.cells[2].set(strconv.Itoa(int(d.Score*100+0.5)) + " %")
	}
	more := ""
	if n := len(found) - len(b.rows); n > 0 {
		more = s.Say("and {n} more", "n", strconv.Itoa(n))
	}
	b.more.set(more)
}

// showCounts writes what the lines and zones counted, and how many objects there
// were in all.
func (p *page) showCounts(s state.State) {
	r, b := &p.results, &p.results.board
	for i, sh := range s.Results.List() {
		if i >= r.counter.Len() || i >= len(b.tally) {
			break
		}
		if sh.IsLine() {
			l := r.counter.Line(i)
			b.tally[i].set(s.Say("{a} one way, {b} the other", "a", strconv.Itoa(l.ToRight), "b", strconv.Itoa(l.ToLeft)))
			continue
		}
		z := r.counter.Zone(i)
		text := s.Say("{n} inside, {m} so far", "n", strconv.Itoa(z.Inside), "m", strconv.Itoa(z.Entries))
		if z.Left > 0 {
			text += s.Say(", {t} s each", "t", state.Decimal(z.MeanDwell()))
		}
		b.tally[i].set(text)
	}
	text := ""
	for i, c := range r.seen.Classes {
		if i == 8 {
			text += " …"
			break
		}
		if i > 0 {
			text += ", "
		}
		text += state.ClassName(c.Class, p.names) + " " + strconv.Itoa(c.N)
	}
	if text != "" {
		text = s.Say("Objects so far: {list}", "list", text)
	}
	b.total.set(text)
}

// showTimeline draws how many boxes there were over time.
func (p *page) showTimeline(s state.State) {
	b, line := &p.results.board, p.results.timeline
	w, h := b.chart.Get("clientWidth").Float(), b.chart.Get("clientHeight").Float()
	ratio := js.Global().Get("devicePixelRatio").Float()
	bw, bh := geometry.Backing(w, h, ratio)
	if b.chart.Get("width").Int() != bw || b.chart.Get("height").Int() != bh {
		b.chart.Set("width", bw)
		b.chart.Set("height", bh)
	}
	c := b.ctx
	c.Call("setTransform", ratio, 0, 0, ratio, 0, 0)
	c.Call("clearRect", 0, 0, w, h)
	if line.Len() == 0 {
		b.span.set("")
		return
	}
	p.readStyle(s)
	most, sum, n := 0, 0.0, 0
	for i := range line.Len() {
		if mean, high, seen := line.At(i); seen {
			most, sum, n = max(most, high), sum+mean, n+1
		}
	}
	const pad = 8
	top := max(most, 1)
	bar := (w - 2*pad) / timelineBuckets
	y := func(v float64) float64 { return h - pad - v/float64(top)*(h-3*pad) }
	from := w - pad - bar*float64(line.Len())
	c.Set("fillStyle", b.light)
	for i := range line.Len() {
		if mean, _, seen := line.At(i); seen && mean > 0 {
			c.Call("fillRect", from+bar*float64(i), y(mean), max(bar-0.5, 0.5), h-pad-y(mean))
		}
	}
	c.Set("fillStyle", b.ink)
	c.Set("font", "12px system-ui, sans-serif")
	c.Set("textBaseline", "top")
	c.Call("fillText", strconv.Itoa(top), pad, pad/2)
	c.Call("fillRect", pad, h-pad, w-2*pad, 1)
	b.span.set(s.Say("{n} boxes a picture on average, {m} at most, over {t}", "n", state.Decimal(sum/float64(max(n, 1))), "m", strconv.Itoa(most), "t", span(line)))
}

// span writes how long a timeline is.
func span(line *count.Timeline) string {
	s := int(float64(line.Len()) * line.Step())
	if s < 120 {
		return strconv.Itoa(s) + " s"
	}
	return strconv.Itoa(s/60) + " min"
}

// readStyle reads the chart's colours from the page when its theme may have
// changed.
func (p *page) readStyle(s state.State) {
	b := &p.results.board
	dark := "light"
	if js.Global().Call("matchMedia", "(prefers-color-scheme: dark)").Get("matches").Bool() {
		dark = "dark"
	}
	if now := s.Settings.Theme + " " + dark; now != b.style {
		b.style = now
		style := js.Global().Call("getComputedStyle", b.chart)
		b.ink, b.light = style.Call("getPropertyValue", "--quiet").String(), style.Call("getPropertyValue", "--accent").String()
	}
}
