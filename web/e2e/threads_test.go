//go:build !js

package e2e

import (
	"bytes"
	"fmt"

	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"eagleeye/build/render"
	"eagleeye/build/site"
)

// fastest is the variant that a page takes here: on x86, relaxed SIMD multiplies
// bytes as the kernels need it.
func fastest() string {
	if runtime.GOARCH == "amd64" {
		return "relaxed"
	}
	return "simd128"
}

// Any number of threads and any kernels give the native engine's boxes, bit for
// bit; without cross-origin isolation, or where threads do not start, there is
// one thread, and without relaxed kernels the plain ones.
func TestThreads(t *testing.T) {
	path, model := tinyInt8(t, 160)
	isolated := serve(t, path)
	scene := render.Scene(8, 320, 240)
	conf, want := sliderConf(t, model, scene)
	picture := file(t, "scene.png", encodePNG(t, scene))
	ctx := chromium(t)
	for _, c := range []struct {
		name, url, query, variant string
		threads                   int
	}{
		{"one", isolated, "?threads=1", fastest(), 1},
		{"one, not relaxed", isolated, "?threads=1&kernels=simd128", "simd128", 1},
		{"two", isolated, "?threads=2", fastest() + "-threads", 2},
		{"two, not relaxed", isolated, "?threads=2&kernels=simd128", "simd128-threads", 2},
		{"five", isolated, "?threads=5", fastest() + "-threads", 5},
		{"nonsense", isolated, "?threads=many", "", 0},
		{"not isolated", unisolated(t, isolated), "?threads=2", fastest(), 1},
		{"no pool.js", serve(t, path, "pool.js"), "?threads=3", fastest() + "-threads", 1},
		{"no threaded kernels", serve(t, path, "kernels-threads.wasm", "kernels-relaxed-threads.wasm"), "?threads=3", fastest(), 1},
		{"no relaxed kernels", serve(t, path, "kernels-relaxed.wasm", "kernels-relaxed-threads.wasm"), "?threads=2", "simd128-threads", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTab(t, ctx, c.url+c.query)
			s := p.ready()
			if c.variant != "" && (s.Model.Variant != c.variant || s.Model.Threads != c.threads) {
				t.Errorf("kernels %q on %d threads, want %q on %d", s.Model.Variant, s.Model.Threads, c.variant, c.threads)
			}
			p.slide("conf", conf)
			for range 3 {
				before := p.snap().Frames
				p.choose(picture)
				s = p.until("boxes", 20*time.Second, func(s snapshot) bool { return s.Frames > before && s.Result != nil })
				compare(t, s.Result.Detections, want)
			}
			p.clean()
		})
	}
}

// unisolated serves what another server does without what isolates the page: the
// headers, and the service worker, which would add them.
func unisolated(t *testing.T, from string) string {
	t.Helper()
	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Del("Cross-Origin-Opener-Policy")
		r.Header.Del("Cross-Origin-Embedder-Policy")
		return nil
	}
	server := httptest.NewServer(without(proxy, "sw.js"))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// Where a thread of the kernels breaks off, the page starts the engine anew.
func TestThreadBreaks(t *testing.T) {
	path, _ := tiny(t, 96)
	u, err := url.Parse(serve(t, path))
	if err != nil {
		t.Fatal(err)
	}
	files := httputil.NewSingleHostReverseProxy(u)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site.Plain(r.URL.Path) != "/pool.js" {
			files.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		w.Header().Set("Content-Security-Policy", site.Policy)
		fmt.Fprint(w, `onmessage = async ({data: {module, memory}}) => {
			const {exports} = await WebAssembly.instantiate(module, {env: {memory}});
			postMessage('ready');
			setTimeout(exports.stop, 3000); // what pool.js does after a trap
		}`)
	}))
	t.Cleanup(server.Close)
	p := newTab(t, chromium(t), server.URL+"/?threads=2")
	if s := p.ready(); s.Model.Threads != 2 {
		t.Fatalf("%d threads", s.Model.Threads)
	}
	picture := file(t, "scene.png", encodePNG(t, render.Scene(1, 64, 64)))
	time.Sleep(3 * time.Second)
	p.choose(picture)
	p.until("another worker", 30*time.Second, func(s snapshot) bool { return s.Restarts >= 1 && s.Engine == "ready" })
}

// Threads end with the worker that started them.
func TestThreadsEnd(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("counts threads in /proc: skipped")
	}
	path, model := tiny(t, 96)
	ctx := chromium(t)
	p := newTab(t, ctx, serve(t, path)+"?threads=4")
	p.ready()
	root := chromedp.FromContext(p.ctx).Browser.Process().Pid
	first := workerThreads(root)
	if first < 4 {
		t.Fatalf("%d threads of workers, want 4 at least: the count is blind", first)
	}
	for i := range 4 {
		name := fmt.Sprintf("model%d.onnx", i)
		p.choose(file(t, name, model))
		p.until(name, 60*time.Second, func(s snapshot) bool { return s.Engine == "ready" && s.Model.Name == name })
		n := workerThreads(root)
		for deadline := time.Now().Add(10 * time.Second); n > first && time.Now().Before(deadline); n = workerThreads(root) {
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%s: %d threads of workers, at first %d", name, n, first)
		if n > first {
			t.Fatal("threads of ended workers go on")
		}
	}
	p.clean()
}

func workerThreads(root int) int { return len(workerTasks(root)) }

// workerTasks lists the threads of Web Workers in a process and its descendants,
// as folders of /proc.
func workerTasks(root int) (tasks []string) {
	parent := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent[pid], _ = strconv.Atoi(fields[1])
	}
	for pid := range parent {
		var line []int
		for p := pid; p > 1 && len(line) < 64; p = parent[p] {
			line = append(line, p)
		}
		if !slices.Contains(line, root) {
			continue
		}
		names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
		for _, name := range names {
			if comm, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(comm), "DedicatedWorker") {
				tasks = append(tasks, filepath.Dir(name))
			}
		}
	}
	return tasks
}

// processorTime is the time that threads of workerTasks have run, in ms.
func processorTime(tasks []string) map[string]float64 {
	times := map[string]float64{}
	for _, task := range tasks {
		if data, err := os.ReadFile(filepath.Join(task, "schedstat")); err == nil {
			ns, _ := strconv.ParseFloat(strings.Fields(string(data))[0], 64)
			times[task] = ns / 1e6
		}
	}
	return times
}

// TestThreadsSpeed measures, alternating in one run: MODEL=file.onnx
// ROUNDS=20 go test ./web/e2e -run ThreadsSpeed -v. On a busy machine only the
// processor time of the busiest thread tells how well the work is shared.
func TestThreadsSpeed(t *testing.T) {
	model, rounds := os.Getenv("MODEL"), os.Getenv("ROUNDS")
	if model == "" || rounds == "" {
		t.Skip("MODEL and ROUNDS are not set: skipped")
	}
	n, err := strconv.Atoi(rounds)
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t)
	address := serve(t, model)
	var tabs []*tab
	for _, threads := range []int{1, 2} {
		p := newTab(t, ctx, fmt.Sprintf("%s?threads=%d", address, threads))
		p.ready()
		tabs = append(tabs, p)
	}
	pictures := [2]string{}
	for i := range pictures {
		pictures[i] = file(t, fmt.Sprintf("scene%d.png", i), encodePNG(t, render.Scene(int64(i), 640, 480)))
	}
	tasks := workerTasks(chromedp.FromContext(tabs[0].ctx).Browser.Process().Pid)
	times, busiest := make([][]float64, len(tabs)), make([][]float64, len(tabs))
	for round := range n {
		for i, p := range tabs {
			p.run(page.BringToFront())
			before, ran := p.snap().Frames, processorTime(tasks)
			p.choose(pictures[round%2])
			s := p.until("boxes", 60*time.Second, func(s snapshot) bool { return s.Frames > before && s.Result != nil })
			times[i] = append(times[i], s.Result.Infer)
			most := 0.0
			for task, ms := range processorTime(tasks) {
				most = max(most, ms-ran[task])
			}
			busiest[i] = append(busiest[i], most)
		}
	}
	median := func(v []float64) float64 {
		v = slices.Sorted(slices.Values(v))
		return v[len(v)/2]
	}
	one, two := median(busiest[0]), median(busiest[1])
	t.Logf("frame, processor time of the busiest thread, median: 1 thread %.1f ms, 2 threads %.1f ms, ratio %.2f", one, two, one/two)
	one, two = median(times[0]), median(times[1])
	t.Logf("network, median of %d: 1 thread %.1f ms (best %.1f), 2 threads %.1f ms (best %.1f), ratio %.2f (of the best %.2f)",
		n, one, slices.Min(times[0]), two, slices.Min(times[1]), one/two, slices.Min(times[0])/slices.Min(times[1]))
}
