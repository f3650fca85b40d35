// Package overlay draws the boxes onto a canvas over the picture, outside
// Vecty. It may import wasm/message, web/dom, web/geometry, web/state.
package overlay

import (
	"strconv"
	"syscall/js"

	"eagleeye/wasm/message"
	"eagleeye/web/dom"
	"eagleeye/web/geometry"
	"eagleeye/web/state"
)

// Overlay draws the last result again whenever its canvas changes size.
type Overlay struct {
	canvas, ctx js.Value
	w, h        float64 // CSS pixels
	ratio       float64
	names       []string
	mirror      bool // the picture below is shown mirrored
	shown       message.Result
	text        []byte
}

// New takes over a canvas that covers the stage.
func New(canvas js.Value) *Overlay {
	o := &Overlay{canvas: canvas, ctx: canvas.Call("getContext", "2d")}
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
	o.draw()
}

// SetNames sets the class names.
func (o *Overlay) SetNames(names []string) { o.names = names }

// SetMirror says that the picture below is shown mirrored.
func (o *Overlay) SetMirror(on bool) {
	if o.mirror != on {
		o.mirror = on
		o.draw()
	}
}

// Show draws a result.
func (o *Overlay) Show(r message.Result) {
	o.shown = r
	o.draw()
}

// Clear removes all boxes.
func (o *Overlay) Clear() { o.Show(message.Result{}) }

func (o *Overlay) draw() {
	c := o.ctx
	c.Call("setTransform", o.ratio, 0, 0, o.ratio, 0, 0)
	c.Call("clearRect", 0, 0, o.w, o.h)
	r := &o.shown
	w, h := float64(r.Width), float64(r.Height)
	area := geometry.Contain(o.w, o.h, w, h)
	if len(r.Detections) == 0 || area.W == 0 {
		return
	}
	c.Set("lineWidth", 2)
	c.Set("font", "600 13px system-ui, sans-serif")
	c.Set("textBaseline", "middle")
	// The strongest box comes last and so lies on top.
	for i := len(r.Detections) - 1; i >= 0; i-- {
		d := &r.Detections[i]
		box := area.Map(float64(d.X1), float64(d.Y1), float64(d.X2), float64(d.Y2), w, h)
		if o.mirror {
			box.X = 2*area.X + area.W - box.X - box.W
		}
		fill, ink := geometry.Colours(d.Class)
		c.Set("strokeStyle", fill)
		c.Call("strokeRect", box.X, box.Y, box.W, box.H)
		o.text = append(o.text[:0], state.ClassName(d.Class, o.names)...)
		o.text = append(o.text, ' ')
		o.text = strconv.AppendInt(o.text, int64(d.Score*100+0.5), 10)
		label := string(o.text)
		const height = 20
		width := c.Call("measureText", label).Get("width").Float() + 12
		x, y := geometry.Label(geometry.Rect{X: box.X - 1, Y: box.Y - 1, W: box.W + 2, H: box.H + 2}, area, width, height)
		c.Set("fillStyle", fill)
		c.Call("fillRect", x, y, width, height)
		c.Set("fillStyle", ink)
		c.Call("fillText", label, x+6, y+height/2+0.5)
	}
}
