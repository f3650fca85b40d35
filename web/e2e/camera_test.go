//go:build !js

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/calib"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/wasm/message"
	"eagleeye/wasm/worker/session"
)

// collect makes the page keep each result once, as JSON.
const collect = `window.testResults = []; { let last = 0; setInterval(() => {
	const r = window.eagleeye && eagleeye.snapshot().result;
	if (r && r.id !== last) { last = r.id; testResults.push(r); }
}, 15); }`

// photo is one of the still pictures that a clip shows in turn.
type photo struct {
	Index int    `json:"index"`
	Name  string `json:"file_name"`
	Thumb []int  `json:"thumb_8x6_rgb"`
	D640  []ref  `json:"detections_640"`
	D320  []ref  `json:"detections_320"`
}

type ref struct {
	Class int        `json:"class_id"`
	Name  string     `json:"name"`
	Score float64    `json:"score"`
	Box   [4]float64 `json:"bbox"` // x, y, width, height
}

// onScreen tells by its thumbnail which photo a result is of, −1 for none: the
// mean difference must be small, and far smaller than to any other photo.
func onScreen(photos []photo, thumb []int) int {
	best, second, at := math.Inf(1), math.Inf(1), -1
	for i, p := range photos {
		sum := 0.0
		for j, v := range p.Thumb {
			sum += math.Abs(float64(v - thumb[j]))
		}
		sum /= float64(len(p.Thumb))
		if sum < best {
			best, second, at = sum, best, i
		} else if sum < second {
			second = sum
		}
	}
	if best > 8 || second < 2*best {
		return -1
	}
	return at
}

func iou(d detection, r ref) float64 {
	x1, y1 := math.Max(d.X1, r.Box[0]), math.Max(d.Y1, r.Box[1])
	x2, y2 := math.Min(d.X2, r.Box[0]+r.Box[2]), math.Min(d.Y2, r.Box[1]+r.Box[3])
	both := math.Max(0, x2-x1) * math.Max(0, y2-y1)
	return both / ((d.X2-d.X1)*(d.Y2-d.Y1) + r.Box[2]*r.Box[3] - both)
}

// match counts, for one result, the references of at least 0.5 that were found
// (same class, IoU ≥ 0.75, each by a box of its own) and the boxes of at least
// 0.5 that match no reference of any score.
func match(found []detection, refs []ref) (wanted, got, boxes, extra int) {
	used := make([]bool, len(found))
	for _, r := range refs {
		if r.Score < 0.5 {
			continue
		}
		wanted++
		for i, d := range found {
			if !used[i] && d.Class == r.Class && iou(d, r) >= 0.75 {
				used[i] = true
				got++
				break
			}
		}
	}
	for _, d := range found {
		if d.Score < 0.5 {
			continue
		}
		boxes++
		known := false
		for _, r := range refs {
			known = known || d.Class == r.Class && iou(d, r) >= 0.75
		}
		if !known {
			extra++
		}
	}
	return wanted, got, boxes, extra
}

// quantized returns the int8 form of a float model, calibrated on pictures of
// the shared set.
func quantized(t *testing.T, float string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "int8.onnx")
	_, err := calib.Quantize(context.Background(), calib.Options{
		In: float, Out: out, CalibDir: shared.File(t, "coco", "calib"), Images: 10, BiasImages: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Through the page and a camera that shows ten photos, the reference's boxes
// are found, and the page's main thread stays free meanwhile.
func TestCameraAgainstReference(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "webcam", "clip.json"))
	if err != nil {
		t.Fatal(err)
	}
	var clip struct{ Images []photo }
	if err := json.Unmarshal(data, &clip); err != nil {
		t.Fatal(err)
	}
	clipFile := shared.File(t, "webcam", "clip.mjpeg")
	parts(t)
	for _, c := range []struct {
		name, model string
		int8        bool
		refs        func(photo) []ref
	}{
		{"int8 640", "yolov8n.onnx", true, func(p photo) []ref { return p.D640 }},
		{"float 320", "yolov8n-320.onnx", false, func(p photo) []ref { return p.D320 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := shared.File(t, "models", c.model)
			if c.int8 {
				model = quantized(t, model)
			}
			p := newTab(t, chromium(t, browser.FakeCamera(clipFile)...), serve(t, model)+"?thumbs", collect)
			if s := p.ready(); c.int8 != (s.Model.Precision == "int8") {
				t.Fatalf("precision %q", s.Model.Precision)
			}
			p.click("start")
			p.until("the camera", 20*time.Second, func(s snapshot) bool { return s.Live && s.Frames > 3 })
			main := p.watchMain()
			results := map[int][]result{} // by photo
			deadline := time.Now().Add(90 * time.Second)
			total := 0
			for len(results) < len(clip.Images) || total < 40 {
				var batch []result
				p.eval(`testResults.splice(0)`, &batch)
				for _, r := range batch {
					if i := onScreen(clip.Images, r.Thumb); i >= 0 {
						results[i] = append(results[i], r)
						total++
					}
				}
				if time.Now().After(deadline) {
					t.Fatalf("after 90 s only %d of %d photos were seen in %d results", len(results), len(clip.Images), total)
				}
				time.Sleep(200 * time.Millisecond)
			}
			s := p.snap()
			main.check()
			p.shot("camera")
			// Each photo counts once, as its mean over the results of it.
			var wanted, got, boxes, extra float64
			for i, ph := range clip.Images {
				n := float64(len(results[i]))
				for _, r := range results[i] {
					if r.Width != 640 || r.Height != 480 {
						t.Fatalf("a frame of %d×%d", r.Width, r.Height)
					}
					w, g, b, e := match(r.Detections, c.refs(ph))
					wanted, got, boxes, extra = wanted+float64(w)/n, got+float64(g)/n, boxes+float64(b)/n, extra+float64(e)/n
				}
			}
			t.Logf("%d results of %d photos: %.1f of %.0f reference boxes, %.1f of %.1f boxes extra; %.1f frames/s, latency %.0f ms (prepare %.1f, infer %.1f, decode %.1f), dropped %d",
				total, len(results), got, wanted, extra, boxes, s.FPS, s.Latency, s.Result.Prepare, s.Result.Infer, s.Result.Decode, s.Dropped)
			if got < 0.95*wanted {
				t.Errorf("found %.1f of %.0f reference boxes (%.1f %%), want 95 %%", got, wanted, 100*got/wanted)
			}
			if extra > 0.05*boxes {
				t.Errorf("%.1f of %.1f boxes are extra (%.1f %%), want at most 5 %%", extra, boxes, 100*extra/boxes)
			}
			p.clean()
		})
	}
}

// scenes writes a clip of rendered scenes, each shown for a while, and returns
// them.
func scenes(t *testing.T, n, each, w, h int) (clip string, stills []*image.RGBA) {
	t.Helper()
	var frames []image.Image
	for i := range n {
		s := render.Scene(int64(100+i), w, h)
		stills = append(stills, s)
		for range each {
			frames = append(frames, s)
		}
	}
	var b bytes.Buffer
	if err := render.WriteMJPEG(&b, frames...); err != nil {
		t.Fatal(err)
	}
	return file(t, "clip.mjpeg", b.Bytes()), stills
}

// Without shared data: the camera's frames arrive whole and in time, results
// belong to the frame they claim, and stopping and starting again works.
func TestCameraRendered(t *testing.T) {
	path, _ := tiny(t, 96)
	clip, stills := scenes(t, 4, 12, 320, 240)
	var photos []photo
	for i, s := range stills {
		p := photo{Index: i}
		for _, v := range session.Thumbnail(s.Pix, 320, 240) {
			p.Thumb = append(p.Thumb, int(v))
		}
		photos = append(photos, p)
	}
	for _, c := range []struct{ name, before string }{
		{"video frames", ""},
		{"bitmaps", `delete window.VideoFrame; delete HTMLVideoElement.prototype.requestVideoFrameCallback`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTab(t, chromium(t, browser.FakeCamera(clip)...), serve(t, path)+"?thumbs", collect, c.before)
			watchScenes(t, p, photos)
		})
	}
}

// watchScenes starts and stops the camera twice and looks for all photos.
func watchScenes(t *testing.T, p *tab, photos []photo) {
	t.Helper()
	p.ready()
	for round := range 2 {
		p.click("start")
		p.until("frames", 20*time.Second, func(s snapshot) bool { return s.Live && s.Result != nil && s.Source == "camera" })
		main := p.watchMain()
		seen := map[int]int{}
		lost := 0
		deadline := time.Now().Add(30 * time.Second)
		for len(seen) < len(photos) && time.Now().Before(deadline) {
			var batch []result
			p.eval(`testResults.splice(0)`, &batch)
			for _, r := range batch {
				if len(r.Thumb) != message.ThumbBytes {
					t.Fatalf("a thumbnail of %d bytes", len(r.Thumb))
				}
				if i := onScreen(photos, r.Thumb); i >= 0 {
					seen[i]++
				} else {
					lost++
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		main.check()
		t.Logf("round %d: scenes seen %v, %d results of none", round, seen, lost)
		if len(seen) < len(photos) {
			t.Errorf("only scenes %v of %d were seen", seen, len(photos))
		}
		p.click("stop")
		p.until("the end", 5*time.Second, func(s snapshot) bool { return !s.Live && s.Source == "none" && s.Result == nil })
		var states []string
		p.eval(`testTracks.map(t => t.readyState)`, &states)
		for _, s := range states {
			if s != "ended" {
				t.Errorf("after stop the camera's track is %q: its light stays on", s)
			}
		}
	}
	p.clean()
}

// memory of the page: JavaScript heap of the main thread and of the workers
// after a collection, and the three WebAssembly memories, in bytes.
func (p *tab) memory() map[string]float64 {
	p.t.Helper()
	p.run(heapprofiler.CollectGarbage())
	m := map[string]float64{}
	p.run(chromedp.ActionFunc(func(ctx context.Context) error {
		used, _, _, _, err := runtime.GetHeapUsage().Do(ctx)
		m["heap"] = used
		return err
	}))
	s := p.snap()
	m["ui"], m["engine"], m["kernels"] = s.Memory.UI, s.Memory.Engine, s.Memory.Kernels
	var nodes float64
	p.eval(`document.querySelectorAll('*').length`, &nodes)
	m["nodes"] = nodes
	// Of all threads: what performance.measureUserAgentSpecificMemory says.
	var all float64
	p.eval(`performance.measureUserAgentSpecificMemory().then(m => m.bytes)`, &all)
	m["all"] = all
	return m
}

// A thousand frames leave no trace.
func TestMemoryFlat(t *testing.T) {
	path, _ := tiny(t, 96)
	clip, _ := scenes(t, 4, 12, 320, 240)
	opts := append(browser.FakeCamera(clip), chromedp.Flag("enable-blink-features", "ForceEagerMeasureMemory"))
	p := newTab(t, chromium(t, opts...), serve(t, path))
	p.ready()
	p.slide("conf", 5)
	p.click("start")
	p.until("the warm-up", 60*time.Second, func(s snapshot) bool { return s.Frames >= 200 })
	before := p.memory()
	from := p.snap().Frames
	// Polled from outside rarely, so that the test's own garbage does not count.
	deadline := time.Now().Add(150 * time.Second)
	for p.snap().Frames < from+1000 {
		if time.Now().After(deadline) {
			t.Fatalf("%d frames in 150 s", p.snap().Frames-from)
		}
		time.Sleep(2 * time.Second)
	}
	after := p.memory()
	t.Logf("before %v", before)
	t.Logf("after  %v, %d frames, %.1f a second", after, p.snap().Frames-from, p.snap().FPS)
	for _, k := range []string{"heap", "ui", "engine", "kernels", "all"} {
		if grown := after[k] - before[k]; grown > 2<<20 {
			t.Errorf("%s grew by %.1f MB", k, grown/1e6)
		}
	}
	if after["nodes"] != before["nodes"] {
		t.Errorf("elements: %v, then %v", before["nodes"], after["nodes"])
	}
	p.clean()
}

// A video file is played and analysed; the browser records one to play.
func TestVideoFile(t *testing.T) {
	path, _ := tiny(t, 96)
	p := newTab(t, chromium(t), serve(t, path))
	p.ready()
	p.eval(`(async () => {
		const c = document.createElement('canvas'); c.width = 160; c.height = 120;
		const g = c.getContext('2d'), rec = new MediaRecorder(c.captureStream(30)), parts = [];
		rec.ondataavailable = e => parts.push(e.data);
		const end = new Promise(r => rec.onstop = r);
		rec.start();
		for (let i = 0; i < 30; i++) { g.fillStyle = 'hsl(' + i * 12 + ' 80% 50%)'; g.fillRect(0, 0, 160, 120); await new Promise(r => setTimeout(r, 33)); }
		rec.stop(); await end;
		const d = new DataTransfer(); d.items.add(new File(parts, 'clip.webm', {type: 'video/webm'}));
		document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: d}));
	})()`, nil)
	s := p.until("results of the video", 30*time.Second, func(s snapshot) bool { return s.Source == "video" && s.Live && s.Frames > 10 })
	if s.Result == nil || s.Result.Width != 160 || s.Result.Height != 120 {
		t.Errorf("result %+v", s.Result)
	}
	if want := "Running on clip.webm"; s.Status != want {
		t.Errorf("status %q, want %q", s.Status, want)
	}
	p.click("stop")
	p.until("the end", 5*time.Second, func(s snapshot) bool { return s.Source == "none" })
	p.clean()
}

// The page looks right: screenshots in both themes and sizes, kept with SHOTS=DIR.
func TestShots(t *testing.T) {
	if shots == "" {
		t.Skip("SHOTS names no folder: skipped")
	}
	path, _ := tiny(t, 96)
	clip, _ := scenes(t, 2, 15, 640, 480)
	if c, ok := shared.Find("."); ok {
		path, clip = filepath.Join(c, "models", "yolov8n-320.onnx"), filepath.Join(c, "webcam", "clip.mjpeg")
	}
	p := newTab(t, chromium(t, browser.FakeCamera(clip)...), serve(t, path))
	p.ready()
	for _, c := range []struct {
		w, h  int64
		theme string
	}{{1440, 900, "dark"}, {1440, 900, "light"}, {768, 1024, "dark"}, {390, 844, "dark"}, {390, 844, "light"}, {320, 640, "dark"}} {
		p.emulate(c.w, c.h, 1)
		p.theme(c.theme)
		name := fmt.Sprintf("%dx%d-%s", c.w, c.h, c.theme)
		time.Sleep(200 * time.Millisecond)
		p.shot(name + "-empty")
		p.click("start")
		p.until("boxes", 30*time.Second, func(s snapshot) bool { return s.Live && s.Result != nil && len(s.Result.Detections) > 2 })
		time.Sleep(time.Second)
		p.shot(name + "-running")
		p.click("stop")
		p.choose(file(t, "broken.onnx", []byte(webPage)))
		p.problem("model-not-onnx")
		time.Sleep(200 * time.Millisecond)
		p.shot(name + "-problem")
		p.press("close", `document.querySelector('.close')`)
	}
}
