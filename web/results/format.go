package results

import "strconv"

// About says what a log is of.
type About struct {
	Source string // such as a file's name
	Model  string
	Names  []string // of the classes
	Tracks bool     // numbers were given
}

// Name returns the name of a class.
func (a *About) Name(class uint32) string {
	if int(class) < len(a.Names) && a.Names[class] != "" {
		return a.Names[class]
	}
	return "class " + strconv.Itoa(int(class))
}

// Format writes a file from the frames of a log: Begin, then Frame for every
// frame, in Passes passes with Between between them, then End. Each appends to
// dst. A Format is good for one file.
type Format interface {
	Passes() int
	Begin(dst []byte) []byte
	Frame(dst []byte, pass int, f Frame) []byte
	Between(dst []byte) []byte
	End(dst []byte) []byte
}

// Kind is a format that a person can choose.
type Kind struct {
	ID, Ext, MIME string
	New           func(About) Format
}

// Kinds are the formats.
var Kinds = []Kind{
	{"json", "json", "application/json", func(a About) Format { return &jsonFormat{about: a} }},
	{"csv", "csv", "text/csv", func(a About) Format { return &csvFormat{about: a} }},
	{"coco", "coco.json", "application/json", func(a About) Format { return &cocoFormat{about: a, ids: categories(a.Names)} }},
	{"coco-results", "results.json", "application/json", func(a About) Format { return &cocoResults{about: a, ids: categories(a.Names)} }},
}

// KindOf returns the format of an ID, the first for an unknown one.
func KindOf(id string) Kind {
	for _, k := range Kinds {
		if k.ID == id {
			return k
		}
	}
	return Kinds[0]
}

// Write writes the whole of a log that lies in memory.
func Write(f Format, chunks ...[]byte) ([]byte, error) {
	out := f.Begin(nil)
	for pass := range f.Passes() {
		if pass > 0 {
			out = f.Between(out)
		}
		for _, c := range chunks {
			if err := Each(c, func(fr Frame) { out = f.Frame(out, pass, fr) }); err != nil {
				return nil, err
			}
		}
	}
	return f.End(out), nil
}

// jsonFormat is the page's own form; see docs.
type jsonFormat struct {
	about About
	some  bool
}

func (j *jsonFormat) Passes() int { return 1 }

func (j *jsonFormat) Begin(b []byte) []byte {
	b = append(b, `{"source":`...)
	b = quote(b, j.about.Source)
	b = append(b, `,"model":`...)
	b = quote(b, j.about.Model)
	b = append(b, `,"classes":[`...)
	for i, n := range j.about.Names {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, n)
	}
	return append(b, `],"frames":[`...)
}

func (j *jsonFormat) Frame(b []byte, _ int, f Frame) []byte {
	if j.some {
		b = append(b, ',')
	}
	j.some = true
	b = append(b, "\n{\"frame\":"...)
	b = strconv.AppendInt(b, int64(f.Index), 10)
	b = append(b, `,"time":`...)
	b = number(b, f.Time, 3)
	b = append(b, `,"width":`...)
	b = strconv.AppendInt(b, int64(f.Width), 10)
	b = append(b, `,"height":`...)
	b = strconv.AppendInt(b, int64(f.Height), 10)
	b = append(b, `,"detections":[`...)
	for i := range f.Items {
		d := &f.Items[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if d.ID > 0 {
			b = append(b, `"track":`...)
			b = strconv.AppendInt(b, int64(d.ID), 10)
			b = append(b, ',')
		}
		b = append(b, `"class":`...)
		b = strconv.AppendUint(b, uint64(d.Class), 10)
		b = append(b, `,"name":`...)
		b = quote(b, j.about.Name(d.Class))
		b = append(b, `,"score":`...)
		b = number(b, float64(d.Score), 4)
		b = append(b, `,"box":[`...)
		b = bbox(b, d)
		b = append(b, "]}"...)
	}
	return append(b, "]}"...)
}

func (j *jsonFormat) Between(b []byte) []byte { return b }
func (j *jsonFormat) End(b []byte) []byte     { return append(b, "\n]}\n"...) }

// csvFormat has a line a box (RFC 4180).
type csvFormat struct{ about About }

func (c *csvFormat) Passes() int { return 1 }

func (c *csvFormat) Begin(b []byte) []byte {
	return append(b, "frame,time,track,class,name,score,x,y,width,height\r\n"...)
}

func (c *csvFormat) Frame(b []byte, _ int, f Frame) []byte {
	for i := range f.Items {
		d := &f.Items[i]
		b = strconv.AppendInt(b, int64(f.Index), 10)
		b = append(b, ',')
		b = number(b, f.Time, 3)
		b = append(b, ',')
		if d.ID > 0 {
			b = strconv.AppendInt(b, int64(d.ID), 10)
		}
		b = append(b, ',')
		b = strconv.AppendUint(b, uint64(d.Class), 10)
		b = append(b, ',')
		b = cell(b, c.about.Name(d.Class))
		b = append(b, ',')
		b = number(b, float64(d.Score), 4)
		b = append(b, ',')
		b = bbox(b, d)
		b = append(b, "\r\n"...)
	}
	return b
}

func (c *csvFormat) Between(b []byte) []byte { return b }
func (c *csvFormat) End(b []byte) []byte     { return b }

// bbox appends x, y, width, height.
func bbox(b []byte, d *Item) []byte {
	b = number(b, float64(d.X1), 2)
	b = append(b, ',')
	b = number(b, float64(d.Y1), 2)
	b = append(b, ',')
	b = number(b, max(float64(d.X2)-float64(d.X1), 0), 2)
	b = append(b, ',')
	return number(b, max(float64(d.Y2)-float64(d.Y1), 0), 2)
}

// number appends v with at most the given decimals, without zeros at the end.
func number(b []byte, v float64, decimals int) []byte {
	if v != v || v-v != 0 { // JSON has neither
		v = 0
	}
	b = strconv.AppendFloat(b, v, 'f', decimals, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if n := len(b); n >= 2 && b[n-1] == '0' && b[n-2] == '-' && (n == 2 || b[n-3] < '0' || b[n-3] > '9') {
		b = append(b[:n-2], '0')
	}
	return b
}

// cell appends a CSV field, quoted where it has to be.
func cell(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] != '"' && s[i] != ',' && s[i] != '\n' && s[i] != '\r'
	}
	if plain {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// quote appends a JSON string.
func quote(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // broken UTF-8 becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
