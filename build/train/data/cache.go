package data

import (
	"errors"
	"fmt"
	"sync"
)

// cache keeps fitted pictures up to a limit. A training reads all pictures
// equally often in random order, so what came first is as good to keep as
// anything, and nothing is ever thrown out.
type cache struct {
	src   Source
	w, h  int
	limit int64

	mu       sync.Mutex
	used     int64
	kept     map[int]*sample
	bad      map[int]bool
	problems []Problem
}

func newCache(src Source, w, h int, limit int64) *cache {
	return &cache{src: src, w: w, h: h, limit: limit, kept: map[int]*sample{}, bad: map[int]bool{}}
}

// get returns picture i or, where that is bad, the next good one.
func (c *cache) get(i int) (*sample, error) {
	n := c.src.Len()
	_, endless := c.src.(Endless)
	for try := range n {
		k := i + try
		if !endless {
			k %= n
		}
		s, err := c.load(k)
		if err == nil {
			return s, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return nil, fmt.Errorf("%w: all %d are bad, such as %s", ErrEmpty, n, c.problems[0])
}

var errBad = errors.New("bad picture")

func (c *cache) load(i int) (*sample, error) {
	c.mu.Lock()
	s, bad := c.kept[i], c.bad[i]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if bad {
		return nil, errBad
	}
	s, err := c.read(i)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if !c.bad[i] {
			c.bad[i] = true
			c.problems = append(c.problems, Problem{c.name(i), err})
		}
		return nil, errBad
	}
	if size := s.pix.bytes(); c.kept[i] == nil && c.used+size <= c.limit {
		c.kept[i], c.used = s, c.used+size
	}
	return s, nil
}

// read loads a picture and fits it to the network's input.
func (c *cache) read(i int) (*sample, error) {
	img, boxes, err := c.src.Load(i)
	if err != nil {
		return nil, err
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w < 1 || h < 1 {
		return nil, fmt.Errorf("a picture of %d×%d pixels", w, h)
	}
	s := &sample{pix: fit(img, c.w, c.h)}
	sx, sy := float32(s.pix.w)/float32(w), float32(s.pix.h)/float32(h)
	classes := len(c.src.Names())
	for _, b := range boxes {
		if b.Class < 0 || b.Class >= classes {
			return nil, fmt.Errorf("class %d is not one of the %d", b.Class, classes)
		}
		if !finite(float64(b.X1), float64(b.Y1), float64(b.X2), float64(b.Y2)) {
			return nil, fmt.Errorf("box %v is not finite", b)
		}
		b = Box{b.Class, b.X1 * sx, b.Y1 * sy, b.X2 * sx, b.Y2 * sy}
		if b.clip(float32(s.pix.w), float32(s.pix.h)) {
			s.boxes = append(s.boxes, b)
		}
	}
	return s, nil
}

// name tells a picture's file where the source knows it.
func (c *cache) name(i int) string {
	if f, ok := c.src.(interface{ Path(int) string }); ok {
		return f.Path(i)
	}
	return fmt.Sprint("picture ", i)
}
