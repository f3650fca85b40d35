package overlay

import (
	"strconv"

	"eagleeye/wasm/message"
	"eagleeye/web/count"
	"eagleeye/web/state"
	"eagleeye/web/track"
)

// Scene is what is drawn. Detections are in pixels of the picture, points in
// shares of it.
type Scene struct {
	Width, Height float64
	Names         []string
	Mirror        bool

	Detections []message.Detection
	IDs        []int         // of the tracks, by detection; nil for none
	Tracks     []track.Track // whose ways are drawn; nil for none

	Shapes  []*count.Shape
	Tallies []Tally // by shape

	Draft  []count.Point // of the drawing under way
	Next   count.Point   // where its next point would go
	Aiming bool          // Next is known
	Cross  bool          // show Next as a cross: it is the keyboard's
	Chosen int           // the shape whose corners can be moved, 0 for none
	Corner int           // the chosen one
}

// Tally is what is written at a shape: of a line, how many went to either side;
// of a zone, Left alone.
type Tally struct{ Left, Right string }

// How much a label says, the most first.
const (
	sayAll   = iota // the track's number, the class, the score in hundredths
	sayThing        // without the score
	sayName         // the class alone
)

// label appends what is written at a box.
func (s *Scene) label(b []byte, i, say int) []byte {
	d := &s.Detections[i]
	if say < sayName && i < len(s.IDs) && s.IDs[i] > 0 {
		b = append(b, '#')
		b = strconv.AppendInt(b, int64(s.IDs[i]), 10)
		b = append(b, ' ')
	}
	b = append(b, state.ClassName(d.Class, s.Names)...)
	if say == sayAll {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(d.Score*100+0.5), 10)
	}
	return b
}

// middle is the middle of a shape's corners.
func middle(s *count.Shape) (m count.Point) {
	for _, p := range s.Points {
		m.X += p.X / float64(len(s.Points))
		m.Y += p.Y / float64(len(s.Points))
	}
	return m
}
