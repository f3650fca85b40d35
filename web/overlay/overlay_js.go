// Package overlay draws boxes, the ways of objects, and lines and zones onto a
// canvas over the picture, outside Vecty; the same drawing goes into snapshots
// and recordings. It may import wasm/message, web/count, web/dom, web/geometry,
// web/state, web/track.
package overlay

import (
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/count"
	"eagleeye/web/dom"
	"eagleeye/web/geometry"
)

// Overlay draws its Scene again whenever its canvas changes size.
type Overlay struct {
	Scene  Scene
	canvas js.Value
	brush  brush
	w, h   float64 // CSS pixels
	ratio  float64
}

// New takes over a canvas that covers the stage.
func New(canvas js.Value) *Overlay {
	o := &Overlay{canvas: canvas, brush: brush{ctx: canvas.Call("getContext", "2d")}}
	observer := js.Global().Get("ResizeObserver").New(js.FuncOf(func(js.Value, []js.Value) any {
		o.resize()
		return nil
	}))
	observer.Call("observe", canvas)
	dom.Listen(js.Global(), "resize", func(js.Value) { o.resize() }) // also fires on zoom, which changes the ratio alone
	o.resize()
	return o
}

func (o *Overlay) resize() {
	box := o.canvas.Call("getBoundingClientRect")
	o.w, o.h = box.Get("width").Float(), box.Get("height").Float()
	o.ratio = js.Global().Get("devicePixelRatio").Float()
	w, h := geometry.Backing(o.w, o.h, o.ratio)
	if o.canvas.Get("width").Int() != w || o.canvas.Get("height").Int() != h {
		o.canvas.Set("width", w)
		o.canvas.Set("height", h)
	}
	o.Redraw()
}

// SetNames sets the class names.
func (o *Overlay) SetNames(names []string) { o.Scene.Names = names }

// SetMirror says that the picture is shown mirrored.
func (o *Overlay) SetMirror(on bool) {
	if o.Scene.Mirror != on {
		o.Scene.Mirror = on
		o.Redraw()
	}
}

// Show draws a result.
func (o *Overlay) Show(r message.Result) {
	o.Scene.Width, o.Scene.Height, o.Scene.Detections = float64(r.Width), float64(r.Height), r.Detections
	o.Redraw()
}

// Clear removes all boxes.
func (o *Overlay) Clear() {
	o.Scene.IDs, o.Scene.Tracks = nil, nil
	o.Show(message.Result{})
}

// SetSize tells the size of the picture where no result has told it yet.
func (o *Overlay) SetSize(w, h int) {
	if o.Scene.Width == 0 {
		o.Scene.Width, o.Scene.Height = float64(w), float64(h)
	}
}

// Redraw draws the scene again.
func (o *Overlay) Redraw() {
	o.brush.ctx.Call("setTransform", o.ratio, 0, 0, o.ratio, 0, 0)
	o.brush.ctx.Call("clearRect", 0, 0, o.w, o.h)
	o.brush.paint(&o.Scene, o.area(), 1)
}

// area is where the picture lies, in CSS pixels of the canvas.
func (o *Overlay) area() geometry.Rect {
	return geometry.Contain(o.w, o.h, o.Scene.Width, o.Scene.Height)
}

// Place returns the place in the picture, 0..1, under a point of the window, and
// how much of the picture one CSS pixel is; false without a picture.
func (o *Overlay) Place(clientX, clientY float64) (at count.Point, pixel count.Point, ok bool) {
	a := o.area()
	if a.W == 0 {
		return at, pixel, false
	}
	box := o.canvas.Call("getBoundingClientRect")
	at = count.Point{X: (clientX - box.Get("left").Float() - a.X) / a.W, Y: (clientY - box.Get("top").Float() - a.Y) / a.H}
	if o.Scene.Mirror {
		at.X = 1 - at.X
	}
	return at, count.Point{X: 1 / a.W, Y: 1 / a.H}, true
}

// Compose draws the scene onto another canvas of the picture's own size. unit is
// how many of its pixels are as one on the screen.
func (o *Overlay) Compose(ctx js.Value, w, h, unit float64) {
	b := brush{ctx: ctx}
	b.paint(&o.Scene, geometry.Rect{W: w, H: h}, unit)
}
