//go:build !js

package e2e

import (
	"testing"
	"time"

	"eagleeye/build/browser"
	"eagleeye/build/render"
)

// countAsked keeps the handles of the callbacks that wait for a picture.
const countAsked = `window.testAsked = new Set(); {
	const film = HTMLVideoElement.prototype, ask = film.requestVideoFrameCallback, drop = film.cancelVideoFrameCallback;
	film.requestVideoFrameCallback = function (f) {
		const handle = ask.call(this, (...a) => { testAsked.delete(handle); return f(...a); });
		testAsked.add(handle);
		return handle;
	};
	film.cancelVideoFrameCallback = function (handle) { testAsked.delete(handle); drop.call(this, handle); };
}`

// The camera goes on while the model is changed and while a crashed worker is
// replaced, and sources follow one another without remains.
func TestSwitching(t *testing.T) {
	small, _ := tiny(t, 96)
	_, data := tiny(t, 160)
	larger := file(t, "larger.onnx", data)
	clip, _ := scenes(t, 2, 12, 320, 240)
	p := newTab(t, chromium(t, browser.FakeCamera(clip)...), serve(t, small), countAsked)
	p.ready()
	p.slide("conf", 1)
	p.click("start")
	flows := func(what string) snapshot {
		t.Helper()
		from := p.snap().Frames
		return p.until(what, 20*time.Second, func(s snapshot) bool { return s.Source == "camera" && s.Live && s.Frames > from+5 })
	}
	flows("frames of the camera")

	p.choose(larger)
	p.until("the larger model", 30*time.Second, func(s snapshot) bool { return s.Model != nil && s.Model.Name == "larger.onnx" })
	if s := flows("frames with the larger model"); s.Engine != "ready" || s.Problem != nil {
		t.Errorf("engine %s, problem %v", s.Engine, s.Problem)
	}

	p.crash()
	p.until("the restart", 30*time.Second, func(s snapshot) bool { return s.Restarts == 1 && s.Engine == "ready" })
	if s := flows("frames after the restart"); s.Model.Name != "larger.onnx" {
		t.Errorf("the restart took model %s", s.Model.Name)
	}

	picture := file(t, "p.png", encodePNG(t, render.Scene(1, 64, 48)))
	for range 5 {
		p.choose(picture)
		s := p.until("the picture's boxes", 20*time.Second, func(s snapshot) bool {
			return s.Source == "image" && s.Live && s.Result != nil
		})
		if s.Result.Width != 64 || s.Result.Height != 48 {
			t.Errorf("under the picture lies a result of %d×%d", s.Result.Width, s.Result.Height)
		}
		p.click("start")
		flows("the camera again")
	}
	var asked int
	p.eval(`testAsked.size`, &asked)
	if asked != 1 {
		t.Errorf("%d callbacks wait for the camera's next picture, want 1", asked)
	}
	var live int
	p.eval(`testTracks.filter(t => t.readyState === 'live').length`, &live)
	if live != 1 {
		t.Errorf("%d camera tracks are live, want 1", live)
	}
	p.clean()
}
