// Package dataset offers rendered scenes as sets to train and to judge on. It may
// import build/scenes and build/train/data.
package dataset

import (
	"image"

	"eagleeye/build/scenes"
	"eagleeye/build/train/data"
)

// Seeds of the sets. A set's backgrounds, too, follow its seed.
const (
	TrainSeed = 1
	ValSeed   = 2 // looked at while training
	TestSeed  = 3 // the 500 scenes that the model is judged on
	CalibSeed = 4 // the int8 form's
)

// Set is n scenes of a seed, drawn anew each time they are loaded.
type Set struct {
	Seed  uint64
	N     int
	Short int // side of a square scene in pixels; 0 is 320
	First int // number of the first scene
}

var _ data.Source = Set{}

// Len is the number of scenes.
func (s Set) Len() int { return s.N }

// Names are the classes.
func (s Set) Names() []string { return scenes.Names }

// Load draws scene i: a square mostly, else a webcam's 4:3, seldom upright.
func (s Set) Load(i int) (*image.RGBA, []data.Box, error) {
	w := s.Short
	if w == 0 {
		w = 320
	}
	h := w
	switch n := uint64(i+s.First) * 0x9e3779b97f4a7c15 >> 40 % 10; {
	case n >= 9:
		w = w * 3 / 4
	case n >= 6:
		h = h * 3 / 4
	}
	img, boxes := scenes.Draw(s.Seed, uint64(i+s.First), w, h)
	out := make([]data.Box, len(boxes))
	for k, b := range boxes {
		out[k] = data.Box(b)
	}
	return img, out, nil
}

// Fresh is a Set that goes on without end: each epoch has N scenes of its own.
type Fresh struct{ Set }

var _ data.Endless = Fresh{}

// Endless tells the loader to count on.
func (Fresh) Endless() {}
