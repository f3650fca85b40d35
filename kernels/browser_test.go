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
	copied.mem = bytes.Clone(im.mem)
	r.cases = append(r.cases, recorded{name, &copied, prog, regions})
}

// differential are the tests that compare modules with oracles, fuzzed those
// that make a case of any arguments.
var (
	differential = []func(*testing.T){
		TestConv, TestWiden, TestDetect, TestDetectSurvivesNonNumbers, TestElementwise, TestSoftmaxOfOddChannels, TestLetterbox,
		TestCopy, TestFillBorder, TestUpsample, TestMaxPool, TestWinograd, TestWinograd43, TestModuleRunsStepsInOrder,
	}
	fuzzed = []any{fuzzConv, fuzzWiden, fuzzDetect, fuzzElementwise, fuzzLetterbox, fuzzMove, fuzzMaxPool, fuzzWinograd, fuzzWinograd43}
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
async function probe() {
  const {instance} = await WebAssembly.instantiateStreaming(fetch('/module/probe'));
  return instance.exports.probe(255);
}
</script>`

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
	for _, c := range cases {
		if size > batchBytes {
			batches, size = append(batches, nil), 0
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], c)
		size += len(c.im.mem)
	}
	modules := map[string][]byte{"probe": Probe()}
	variants := []Variant{{}, {Threads: true}, {Relaxed: true}, {Relaxed: true, Threads: true}}
	for _, v := range variants {
		modules[v.String()] = Module(v)
	}
	after := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		what, arg, _ := strings.Cut(r.URL.Path[1:], "/")
		switch what {
		case "module":
			w.Header().Set("Content-Type", "application/wasm")
			w.Write(modules[arg])
		case "batch":
			var i int
			fmt.Sscan(arg, &i)
			for _, c := range batches[i] {
				head := binary.LittleEndian.AppendUint32(nil, c.prog)
				head = binary.LittleEndian.AppendUint32(head, uint32(len(c.im.steps)))
				w.Write(binary.LittleEndian.AppendUint32(head, uint32(len(c.im.mem))))
				w.Write(c.im.mem)
			}
		case "done":
			body, _ := io.ReadAll(r.Body)
			after <- body
		default:
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, player)
		}
	}))
	defer server.Close()
	if _, err := browser.Ensure(context.Background(), t.Logf); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	defer stop()
	tab, closeBrowser, err := browser.Start(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer closeBrowser()
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	var right int
	if err := chromedp.Run(tab, chromedp.Navigate(server.URL), chromedp.Evaluate(`probe().catch(() => 0)`, &right, await)); err != nil {
		t.Fatal(err)
	}
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			if v.Relaxed && right != 1 {
				t.Skip("relaxed SIMD is absent or unfit on this machine: skipped")
			}
			for i, batch := range batches {
				var ok bool
				if err := chromedp.Run(tab, chromedp.Evaluate(fmt.Sprintf("play(%q, %v, %d)", v, v.Threads, i), &ok, await)); err != nil {
					t.Fatal(err)
				}
				got := <-after
				for _, c := range batch {
					t.Run(c.name, func(t *testing.T) { c.im.judge(t, got[:len(c.im.mem)], c.prog, c.regions) })
					got = got[len(c.im.mem):]
				}
			}
			t.Logf("%d programs", len(cases))
		})
	}
}
