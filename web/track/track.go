// Package track follows objects through the frames of a film and gives each a
// number that stays: ByteTrack (Zhang et al., "ByteTrack: Multi-Object Tracking
// by Associating Every Detection Box", 2022). Confident boxes are paired with
// the tracks first; then what the weak ones, which a detector gives of half
// hidden things, pair with the tracks that are left. Times are in seconds, never
// in frames, since a page's rate varies. In the steady state nothing is
// allocated. It may import wasm/message.
package track

import "eagleeye/wasm/message"

// Options of a Tracker.
type Options struct {
	// High is the least score of a confident box, Low of a weak one, New of one
	// that starts a track. Boxes below Low are not looked at.
	High, Low, New float32
	// Memory is how long a lost track is remembered, in seconds.
	Memory float64
}

// Low is the least score that is of use to tracking.
const Low = 0.1

// For returns the options for a page that shows boxes from a score on.
func For(conf float32) Options {
	return Options{High: conf, Low: min(conf, Low), New: conf, Memory: 1.5}
}

// Least overlaps (IoU) of a pair, and what they are weighed with.
const (
	matchHigh  = 0.2  // of confident boxes with tracks
	matchLow   = 0.5  // of weak boxes with tracks
	matchFirst = 0.3  // with tracks that were seen only once
	reach      = 0.35 // by how much of its size a box that found none is widened
	twin       = 0.85 // overlap of a lost track with another that is the same thing
	longGap    = 2.0  // seconds without a frame after which all is forgotten
)

// Phase is how far a track is.
type Phase uint8

const (
	Tentative Phase = iota // seen once: it has no number yet
	Tracked                // in this frame
	Lost                   // not in this frame, still remembered
)

// Track is one object.
type Track struct {
	ID     int // from 1; 0 while Tentative
	Class  uint32
	Phase  Phase
	Score  float32 // of its last box
	Det    int     // the index of its box in this frame, -1 for none
	Weak   bool    // no box of it was confident since confidence was last raised
	Born   float64 // seconds: its first box
	Seen   float64 // seconds: its last box
	Trail  Trail
	cx, cy filter
	w, h   filter
}

// Box returns where the track is believed to be, in pixels.
func (t *Track) Box() (x1, y1, x2, y2 float64) {
	w, h := max(t.w.x, 1), max(t.h.x, 1)
	return t.cx.x - w/2, t.cy.x - h/2, t.cx.x + w/2, t.cy.x + h/2
}

// Velocity returns pixels a second.
func (t *Track) Velocity() (x, y float64) { return t.cx.v, t.cy.v }

// Tracker follows the objects of one source.
type Tracker struct {
	o      Options
	tracks []Track
	ids    []int // by box of this frame
	last   float64
	begun  bool
	next   int

	assign   assigner
	rows     []int32 // tracks in the present round
	cols     []int32 // boxes in it
	taken    []bool  // boxes that have a track
	predicts []box
}

type box struct{ x1, y1, x2, y2 float64 }

// New returns a tracker that has seen nothing.
func New(o Options) *Tracker { return &Tracker{o: o, next: 1} }

// Set changes the options from the next frame on. Where High rises, tracks whose
// boxes no longer suffice go on, but their boxes have no number until one does.
func (t *Tracker) Set(o Options) {
	if o.High > t.o.High {
		for i := range t.tracks {
			t.tracks[i].Weak = t.tracks[i].Weak || t.tracks[i].Score < o.High
		}
	}
	t.o = o
}

// Reset forgets all tracks; numbers begin at 1 again.
func (t *Tracker) Reset() {
	t.tracks, t.ids, t.begun, t.next = t.tracks[:0], t.ids[:0], false, 1
}

// Tracks returns the tracks after the last Update, lost and tentative ones too;
// the slice is good until the next one.
func (t *Tracker) Tracks() []Track { return t.tracks }

// Update takes the boxes of the frame of time at, in seconds, and returns each
// box's number, 0 for one that has none (yet). The slice is good until the next
// call. Where time jumps back or far ahead, all tracks are forgotten, but
// numbers go on.
func (t *Tracker) Update(at float64, dets []message.Detection) []int {
	dt := at - t.last
	if !t.begun || dt < 0 || dt > longGap {
		t.tracks, dt = t.tracks[:0], 0
	}
	first := !t.begun
	t.begun, t.last = true, at
	t.ids = resize(t.ids, len(dets))
	clear(t.ids)
	t.taken = resize(t.taken, len(dets))
	clear(t.taken)
	t.predict(dt)

	high := func(s float32) bool { return s >= t.o.High }
	low := func(s float32) bool { return s >= t.o.Low && s < t.o.High }
	t.round(dets, high, known, matchHigh, 0)
	t.round(dets, low, tracked, matchLow, 0)
	t.round(dets, high, known, matchHigh, reach)
	t.round(dets, high, tentative, matchFirst, 0)
	t.round(dets, high, tentative, matchFirst, reach)
	t.settle(at, dets)
	t.begin(at, dets, first)
	return t.ids
}

// predict moves all tracks on; a lost one keeps its size.
func (t *Tracker) predict(dt float64) {
	t.predicts = resize(t.predicts, len(t.tracks))
	for i := range t.tracks {
		k := &t.tracks[i]
		k.Det = -1
		if k.Phase == Lost {
			k.w.v, k.h.v = 0, 0
		}
		w, h := max(k.w.x, leastSize), max(k.h.x, leastSize)
		k.cx.predict(dt, w)
		k.cy.predict(dt, h)
		k.w.predict(dt, w)
		k.h.predict(dt, h)
		t.predicts[i].x1, t.predicts[i].y1, t.predicts[i].x2, t.predicts[i].y2 = k.Box()
	}
}

func known(k *Track) bool     { return k.Phase != Tentative }
func tracked(k *Track) bool   { return k.Phase == Tracked }
func tentative(k *Track) bool { return k.Phase == Tentative }

// round pairs the boxes of a kind that have no track with the tracks of a kind
// that have no box, where they overlap by more than least. A pair's gain is its
// overlap times the box's score (ByteTrack's fused score). With wider > 0, both
// are widened by that share of their size on all sides first (buffered IoU, Yang
// et al. 2023), for what moved faster than was foreseen.
func (t *Tracker) round(dets []message.Detection, boxes func(float32) bool, tracks func(*Track) bool, least, wider float64) {
	t.rows, t.cols = t.rows[:0], t.cols[:0]
	for i := range t.tracks {
		if k := &t.tracks[i]; k.Det < 0 && tracks(k) {
			t.rows = append(t.rows, int32(i))
		}
	}
	for j := range dets {
		if !t.taken[j] && boxes(dets[j].Score) {
			t.cols = append(t.cols, int32(j))
		}
	}
	if len(t.rows) == 0 || len(t.cols) == 0 {
		return
	}
	t.assign.reset(len(t.rows), len(t.cols))
	for c, j := range t.cols {
		d := &dets[j]
		cx, cy, w, h := centre(d)
		db := box{cx - w/2, cy - h/2, cx + w/2, cy + h/2}.widen(wider)
		for r, i := range t.rows {
			if t.tracks[i].Class != d.Class {
				continue
			}
			if o := overlap(db, t.predicts[i].widen(wider)); o > least {
				t.assign.offer(r, c, o*float64(d.Score))
			}
		}
	}
	t.assign.solve()
	for r, c := range t.assign.match {
		if c >= 0 {
			t.tracks[t.rows[r]].Det = int(t.cols[c])
			t.taken[t.cols[c]] = true
		}
	}
}

// settle corrects the tracks that have a box and lets go of those that have had
// none for too long.
func (t *Tracker) settle(at float64, dets []message.Detection) {
	for i := range t.tracks {
		k := &t.tracks[i]
		if k.Det < 0 {
			continue
		}
		if k.Phase == Tentative {
			k.ID = t.next
			t.next++
		}
		k.Phase = Tracked
		k.correct(at, &dets[k.Det])
		if k.Weak = k.Weak && k.Score < t.o.High; !k.Weak {
			t.ids[k.Det] = k.ID
		}
	}
	kept := t.tracks[:0]
	for i := range t.tracks {
		k := &t.tracks[i]
		if k.Det < 0 {
			if k.Phase == Tentative || at-k.Seen > t.o.Memory || t.isTwin(k) {
				continue
			}
			k.Phase = Lost
		}
		kept = append(kept, *k)
	}
	t.tracks = kept
}

// isTwin says that a track without a box lies upon one that has one.
func (t *Tracker) isTwin(lost *Track) bool {
	for i := range t.tracks {
		k := &t.tracks[i]
		if k.Det >= 0 && k.Class == lost.Class && overlap(k.box(), lost.box()) > twin {
			return true
		}
	}
	return false
}

// begin starts a track for each confident box that found none. In the very first
// frame there is nothing to wait for.
func (t *Tracker) begin(at float64, dets []message.Detection, first bool) {
	for j := range dets {
		d := &dets[j]
		if t.taken[j] || d.Score < t.o.New || d.Score < t.o.High {
			continue
		}
		t.tracks = append(t.tracks, Track{})
		k := &t.tracks[len(t.tracks)-1]
		k.start(at, d, j)
		if first {
			k.Phase, k.ID = Tracked, t.next
			t.next++
			t.ids[j] = k.ID
		}
	}
}

func (k *Track) start(at float64, d *message.Detection, index int) {
	*k = Track{Class: d.Class, Score: d.Score, Det: index, Born: at, Seen: at}
	cx, cy, w, h := centre(d)
	k.cx.start(cx, w)
	k.cy.start(cy, h)
	k.w.start(w, w)
	k.h.start(h, h)
	k.Trail.add(at, cx, cy)
}

func (k *Track) correct(at float64, d *message.Detection) {
	k.Score, k.Seen = d.Score, at
	cx, cy, w, h := centre(d)
	k.cx.correct(cx, w)
	k.cy.correct(cy, h)
	k.w.correct(w, w)
	k.h.correct(h, h)
	k.Trail.add(at, cx, cy)
}

// centre returns a box as its centre and its size; the size is at least
// leastSize.
func centre(d *message.Detection) (cx, cy, w, h float64) {
	w, h = max(float64(d.X2-d.X1), leastSize), max(float64(d.Y2-d.Y1), leastSize)
	return float64(d.X1+d.X2) / 2, float64(d.Y1+d.Y2) / 2, w, h
}

func (k *Track) box() (b box) {
	b.x1, b.y1, b.x2, b.y2 = k.Box()
	return b
}

func (b box) widen(by float64) box {
	dx, dy := (b.x2-b.x1)*by, (b.y2-b.y1)*by
	return box{b.x1 - dx, b.y1 - dy, b.x2 + dx, b.y2 + dy}
}

// overlap is the intersection over union, 0..1.
func overlap(a, b box) float64 {
	w, h := min(a.x2, b.x2)-max(a.x1, b.x1), min(a.y2, b.y2)-max(a.y1, b.y1)
	if !(w > 0 && h > 0) {
		return 0
	}
	i := w * h
	return i / ((a.x2-a.x1)*(a.y2-a.y1) + (b.x2-b.x1)*(b.y2-b.y1) - i)
}
