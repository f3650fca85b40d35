package bench

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/chromedp/chromedp"
)

// Contender is a runtime with a model in one precision.
type Contender struct {
	Key       string // on the command line
	Name      string // in tables
	Package   string // on npm, "" for ours
	Precision string
	page      string
	format    string // of the model: onnx, onnx-int8 (ours), onnx-qdq, tflite, tflite-int8, tfjs
	query     string // more of the address
}

// Ours says whether it is the engine of this project.
func (c Contender) Ours() bool { return c.Package == "" && c.page != "" }

// Native says that it runs outside the browser, for reference.
func (c Contender) Native() bool { return c.page == "" }

// Label is its name and precision.
func (c Contender) Label() string { return c.Name + " " + c.Precision }

// Contenders are all that can take part.
var Contenders = []Contender{
	{Key: "ours", Name: "Eagle Eye", Precision: "int8", page: "/bench.html", format: "onnx-int8"},
	{Key: "ours-simd128", Name: "Eagle Eye", Precision: "int8, simd128", page: "/bench.html", format: "onnx-int8", query: "&kernels=simd128"},
	{Key: "ours-float", Name: "Eagle Eye", Precision: "float32", page: "/bench.html", format: "onnx"},
	{Key: "ort-int8", Name: "ONNX Runtime Web", Package: "onnxruntime-web", Precision: "int8", page: "/peers/ort.html", format: "onnx-qdq"},
	{Key: "ort", Name: "ONNX Runtime Web", Package: "onnxruntime-web", Precision: "float32", page: "/peers/ort.html", format: "onnx"},
	{Key: "litert-int8", Name: "LiteRT.js", Package: "@litertjs/core", Precision: "int8", page: "/peers/litert.html", format: "tflite-int8"},
	{Key: "litert", Name: "LiteRT.js", Package: "@litertjs/core", Precision: "float32", page: "/peers/litert.html", format: "tflite"},
	{Key: "tfjs", Name: "TensorFlow.js wasm", Package: "@tensorflow/tfjs-backend-wasm", Precision: "float32", page: "/peers/tfjs.html", format: "tfjs"},
	{Key: "native-int8", Name: "ONNX Runtime native", Precision: "int8", format: "onnx-qdq"},
	{Key: "ort-ours", Name: "ONNX Runtime Web", Package: "onnxruntime-web", Precision: "our int8 file", page: "/peers/ort.html", format: "onnx-int8"},
	{Key: "native", Name: "ONNX Runtime native", Precision: "float32", format: "onnx"},
}

// Choose returns the contenders of the keys, all for none.
func Choose(keys []string) ([]Contender, error) {
	if len(keys) == 0 {
		return Contenders, nil
	}
	var out []Contender
	for _, k := range keys {
		i := slices.IndexFunc(Contenders, func(c Contender) bool { return c.Key == k })
		if i < 0 {
			var have []string
			for _, c := range Contenders {
				have = append(have, c.Key)
			}
			return nil, fmt.Errorf("no contender %q: there are %v", k, have)
		}
		out = append(out, Contenders[i])
	}
	return out, nil
}

// address is the page of a contender for a model that a lab serves.
func (c Contender) address(lab *Lab, model string, size, threads int, more string) string {
	q := url.Values{"threads": {strconv.Itoa(threads)}, "size": {strconv.Itoa(size)}, "model": {model}}
	return lab.URL + c.page + "?" + q.Encode() + c.query + more
}

// seat is a contender at work: a tab or a process.
type seat interface {
	// load opens the model.
	load() error
	// frames runs the network some times and returns the milliseconds.
	frames(n int) (times, error)
	// processes are those that may do its work.
	processes() []int
	close()
}

// times are the milliseconds of frames.
type times struct {
	Frame []float64 // ours: RGBA to boxes; a peer's: its network alone
	Infer []float64 // the network alone
}

type tabSeat struct {
	*tab
	ours bool
}

func sit(ctx context.Context, lab *Lab, c Contender, model string, size, threads int) (seat, error) {
	t, err := openTab(ctx, c.address(lab, model, size, threads, ""))
	if err != nil {
		return nil, err
	}
	return &tabSeat{t, c.Ours()}, nil
}

func (s *tabSeat) load() error { return s.eval(nil, "bench.load().then(() => true)") }

func (s *tabSeat) frames(n int) (t times, err error) {
	if err := s.front(); err != nil {
		return t, err
	}
	err = s.eval(&t, `(async () => {
		const Frame = [], Infer = [];
		for (let i = 0; i < %d; i++) {
			const start = performance.now();
			const r = await bench.run();
			Frame.push(performance.now() - start);
			Infer.push(r.infer ?? Frame[i]);
		}
		return { Frame, Infer };
	})()`, n)
	return t, err
}

func (s *tabSeat) processes() []int {
	return renderers(chromedp.FromContext(s.ctx).Browser.Process().Pid)
}

func (s *tabSeat) close() { s.cancel() }
