package track

import (
	"context"
	"os"
	"sync"
	"testing"

	"eagleeye/build/demo"
	"eagleeye/build/mot"
	"eagleeye/build/pool"
	"eagleeye/build/scenes"
	"eagleeye/wasm"
	"eagleeye/wasm/message"
)

// A film of which every frame was drawn, so that its truth is known, as the
// project's own model sees it.
type film struct {
	name   string
	frames int
	period float64 // seconds
	truth  [][]mot.Box
	dets   [][]message.Detection
}

func parade(seed uint64, frames, every int) *film {
	f := &film{name: "parade", frames: frames / every, period: float64(every) * scenes.ParadePeriod / 1000}
	f.look(func(k int) ([]byte, int, int) {
		img, all := scenes.ParadeFrame(seed, k*every)
		for _, m := range all {
			if m.Seen > 0 {
				f.truth[k] = append(f.truth[k], mot.Box{ID: m.ID, Class: m.Class, Ignored: m.Seen < 0.6,
					X1: float64(m.X1), Y1: float64(m.Y1), X2: float64(m.X2), Y2: float64(m.Y2)})
			}
		}
		return img.Pix, scenes.ParadeWidth, scenes.ParadeHeight
	})
	return f
}

// demoFilm is the page's film, played three times.
func demoFilm(every int) *film {
	f := &film{name: "demo film", frames: scenes.FilmFrames / every, period: float64(every) * scenes.FilmPeriod / 1000}
	f.look(func(k int) ([]byte, int, int) {
		img, boxes := scenes.FilmFrame(k * every)
		for i, b := range boxes {
			f.truth[k] = append(f.truth[k], mot.Box{ID: i + 1, Class: b.Class, X1: float64(b.X1), Y1: float64(b.Y1), X2: float64(b.X2), Y2: float64(b.Y2)})
		}
		return img.Pix, scenes.FilmWidth, scenes.FilmHeight
	})
	return f
}

// look runs the model over the frames that draw gives.
func (f *film) look(draw func(k int) (rgba []byte, w, h int)) {
	f.truth, f.dets = make([][]mot.Box, f.frames), make([][]message.Detection, f.frames)
	err := pool.Each(context.Background(), f.frames, []pool.Spec{{Model: demo.Model}}, func(k int, d []*wasm.Detector) error {
		rgba, w, h := draw(k)
		found, _, err := d[0].Detect(rgba, w, h, wasm.Thresholds{Conf: Low, IoU: 0.7, Max: 300})
		for _, o := range found {
			f.dets[k] = append(f.dets[k], message.Detection{X1: o.X1, Y1: o.Y1, X2: o.X2, Y2: o.Y2, Score: o.Score, Class: uint32(o.Class)})
		}
		return err
	})
	if err != nil {
		panic(err)
	}
}

var films struct {
	sync.Once
	all []*film
}

// TestRendered judges detector and tracker together on films that were drawn, at
// half and a quarter of their rate as a phone would see them; all frames take
// EAGLEEYE_LONG=1.
func TestRendered(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a model: skipped with -short")
	}
	films.Do(func() {
		if os.Getenv("EAGLEEYE_LONG") != "" {
			for seed := range uint64(4) {
				films.all = append(films.all, parade(seed+1, scenes.ParadeFrames, 1))
			}
			films.all = append(films.all, demoFilm(1))
			return
		}
		films.all = append(films.all, parade(1, scenes.ParadeFrames, 4), demoFilm(4))
	})
	for _, f := range films.all {
		tr, j := New(For(0.25)), mot.New()
		for k := range f.truth {
			j.Add(f.truth[k], shownBoxes(f.dets[k], tr.Update(float64(k)*f.period, f.dets[k])))
		}
		r := j.Result()
		t.Logf("%s, %.0f ms a frame: %v", f.name, 1000*f.period, r)
		if r.MOTA < 0.75 || r.IDF1 < 0.75 {
			t.Errorf("%s: want MOTA and IDF1 of 0.75 at least", f.name)
		}
	}
}
