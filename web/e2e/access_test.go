//go:build !js

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"eagleeye/build/export/exporttest"
	"eagleeye/build/render"
)

// axeVersion is the accessibility checker's; it is a test's tool only.
const axeVersion = "axe-core@4.14.1"

// violation is a rule of axe that the page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML    string
		Summary string `json:"failureSummary"`
	}
}

// axe returns what axe finds wrong with the page as it is.
func (p *tab) axe(source string) []violation {
	p.t.Helper()
	var text string
	p.eval(`(async () => {
		if (!window.axe) { `+source+` }
		const r = await axe.run(document, {resultTypes: ['violations']});
		return JSON.stringify({rules: r.passes.length, violations: r.violations});
	})()`, &text)
	var found struct {
		Rules      int
		Violations []violation
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.t.Fatal(err)
	}
	if found.Rules < 10 {
		p.t.Errorf("only %d rules of axe had something to check", found.Rules)
	}
	return found.Violations
}

// TestAccess runs axe on every view of the page, in both languages and themes,
// and keeps a screenshot of each.
func TestAccess(t *testing.T) {
	dir := exporttest.Node(t, axeVersion)
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromiumFor(t, 8*time.Minute, chromedp.Flag("use-fake-ui-for-media-stream", true))
	url := serveDemo(t)
	p := newTab(t, ctx, url, `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))`)
	p.ready()
	everything := func(p *tab) {
		p.eval(`document.querySelectorAll('details.panel').forEach((d) => { d.open = true; })`, nil)
	}
	picture := file(t, "scene.png", encodePNG(t, render.Scene(5, 320, 240)))
	for _, view := range []struct {
		name string
		w, h int64
		show func(p *tab)
	}{
		{"empty", 1440, 900, func(p *tab) {}},
		{"problem", 1440, 900, func(p *tab) { p.click("start"); p.problem("camera-refused") }},
		{"running", 1440, 900, func(p *tab) {
			p.click("demo")
			p.until("the demo", 20*time.Second, func(s snapshot) bool { return s.Source == "demo" && s.Result != nil })
			everything(p)
		}},
		{"zone", 1440, 900, func(p *tab) {
			p.click("draw-zone")
			p.until("drawing", 10*time.Second, func(s snapshot) bool { return s.Results.Drawing == 2 })
			for _, at := range [][2]float64{{.1, .1}, {.6, .1}, {.6, .9}} {
				x, y := p.spot(at[0], at[1])
				p.run(chromedp.MouseClickXY(x, y))
			}
			p.scroll("results")
		}},
		{"results", 1440, 900, func(p *tab) {
			p.click("draw-close")
			p.until("a zone", 10*time.Second, func(s snapshot) bool { return len(s.Results.Shapes) == 1 })
		}},
		{"models", 1440, 900, func(p *tab) { p.scroll("models") }},
		{"performance", 1440, 900, func(p *tab) { p.scroll("performance") }},
		{"tablet", 768, 1024, func(p *tab) {}},
		{"phone", 390, 844, func(p *tab) {}},
		{"sheet", 390, 844, func(p *tab) { p.click("grip"); p.shows("grip", "") }},
		{"narrow", 320, 640, func(p *tab) {}},
		{"narrow models", 320, 640, func(p *tab) { p.scroll("models") }},
		{"turned", 844, 390, func(p *tab) { p.scroll("boxes") }},
		{"picture", 1440, 900, func(p *tab) {
			p.choose(picture)
			p.until("the picture", 20*time.Second, func(s snapshot) bool { return s.Source == "image" && s.Result != nil })
		}},
		{"report", 1440, 900, func(p *tab) {
			p.click("bench")
			p.until("the benchmark", 60*time.Second, func(s snapshot) bool { return s.Source == "none" })
			p.eval(`document.querySelector('.scroll').scrollTop = 1e6`, nil)
		}},
		{"compared", 1440, 900, func(p *tab) {
			_, float := tiny(p.t, 96)
			p.choose(file(p.t, "float.onnx", float))
			p.uses("float.onnx")
			p.run(chromedp.SetUploadFiles("#quantize-files", []string{picture}, chromedp.ByQuery))
			p.untilModels("the comparison", 60*time.Second, func(m models) bool { return m.Share != nil && m.Work == 0 })
			p.scroll("models")
		}},
		{"help", 1440, 900, func(p *tab) { p.run(chromedp.KeyEvent("?")) }},
	} {
		p.emulate(view.w, view.h, 1)
		view.show(p)
		for _, look := range []string{"lang=en&theme=dark", "lang=en&theme=light", "lang=zh&theme=light", "lang=zh&theme=dark"} {
			t.Run(view.name+" "+look, func(t *testing.T) {
				p := p.in(t)
				p.looks(look)
				for _, v := range p.axe(string(source)) {
					for _, n := range v.Nodes {
						t.Errorf("%s (%s): %s\n%s\n%s", v.ID, v.Impact, v.Help, n.HTML, n.Summary)
					}
				}
				p.shot("view")
			})
		}
		p.narrow()
	}
	p.clean()
}

// scroll brings a panel to the top of the dock.
func (p *tab) scroll(id string) {
	p.t.Helper()
	p.eval(`document.getElementById('`+id+`').scrollIntoView()`, nil)
}

// looks changes language and theme and waits for the page to follow.
func (p *tab) looks(look string) {
	p.t.Helper()
	p.eval(`location.hash = '`+look+`'`, nil)
	lang := strings.TrimPrefix(look[:7], "lang=")
	deadline := time.Now().Add(10 * time.Second)
	for {
		var got []string
		p.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done([document.documentElement.lang.slice(0, 2), document.documentElement.dataset.theme, document.getElementById('boxes').innerText]))))`, &got)
		if got[0] == lang && strings.HasSuffix(look, got[1]) && strings.Contains(got[2], map[string]string{"en": "Boxes", "zh": "检测框"}[lang]) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("after 10 s the page looks like %q, not %s", got, look)
		}
	}
}

// narrow fails for anything that reaches past the side of the screen, and for a
// page that can be pushed up, as by scrolling to a control, which leaves a gap.
func (p *tab) narrow() {
	p.t.Helper()
	var gap float64
	p.eval(`document.scrollingElement.scrollHeight - innerHeight`, &gap)
	if gap > 1 {
		p.t.Errorf("the page is %.0f pixels higher than the screen", gap)
	}
	var past []string
	p.eval(`[...document.querySelectorAll('.app *')].filter((e) => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && (r.right > innerWidth + 1 || r.left < -1) && !e.closest('.away, .heard, .toast, .file'); }).map((e) => e.tagName + '#' + e.id + '.' + e.className)`, &past)
	if len(past) > 0 {
		p.t.Errorf("past the side of the screen: %q", past)
	}
}
