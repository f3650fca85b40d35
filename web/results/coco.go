package results

import "strconv"

// cocoFormat is COCO's instances format: the images, then the annotations, which
// carry a score and, where there is one, a track_id besides.
type cocoFormat struct {
	about  About
	ids    []int
	images bool
	next   int
}

func (c *cocoFormat) Passes() int { return 2 }

func (c *cocoFormat) Begin(b []byte) []byte {
	b = append(b, `{"info":{"description":`...)
	b = quote(b, c.about.Source+" seen by "+c.about.Model)
	b = append(b, `},"categories":[`...)
	for i, n := range c.about.Names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = strconv.AppendInt(b, int64(c.ids[i]), 10)
		b = append(b, `,"name":`...)
		if n == "" {
			n = c.about.Name(uint32(i))
		}
		b = quote(b, n)
		b = append(b, '}')
	}
	return append(b, `],"images":[`...)
}

func (c *cocoFormat) Frame(b []byte, pass int, f Frame) []byte {
	if pass == 0 {
		if c.images {
			b = append(b, ',')
		}
		c.images = true
		b = append(b, "\n{\"id\":"...)
		b = strconv.AppendInt(b, int64(f.Index)+1, 10)
		b = append(b, `,"file_name":`...)
		b = quote(b, c.file(f))
		b = append(b, `,"width":`...)
		b = strconv.AppendInt(b, int64(f.Width), 10)
		b = append(b, `,"height":`...)
		b = strconv.AppendInt(b, int64(f.Height), 10)
		return append(b, '}')
	}
	for i := range f.Items {
		d := &f.Items[i]
		if int(d.Class) >= len(c.ids) {
			continue // a box of a class that is no category refers to nothing
		}
		if c.next > 0 {
			b = append(b, ',')
		}
		c.next++
		b = append(b, "\n{\"id\":"...)
		b = strconv.AppendInt(b, int64(c.next), 10)
		b = append(b, `,"image_id":`...)
		b = strconv.AppendInt(b, int64(f.Index)+1, 10)
		b = append(b, `,"category_id":`...)
		b = strconv.AppendInt(b, int64(c.ids[d.Class]), 10)
		b = append(b, `,"bbox":[`...)
		b = bbox(b, d)
		b = append(b, `],"area":`...)
		b = number(b, max(float64(d.X2)-float64(d.X1), 0)*max(float64(d.Y2)-float64(d.Y1), 0), 2)
		b = append(b, `,"iscrowd":0,"score":`...)
		b = number(b, float64(d.Score), 4)
		if d.ID > 0 {
			b = append(b, `,"track_id":`...)
			b = strconv.AppendInt(b, int64(d.ID), 10)
		}
		b = append(b, '}')
	}
	return b
}

// file names a frame after its source and time, as a media fragment does.
func (c *cocoFormat) file(f Frame) string {
	b := []byte(nil)
	for _, r := range c.about.Source {
		if r == '/' || r == '\\' || r < ' ' {
			r = '_'
		}
		b = append(b, string(r)...)
	}
	if f.Time == 0 && f.Index == 0 {
		return string(b)
	}
	return string(strconv.AppendFloat(append(b, "#t="...), f.Time, 'f', 3, 64))
}

func (c *cocoFormat) Between(b []byte) []byte { return append(b, "\n],\"annotations\":["...) }
func (c *cocoFormat) End(b []byte) []byte     { return append(b, "\n]}\n"...) }

// cocoResults is COCO's results format: a list of boxes.
type cocoResults struct {
	about About
	ids   []int
	some  bool
}

func (c *cocoResults) Passes() int             { return 1 }
func (c *cocoResults) Begin(b []byte) []byte   { return append(b, '[') }
func (c *cocoResults) Between(b []byte) []byte { return b }
func (c *cocoResults) End(b []byte) []byte     { return append(b, "\n]\n"...) }

func (c *cocoResults) Frame(b []byte, _ int, f Frame) []byte {
	for i := range f.Items {
		d := &f.Items[i]
		if int(d.Class) >= len(c.ids) {
			continue
		}
		if c.some {
			b = append(b, ',')
		}
		c.some = true
		b = append(b, "\n{\"image_id\":"...)
		b = strconv.AppendInt(b, int64(f.Index)+1, 10)
		b = append(b, `,"category_id":`...)
		b = strconv.AppendInt(b, int64(c.ids[d.Class]), 10)
		b = append(b, `,"bbox":[`...)
		b = bbox(b, d)
		b = append(b, `],"score":`...)
		b = number(b, float64(d.Score), 4)
		b = append(b, '}')
	}
	return b
}

// gaps are the numbers from 1 to 90 that COCO's 80 categories leave out.
var gaps = [...]int{12, 26, 29, 30, 45, 66, 68, 69, 71, 83}

// categories returns the category ids of classes: COCO's own where the names are
// its 80, else from 1 on.
func categories(names []string) []int {
	out := make([]int, len(names))
	official := len(names) == 80 && names[0] == "person" && names[79] == "toothbrush"
	next, gap := 1, 0
	for i := range out {
		for official && gap < len(gaps) && gaps[gap] == next {
			next++
			gap++
		}
		out[i] = next
		next++
	}
	return out
}
