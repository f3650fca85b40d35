package message

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrMalformed is returned for bytes that no Append made: the page and the
// worker are of different versions, or something else posted to them.
var ErrMalformed = errors.New("message: malformed; reload the page")

// Append appends the encoding of m to dst: one byte of kind, then the fields in
// order. Integers are uvarints, floats 4 little-endian bytes, strings and lists
// lead with their length.
func Append(dst []byte, m Message) []byte {
	w := writer{append(dst, byte(m.kind()))}
	switch m := m.(type) {
	case Load:
		w.str(m.Name)
		w.choice(m.Choice)
	case Reload:
		w.choice(m.Choice)
	case Frame:
		w.u32(m.ID)
		w.u32(m.Width)
		w.u32(m.Height)
		w.thresholds(m.Thresholds)
		w.bool(m.Thumb)
	case Rerun:
		w.u32(m.ID)
		w.thresholds(m.Thresholds)
	case Ready:
		w.str(m.Variant)
	case Progress:
		w.u32(uint32(m.Stage))
	case Loaded:
		w.str(m.Name)
		w.u32(m.Width)
		w.u32(m.Height)
		w.str(m.Precision)
		w.str(m.Variant)
		w.u32(m.Threads)
		w.u64(m.Params)
		w.u64(m.MACs)
		w.u64(m.Memory)
		w.u64(uint64(len(m.Classes)))
		for _, c := range m.Classes {
			w.str(c)
		}
		w.u32(m.OpenMicros)
		w.u32(m.WarmMicros)
		w.bool(m.Quantized)
	case Result:
		w.u32(m.ID)
		w.u32(m.Width)
		w.u32(m.Height)
		w.u32(m.Prepare)
		w.u32(m.Infer)
		w.u32(m.Decode)
		w.u32(m.Copy)
		w.bool(m.Planes)
		w.u64(m.KernelBytes)
		w.u64(m.EngineBytes)
		w.u64(uint64(len(m.Detections)))
		for _, d := range m.Detections {
			w.f32(d.X1)
			w.f32(d.Y1)
			w.f32(d.X2)
			w.f32(d.Y2)
			w.f32(d.Score)
			w.u32(d.Class)
		}
		w.str(string(m.Thumb))
	case Failed:
		w.bool(m.Frame)
		w.u32(m.ID)
		w.u32(uint32(m.Reason))
		w.str(m.Text)
	case Convert:
		w.str(m.Name)
	case Calibrate:
		w.str(m.Name)
		w.u32(m.Width)
		w.u32(m.BiasImages)
		w.u32(m.RoundImages)
	case Working:
		w.u32(uint32(m.What))
		w.u32(m.Done)
		w.u32(m.Total)
	case Converted:
		w.str(m.Name)
		w.u64(m.Bytes)
		w.u32(m.Images)
		w.u32(m.BiasImages)
		w.u32(m.RoundImages)
		w.u32(m.Points)
		w.u32(m.Convs)
	}
	return w.b
}

// Decode reads what Append wrote. The message shares no memory with b.
func Decode(b []byte) (Message, error) {
	if len(b) == 0 {
		return nil, ErrMalformed
	}
	r := reader{b: b[1:]}
	var m Message
	switch kind(b[0]) {
	case kindLoad:
		m = Load{Name: r.str(), Choice: r.choice()}
	case kindReload:
		m = Reload{Choice: r.choice()}
	case kindFrame:
		m = Frame{ID: r.u32(), Width: r.u32(), Height: r.u32(), Thresholds: r.thresholds(), Thumb: r.bool()}
	case kindRerun:
		m = Rerun{ID: r.u32(), Thresholds: r.thresholds()}
	case kindCrash:
		m = Crash{}
	case kindReady:
		m = Ready{Variant: r.str()}
	case kindProgress:
		m = Progress{Stage: uint8(r.max(math.MaxUint8))}
	case kindLoaded:
		l := Loaded{Name: r.str(), Width: r.u32(), Height: r.u32(), Precision: r.str(), Variant: r.str(), Threads: r.u32(),
			Params: r.u64(), MACs: r.u64(), Memory: r.u64()}
		if n := r.length(1); n > 0 {
			l.Classes = make([]string, n)
			for i := range l.Classes {
				l.Classes[i] = r.str()
			}
		}
		l.OpenMicros, l.WarmMicros, l.Quantized = r.u32(), r.u32(), r.bool()
		m = l
	case kindResult:
		m = r.result()
	case kindFailed:
		m = Failed{Frame: r.bool(), ID: r.u32(), Reason: Reason(r.max(uint64(numReasons - 1))), Text: r.str()}
	case kindConvert:
		m = Convert{Name: r.str()}
	case kindCalibrate:
		m = Calibrate{Name: r.str(), Width: r.u32(), BiasImages: r.u32(), RoundImages: r.u32()}
	case kindWorking:
		m = Working{What: uint8(r.max(math.MaxUint8)), Done: r.u32(), Total: r.u32()}
	case kindConverted:
		m = Converted{Name: r.str(), Bytes: r.u64(), Images: r.u32(), BiasImages: r.u32(), RoundImages: r.u32(), Points: r.u32(), Convs: r.u32()}
	default:
		return nil, ErrMalformed
	}
	if r.bad || len(r.b) != 0 {
		return nil, ErrMalformed
	}
	return m, nil
}

type writer struct{ b []byte }

func (w *writer) u64(v uint64)  { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) u32(v uint32)  { w.u64(uint64(v)) }
func (w *writer) f32(v float32) { w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(v)) }

func (w *writer) str(s string) {
	w.u64(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bool(v bool) {
	if v {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *writer) thresholds(t Thresholds) {
	w.f32(t.Conf)
	w.f32(t.IoU)
	w.u32(t.Max)
}

func (w *writer) choice(c Choice) {
	w.u32(c.Width)
	w.u32(c.Height)
	w.u32(uint32(c.Precision))
}

// reader takes fields off b; after the first one that is not there it is bad
// and yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) u64() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) max(limit uint64) uint64 {
	v := r.u64()
	if v > limit {
		r.fail()
		return 0
	}
	return v
}

func (r *reader) u32() uint32 { return uint32(r.max(math.MaxUint32)) }
func (r *reader) bool() bool  { return r.max(1) == 1 }

func (r *reader) f32() float32 {
	if len(r.b) < 4 {
		r.fail()
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

// length reads the length of a list whose items take at least size bytes, so
// that no list is allocated that the bytes cannot fill.
func (r *reader) length(size int) int {
	n := r.u64()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) str() string {
	n := r.length(1)
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) thresholds() Thresholds {
	return Thresholds{Conf: r.f32(), IoU: r.f32(), Max: r.u32()}
}

func (r *reader) choice() Choice {
	return Choice{Width: r.u32(), Height: r.u32(), Precision: Precision(r.max(uint64(numPrecisions - 1)))}
}

func (r *reader) result() Result {
	m := Result{ID: r.u32(), Width: r.u32(), Height: r.u32(), Prepare: r.u32(), Infer: r.u32(), Decode: r.u32(),
		Copy: r.u32(), Planes: r.bool(), KernelBytes: r.u64(), EngineBytes: r.u64()}
	if n := r.length(21); n > 0 {
		m.Detections = make([]Detection, n)
		for i := range m.Detections {
			m.Detections[i] = Detection{X1: r.f32(), Y1: r.f32(), X2: r.f32(), Y2: r.f32(), Score: r.f32(), Class: r.u32()}
		}
	}
	if t := r.str(); t != "" {
		m.Thumb = []byte(t)
	}
	return m
}
