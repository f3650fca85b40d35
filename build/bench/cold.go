package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
)

// Start is what a contender takes to its first boxes in a browser that has just
// been started, with an empty profile, from this machine. Times are medians in
// milliseconds from navigation on; bytes are of all files that it asked for.
type Start struct {
	Title   string  `json:"contender"`
	Size    int     `json:"size"`
	Threads int     `json:"threads"`
	Ready   float64 `json:"ready"` // the model is loaded
	Boxes   float64 `json:"boxes"` // the first boxes are there
	First   float64 `json:"first"` // the first frame
	Later   float64 `json:"later"` // the median of some after it
	Raw     int     `json:"raw"`
	Gzip    int     `json:"gzip"`
	Brotli  int     `json:"brotli"`
	Memory  int     `json:"memory"` // most resident bytes of the page's process, 0: not known
	N       int     `json:"n"`
}

func (s Start) String() string {
	return fmt.Sprintf("%-34s %8.0f %8.0f %8.1f %8.1f %8.2f %8.2f %8.2f %9.0f", s.Title, s.Ready, s.Boxes, s.First, s.Later,
		mega(s.Raw), mega(s.Gzip), mega(s.Brotli), float64(s.Memory)/(1<<20))
}

func mega(n int) float64 { return float64(n) / 1e6 }

// starter collects a contender's starts.
type starter struct {
	Start
	c                          Contender
	page                       bool // index.html with the model that the site ships
	ready, boxes, first, later []float64
	files                      map[string][]byte
}

// coldStarts starts every contender o.Cold times at the first size and on the
// first number of threads, by turns.
func coldStarts(ctx context.Context, lab *Lab, o Options) ([]Start, error) {
	size, threads := o.Sizes[0], o.Threads[0]
	var all []*starter
	for _, c := range o.Contenders {
		if !c.Native() {
			all = append(all, &starter{c: c, Start: Start{Title: c.Label(), Size: size, Threads: threads, N: o.Cold}})
		}
	}
	if slices.ContainsFunc(o.Contenders, Contender.Ours) {
		all = append(all, &starter{page: true, Start: Start{Title: "Eagle Eye, the whole page", Size: size, Threads: threads, N: o.Cold}})
	}
	for range o.Cold {
		all = slices.DeleteFunc(all, func(s *starter) bool {
			if s.page {
				if err := s.startPage(ctx, lab, o.Logf); err != nil {
					o.Logf("start of %s: left out: %v", s.Title, err)
					return true
				}
				return false
			}
			data, err := o.Models.At(s.c.format, size)
			if err == nil {
				url := lab.Put(fmt.Sprintf("%s-%d", s.c.format, size), data)
				err = s.start(ctx, lab, s.c.address(lab, url, size, threads, "&auto=1"), o.Logf)
			}
			if err != nil {
				o.Logf("start of %s: left out: %v", s.c.Label(), err)
			}
			return err != nil
		})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	packed := map[[32]byte][2]int{}
	var out []Start
	for _, s := range all {
		s.Ready, s.Boxes, s.First, s.Later = median(s.ready), median(s.boxes), median(s.first), median(s.later)
		for _, body := range s.files {
			key := sha256.Sum256(body)
			if _, ok := packed[key]; !ok {
				packed[key] = [2]int{gzipped(body), brotlied(body)}
			}
			s.Raw, s.Gzip, s.Brotli = s.Raw+len(body), s.Gzip+packed[key][0], s.Brotli+packed[key][1]
		}
		out = append(out, s.Start)
	}
	return out, nil
}

// start starts a browser, opens the page, which begins by itself, and reads what
// it took. Then it runs some frames and reads the process's largest memory.
func (s *starter) start(ctx context.Context, lab *Lab, url string, logf func(string, ...any)) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	browserCtx, closeBrowser, err := browser.Start(ctx, logf)
	if err != nil {
		return err
	}
	defer closeBrowser()
	lab.Record()
	t, err := openTab(browserCtx, url)
	if err != nil {
		return err
	}
	defer t.cancel()
	var first struct{ Ready, Boxes, First float64 }
	if err := t.eval(&first, "bench.first"); err != nil {
		return err
	}
	s.files = lab.Recorded()
	const frames = 10
	later, err := (&tabSeat{tab: t}).frames(frames)
	if err != nil {
		return err
	}
	s.ready, s.boxes, s.first = append(s.ready, first.Ready), append(s.boxes, first.Boxes), append(s.first, first.First)
	s.later = append(s.later, median(later.Frame))
	s.Memory = max(s.Memory, peakMemory(chromedp.FromContext(browserCtx).Browser.Process().Pid))
	return nil
}

// startPage does so with the page that people see, until its detector is ready:
// what it finds depends on the camera that it is given.
func (s *starter) startPage(ctx context.Context, lab *Lab, logf func(string, ...any)) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	browserCtx, closeBrowser, err := browser.Start(ctx, logf)
	if err != nil {
		return err
	}
	defer closeBrowser()
	lab.Record()
	t := &tab{browserCtx, func() {}}
	if err := chromedp.Run(browserCtx, chromedp.Navigate(fmt.Sprintf("%s/?threads=%d", lab.URL, s.Threads))); err != nil {
		return err
	}
	var ready float64
	if err := t.eval(&ready, `new Promise((done) => {
		const timer = setInterval(() => {
			if (window.eagleeye?.snapshot().engine === 'ready') { clearInterval(timer); done(performance.now()); }
		}, 5);
	})`); err != nil {
		return err
	}
	s.files = lab.Recorded()
	s.ready = append(s.ready, ready)
	s.Memory = max(s.Memory, peakMemory(chromedp.FromContext(browserCtx).Browser.Process().Pid))
	return nil
}

func gzipped(data []byte) int {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(data)
	w.Close()
	return b.Len()
}

// brotlied is with the best compression, but what hardly shrinks, as float
// weights, is not tried so hard: that takes a minute and gains a hundredth.
func brotlied(data []byte) int {
	if n := brotliedAt(data, 4); n > len(data)*8/10 {
		return n
	}
	return brotliedAt(data, brotli.BestCompression)
}

func brotliedAt(data []byte, level int) int {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, level)
	w.Write(data)
	w.Close()
	return b.Len()
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return quantile(v, 0.5)
}
