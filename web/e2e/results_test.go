//go:build !js

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"eagleeye/build/coco"
	film "eagleeye/build/scenes"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// saves keeps what the page would download, by name, and what it copies.
const saves = `window.testSaves = []; window.testCopied = [];
{
  const blobs = new Map(), make = URL.createObjectURL.bind(URL), click = HTMLAnchorElement.prototype.click;
  URL.createObjectURL = b => { const u = make(b); blobs.set(u, b); return u; };
  HTMLAnchorElement.prototype.click = function () {
    if (this.download) testSaves.push({name: this.download, blob: blobs.get(this.href)}); else click.call(this);
  };
  Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { testCopied.push(t); }}});
  window.testBytes = async b => { const a = new Uint8Array(await b.arrayBuffer()); let s = ''; for (const v of a) s += String.fromCharCode(v); return btoa(s); };
}`

// saved waits for the next download and returns it.
func (p *tab) saved(press string) (name string, data []byte) {
	p.t.Helper()
	p.eval(`testSaves.length = 0`, nil)
	p.click(press)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		var n int
		if p.eval(`testSaves.length`, &n); n > 0 {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("#%s saves nothing", press)
		}
	}
	var got struct{ Name, Data string }
	p.eval(`(async () => ({Name: testSaves[0].name, Data: await testBytes(testSaves[0].blob)}))()`, &got)
	data, err := base64.StdEncoding.DecodeString(got.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return got.Name, data
}

// format chooses the format of downloads.
func (p *tab) format(id string) {
	p.t.Helper()
	p.eval(`{ const e = document.getElementById('format'); e.value = '`+id+`'; e.dispatchEvent(new Event('change', {bubbles: true})) }`, nil)
}

// spot returns the point of the window that shows a place of the picture, both
// sides of which go from 0 to 1.
func (p *tab) spot(x, y float64) (cx, cy float64) {
	p.t.Helper()
	var at []float64
	p.eval(fmt.Sprintf(`(() => { const r = eagleeye.snapshot().result, b = document.getElementById('overlay').getBoundingClientRect();
		const s = Math.min(b.width / r.width, b.height / r.height), w = r.width * s, h = r.height * s;
		return [b.left + (b.width - w) / 2 + %v * w, b.top + (b.height - h) / 2 + %v * h] })()`, x, y), &at)
	return at[0], at[1]
}

// has counts the pixels of a picture whose channels are within so much of a
// colour's.
func has(img image.Image, r, g, b int, within float64) (n int) {
	near := func(v uint32, w int) bool { return math.Abs(float64(v>>8)-float64(w)) <= within }
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if pr, pg, pb, _ := img.At(x, y).RGBA(); near(pr, r) && near(pg, g) && near(pb, b) {
				n++
			}
		}
	}
	return n
}

// TestResults uses the results on the film: numbers, a line, a zone, a snapshot,
// a recording, downloads.
func TestResults(t *testing.T) {
	p := newTab(t, chromium(t), serveDemo(t), saves)
	p.ready()
	p.click("demo")
	p.until("the demo", 20*time.Second, func(s snapshot) bool { return s.Live && s.Result != nil })
	p.eval(`document.getElementById('results').open = true`, nil)

	t.Run("numbers", func(t *testing.T) {
		p := p.in(t)
		numbers := func(s snapshot) map[int]int {
			by := map[int]int{}
			for _, d := range s.Result.Detections {
				if d.Track > 0 {
					by[d.Class] = d.Track
				}
			}
			return by
		}
		s := p.until("eight numbers", 30*time.Second, func(s snapshot) bool { return s.Result != nil && len(numbers(s)) == len(film.Names) })
		first, from := numbers(s), s.Frames
		s = p.until("40 more frames with all of them", 60*time.Second, func(s snapshot) bool { return s.Frames > from+40 && len(numbers(s)) == len(film.Names) })
		same := 0
		for class, n := range numbers(s) {
			if first[class] == n {
				same++
			}
		}
		if same < len(film.Names)-1 {
			t.Errorf("%d of %d numbers stayed: %v, then %v", same, len(film.Names), first, numbers(s))
		}
		var rows string
		for deadline := time.Now().Add(10 * time.Second); ; {
			p.eval(`[...document.querySelectorAll('#found-rows tr:not([hidden])')].map(r => r.innerText).join('\n')`, &rows)
			if n := bytes.Count([]byte(rows), []byte("\n")) + 1; rows != "" && n >= len(film.Names)-1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the table shows %q", rows)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})

	t.Run("line", func(t *testing.T) {
		p := p.in(t)
		mean := 0.0 // where the third symbol swings about
		for _, boxes := range filmTruth() {
			mean += (boxes[2].Box[0] + boxes[2].Box[2]/2) / film.FilmFrames / film.FilmWidth
		}
		p.click("draw-line")
		p.until("drawing", 10*time.Second, func(s snapshot) bool { return s.Results.Drawing != 0 })
		for _, y := range []float64{0.02, 0.98} {
			x, y := p.spot(mean, y)
			p.run(chromedp.MouseClickXY(x, y))
		}
		p.until("a line", 10*time.Second, func(s snapshot) bool { return len(s.Results.Shapes) == 1 && s.Results.Shapes[0].Line })
		s := p.until("crossings both ways", 60*time.Second, func(s snapshot) bool {
			l := s.Results.Shapes[0]
			return l.ToLeft >= 2 && l.ToRight >= 2
		})
		if l := s.Results.Shapes[0]; math.Abs(float64(l.ToLeft-l.ToRight)) > 3 {
			t.Errorf("%d to the left, %d to the right: what swings comes back", l.ToLeft, l.ToRight)
		}
		p.shot("line")
	})

	t.Run("zone by keys", func(t *testing.T) {
		p := p.in(t)
		p.click("draw-zone")
		p.until("drawing", 10*time.Second, func(s snapshot) bool { return s.Results.Drawing == 2 })
		shifted := chromedp.KeyModifiers(input.ModifierShift)
		many := func(key string, n int) {
			for range n {
				p.run(chromedp.KeyEvent(key, shifted))
			}
		}
		many(kb.ArrowLeft, 9)
		many(kb.ArrowUp, 9)
		p.run(chromedp.KeyEvent(kb.Enter))
		many(kb.ArrowRight, 18)
		p.run(chromedp.KeyEvent(kb.Enter))
		many(kb.ArrowDown, 18)
		p.run(chromedp.KeyEvent(kb.Enter))
		many(kb.ArrowLeft, 18)
		p.run(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Enter))
		s := p.until("a zone with all in it", 20*time.Second, func(s snapshot) bool {
			return len(s.Results.Shapes) == 2 && s.Results.Shapes[1].Inside >= len(film.Names)-1
		})
		if z := s.Results.Shapes[1]; z.Line || z.Entries < z.Inside {
			t.Errorf("%+v", z)
		}
		p.shot("zone")
		p.click("remove-1")
		p.until("one shape", 10*time.Second, func(s snapshot) bool { return len(s.Results.Shapes) == 1 })
	})

	t.Run("snapshot", func(t *testing.T) {
		p := p.in(t)
		name, data := p.saved("snapshot")
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if filepath.Ext(name) != ".png" || img.Bounds().Dx() != film.FilmWidth || img.Bounds().Dy() != film.FilmHeight {
			t.Errorf("%s measures %v", name, img.Bounds())
		}
		// The frame and the label of the first class, and the line.
		if box, line := has(img, 0x56, 0xb4, 0xe9, 8), has(img, 0xff, 0xb2, 0x24, 8); box < 200 || line < 200 {
			t.Errorf("%d pixels of a box and %d of the line", box, line)
		}
	})

	t.Run("recording", func(t *testing.T) {
		p := p.in(t)
		p.click("record")
		s := p.until("recording", 10*time.Second, func(s snapshot) bool { return s.Results.Recording })
		from := s.Frames
		p.until("20 frames of it", 60*time.Second, func(s snapshot) bool { return s.Frames >= from+20 })
		name, data := p.saved("record")
		if filepath.Ext(name) != ".webm" || len(data) < 4 || !bytes.Equal(data[:4], []byte{0x1a, 0x45, 0xdf, 0xa3}) {
			t.Fatalf("%s of %d bytes is no WebM", name, len(data))
		}
		var got struct {
			W, H    int
			Time    float64
			Picture string
		}
		p.eval(`(async () => {
			const v = document.createElement('video'); v.muted = true; v.src = URL.createObjectURL(testSaves[0].blob);
			await new Promise((ok, no) => { v.onloadeddata = ok; v.onerror = () => no(v.error.message); });
			v.play(); await new Promise((ok, no) => { v.ontimeupdate = () => v.currentTime > 0.5 && ok(); v.onended = ok; v.onerror = () => no(v.error.message); });
			const c = document.createElement('canvas'); c.width = v.videoWidth; c.height = v.videoHeight; c.getContext('2d').drawImage(v, 0, 0);
			const b = await new Promise(ok => c.toBlob(ok)); v.pause();
			return {W: v.videoWidth, H: v.videoHeight, Time: v.currentTime, Picture: await testBytes(b)};
		})()`, &got)
		raw, err := base64.StdEncoding.DecodeString(got.Picture)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		box, line := has(img, 0x56, 0xb4, 0xe9, 48), has(img, 0xff, 0xb2, 0x24, 48) // video blurs colours
		t.Logf("%s: %d bytes, %d×%d, at %.2f s %d pixels of a box and %d of the line", name, len(data), got.W, got.H, got.Time, box, line)
		if got.W != film.FilmWidth || got.H != film.FilmHeight || got.Time <= 0 || box < 100 || line < 100 {
			t.Errorf("it does not show what the page showed: %+v", got.Time)
		}
	})

	t.Run("log of the film", func(t *testing.T) {
		p := p.in(t)
		p.format("json")
		logged := p.snap().Results.Logged.Frames
		_, data := p.saved("download")
		var got exported
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		last, tracked := -1.0, 0
		for i, f := range got.Frames {
			if f.Frame != i || f.Time <= last || f.Width != film.FilmWidth {
				t.Fatalf("frame %d: %+v after %v", i, f, last)
			}
			last = f.Time
			for _, d := range f.Detections {
				if d.Track > 0 {
					tracked++
				}
			}
		}
		if len(got.Frames) < logged || logged < 100 || tracked < len(got.Frames)*6 {
			t.Errorf("%d frames where %d were seen, %d numbered boxes", len(got.Frames), logged, tracked)
		}
	})
	p.clean()
}

// exported is the page's JSON.
type exported struct {
	Source, Model string
	Classes       []string
	Frames        []struct {
		Frame         int
		Time          float64
		Width, Height int
		Detections    []struct {
			Track, Class int
			Name         string
			Score        float64
			Box          [4]float64
		}
	}
}

// TestExports saves and copies what is found on a picture in every format and
// wants the boxes that the page shows.
func TestExports(t *testing.T) {
	p := newTab(t, chromium(t), serveDemo(t), saves)
	p.ready()
	img, _ := film.FilmFrame(10)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p.choose(file(t, "my sheet.png", b.Bytes()))
	s := p.until("boxes", 30*time.Second, func(s snapshot) bool { return s.Result != nil && len(s.Result.Detections) >= 6 })
	shown := s.Result.Detections
	agrees := func(i int, name string, score float64, box [4]float64) {
		t.Helper()
		if i >= len(shown) {
			t.Fatalf("box %d where %d are shown", i, len(shown))
		}
		d := shown[i]
		for k, want := range []float64{d.X1, d.Y1, d.X2 - d.X1, d.Y2 - d.Y1} {
			if math.Abs(box[k]-want) > 0.011 {
				t.Errorf("box %d is %v, shown as %+v", i, box, d)
			}
		}
		if name != d.Name || math.Abs(score-d.Score) > 1e-4 {
			t.Errorf("box %d is a %s of %v, shown as %+v", i, name, score, d)
		}
	}
	for _, c := range []struct {
		format string
		parse  func(t *testing.T, data []byte) int
	}{
		{"json", func(t *testing.T, data []byte) int {
			var e exported
			if err := json.Unmarshal(data, &e); err != nil {
				t.Fatal(err)
			}
			if e.Source != "my sheet.png" || !slices.Equal(e.Classes, film.Names) || len(e.Frames) != 1 {
				t.Fatalf("%+v", e)
			}
			for i, d := range e.Frames[0].Detections {
				agrees(i, d.Name, d.Score, d.Box)
			}
			return len(e.Frames[0].Detections)
		}},
		{"csv", func(t *testing.T, data []byte) int {
			rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			num := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
			for i, r := range rows[1:] {
				agrees(i, r[4], num(r[5]), [4]float64{num(r[6]), num(r[7]), num(r[8]), num(r[9])})
			}
			return len(rows) - 1
		}},
		{"coco", func(t *testing.T, data []byte) int {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "instances.json"), data, 0o644); err != nil {
				t.Fatal(err)
			}
			set, err := coco.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Images) != 1 || set.Images[0].File != "my sheet.png" {
				t.Errorf("images %+v", set.Images)
			}
			for i, a := range set.Annotations {
				agrees(i, film.Names[a.Category-1], shown[min(i, len(shown)-1)].Score, a.Box)
			}
			return len(set.Annotations)
		}},
		{"coco-results", func(t *testing.T, data []byte) int {
			var all []coco.Detection
			if err := json.Unmarshal(data, &all); err != nil {
				t.Fatal(err)
			}
			for i, d := range all {
				agrees(i, film.Names[d.Category-1], d.Score, d.Box)
			}
			return len(all)
		}},
	} {
		t.Run(c.format, func(t *testing.T) {
			p := p.in(t)
			p.format(c.format)
			name, data := p.saved("download")
			if n := c.parse(t, data); n != len(shown) {
				t.Errorf("%s holds %d boxes where %d are shown", name, n, len(shown))
			}
			p.eval(`testCopied.length = 0`, nil)
			p.click("copy")
			var copied []string
			for deadline := time.Now().Add(10 * time.Second); len(copied) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				p.eval(`testCopied`, &copied)
			}
			if len(copied) != 1 || c.parse(t, []byte(copied[0])) != len(shown) {
				t.Errorf("copied %q", copied)
			}
		})
	}
	p.clean()
}
