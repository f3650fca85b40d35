//go:build !js

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/calib"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// shots is the folder in which screenshots are kept, "" for none.
var shots = os.Getenv("SHOTS")

// built is what is compiled of the site, once for all tests.
var built struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// parts returns a folder of what is compiled.
func parts(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser: skipped with -short")
	}
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "eagleeye-e2e-"); built.err != nil {
			return
		}
		built.err = site.Compile(context.Background(), built.dir, site.Options{Root: shared.Repo(t), Logf: t.Logf})
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// build makes a site of the compiled parts into a folder of its own.
func build(t *testing.T, o site.Options) (dir string) {
	t.Helper()
	o.Root, o.Parts, o.Out = shared.Repo(t), parts(t), filepath.Join(t.TempDir(), "dist")
	if err := site.Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Out
}

// asset returns the name of a file in a site.
func asset(t *testing.T, dir, name string) string {
	t.Helper()
	file, err := site.Find(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// serve serves the site with the model at path, or with none for "", and
// without the files named.
func serve(t *testing.T, model string, without ...string) (url string) {
	t.Helper()
	dir := build(t, site.Options{Model: model})
	for _, name := range without {
		if err := os.Remove(filepath.Join(dir, asset(t, dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(site.Handler(dir))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// tiny writes a small seeded model and returns its path and bytes.
func tiny(t *testing.T, size int) (path string, data []byte) {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 256, Size: size, Classes: []string{"cube", "ball", "cone"}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if data, err = onnx.Write(g); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "tiny.onnx")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path, data
}

// tinyInt8 is the int8 form of tiny, which gives the same boxes on any kernels.
func tinyInt8(t *testing.T, size int) (path string, data []byte) {
	t.Helper()
	path, data = tiny(t, size)
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := calib.Graph(t.Context(), g, nil, calib.Options{Images: 2, BiasImages: -1})
	if err != nil {
		t.Fatal(err)
	}
	if data, err = onnx.Write(q); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path, data
}

// chromium starts a browser for a test and checks, when the test ends, that no
// page of it asked anything of another host.
func chromium(t *testing.T, extra ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	return chromiumFor(t, 4*time.Minute, extra...)
}

// chromiumFor is chromium with another limit of the browser's life.
func chromiumFor(t *testing.T, limit time.Duration, extra ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	// Before the browser's time starts: make the site and, it may be, install a browser.
	parts(t)
	if _, err := browser.Ensure(context.Background(), t.Logf); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "netlog.json")
	ctx, stop := context.WithTimeout(context.Background(), limit)
	extra = append(extra, chromedp.Flag("log-net-log", log))
	tab, closeBrowser, err := browser.Start(ctx, t.Logf, extra...)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab) // a clean end, so that the log is written
		closeBrowser()
		stop()
		checkRequests(t, log)
	})
	return tab
}

var (
	initiatedHere = regexp.MustCompile(`"initiator":"(http://127\.0\.0\.1:\d+)"`)
	requestedURL  = regexp.MustCompile(`"url":"([a-z]+://[^"]*)"`)
)

// alsoAsked is, by *testing.T, an origin that the pages of a test may ask besides
// their own: that of a site that they embed.
var alsoAsked sync.Map

// checkRequests reads the browser's own log of its network, which covers
// workers, and fails for a request of a page that leaves the page's origin.
func checkRequests(t *testing.T, log string) {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Errorf("the browser wrote no network log: %v", err)
		return
	}
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		from := initiatedHere.FindStringSubmatch(lines.Text())
		url := requestedURL.FindStringSubmatch(lines.Text())
		if from == nil || url == nil {
			continue
		}
		n++
		site, _ := alsoAsked.Load(t)
		if other, ok := site.(string); !strings.HasPrefix(url[1], from[1]+"/") && !(ok && strings.HasPrefix(url[1], other+"/")) {
			t.Errorf("the page at %s asked for %s", from[1], url[1])
		}
	}
	if n == 0 {
		t.Errorf("no request of the page is in the network log (%d bytes): the check is blind", len(data))
	}
}

// snapshot is what window.eagleeye.snapshot() returns.
type snapshot struct {
	Status, Engine, Source string
	Live                   bool
	Film                   *struct {
		Time, Length      float64
		Paused, Analysing bool
	}
	Strip    []int // the picture on show, of how many
	Problem  *struct{ Code, Title, Text, Remedy string }
	Restarts int
	Model    *struct {
		Name, Precision, Variant string
		Width, Height, Threads   int
	}
	Frames, Dropped int
	FPS, Latency    float64
	Memory          struct{ UI, Engine, Kernels float64 }
	Offline         struct {
		Kept, Update, Cut, Install bool
		Failed                     string
	}
	Result  *result
	Results outcomes
}

type result struct {
	ID, Width, Height      int
	Prepare, Infer, Decode float64
	Stages                 struct{ Capture, Copy, Letterbox, Infer, Decode, Draw float64 }
	Planes                 bool
	Detections             []detection
	Thumb                  []int
}

type detection struct {
	Class          int
	Name           string
	Score          float64
	X1, Y1, X2, Y2 float64
	Track          int
}

// outcomes is what the page has made of its results.
type outcomes struct {
	Logged    struct{ Frames, Items, Bytes int }
	Recording bool
	Drawing   int
	Seen      map[string]int
	Shapes    []struct {
		ID                               int
		Line                             bool
		ToLeft, ToRight, Inside, Entries int
		Dwell                            float64
	}
}

func (s snapshot) code() string {
	if s.Problem == nil {
		return ""
	}
	return s.Problem.Code
}

// tab is the page in a tab.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// watch collects what the page must never do; see newTab.
const watch = `
window.testErrors = []; window.testLong = []; window.testWorkers = []; window.testTracks = [];
addEventListener('error', e => testErrors.push(String(e.message)));
addEventListener('unhandledrejection', e => testErrors.push(String(e.reason)));
addEventListener('securitypolicyviolation', e => testErrors.push('CSP ' + e.violatedDirective + ' ' + e.blockedURI));
try { new PerformanceObserver(l => l.getEntries().forEach(e => testLong.push(e.duration))).observe({entryTypes: ['longtask']}); } catch {}
window.Worker = class extends Worker { constructor(...a) { super(...a); testWorkers.push(this); } };
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (c) => { const s = await ask(c); testTracks.push(...s.getTracks()); return s; };
}`

// in returns the tab for a subtest.
func (p *tab) in(t *testing.T) *tab { return &tab{t, p.ctx} }

// newTab opens the page, with scripts run before its own.
func newTab(t *testing.T, browserCtx context.Context, url string, before ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browserCtx)
	t.Cleanup(cancel)
	p := &tab{t, ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			t.Errorf("uncaught in the page: %s", e.ExceptionDetails.Error())
		}
	})
	actions := []chromedp.Action{}
	for _, script := range append([]string{watch}, before...) {
		actions = append(actions, chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
			return err
		}))
	}
	p.run(append(actions, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))...)
	return p
}

func (p *tab) run(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval evaluates a script, awaits it and decodes its JSON into out.
func (p *tab) eval(script string, out any) {
	p.t.Helper()
	p.run(chromedp.Evaluate(script, out, func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }))
}

func (p *tab) snap() snapshot {
	p.t.Helper()
	var text string
	p.eval(`window.eagleeye ? JSON.stringify(eagleeye.snapshot()) : ''`, &text)
	var s snapshot
	if text != "" {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			p.t.Fatalf("snapshot %s: %v", text, err)
		}
	}
	return s
}

// until waits for a snapshot that satisfies ok.
func (p *tab) until(what string, limit time.Duration, ok func(snapshot) bool) snapshot {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		s := p.snap()
		if ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			p.shot("timeout")
			text, _ := json.Marshal(s)
			p.t.Fatalf("waited %v for %s; the page: %s", limit, what, text)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func (p *tab) ready() snapshot {
	p.t.Helper()
	return p.until("the engine", 60*time.Second, func(s snapshot) bool { return s.Engine == "ready" })
}

func (p *tab) problem(code string) snapshot {
	p.t.Helper()
	return p.until("the problem "+code, 60*time.Second, func(s snapshot) bool { return s.code() == code })
}

// shows waits until the element with an id shows a text: the page renders on
// the next frame.
func (p *tab) shows(id, text string) {
	p.t.Helper()
	shown := ""
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if p.eval(`document.getElementById('`+id+`').innerText`, &shown); strings.Contains(shown, text) {
			return
		}
	}
	p.t.Errorf("#%s shows %q, not %q", id, shown, text)
}

func (p *tab) click(id string) {
	p.t.Helper()
	p.press("#"+id, fmt.Sprintf(`document.getElementById(%q)`, id))
}

// press clicks on what a script finds, once it is there and can be pressed.
func (p *tab) press(what, find string) {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var done bool
		p.eval(`{ const e = `+find+`, can = !!e && !e.disabled; if (can) e.click(); can }`, &done)
		if done {
			return
		}
		if time.Now().After(deadline) {
			p.shot("timeout")
			p.t.Fatalf("%s cannot be pressed", what)
		}
	}
}

// choose gives files to the page's chooser.
func (p *tab) choose(path string) {
	p.t.Helper()
	p.run(chromedp.SetUploadFiles("#file", []string{path}, chromedp.ByQuery))
}

// file writes a file to choose.
func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// slide moves a slider as a person does.
func (p *tab) slide(id string, percent int) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`{ const e = document.getElementById(%q); e.value = %d; e.dispatchEvent(new Event('input', {bubbles: true})) }`, id, percent), nil)
}

// clean fails for errors that the page saw.
func (p *tab) clean() {
	p.t.Helper()
	var errs []string
	p.eval(`testErrors`, &errs)
	if len(errs) > 0 {
		p.t.Errorf("errors in the page: %q", errs)
	}
}

// shot keeps a screenshot.
func (p *tab) shot(name string) {
	if shots == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot(&png)); err == nil {
		_ = os.MkdirAll(shots, 0o755)
		_ = os.WriteFile(filepath.Join(shots, strings.ReplaceAll(p.t.Name(), "/", "-")+"-"+name+".png"), png, 0o644)
	}
}

// emulate sets the size and the pixel ratio of the page's screen.
func (p *tab) emulate(w, h int64, ratio float64) {
	p.t.Helper()
	p.run(chromedp.EmulateViewport(w, h, chromedp.EmulateScale(ratio)))
}

// theme sets the preferred colour scheme.
func (p *tab) theme(name string) {
	p.t.Helper()
	p.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}))
}
