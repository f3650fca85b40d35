// Package results keeps what was found and writes it as JSON, CSV and COCO. A
// Log holds frames as compact bytes and hands each full chunk on, so that hours
// of film cost the page's heap nothing; a Format turns the chunks into a file
// piece by piece. It imports nothing of ours.
package results

import (
	"encoding/binary"
	"errors"
	"math"
)

// Frame is what was found in a picture.
type Frame struct {
	Index         int     // from 0, by the order of analysis
	Time          float64 // seconds since the source began
	Width, Height int     // pixels
	Items         []Item
}

// Item is a box in pixels of the picture. ID is its track's number, 0 for none.
type Item struct {
	ID             int
	Class          uint32
	Score          float32
	X1, Y1, X2, Y2 float32
}

// ChunkBytes is about how much a Log gathers before it hands it on.
const ChunkBytes = 64 << 10

// Log gathers frames.
type Log struct {
	Spill  func(chunk []byte, frames int) // takes a full chunk; the bytes are its own only during the call
	Frames int                            // so far
	Items  int
	chunk  []byte
	held   int // frames in chunk
}

// Add appends a frame under the next index. Boxes that are not finite are left
// out.
func (l *Log) Add(f Frame) {
	b := l.chunk
	b = binary.AppendUvarint(b, uint64(l.Frames))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.Time))
	b = binary.AppendUvarint(b, uint64(max(f.Width, 0)))
	b = binary.AppendUvarint(b, uint64(max(f.Height, 0)))
	n := 0
	for i := range f.Items {
		if f.Items[i].finite() {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for i := range f.Items {
		d := &f.Items[i]
		if !d.finite() {
			continue
		}
		b = binary.AppendUvarint(b, uint64(max(d.ID, 0)))
		b = binary.AppendUvarint(b, uint64(d.Class))
		for _, v := range [...]float32{d.Score, d.X1, d.Y1, d.X2, d.Y2} {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	l.chunk = b
	l.held++
	l.Frames++
	l.Items += n
	if len(b) >= ChunkBytes {
		l.Flush()
	}
}

func (d *Item) finite() bool {
	s := float64(d.Score) + float64(d.X1) + float64(d.Y1) + float64(d.X2) + float64(d.Y2)
	return !math.IsNaN(s) && !math.IsInf(s, 0)
}

// Flush hands on what has been gathered, if anything.
func (l *Log) Flush() {
	if l.held == 0 {
		return
	}
	if l.Spill != nil {
		l.Spill(l.chunk, l.held)
	}
	l.chunk, l.held = l.chunk[:0], 0
}

// Held returns what has not been handed on yet; it is good until the next call.
func (l *Log) Held() []byte { return l.chunk }

// Reset forgets all that has not been handed on, and counts anew.
func (l *Log) Reset() { l.chunk, l.held, l.Frames, l.Items = l.chunk[:0], 0, 0, 0 }

// ErrChunk is returned for bytes that no Log made.
var ErrChunk = errors.New("results: the log is damaged; record again")

// Each reads a chunk and calls use for each frame, whose items are good during
// the call only.
func Each(chunk []byte, use func(Frame)) error {
	r := reader{b: chunk}
	var items []Item
	for len(r.b) > 0 {
		f := Frame{Index: int(r.u(1 << 40)), Time: math.Float64frombits(r.u64()), Width: int(r.u(1 << 20)), Height: int(r.u(1 << 20))}
		n := int(r.u(uint64(len(r.b) / 22)))
		items = items[:0]
		for range n {
			items = append(items, Item{ID: int(r.u(1 << 40)), Class: uint32(r.u(math.MaxUint32)),
				Score: r.f32(), X1: r.f32(), Y1: r.f32(), X2: r.f32(), Y2: r.f32()})
		}
		if r.bad {
			return ErrChunk
		}
		f.Items = items
		use(f)
	}
	return nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) u(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) u64() uint64 {
	if len(r.b) < 8 {
		r.b, r.bad = nil, true
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) f32() float32 {
	if len(r.b) < 4 {
		r.b, r.bad = nil, true
		return 0
	}
	v := binary.LittleEndian.Uint32(r.b)
	r.b = r.b[4:]
	return math.Float32frombits(v)
}
