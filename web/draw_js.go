package main

import (
	"math"
	"syscall/js"

	"eagleeye/web/count"
	"eagleeye/web/dom"
	"eagleeye/web/state"
	"eagleeye/web/ui"
)

// near is how many CSS pixels from a corner a press still means it.
const near = 16

// listenForDrawing lets a person draw lines and zones on the picture.
func (p *page) listenForDrawing() {
	canvas := dom.ByID(ui.IDOverlay)
	dom.Listen(canvas, "pointerdown", func(e js.Value) {
		e.Call("preventDefault")
		canvas.Call("focus", dom.Object("preventScroll", true))
		p.press(canvas, e)
	})
	dom.Listen(canvas, "pointermove", p.aim)
	release := func(js.Value) { p.results.drag = -1 }
	dom.Listen(canvas, "pointerup", release)
	dom.Listen(canvas, "pointercancel", release)
	dom.Listen(canvas, "pointerleave", func(js.Value) {
		if p.overlay.Scene.Aiming && !p.overlay.Scene.Cross {
			p.overlay.Scene.Aiming = false
			p.overlay.Redraw()
		}
	})
	dom.Listen(canvas, "dblclick", func(js.Value) { p.store.Dispatch(state.DrawDone{}) })
	dom.Listen(canvas, "keydown", p.drawKey)
	for key, a := range map[string]state.Action{
		"p": state.SnapshotWanted{},
		"r": state.RecordToggled{},
		"n": state.DrawWanted{},
		"z": state.DrawWanted{Zone: true},
	} {
		p.keys[key] = func() { p.store.Dispatch(a) }
	}
}

// place is the place in the picture under a pointer, and its distance to others
// in CSS pixels.
func (p *page) place(e js.Value) (at count.Point, apart func(count.Point) float64, ok bool) {
	at, pixel, ok := p.overlay.Place(e.Get("clientX").Float(), e.Get("clientY").Float())
	return at, func(o count.Point) float64 { return math.Hypot((o.X-at.X)/pixel.X, (o.Y-at.Y)/pixel.Y) }, ok
}

// press puts a point, closes a zone on its first corner, or takes hold of a
// corner.
func (p *page) press(canvas, e js.Value) {
	s := p.store.State()
	d := s.Results.Draw
	at, apart, ok := p.place(e)
	switch {
	case !ok:
	case d.Mode == state.DrawMove:
		sh := s.Results.Shape(d.Shape)
		if sh == nil {
			return
		}
		best := near + 1.0
		for i, c := range sh.Points {
			if a := apart(c); a < best {
				best, p.results.drag = a, i
			}
		}
		if p.results.drag < 0 {
			p.store.Dispatch(state.DrawDone{})
			return
		}
		dom.Try(func() { canvas.Call("setPointerCapture", e.Get("pointerId")) })
		p.store.Dispatch(state.CornerMoved{Corner: p.results.drag, To: sh.Points[p.results.drag]})
	case d.Mode == state.DrawZone && d.Points.Len() >= 3 && apart(d.Points.List[0]) <= near:
		p.store.Dispatch(state.DrawDone{})
	default:
		p.store.Dispatch(state.PointPut{At: at})
	}
}

// aim follows the pointer.
func (p *page) aim(e js.Value) {
	s := p.store.State()
	at, _, ok := p.place(e)
	switch {
	case !ok:
	case p.results.drag >= 0:
		p.store.Dispatch(state.CornerMoved{Corner: p.results.drag, To: at})
	case s.Results.Draw.Mode == state.DrawLine || s.Results.Draw.Mode == state.DrawZone:
		scene := &p.overlay.Scene
		scene.Next, scene.Aiming, scene.Cross = at, true, false
		p.overlay.Redraw()
	}
}

// drawKey draws by keyboard: the arrows move a cross or a corner, Enter puts a
// point or goes on to the next corner; twice on one spot, it closes a zone.
func (p *page) drawKey(e js.Value) {
	s := p.store.State()
	d := s.Results.Draw
	if d.Mode == state.DrawNone {
		return
	}
	step := 0.01
	if e.Get("shiftKey").Bool() {
		step = 0.05
	}
	side := 1.0
	if s.Mirrored() {
		side = -1
	}
	var a state.Action
	switch e.Get("key").String() {
	case "ArrowLeft":
		a = state.CursorMoved{X: -step * side}
	case "ArrowRight":
		a = state.CursorMoved{X: step * side}
	case "ArrowUp":
		a = state.CursorMoved{Y: -step}
	case "ArrowDown":
		a = state.CursorMoved{Y: step}
	case "Enter", " ":
		n := d.Points.Len()
		switch {
		case d.Mode == state.DrawMove && e.Get("shiftKey").Bool():
			a = state.CornerTurned{By: -1}
		case d.Mode == state.DrawMove:
			a = state.CornerTurned{By: 1}
		case d.Mode == state.DrawZone && n >= 3 && d.Points.List[n-1] == d.Cursor:
			a = state.DrawDone{}
		default:
			a = state.CursorPut{}
		}
	case "Backspace":
		a = state.PointBack{}
	case "Delete":
		if d.Mode != state.DrawMove {
			return
		}
		a = state.ShapeRemoved{ID: d.Shape}
	case "Escape":
		a = state.DrawDropped{}
	default:
		return
	}
	e.Call("preventDefault")
	p.store.Dispatch(a)
}

// showDrawing brings the drawing of the store onto the picture; while there is
// one, the picture takes the pointer and the keys.
func (p *page) showDrawing() {
	s := p.store.State()
	d := s.Results.Draw
	scene := &p.overlay.Scene
	scene.Draft = nil
	if d.Points != nil {
		scene.Draft = d.Points.List
	}
	scene.Chosen, scene.Corner = d.Shape, d.Corner
	if scene.Cross = d.Keyed && (d.Mode == state.DrawLine || d.Mode == state.DrawZone); scene.Cross {
		scene.Next, scene.Aiming = d.Cursor, true
	}
	if d.Mode == state.DrawNone {
		scene.Aiming = false
	}
	canvas := dom.ByID(ui.IDOverlay)
	on, was := d.Mode != state.DrawNone, canvas.Get("classList").Call("contains", "drawing").Bool()
	p.overlay.SetSize(s.Source.Width, s.Source.Height)
	p.overlay.Redraw()
	if on == was {
		return
	}
	canvas.Get("classList").Call("toggle", "drawing", on)
	if on {
		canvas.Call("setAttribute", "aria-hidden", "false")
		canvas.Call("setAttribute", "role", "application")
		canvas.Call("setAttribute", "aria-label", s.Say("Picture to draw on: the arrow keys move the cross, Enter puts a point, Escape ends"))
		canvas.Call("setAttribute", "tabindex", "0")
		canvas.Call("focus", dom.Object("preventScroll", true))
		return
	}
	p.results.drag = -1
	had := dom.Document.Get("activeElement").Equal(canvas)
	canvas.Call("setAttribute", "aria-hidden", "true")
	for _, name := range [...]string{"role", "aria-label", "tabindex"} {
		canvas.Call("removeAttribute", name)
	}
	if had {
		dom.ByID("draw-line").Call("focus", dom.Object("preventScroll", true))
	}
}
