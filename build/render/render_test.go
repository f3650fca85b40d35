package render

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/browser"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func TestSceneRepeats(t *testing.T) {
	a, b, c := Scene(1, 160, 120), Scene(1, 160, 120), Scene(2, 160, 120)
	if !bytes.Equal(a.Pix, b.Pix) {
		t.Error("one seed gave two pictures")
	}
	if bytes.Equal(a.Pix, c.Pix) {
		t.Error("two seeds gave one picture")
	}
}

// TestSceneStatistics holds the scenes to what photos have: COCO's images have
// a mean of about 0.45 and a standard deviation of about 0.27 in each channel.
func TestSceneStatistics(t *testing.T) {
	var sum, sq, n float64
	for seed := range int64(16) {
		img := Scene(seed, 160, 160)
		for i, v := range img.Pix {
			if i%4 != 3 {
				f := float64(v) / 255
				sum, sq, n = sum+f, sq+f*f, n+1
			} else if v != 255 {
				t.Fatal("a pixel is transparent")
			}
		}
	}
	mean := sum / n
	dev := math.Sqrt(sq/n - mean*mean)
	if mean < 0.3 || mean > 0.6 || dev < 0.17 || dev > 0.35 {
		t.Errorf("mean %.3f, deviation %.3f: not like photos", mean, dev)
	}
}

func TestWriteMJPEGRefuses(t *testing.T) {
	if err := WriteMJPEG(&bytes.Buffer{}, Scene(1, 32, 32), Scene(1, 32, 34)); err == nil {
		t.Error("frames of two sizes were taken")
	}
	if err := WriteMJPEG(&bytes.Buffer{}, Scene(1, 31, 32)); err == nil {
		t.Error("an odd size was taken")
	}
}

// TestMJPEGInBrowser plays a clip as the browser's camera and compares the
// colours that a page sees with those that were written.
func TestMJPEGInBrowser(t *testing.T) {
	colours := []color.RGBA{{200, 60, 40, 255}, {40, 160, 90, 255}, {20, 40, 210, 255}, {128, 128, 128, 255}}
	frame := image.NewRGBA(image.Rect(0, 0, 640, 480))
	for i, c := range colours {
		draw.Draw(frame, image.Rect(i*160, 0, i*160+160, 480), image.NewUniform(c), image.Point{}, draw.Src)
	}
	clip := filepath.Join(t.TempDir(), "clip.mjpeg")
	var buf bytes.Buffer
	if err := WriteMJPEG(&buf, frame, frame, frame); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(clip, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!doctype html><title>camera</title>"))
	}))
	defer server.Close()
	tab, cancel, err := browser.Start(t.Context(), t.Logf, browser.FakeCamera(clip)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	const script = `(async () => {
		const stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
		const video = document.createElement('video');
		video.srcObject = stream; video.muted = true; await video.play();
		await new Promise(r => setTimeout(r, 500));
		const canvas = new OffscreenCanvas(640, 480), g = canvas.getContext('2d');
		g.drawImage(video, 0, 0);
		return [80, 240, 400, 560].flatMap(x => [...g.getImageData(x, 240, 1, 1).data.slice(0, 3)]);
	})()`
	var got []int
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL), chromedp.Evaluate(script, &got, await)); err != nil {
		t.Fatal(err)
	}
	for i, c := range colours {
		for ch, want := range []uint8{c.R, c.G, c.B} {
			if d := got[i*3+ch] - int(want); d < -4 || d > 4 {
				t.Errorf("stripe %d: the page sees %v, the clip has %v", i, got[i*3:i*3+3], c)
				break
			}
		}
	}
}
