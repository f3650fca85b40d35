//go:build !js

package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/convert/job"
	"eagleeye/wasm/message"
)

// models is snapshot().models.
type models struct {
	InUse, Ask, Fetching string
	Stored               float64
	Work                 int
	List                 []struct {
		ID, Name string
		Size     float64
		Stored   bool
	}
	Made *struct {
		ID, Name string
		Size     float64
	}
	Share *float64
}

func (p *tab) models() (m models) {
	p.t.Helper()
	var text string
	p.eval(`JSON.stringify(eagleeye.snapshot().models)`, &text)
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
	return m
}

// untilModels waits for a state of the models.
func (p *tab) untilModels(what string, limit time.Duration, ok func(models) bool) models {
	p.t.Helper()
	var m models
	p.until(what, limit, func(s snapshot) bool {
		if s.code() != "" && s.Engine != "failed" {
			p.t.Logf("the page says: %+v", *s.Problem)
		}
		m = p.models()
		return ok(m)
	})
	return m
}

// pickModel takes another model from the list, as soon as the list shows that it
// is not the one in use: the page renders on the next frame.
func (p *tab) pickModel(id string) {
	p.t.Helper()
	p.press("the model "+id, fmt.Sprintf(`document.querySelector('[data-model="%s"]:not(:checked)')`, id))
}

func (p *tab) uses(name string) snapshot {
	p.t.Helper()
	return p.until("the model "+name, 60*time.Second, func(s snapshot) bool {
		return s.Model != nil && s.Model.Name == name && s.Engine == "ready"
	})
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func serveModels(t *testing.T, o site.Options) string {
	t.Helper()
	server := httptest.NewServer(site.Handler(build(t, o)))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// Models of the site are chosen, kept by their hash, checked, asked about when
// they are large, and taken off the device.
func TestModelPicker(t *testing.T) {
	_, first := tiny(t, 96)
	_, second := tinyInt8(t, 128)
	large := append([]byte("not a model"), make([]byte, 9<<20)...)
	p := newTab(t, chromium(t), serveModels(t, site.Options{ModelData: first, ModelName: "first.onnx", Models: []site.ModelFile{
		{Data: second, Name: "second.onnx", Description: "a small one"}, {Data: large, Name: "large.onnx"},
	}}))
	p.ready()
	defer func() {
		if t.Failed() {
			t.Logf("the models: %+v", p.models())
		}
	}()
	m := p.untilModels("the list", 10*time.Second, func(m models) bool { return len(m.List) == 3 })
	if m.InUse != sum(first) || m.Stored != 0 || m.List[1].ID != sum(second) {
		t.Fatalf("%+v", m)
	}
	p.eval(`document.getElementById('models').open = true`, nil)
	p.shows("model-list", "a small one")

	p.pickModel(sum(second))
	if s := p.uses("second.onnx"); s.Model.Precision != "int8" || s.Model.Width != 128 {
		t.Errorf("%+v", s.Model)
	}
	p.untilModels("the second one on the device", 10*time.Second, func(m models) bool {
		return m.InUse == sum(second) && m.List[1].Stored && m.Stored == float64(len(second))
	})
	p.pickModel(sum(first))
	p.uses("first.onnx")

	// What is kept is checked: broken bytes are replaced by the site's.
	p.eval(`(async () => { const c = await caches.open('eagleeye-models'); for (const k of await c.keys()) if (k.url.endsWith('`+sum(second)+`')) {
		const r = await c.match(k); await c.put(k, new Response('broken', {headers: r.headers})); } })()`, nil)
	p.pickModel(sum(second))
	p.uses("second.onnx")
	var size int
	p.eval(`(async () => (await (await (await caches.open('eagleeye-models')).match('eagleeye-model/`+sum(second)+`')).blob()).size)()`, &size)
	if size != len(second) {
		t.Errorf("%d bytes are kept, want %d", size, len(second))
	}

	p.pickModel(sum(large))
	p.untilModels("the question", 10*time.Second, func(m models) bool { return m.Ask == sum(large) })
	p.shows("model-ask", "MB")
	p.click("model-no")
	p.untilModels("no question", 10*time.Second, func(m models) bool { return m.Ask == "" })
	p.pickModel(sum(large))
	p.untilModels("the question again", 10*time.Second, func(m models) bool { return m.Ask == sum(large) })
	p.click("model-yes")
	if s := p.problem("model-not-onnx"); s.Model == nil || s.Model.Name != "second.onnx" {
		t.Errorf("after a file that is no model: %+v", s)
	}
	p.untilModels("the second one in use", 10*time.Second, func(m models) bool { return m.InUse == sum(second) })

	p.press("Delete", `document.querySelector('[data-delete="`+sum(second)+`"]:not([hidden])')`)
	p.untilModels("it off the device", 10*time.Second, func(m models) bool { return !m.List[1].Stored })

	// Another input size and precision need no other file and no other worker.
	var before, after int
	p.eval(`testWorkers.length`, &before)
	p.eval(`location.hash = '#size=320&precision=float'`, nil)
	p.until("320 in float", 20*time.Second, func(s snapshot) bool {
		return s.Model.Width == 320 && s.Model.Precision == "float32"
	})
	p.eval(`location.hash = '#size=192&precision=mixed'`, nil)
	p.until("192, mixed", 20*time.Second, func(s snapshot) bool { return s.Model.Width == 192 && s.Model.Precision == "mixed" })
	if p.eval(`testWorkers.length`, &after); after != before {
		t.Errorf("%d workers were started", after-before)
	}
	p.clean()
}

// A checkpoint is read in the tab; what cannot be is refused with a remedy.
func TestCheckpointInTab(t *testing.T) {
	zipped, err := os.Open(filepath.Join(shared.Repo(t), "wasm", "pt", "testdata", "trained.pt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	r, err := gzip.NewReader(zipped)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	small, _ := tiny(t, 96)
	p := newTab(t, chromium(t), serve(t, small))
	p.ready()
	p.choose(file(t, "trained.pt", data))
	if s := p.uses("trained.onnx"); s.Problem != nil {
		t.Errorf("%+v", *s.Problem)
	}
	p.choose(file(t, "cut.pt", data[:len(data)/2]))
	if s := p.problem("checkpoint"); s.Problem.Remedy == "" || s.Model == nil || s.Model.Name != "trained.onnx" || s.Engine != "ready" {
		t.Errorf("after a cut file: %+v", s)
	}
	p.clean()
}

// Quantizing in the tab makes the file that the native code makes of the same
// pictures; it is compared, used, kept, saved and opened again.
func TestQuantizeInTab(t *testing.T) {
	path, model := tiny(t, 160)
	var paths []string
	var pictures job.Pictures
	for i := range 3 {
		m := render.Scene(int64(40+i), 160, 120)
		paths = append(paths, file(t, fmt.Sprintf("p%d.png", i), encodePNG(t, m)))
		pictures = append(pictures, m)
	}
	p := newTab(t, chromium(t), serve(t, path), `URL.createObjectURL = ((make) => (b) => { window.testSaved = b; return make.call(URL, b); })(URL.createObjectURL)`)
	p.ready()
	p.slide("conf", 1) // where the seeded model finds something
	p.eval(`document.getElementById('models').open = true`, nil)
	for _, c := range []struct {
		name    string
		careful bool
		wish    message.Calibrate
	}{
		{"biases", false, message.Calibrate{Width: 160, BiasImages: 8}},
		{"rounding", true, message.Calibrate{Width: 160, RoundImages: 16}},
	} {
		want, _, err := job.Quantize(model, slices.Clone(pictures), c.wish, nil, func(message.Working) {})
		if err != nil {
			t.Fatal(err)
		}
		if c.careful {
			p.click("quantize-careful")
		}
		p.run(chromedp.SetUploadFiles("#quantize-files", paths, chromedp.ByQuery))
		m := p.untilModels("the comparison", 120*time.Second, func(m models) bool { return m.Share != nil && m.Work == 0 })
		if m.Made == nil || m.Made.Name != "tiny-int8.onnx" || m.Made.Size != float64(len(want)) {
			t.Fatalf("%s: made %+v, natively %d bytes", c.name, m.Made, len(want))
		}
		p.click("made-save")
		var saved string
		p.eval(`(async () => btoa(Array.from(new Uint8Array(await testSaved.arrayBuffer()), (b) => String.fromCharCode(b)).join('')))()`, &saved)
		got, err := base64.StdEncoding.DecodeString(saved)
		if err != nil || sum(got) != m.Made.ID {
			t.Fatalf("%s: saved %d bytes, %v", c.name, len(got), err)
		}
		if !bytes.Equal(got, want) {
			n := 0
			for i := range got {
				if got[i] != want[i] {
					n++
				}
			}
			t.Errorf("%s: %d of %d bytes differ from what is made natively", c.name, n, len(got))
		}
		var boxes string
		p.eval(`document.getElementById('compare-text').innerText.split('\n')[0]`, &boxes)
		t.Logf("%s: %s", c.name, boxes)
		t.Logf("%s: %d → %d bytes, %.0f %% of boxes agree", c.name, len(model), len(got), 100**m.Share)
		if c.careful {
			p.eval(`document.getElementById('made').scrollIntoView()`, nil)
			p.shot("compared")
			p.click("made-keep")
			p.untilModels("it on the device", 10*time.Second, func(m models) bool { return m.Stored == float64(len(got)) })
			p.click("made-open")
			if s := p.uses("tiny-int8.onnx"); s.Model.Precision != "int8" {
				t.Errorf("%+v", s.Model)
			}
			p.choose(file(t, "again.onnx", got))
			p.uses("again.onnx")
			p.click("made-drop")
		}
	}
	p.clean()
}

// Twenty changes of the model leave nothing behind.
func TestTwentySwitches(t *testing.T) {
	_, first := tiny(t, 96)
	_, second := tinyInt8(t, 96)
	clip, _ := scenes(t, 2, 12, 320, 240)
	p := newTab(t, chromium(t, append(browser.FakeCamera(clip), chromedp.Flag("enable-blink-features", "ForceEagerMeasureMemory"))...), serveModels(t, site.Options{
		ModelData: first, ModelName: "first.onnx", Models: []site.ModelFile{{Data: second, Name: "second.onnx"}}}))
	p.ready()
	p.untilModels("the list", 10*time.Second, func(m models) bool { return len(m.List) == 2 })
	p.click("start")
	change := func(n int) {
		for i := range n {
			data, name := second, "second.onnx"
			if i%2 == 1 {
				data, name = first, "first.onnx"
			}
			p.pickModel(sum(data))
			p.uses(name)
			p.untilModels("it in use", 10*time.Second, func(m models) bool { return m.InUse == sum(data) && m.Fetching == "" })
		}
		from := p.snap().Frames
		p.until("frames", 20*time.Second, func(s snapshot) bool { return s.Frames > from+130 }) // garbage is collected every 64
	}
	read := func() map[string]float64 {
		p.eval(`testWorkers.length = 0`, nil) // they hold the ended workers, each with a listener
		return p.metrics()
	}
	change(4) // caches fill
	before := read()
	change(20)
	after := read()
	t.Logf("before %+v, after %+v", before, after)
	for name, most := range map[string]float64{"Nodes": 20, "JSEventListeners": 5, "functions": 0} {
		if after[name] > before[name]+most {
			t.Errorf("%s: %.0f before, %.0f after 20 changes", name, before[name], after[name])
		}
	}
	if all := after["all"]; all > before["all"]+5e6 || before["all"] == 0 {
		t.Errorf("memory: %.1f MB before, %.1f MB after 20 changes", before["all"]/1e6, all/1e6)
	}
	p.clean()
}

// The official YOLOv8n is quantized in the tab by photos and agrees with its
// float form on them.
func TestOfficialInTab(t *testing.T) {
	dir := shared.Dir(t)
	model, err := os.ReadFile(filepath.Join(dir, "models", "yolov8n-320.onnx"))
	if err != nil {
		t.Skip(err)
	}
	photos, err := filepath.Glob(filepath.Join(dir, "coco", "calib", "*.jpg"))
	if len(photos) == 0 {
		photos, err = filepath.Glob(filepath.Join(dir, "coco", "calib", "images", "*.jpg"))
	}
	if err != nil || len(photos) < 8 {
		t.Skipf("%d photos, %v", len(photos), err)
	}
	small, _ := tiny(t, 96)
	p := newTab(t, chromium(t), serve(t, small))
	p.ready()
	p.eval(`document.getElementById('models').open = true`, nil)
	p.choose(file(t, "yolov8n-320.onnx", model))
	if s := p.uses("yolov8n-320.onnx"); s.Model.Width != 320 || s.Model.Precision != "float32" {
		t.Errorf("%+v", s.Model)
	}
	start := time.Now()
	p.run(chromedp.SetUploadFiles("#quantize-files", photos[:8], chromedp.ByQuery))
	m := p.untilModels("the comparison", 180*time.Second, func(m models) bool { return m.Share != nil && m.Work == 0 })
	took := time.Since(start)
	var text string
	p.eval(`document.getElementById('compare-text').innerText`, &text)
	t.Logf("in %v: %s", took, text)
	if *m.Share < 0.7 {
		t.Errorf("%.0f %% of the boxes agree", 100**m.Share)
	}
	p.eval(`document.getElementById('made').scrollIntoView()`, nil)
	p.shot("official")
	p.clean()
}
