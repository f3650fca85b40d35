//go:build !js

package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"eagleeye/build/render"
	"eagleeye/build/site"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/host"
)

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sliderConf returns a value of the confidence slider at which the seeded model
// finds some boxes, not hundreds, and what the engine outside the browser finds
// there.
func sliderConf(t *testing.T, model []byte, m *image.RGBA) (percent int, want []wasm.Detection) {
	t.Helper()
	machine, err := host.New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	d, err := wasm.Open(model, machine, wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := func(percent int) wasm.Thresholds {
		return wasm.Thresholds{Conf: float32(percent) / 100, IoU: 0.7, Max: 300}
	}
	percent = 99
	want, _, err = d.Detect(m.Pix, m.Rect.Dx(), m.Rect.Dy(), at(percent))
	for ; err == nil && len(want) < 5 && percent > 1; want, err = d.Again(at(percent)) {
		percent--
	}
	if err != nil || len(want) < 5 {
		t.Fatalf("the seeded model finds %d boxes at %d %%: %v", len(want), percent, err)
	}
	return percent, want
}

// compare fails unless the page found exactly what the native engine did.
func compare(t *testing.T, got []detection, want []wasm.Detection) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d boxes, the native engine finds %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		worst := 0.0
		for _, d := range [][2]float64{{g.X1, float64(w.X1)}, {g.Y1, float64(w.Y1)}, {g.X2, float64(w.X2)}, {g.Y2, float64(w.Y2)}, {g.Score, float64(w.Score)}} {
			worst = math.Max(worst, math.Abs(d[0]-d[1]))
		}
		if g.Class != w.Class || g.Name != w.Name || worst != 0 {
			t.Errorf("box %d: %+v, the native engine: %+v", i, g, w)
		}
	}
}

// The same pixels give the same boxes in the tab and natively, and sliders act
// on a still image without a new picture.
func TestImageEqualsNative(t *testing.T) {
	for _, c := range []struct {
		name, query, variant string
		model                func(*testing.T, int) (string, []byte)
	}{
		{"int8", "", fastest(), tinyInt8},
		{"float", "", fastest(), tiny},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, model := c.model(t, 160)
			p := newTab(t, chromium(t), serve(t, path)+c.query)
			if s := p.ready(); s.Model.Name != "tiny.onnx" || s.Model.Width != 160 || !strings.HasPrefix(s.Model.Variant, c.variant) {
				t.Fatalf("model %+v", s.Model)
			}
			p.equalsNative(model)
			p.shot("image")
			p.clean()
		})
	}
}

// equalsNative checks that the page finds in pictures what the native engine
// does.
func (p *tab) equalsNative(model []byte) {
	for i, size := range []image.Point{{320, 240}, {97, 333}, {640, 480}} {
		p.t.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(t *testing.T) {
			p := p.in(t)
			scene := render.Scene(int64(i)+5, size.X, size.Y)
			conf, want := sliderConf(t, model, scene)
			p.slide("conf", conf)
			before := p.snap().Frames
			p.choose(file(t, fmt.Sprintf("scene%d.png", i), encodePNG(t, scene)))
			s := p.until("boxes", 20*time.Second, func(s snapshot) bool {
				return s.Frames > before && s.Result != nil && s.Result.Width == size.X && len(s.Result.Detections) > 0
			})
			compare(t, s.Result.Detections, want)
			p.shows("found", want[0].Name)
			p.slide("conf", 99)
			p.until("no boxes at 99 %", 5*time.Second, func(s snapshot) bool { return s.Result != nil && len(s.Result.Detections) == 0 })
			p.shows("found", "Nothing found")
			p.slide("conf", conf)
			s = p.until("the boxes again", 5*time.Second, func(s snapshot) bool { return s.Result != nil && len(s.Result.Detections) == len(want) })
			compare(t, s.Result.Detections, want)
		})
	}
}

// A dropped picture is taken like a chosen one, before the model is there too.
func TestDropWithoutModel(t *testing.T) {
	path, model := tinyInt8(t, 96)
	url := serve(t, "")
	p := newTab(t, chromium(t), url)
	p.until("the request for a model", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
	var invite string
	p.eval(`document.querySelector('.invite').innerText`, &invite)
	if !bytes.Contains([]byte(invite), []byte("A model is needed")) || !bytes.Contains([]byte(invite), []byte("make model")) {
		t.Errorf("without a model the stage says %q", invite)
	}
	p.shot("nomodel")
	scene := render.Scene(3, 128, 128)
	p.drop("scene.png", "image/png", encodePNG(t, scene))
	p.until("the picture", 10*time.Second, func(s snapshot) bool { return s.Live && s.Source == "image" })
	conf, want := sliderConf(t, model, scene)
	p.slide("conf", conf)
	p.choose(path)
	s := p.until("boxes", 30*time.Second, func(s snapshot) bool { return s.Result != nil })
	compare(t, s.Result.Detections, want)
	p.clean()
}

// A model that a person gives while the site's own is on its way stays.
func TestOwnModelBeforeTheSites(t *testing.T) {
	theirs, own := tiny(t, 96)
	hold := `{ const ask = fetch; window.fetch = async (u, ...o) => {
		if (!/^model\..*onnx$/.test(u)) return ask(u, ...o);
		await new Promise((go) => { window.testGo = go; });
		const bytes = await (await ask(u, ...o)).arrayBuffer();
		window.testArrived = true;
		return new Response(bytes);
	}; }`
	p := newTab(t, chromium(t), serve(t, theirs), hold)
	p.until("the page", 30*time.Second, func(s snapshot) bool { return s.Engine == "loading" })
	p.choose(file(t, "own.onnx", own))
	p.ready()
	for arrived := false; !arrived; time.Sleep(20 * time.Millisecond) {
		p.eval(`window.testGo?.(); window.testArrived === true`, &arrived)
	}
	time.Sleep(time.Second)
	if s := p.snap(); s.Engine != "ready" || s.Model.Name != "own.onnx" {
		t.Errorf("engine %s with %s", s.Engine, s.Model.Name)
	}
	p.clean()
}

// A host that sends files and no headers gives a page that works, on one
// thread, and still cannot ask other origins for anything.
func TestPlainHost(t *testing.T) {
	path, model := tinyInt8(t, 96)
	server := httptest.NewServer(http.FileServer(http.Dir(build(t, site.Options{}))))
	t.Cleanup(server.Close)
	p := newTab(t, chromium(t), server.URL+"/")
	p.until("the request for a model", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
	p.choose(path)
	if s := p.ready(); s.Model.Threads != 1 {
		t.Errorf("%d threads", s.Model.Threads)
	}
	scene := render.Scene(3, 128, 128)
	conf, want := sliderConf(t, model, scene)
	p.slide("conf", conf)
	p.choose(file(t, "scene.png", encodePNG(t, scene)))
	s := p.until("boxes", 20*time.Second, func(s snapshot) bool { return s.Result != nil })
	compare(t, s.Result.Detections, want)
	p.clean()
	var refused string
	p.eval(`new Promise((done) => {
		addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
		fetch('http://127.0.0.2:9/').catch(() => setTimeout(() => done('nothing'), 2000));
	})`, &refused)
	if refused != "connect-src" {
		t.Errorf("a request to another origin is refused by %s, want connect-src", refused)
	}
}

func (p *tab) drop(name, mime string, data []byte) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`{
		const bytes = Uint8Array.from(atob(%q), c => c.charCodeAt(0));
		const d = new DataTransfer(); d.items.add(new File([bytes], %q, {type: %q}));
		document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: d}));
	}`, base64.StdEncoding.EncodeToString(data), name, mime), nil)
}

// The overlay lies over the picture at any aspect ratio and pixel ratio: the
// colours of its strokes are found where the boxes must be.
func TestOverlayPlacement(t *testing.T) {
	path, _ := tiny(t, 96)
	url := serve(t, path)
	ctx := chromium(t)
	p := newTab(t, ctx, url)
	p.ready()
	p.slide("conf", 1)
	for _, c := range []struct {
		name         string
		w, h         int64
		ratio        float64
		imageW, imgH int
	}{
		{"wide picture, plain screen", 1280, 800, 1, 400, 100},
		{"tall picture, plain screen", 1280, 800, 1, 100, 400},
		{"phone", 390, 844, 3, 320, 240},
		{"zoomed", 1000, 700, 1.25, 320, 320},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.in(t)
			p.emulate(c.w, c.h, c.ratio)
			before := p.snap().Frames
			p.choose(file(t, "p.png", encodePNG(t, render.Scene(8, c.imageW, c.imgH))))
			s := p.until("boxes", 20*time.Second, func(s snapshot) bool {
				return s.Frames > before && s.Result != nil && s.Result.Width == c.imageW && len(s.Result.Detections) > 0
			})
			time.Sleep(150 * time.Millisecond) // the observer's resize
			// Where CSS puts the picture, and what the overlay has drawn.
			var got struct {
				Canvas  [2]int
				Rect    [4]float64
				Missing int
				Outside int
			}
			p.eval(`(() => {
				const o = document.getElementById('overlay'), box = o.getBoundingClientRect(), r = eagleeye.snapshot().result;
				const pic = document.getElementById('picture').getBoundingClientRect();
				const s = Math.min(pic.width / r.width, pic.height / r.height);
				const left = pic.left - box.left + (pic.width - r.width * s) / 2, top = pic.top - box.top + (pic.height - r.height * s) / 2;
				const px = o.getContext('2d').getImageData(0, 0, o.width, o.height).data;
				const at = (x, y) => { let best = 0; for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) {
					const X = Math.round(x * devicePixelRatio) + dx, Y = Math.round(y * devicePixelRatio) + dy;
					if (X >= 0 && Y >= 0 && X < o.width && Y < o.height) best = Math.max(best, px[4 * (Y * o.width + X) + 3]); } return best; };
				let missing = 0;
				const clamp = (v, m) => Math.max(0, Math.min(v, m));
				for (const d of r.detections) {
					const x1 = left + clamp(d.x1, r.width) * s, x2 = left + clamp(d.x2, r.width) * s, y1 = top + clamp(d.y1, r.height) * s, y2 = top + clamp(d.y2, r.height) * s;
					for (const [x, y] of [[(x1 + x2) / 2, y2], [x1, (y1 + y2) / 2], [x2, (y1 + y2) / 2]]) if (!at(x, y)) missing++;
				}
				let outside = 0;
				for (let y = 0; y < o.height; y++) for (let x = 0; x < o.width; x++) if (px[4 * (y * o.width + x) + 3]) {
					const X = x / devicePixelRatio, Y = y / devicePixelRatio;
					if (X < left - 2 || Y < top - 2 || X > left + r.width * s + 2 || Y > top + r.height * s + 2) outside++;
				}
				return {Canvas: [o.width, o.height], Rect: [left, top, r.width * s, r.height * s], Missing: missing, Outside: outside};
			})()`, &got)
			if got.Missing > 0 {
				t.Errorf("%d sides of %d boxes are not drawn where they belong (picture at %v, canvas %v)", got.Missing, len(s.Result.Detections), got.Rect, got.Canvas)
			}
			if got.Outside > 0 {
				t.Logf("%d pixels of labels reach past the picture", got.Outside)
			}
			p.shot("overlay")
		})
	}
	p.clean()
}
