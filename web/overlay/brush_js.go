package overlay

import (
	"math"
	"slices"
	"strconv"
	"syscall/js"

	"eagleeye/web/count"
	"eagleeye/web/dom"
	"eagleeye/web/geometry"
	"eagleeye/web/track"
)

// brush draws scenes into a canvas.
type brush struct {
	ctx         js.Value
	solid, dash js.Value // patterns of lines; both and the font are for fontUnit
	font        string
	fontUnit    float64
	text        []byte
	taken       []geometry.Rect // by labels
	scene       *Scene
	area        geometry.Rect
	unit        float64
}

// Looks of lines and zones.
const (
	shapeFill   = "#ffb224"
	shapeInk    = "#000"
	shapeAround = "rgba(0,0,0,.75)"
	shapeInside = "rgba(255,178,36,.14)"
)

// paint draws a scene whose picture lies in area. unit is the width of a pixel
// on the screen.
func (b *brush) paint(s *Scene, area geometry.Rect, unit float64) {
	if area.W == 0 || s.Width == 0 {
		return
	}
	if b.fontUnit != unit {
		b.solid, b.dash, b.fontUnit = dom.Array(), dom.Array(8*unit, 5*unit), unit
		b.font = "600 " + strconv.FormatFloat(13*unit, 'f', 1, 64) + "px system-ui, sans-serif"
	}
	b.scene, b.area, b.unit = s, area, unit
	c := b.ctx
	c.Set("lineJoin", "round")
	b.trails()
	b.shapes()
	c.Set("lineWidth", 2*unit)
	c.Set("font", b.font)
	c.Set("textBaseline", "middle")
	c.Set("textAlign", "left")
	// The strongest box comes last and so lies on top; its label is placed first.
	for i := len(s.Detections) - 1; i >= 0; i-- {
		b.box(i)
	}
	c.Call("setLineDash", b.solid)
	b.labels()
	b.draft()
}

// at maps a place of the picture, 0..1.
func (b *brush) at(p count.Point) (x, y float64) {
	if b.scene.Mirror {
		p.X = 1 - p.X
	}
	return b.area.X + p.X*b.area.W, b.area.Y + p.Y*b.area.H
}

// frame is where a box lies on the canvas.
func (b *brush) frame(i int) geometry.Rect {
	s := b.scene
	d := &s.Detections[i]
	x1, x2 := float64(d.X1), float64(d.X2)
	if s.Mirror {
		x1, x2 = s.Width-x2, s.Width-x1
	}
	return b.area.Map(x1, float64(d.Y1), x2, float64(d.Y2), s.Width, s.Height)
}

func (b *brush) box(i int) {
	c, box := b.ctx, b.frame(i)
	style := geometry.StyleOf(b.scene.Detections[i].Class)
	c.Set("strokeStyle", style.Fill)
	if style.Dashed {
		c.Call("setLineDash", b.dash)
	} else {
		c.Call("setLineDash", b.solid)
	}
	c.Call("strokeRect", box.X, box.Y, box.W, box.H)
}

// labels writes what the boxes hold, the strongest first. A label that would be
// much wider than its box says less.
func (b *brush) labels() {
	c, s, u := b.ctx, b.scene, b.unit
	height, pad := 20*u, 6*u
	b.taken = b.taken[:0]
	for i := range s.Detections {
		box := b.frame(i)
		label, width := "", 0.0
		for say := sayAll; say <= sayName; say++ {
			b.text = s.label(b.text[:0], i, say)
			label = string(b.text)
			width = c.Call("measureText", label).Get("width").Float() + 2*pad
			if width <= max(1.25*box.W, 64*u) {
				break
			}
		}
		at := geometry.Place(geometry.Rect{X: box.X - u, Y: box.Y - u, W: box.W + 2*u, H: box.H + 2*u}, b.area, width, height, b.taken)
		b.taken = append(b.taken, at)
		style := geometry.StyleOf(s.Detections[i].Class)
		c.Set("fillStyle", style.Fill)
		c.Call("fillRect", at.X, at.Y, at.W, at.H)
		c.Set("fillStyle", style.Ink)
		c.Call("fillText", label, at.X+pad, at.Y+height/2+0.5*u)
	}
}

// trails draws where the tracked objects on show were of late.
func (b *brush) trails() {
	c, s := b.ctx, b.scene
	if len(s.Tracks) == 0 {
		return
	}
	c.Call("setLineDash", b.solid)
	c.Set("lineWidth", 3*b.unit)
	c.Set("globalAlpha", 0.7)
	for i := range s.Tracks {
		k := &s.Tracks[i]
		if k.Phase != track.Tracked || k.Trail.Len() < 2 || !slices.Contains(s.IDs, k.ID) {
			continue
		}
		c.Set("strokeStyle", geometry.StyleOf(k.Class).Fill)
		c.Call("beginPath")
		for p := range k.Trail.Len() {
			q := k.Trail.Point(p)
			x, y := b.at(count.Point{X: q.X / s.Width, Y: q.Y / s.Height})
			if p == 0 {
				c.Call("moveTo", x, y)
			} else {
				c.Call("lineTo", x, y)
			}
		}
		c.Call("stroke")
	}
	c.Set("globalAlpha", 1)
}

// shapes draws the lines and zones with their counts.
func (b *brush) shapes() {
	c, s := b.ctx, b.scene
	if len(s.Shapes) == 0 {
		return
	}
	c.Call("setLineDash", b.solid)
	for i, sh := range s.Shapes {
		b.path(sh.Points, !sh.IsLine())
		if !sh.IsLine() {
			c.Set("fillStyle", shapeInside)
			c.Call("fill")
		}
		b.stroke()
		if i < len(s.Tallies) {
			b.tally(sh, s.Tallies[i])
		}
		if sh.ID == s.Chosen {
			for k, p := range sh.Points {
				b.handle(p, k == s.Corner)
			}
		}
	}
}

func (b *brush) path(points []count.Point, closed bool) {
	b.ctx.Call("beginPath")
	for i, p := range points {
		x, y := b.at(p)
		if i == 0 {
			b.ctx.Call("moveTo", x, y)
		} else {
			b.ctx.Call("lineTo", x, y)
		}
	}
	if closed {
		b.ctx.Call("closePath")
	}
}

// stroke draws the path so that it can be seen on light and on dark.
func (b *brush) stroke() {
	b.ctx.Set("strokeStyle", shapeAround)
	b.ctx.Set("lineWidth", 5*b.unit)
	b.ctx.Call("stroke")
	b.ctx.Set("strokeStyle", shapeFill)
	b.ctx.Set("lineWidth", 2.5*b.unit)
	b.ctx.Call("stroke")
}

// tally writes a line's counts on the sides that they are of, a zone's into it.
func (b *brush) tally(sh *count.Shape, t Tally) {
	x, y := b.at(middle(sh))
	if !sh.IsLine() {
		b.plate(t.Left, x, y)
		return
	}
	x1, y1 := b.at(sh.Points[0])
	x2, y2 := b.at(sh.Points[1])
	dx, dy := x2-x1, y2-y1
	l := math.Hypot(dx, dy)
	if l == 0 {
		return
	}
	far := 22 * b.unit / l
	if b.scene.Mirror { // right is left in a mirror
		far = -far
	}
	b.plate(t.Right, x-dy*far, y+dx*far)
	b.plate(t.Left, x+dy*far, y-dx*far)
}

// plate writes a text around a point.
func (b *brush) plate(text string, x, y float64) {
	if text == "" {
		return
	}
	c, u := b.ctx, b.unit
	c.Set("font", b.font)
	c.Set("textAlign", "center")
	c.Set("textBaseline", "middle")
	w, h := c.Call("measureText", text).Get("width").Float()+12*u, 20*u
	x = max(b.area.X+w/2, min(x, b.area.X+b.area.W-w/2))
	y = max(b.area.Y+h/2, min(y, b.area.Y+b.area.H-h/2))
	c.Set("fillStyle", shapeFill)
	c.Call("fillRect", x-w/2, y-h/2, w, h)
	c.Set("fillStyle", shapeInk)
	c.Call("fillText", text, x, y+0.5*u)
}

func (b *brush) handle(p count.Point, chosen bool) {
	x, y := b.at(p)
	c := b.ctx
	c.Call("beginPath")
	c.Call("arc", x, y, 7*b.unit, 0, 2*math.Pi)
	c.Set("fillStyle", "#fff")
	if chosen {
		c.Set("fillStyle", shapeFill)
	}
	c.Call("fill")
	c.Set("strokeStyle", shapeInk)
	c.Set("lineWidth", 2*b.unit)
	c.Call("stroke")
}

// draft draws the drawing under way.
func (b *brush) draft() {
	c, s := b.ctx, b.scene
	if len(s.Draft) > 0 {
		b.path(s.Draft, false)
		if s.Aiming {
			x, y := b.at(s.Next)
			c.Call("lineTo", x, y)
		}
		b.stroke()
		for i, p := range s.Draft {
			b.handle(p, i == len(s.Draft)-1)
		}
	}
	if s.Cross {
		x, y := b.at(s.Next)
		c.Call("beginPath")
		c.Call("moveTo", x-14*b.unit, y)
		c.Call("lineTo", x+14*b.unit, y)
		c.Call("moveTo", x, y-14*b.unit)
		c.Call("lineTo", x, y+14*b.unit)
		b.stroke()
	}
}
