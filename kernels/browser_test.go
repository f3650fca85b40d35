//go:build !js

package kernels

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
)

// recording takes the comparisons of tests in place of running them.
var recording *recorder

type recorder struct{ cases []recorded }

type recorded struct {
	name    string
	im      *image
	prog    uint32
	regions []floatRegion
}

func (r *recorder) add(name string, im *image, prog uint32, regions []floatRegion) {
	copied := *im
	copied.mem = bytes.Clone(im.mem) // the test may go on with its own
	r.cases = append(r.cases, recorded{name, &copied, prog, regions})
}

// differential are the tests that compare modules with oracles, fuzzed those
// that make a case of any arguments.
var (
	differential = []func(*testing.T){
		TestConv, TestWiden, TestDetect, TestDetectSurvivesNonNumbers, TestElementwise, TestSoftmaxOfOddChannels, TestLetterbox,
		TestLetterboxYUV, TestFixedSiLUExtremes, TestCopy, TestFillBorder, TestUpsample, TestMaxPool, TestWinograd, TestWinograd43, TestPackWinograd43, TestModuleRunsStepsInOrder,
	}
	fuzzed = []any{fuzzConv, fuzzWiden, fuzzDetect, fuzzElementwise, fuzzLetterbox, fuzzLetterboxYUV, fuzzMove, fuzzMaxPool, fuzzWinograd, fuzzWinograd43, fuzzPackWinograd43}
)

// fuzzRounds is how many cases of each fuzz test run in the browser.
const fuzzRounds = 60

// random makes arguments for a fuzz test.
func random(rng *rand.Rand, fuzz reflect.Type) []reflect.Value {
	var args []reflect.Value
	for i := 1; i < fuzz.NumIn(); i++ {
		v := reflect.New(fuzz.In(i)).Elem()
		switch v.Kind() {
		case reflect.Uint8, reflect.Uint64:
			v.SetUint(rng.Uint64() >> (64 - v.Type().Bits()))
		case reflect.Bool:
			v.SetBool(rng.IntN(2) == 0)
		case reflect.Float32:
			v.SetFloat(float64(float32(math.Tan(3 * (rng.Float64() - 0.5)))))
		default:
			panic("no random " + v.Type().String())
		}
		args = append(args, v)
	}
	return args
}

// record returns all comparisons of the tables and random ones.
func record(t *testing.T) []recorded {
	recording = &recorder{}
	defer func() { recording = nil }()
	for _, test := range differential {
		test(t)
	}
	for i, fuzz := range fuzzed {
		f := reflect.ValueOf(fuzz)
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		for round := range fuzzRounds {
			args := random(rng, f.Type())
			t.Run(fmt.Sprintf("case %d of %d: %v", round, i, args), func(t *testing.T) {
				f.Call(append([]reflect.Value{reflect.ValueOf(t)}, args...))
			})
		}
	}
	return recording.cases
}

// player is a page that runs programs: for each of the cases in a request's
// answer (program, steps, bytes of memory, memory) it posts the memory after it.
const player = `<script>
async function play(variant, shared, batch) {
  const memory = new WebAssembly.Memory({initial: 1024, maximum: 65536, shared});
  const {instance} = await WebAssembly.instantiateStreaming(fetch('/module/' + variant), {env: {memory}});
  const data = await (await fetch('/batch/' + batch)).arrayBuffer(), view = new DataView(data);
  const out = [], bytes = new Uint8Array(memory.buffer);
  for (let at = 0, n = 0; at < data.byteLength; n++) {
    const [prog, steps, size] = [0, 4, 8].map((i) => view.getUint32(at + i, true));
    bytes.set(new Uint8Array(data, at + 12, size));
    try { instance.exports.run(prog, steps); } catch (error) { throw new Error('case ' + n + ' of the batch: ' + error); }
    out.push(bytes.slice(0, size));
    at += 12 + size;
  }
  await fetch('/done', {method: 'POST', body: new Blob(out)});
  return true;
}
// time runs a program some times and gives the shortest time in ms.
async function time(variant, batch, rounds) {
  const memory = new WebAssembly.Memory({initial: 1024, maximum: 65536});
  const {instance: {exports: {run}}} = await WebAssembly.instantiateStreaming(fetch('/module/' + variant), {env: {memory}});
  const data = await (await fetch('/batch/' + batch)).arrayBuffer(), view = new DataView(data);
  const [prog, steps, size] = [0, 4, 8].map((i) => view.getUint32(i, true));
  new Uint8Array(memory.buffer).set(new Uint8Array(data, 12, size));
  let best = Infinity;
  for (let start = performance.now(); rounds > 0 || performance.now() < start + 30; rounds--) {
    const before = performance.now();
    run(prog, steps);
    best = Math.min(best, performance.now() - before);
  }
  return best;
}
async function probe() {
  const {instance} = await WebAssembly.instantiateStreaming(fetch('/module/probe'));
  return instance.exports.probe(255);
}
</script>`

// lab is a browser with modules and batches of programs.
type lab struct {
	t       *testing.T
	tab     context.Context
	modules map[string][]byte
	batches [][]recorded
	after   chan []byte // memory after the programs of a batch
}

var allVariants = []Variant{{}, {Threads: true}, {Relaxed: true}, {Relaxed: true, Threads: true}}

func newLab(t *testing.T, batches [][]recorded) *lab {
	l := &lab{t: t, modules: map[string][]byte{"probe": Probe()}, batches: batches, after: make(chan []byte, 1)}
	for _, v := range allVariants {
		l.modules[v.String()] = Module(v)
	}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	if _, err := browser.Ensure(context.Background(), t.Logf); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(stop)
	tab, closeBrowser, err := browser.Start(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeBrowser)
	l.tab = tab
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
	what, arg, _ := strings.Cut(r.URL.Path[1:], "/")
	switch what {
	case "module":
		w.Header().Set("Content-Type", "application/wasm")
		w.Write(l.modules[arg])
	case "batch":
		var i int
		fmt.Sscan(arg, &i)
		for _, c := range l.batches[i] {
			head := binary.LittleEndian.AppendUint32(nil, c.prog)
			head = binary.LittleEndian.AppendUint32(head, uint32(len(c.im.steps)))
			w.Write(binary.LittleEndian.AppendUint32(head, uint32(len(c.im.mem))))
			w.Write(c.im.mem)
		}
	case "done":
		body, _ := io.ReadAll(r.Body)
		l.after <- body
	default:
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, player)
	}
}

// do evaluates a call in the page and waits for its promise.
func (l *lab) do(t *testing.T, result any, format string, args ...any) {
	t.Helper()
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(l.tab, chromedp.Evaluate(fmt.Sprintf(format, args...), result, await)); err != nil {
		t.Fatal(err)
	}
}

// relaxed says whether the page would use relaxed variants here.
func (l *lab) relaxed() bool {
	var right int
	l.do(l.t, &right, "probe().catch(() => 0)")
	return right == 1
}

// batchBytes is about how much memory of cases goes at once.
const batchBytes = 16 << 20

// TestBrowser repeats the comparisons with oracles, tables and random cases, in
// all variants in a browser: what wazero cannot run, it can. Relaxed variants
// are left out where the page would not use them.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser: skipped")
	}
	cases := record(t)
	var batches [][]recorded
	size := math.MaxInt
	seen := map[Op]bool{}
	for _, c := range cases {
		for _, s := range c.im.steps {
			seen[s.Op] = true
		}
		if size > batchBytes {
			batches, size = append(batches, nil), 0
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], c)
		size += len(c.im.mem)
	}
	for op := range NumOps {
		if !seen[op] {
			t.Errorf("no case runs %v: name its test among differential", op)
		}
	}
	l := newLab(t, batches)
	fit := l.relaxed()
	for _, v := range allVariants {
		t.Run(v.String(), func(t *testing.T) {
			if v.Relaxed && !fit {
				t.Skip("relaxed SIMD is absent or unfit on this machine: skipped")
			}
			for i, batch := range batches {
				var ok bool
				l.do(t, &ok, "play(%q, %v, %d)", v, v.Threads, i)
				got := <-l.after
				for _, c := range batch {
					t.Run(c.name, func(t *testing.T) { c.im.judge(t, got[:len(c.im.mem)], c.prog, c.regions...) })
					got = got[len(c.im.mem):]
				}
			}
			t.Logf("%d programs", len(cases))
		})
	}
}

// TestBytesSpeed times layers of YOLOv8n at 640×640 on bytes and on 16 bits, by
// turns: ROUNDS=20 go test ./kernels -run BytesSpeed -v.
func TestBytesSpeed(t *testing.T) {
	var rounds int
	if _, err := fmt.Sscan(os.Getenv("ROUNDS"), &rounds); err != nil {
		t.Skip("ROUNDS is not set: skipped")
	}
	layers := []convCase{
		{name: "3×3/2 16→32 160×160", inC: 16, outC: 32, k: 3, stride: 2, h: 160, w: 160},
		{name: "1×1 32→32 160×160", inC: 32, outC: 32, k: 1, stride: 1, h: 160, w: 160},
		{name: "1×1 48→32 160×160", inC: 48, outC: 32, k: 1, stride: 1, h: 160, w: 160},
		{name: "3×3/2 32→64 80×80", inC: 32, outC: 64, k: 3, stride: 2, h: 80, w: 80},
		{name: "1×1 128→64 80×80", inC: 128, outC: 64, k: 1, stride: 1, h: 80, w: 80},
		{name: "1×1 192→64 80×80", inC: 192, outC: 64, k: 1, stride: 1, h: 80, w: 80},
		{name: "3×3/2 64→128 40×40", inC: 64, outC: 128, k: 3, stride: 2, h: 40, w: 40},
		{name: "1×1 256→128 40×40", inC: 256, outC: 128, k: 1, stride: 1, h: 40, w: 40},
		{name: "3×3/2 128→256 20×20", inC: 128, outC: 256, k: 3, stride: 2, h: 20, w: 20},
		{name: "1×1 512→256 20×20", inC: 512, outC: 256, k: 1, stride: 1, h: 20, w: 20},
	}
	ops := []Op{OpConvI16, OpConvU8}
	var batches [][]recorded
	for _, c := range layers {
		for _, c.op = range ops {
			c.dil, c.merged, c.act = 1, true, ActSiLUFixed
			c.panels = int32(max(1, min(c.outC/8, 24<<10/(8*c.k*c.k*c.inC)))) // as the planner does
			if c.op == OpConvI16 {
				c.panels = (c.panels + 1) / 2
			}
			im := newImage(1)
			c.build(im)
			batches = append(batches, []recorded{{im: im, prog: put(im, im.steps...)}})
		}
	}
	l := newLab(t, batches)
	if !l.relaxed() {
		t.Skip("relaxed SIMD is absent or unfit on this machine: skipped")
	}
	best := make([]float64, len(batches))
	for range rounds {
		for i := range batches {
			var ms float64
			l.do(t, &ms, "time('relaxed', %d, 3)", i)
			if best[i] == 0 || ms < best[i] {
				best[i] = ms
			}
		}
	}
	var sum [2]float64
	for i, c := range layers {
		macs := float64(c.h*c.w*c.outC*c.inC*c.k*c.k) / 1e6
		t.Logf("%-22s %5.1f GMAC/s in 16 bits, %5.1f on bytes", c.name, macs/best[2*i], macs/best[2*i+1])
		sum[0], sum[1] = sum[0]+best[2*i], sum[1]+best[2*i+1]
	}
	t.Logf("together %.2f ms in 16 bits, %.2f on bytes", sum[0], sum[1])
}
