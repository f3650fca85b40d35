//go:build !js

package e2e

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"eagleeye/build/demo"
	film "eagleeye/build/scenes"
	"eagleeye/build/site"

	cdpbrowser "github.com/chromedp/cdproto/browser"
)

// serveDemo serves the site as it is made where no other model is at hand.
func serveDemo(t *testing.T) (url string) {
	t.Helper()
	frames, err := film.Film()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site.Handler(build(t, site.Options{ModelName: demo.Name, ModelData: demo.Model, Film: frames})))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// filmTruth is the boxes of every frame of the film, as the references of match.
func filmTruth() [][]ref {
	out := make([][]ref, film.FilmFrames)
	for k := range out {
		_, boxes := film.FilmFrame(k)
		for _, b := range boxes {
			out[k] = append(out[k], ref{b.Class, film.Names[b.Class], 1, [4]float64{float64(b.X1), float64(b.Y1), float64(b.X2 - b.X1), float64(b.Y2 - b.Y1)}})
		}
	}
	return out
}

// TestDemo plays the film of a site that ships the project's own model and counts
// the symbols that are found in it.
func TestDemo(t *testing.T) {
	url := serveDemo(t)
	p := newTab(t, chromium(t), url, collect)
	s := p.ready()
	if s.Model == nil || s.Model.Name != demo.Name || s.Source != "none" {
		t.Fatalf("at first: %+v", s)
	}
	p.shot("demo-ready")
	p.click("demo")
	if s := p.until("the demo", 20*time.Second, func(s snapshot) bool { return s.Live && s.Result != nil }); s.Source != "demo" || s.Problem != nil {
		t.Fatalf("source %q, problem %q", s.Source, s.code())
	}
	p.until("30 results", 60*time.Second, func(s snapshot) bool { return s.Frames >= 30 })
	p.shot("demo")
	var results []result
	p.eval(`testResults`, &results)

	// Which frame a result is of shows in the boxes themselves: the one that they
	// fit best.
	truth := filmTruth()
	wanted, got, boxes := 0, 0, 0
	for _, r := range results {
		best := 0
		for _, refs := range truth {
			hits := 0
			for _, ref := range refs {
				if slices.ContainsFunc(r.Detections, func(d detection) bool { return d.Class == ref.Class && iou(d, ref) >= 0.6 }) {
					hits++
				}
			}
			best = max(best, hits)
		}
		if r.Width != film.FilmWidth || r.Height != film.FilmHeight {
			t.Fatalf("a picture of %d×%d", r.Width, r.Height)
		}
		wanted, got, boxes = wanted+len(film.Names), got+best, boxes+len(r.Detections)
	}
	t.Logf("%d results: %d of %d symbols found, by %d boxes", len(results), got, wanted, boxes)
	if len(results) < 10 || got*100 < wanted*90 {
		t.Errorf("%d of %d symbols found in %d results, want nine of ten", got, wanted, len(results))
	}
	if boxes > wanted*115/100 {
		t.Errorf("%d boxes for %d symbols", boxes, wanted)
	}

	p.click("stop")
	if s := p.until("the end", 10*time.Second, func(s snapshot) bool { return !s.Live }); s.Source != "none" {
		t.Errorf("source %q after the end", s.Source)
	}
	p.click("demo") // and again
	p.until("the demo again", 20*time.Second, func(s snapshot) bool { return s.Live && s.Source == "demo" })
	p.clean()
}

// Without a camera the demo plays instead; a site with another model has none.
func TestDemoWithoutCamera(t *testing.T) {
	ctx := chromium(t)
	t.Run("no camera", func(t *testing.T) {
		url := serveDemo(t)
		p := newTab(t, ctx, url)
		p.ready()
		permit(p, url, cdpbrowser.PermissionSettingGranted)
		p.click("start")
		s := p.until("the demo", 20*time.Second, func(s snapshot) bool { return s.Live })
		if s.Source != "demo" || s.code() != "camera-absent" {
			t.Errorf("source %q, problem %q", s.Source, s.code())
		}
		p.clean()
	})
	t.Run("film missing", func(t *testing.T) {
		url := serveDemo(t)
		p := newTab(t, ctx, url, `{ const real = fetch; window.fetch = (u, ...a) => /^demo\..*bin$/.test(u) ? Promise.resolve(new Response('EYE1 cut')) : real(u, ...a); }`)
		p.ready()
		p.click("demo")
		if s := p.problem("demo"); s.Source != "none" {
			t.Errorf("source %q", s.Source)
		}
	})
	t.Run("another model", func(t *testing.T) {
		path, _ := tiny(t, 64)
		p := newTab(t, ctx, serve(t, path))
		p.ready()
		var hidden bool
		p.eval(`document.getElementById('demo').hidden && document.getElementById('invite-demo').hidden`, &hidden)
		if !hidden {
			t.Error("a demo is offered")
		}
	})
}
