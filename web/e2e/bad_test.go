//go:build !js

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"eagleeye/build/render"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/message"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// variant writes the small model after a change to its graph.
func variant(t *testing.T, change func(g *graph.Graph)) []byte {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 256, Size: 96, Classes: []string{"cube"}, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	change(g)
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const webPage = "<!doctype html><html><head><title>404</title></head><body>Not found</body></html>"

// Each broken model is refused with its cause and a remedy, the one in use goes
// on working, and the same file can be chosen again.
func TestBadModels(t *testing.T) {
	path, good := tiny(t, 96)
	url := serve(t, path)
	p := newTab(t, chromium(t), url)
	p.ready()
	flipped := bytes.Clone(good)
	for i := 64; i < len(flipped); i += 97 {
		flipped[i] ^= 0x10
	}
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, _ := z.Create("yolov8n.onnx")
	_, _ = w.Write([]byte(webPage))
	_ = z.Close()
	for _, c := range []struct {
		name string
		data []byte
		code string
		text string
	}{
		{"empty", nil, "model-empty", "0 bytes"},
		{"half", good[:len(good)/2], "model-broken", ""},
		{"flipped", flipped, "model-broken", ""},
		{"page", []byte(webPage), "model-not-onnx", "HTML"},
		{"zip", zipped.Bytes(), "model-not-onnx", "zip"},
		{"noise", bytes.Repeat([]byte{0xff, 0x13, 0x77}, 5000), "model-", ""},
		{"operator", bytes.Replace(good, []byte("\x22\x04Conv"), []byte("\x22\x04Frob"), 1), "model-operator", "Frob"},
		{"rank", variant(t, func(g *graph.Graph) { in := g.Inputs[0]; in.Shape = in.Shape[:3] }), "model-shape", "images"},
		{"nan", poisoned(t), "model-broken", "NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.in(t)
			p.choose(file(t, c.name+".onnx", c.data))
			s := p.until("the refusal", 30*time.Second, func(s snapshot) bool {
				return s.Problem != nil && strings.Contains(s.Problem.Title, c.name+".onnx")
			})
			if !strings.HasPrefix(s.Problem.Code, c.code) || !strings.Contains(s.Problem.Text, c.text) || s.Problem.Remedy == "" {
				t.Errorf("said %+v; want code %s… and text with %q", *s.Problem, c.code, c.text)
			}
			t.Logf("%s — %s — %s", s.Problem.Title, s.Problem.Text, s.Problem.Remedy)
			p.shows("problem", s.Problem.Remedy)
			if s.Engine != "ready" || s.Model == nil || s.Model.Name != "tiny.onnx" {
				t.Errorf("the model in use is gone: %+v", s)
			}
			p.shot("refused")
		})
	}
	p.slide("conf", 1)
	p.choose(file(t, "p.png", encodePNG(t, render.Scene(1, 64, 64))))
	p.until("boxes of the model that stayed", 10*time.Second, func(s snapshot) bool { return s.Result != nil && s.Problem == nil })
	var workers int
	p.eval(`testWorkers.length`, &workers)
	if workers < 9 {
		t.Errorf("only %d workers were started", workers)
	}
	p.clean()
}

// poisoned is a model with one weight that is no number.
func poisoned(t *testing.T) []byte {
	t.Helper()
	le := binary.LittleEndian
	const mark = 12345.678
	data := variant(t, func(g *graph.Graph) {
		for _, n := range g.Nodes {
			if n.Op == "Conv" {
				le.PutUint32(n.In[1].Const.Data, math.Float32bits(mark))
				return
			}
		}
	})
	nan := le.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	return bytes.Replace(data, le.AppendUint32(nil, math.Float32bits(mark)), nan, 1)
}

// Pictures that cannot be analysed are refused with the reason.
func TestBadPictures(t *testing.T) {
	path, _ := tiny(t, 96)
	url := serve(t, path)
	p := newTab(t, chromium(t), url)
	p.ready()
	for _, c := range []struct {
		name string
		data []byte
		code string
		text string
	}{
		{"thread.png", encodePNG(t, image.NewGray(image.Rect(0, 0, 50000, 1))), "picture", "50000 × 1"},
		{"ribbon.png", encodePNG(t, image.NewGray(image.Rect(0, 0, 3, 1200))), "picture", "3 × 1200"},
		{"page.png", []byte(webPage), "picture", "decode"},
		{"cut.png", encodePNG(t, render.Scene(1, 64, 64))[:40], "picture", "decode"},
		{"empty.jpg", nil, "picture", "decode"},
		{"empty.mp4", nil, "video", ""},
		{"sound.mp4", silence(), "video", "no picture"},
		{"noise.webm", bytes.Repeat([]byte{1, 2, 3}, 1000), "video", ""},
		{"notes.txt", []byte("hello"), "file", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.in(t)
			p.choose(file(t, c.name, c.data))
			s := p.until("the refusal", 20*time.Second, func(s snapshot) bool {
				return s.Problem != nil && strings.Contains(s.Problem.Title, c.name)
			})
			if s.Problem.Code != c.code || !strings.Contains(s.Problem.Text, c.text) || s.Problem.Text == "" || s.Problem.Remedy == "" {
				t.Errorf("said %+v; want code %s and text with %q", *s.Problem, c.code, c.text)
			}
			if s.Source != "none" {
				t.Errorf("the source is %q", s.Source)
			}
		})
	}
	// A picture of 20 million pixels is scaled down, not refused.
	p.slide("conf", 1)
	p.choose(file(t, "large.png", encodePNG(t, image.NewGray(image.Rect(0, 0, 5000, 4000)))))
	s := p.until("a large picture's result", 30*time.Second, func(s snapshot) bool { return s.Result != nil })
	if n := s.Result.Width * s.Result.Height; n > 16<<20 || n < 15<<20 {
		t.Errorf("analysed at %d×%d", s.Result.Width, s.Result.Height)
	}
	p.clean()
}

// silence is a WAV file of a tenth of a second.
func silence() []byte {
	le := binary.LittleEndian
	const rate, n = 8000, 800 // one byte a sample
	b := le.AppendUint32([]byte("RIFF"), 36+n)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1) // PCM, mono
	b = le.AppendUint32(le.AppendUint32(b, rate), rate)
	b = le.AppendUint16(le.AppendUint16(b, 1), 8)
	b = le.AppendUint32(append(b, "data"...), n)
	return append(b, bytes.Repeat([]byte{128}, n)...)
}

// permit sets what the browser answers to a page that asks for the camera.
func permit(p *tab, url string, how cdpbrowser.PermissionSetting) {
	p.t.Helper()
	origin := strings.TrimSuffix(url, "/")
	p.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdpbrowser.SetPermission(&cdpbrowser.PermissionDescriptor{Name: "camera"}, how).WithOrigin(origin).
			Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
	}))
}

// A camera that is refused, and one that goes away in use.
func TestCameraRefusedThenLost(t *testing.T) {
	url := serve(t, "")
	ctx := chromium(t, chromedp.Flag("use-fake-device-for-media-stream", true))
	p := newTab(t, ctx, url)
	p.until("the page", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
	permit(p, url, cdpbrowser.PermissionSettingDenied)
	p.click("start")
	if s := p.problem("camera-refused"); s.Source != "none" {
		t.Errorf("source %q", s.Source)
	}
	p.shot("refused")
	permit(p, url, cdpbrowser.PermissionSettingGranted)
	p.click("start")
	s := p.until("the camera", 20*time.Second, func(s snapshot) bool { return s.Live })
	if s.Problem != nil {
		t.Errorf("the old message stays: %+v", s.Problem)
	}
	permit(p, url, cdpbrowser.PermissionSettingDenied) // the browser ends the track
	time.Sleep(500 * time.Millisecond)
	var ended bool
	p.eval(`testTracks[0].readyState === 'ended'`, &ended)
	if !ended {
		t.Log("this browser keeps the track of a camera whose permission is withdrawn: ending it by hand")
		p.eval(`testTracks[0].stop(); testTracks[0].dispatchEvent(new Event('ended'))`, nil)
	}
	if s := p.problem("camera-lost"); s.Source != "none" || s.Live {
		t.Errorf("source %q", s.Source)
	}
	p.shot("lost")
	p.clean()
}

// Cameras that are absent or in use, and other failures, are told apart.
func TestCameraFailures(t *testing.T) {
	url := serve(t, "")
	ctx := chromium(t)
	t.Run("absent", func(t *testing.T) {
		p := newTab(t, ctx, url)
		p.until("the page", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
		permit(p, url, cdpbrowser.PermissionSettingGranted)
		p.click("start")
		p.problem("camera-absent")
	})
	for _, c := range []struct{ exception, code string }{
		{"NotReadableError", "camera-busy"}, {"AbortError", "camera-busy"}, {"OverconstrainedError", "camera-absent"}, {"TypeError", "camera-failed"},
	} {
		t.Run(c.exception, func(t *testing.T) {
			p := newTab(t, ctx, url, `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('stub', '`+c.exception+`'))`)
			p.until("the page", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
			p.click("start")
			p.problem(c.code)
		})
	}
	t.Run("insecure", func(t *testing.T) {
		p := newTab(t, ctx, url, `Object.defineProperty(Navigator.prototype, 'mediaDevices', {value: undefined})`)
		p.until("the page", 30*time.Second, func(s snapshot) bool { return s.Engine == "nomodel" })
		p.click("start")
		p.problem("camera-insecure")
	})
}

// crash makes the worker in use panic.
func (p *tab) crash() {
	p.t.Helper()
	var bytes []string
	for _, b := range message.Append(nil, message.Crash{}) {
		bytes = append(bytes, strconv.Itoa(int(b)))
	}
	p.eval(`testWorkers.at(-1).postMessage({m: new Uint8Array([`+strings.Join(bytes, ",")+`])})`, nil)
}

// A worker that crashes is started again once, with its reason on show; after
// the second crash the page says what to do, and a dropped model starts anew.
func TestWorkerCrash(t *testing.T) {
	path, _ := tiny(t, 96)
	url := serve(t, path)
	p := newTab(t, chromium(t), url)
	p.ready()
	p.slide("conf", 1)
	p.choose(file(t, "p.png", encodePNG(t, render.Scene(1, 64, 64))))
	p.until("boxes", 10*time.Second, func(s snapshot) bool { return s.Result != nil })
	before := p.snap().Frames
	p.crash()
	s := p.until("the restart", 30*time.Second, func(s snapshot) bool { return s.Restarts == 1 && s.Engine == "ready" && s.Frames > before })
	if s.code() != "engine-restarted" || !strings.Contains(s.Problem.Text, "crash asked for") {
		t.Errorf("after the restart: %+v", s.Problem)
	}
	p.shot("restarted")
	p.crash()
	s = p.until("the end", 30*time.Second, func(s snapshot) bool { return s.Engine == "failed" })
	if s.code() != "engine-crash" || s.Problem.Remedy == "" {
		t.Errorf("after the second crash: %+v", s.Problem)
	}
	p.shot("failed")
	p.choose(path)
	p.until("a new start with a chosen model", 30*time.Second, func(s snapshot) bool {
		return s.Engine == "ready" && s.Problem == nil && s.Result != nil
	})
	p.clean()
}

// A model refused while the one in use is being started again does not keep the
// latter from coming back.
func TestRefusedDuringRestart(t *testing.T) {
	path, good := tiny(t, 96)
	broken := file(t, "broken.onnx", good[:len(good)/2])
	picture := file(t, "p.png", encodePNG(t, render.Scene(1, 64, 64)))
	p := newTab(t, chromium(t), serve(t, path))
	p.ready()
	p.crash()
	p.until("the crash", 10*time.Second, func(s snapshot) bool { return s.Restarts == 1 })
	p.choose(broken)
	p.problem("model-broken")
	p.choose(picture)
	s := p.until("boxes of the model in use", 30*time.Second, func(s snapshot) bool { return s.Engine == "ready" && s.Result != nil })
	if s.Model.Name != "tiny.onnx" {
		t.Errorf("model %s", s.Model.Name)
	}
	p.clean()
}

// A worker that vanishes without a word is noticed by its silence.
func TestWorkerSilent(t *testing.T) {
	path, _ := tiny(t, 96)
	url := serve(t, path)
	p := newTab(t, chromium(t), url)
	p.ready()
	p.eval(`testWorkers[0].terminate()`, nil)
	p.choose(file(t, "p.png", encodePNG(t, render.Scene(1, 64, 64))))
	s := p.until("the restart", 60*time.Second, func(s snapshot) bool { return s.Restarts == 1 && s.Engine == "ready" && s.Result != nil })
	if s.code() != "engine-restarted" || !strings.Contains(s.Problem.Text, "no sign of life") {
		t.Errorf("after the restart: %+v", s.Problem)
	}
	p.clean()
}

// A browser without SIMD is told what to do: V8 has none without SSE 4.1.
func TestNoSIMD(t *testing.T) {
	url := serve(t, "")
	ctx := chromium(t, chromedp.Flag("js-flags", "--no-enable-sse4-1 --no-enable-ssse3 --no-enable-sse3"))
	simd := `WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]))`
	p := &tab{t, ctx}
	p.run(chromedp.Navigate(url))
	var has bool
	p.eval(simd, &has)
	before := ""
	if has {
		t.Log("this browser keeps SIMD without SSE 4.1: stubbing its validator")
		before = `const validate = WebAssembly.validate; WebAssembly.validate = () => false;`
	}
	p = newTab(t, ctx, url, before)
	deadline := time.Now().Add(30 * time.Second)
	for text := ""; !strings.Contains(text, "no WebAssembly SIMD") || !strings.Contains(text, "Chrome or Edge 91"); {
		p.eval(`document.body.innerText`, &text)
		if time.Now().After(deadline) {
			t.Fatalf("the page says %q", text)
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.shot("nosimd")
}

// A site with files missing says which.
func TestFilesMissing(t *testing.T) {
	path, _ := tiny(t, 96)
	ctx := chromium(t)
	t.Run("page", func(t *testing.T) {
		p := newTab(t, ctx, serve(t, path, "ui.wasm"))
		p.shows("app", "ui.wasm: the server answered 404")
	})
	for _, name := range []string{"engine.wasm", "kernels.wasm"} {
		t.Run(name, func(t *testing.T) {
			p := newTab(t, ctx, serve(t, path, name, "kernels-threads.wasm", "kernels-relaxed.wasm", "kernels-relaxed-threads.wasm")) // the others are not needed
			s := p.problem("engine-crash")
			if !strings.Contains(s.Problem.Text, name+": the server answered 404") || s.Engine != "failed" || s.Restarts != 2 {
				t.Errorf("said %+v, engine %s after %d restarts", *s.Problem, s.Engine, s.Restarts)
			}
		})
	}
	t.Run("worker.js", func(t *testing.T) {
		p := newTab(t, ctx, serve(t, path, "worker.js"))
		p.problem("engine-crash")
	})
	t.Run("model", func(t *testing.T) {
		url := serve(t, path)
		p := newTab(t, ctx, url, `const ask = fetch; window.fetch = (u, ...o) => ask(/model\.\w+\.onnx$/.test(u) ? 'gone' : u, ...o)`)
		s := p.problem("model-unreachable")
		if !strings.Contains(s.Problem.Text, "404") || s.Engine != "nomodel" {
			t.Errorf("said %+v, engine %s", *s.Problem, s.Engine)
		}
	})
}
