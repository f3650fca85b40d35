package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"

	"eagleeye/build/browser"
	"eagleeye/build/site"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/plan"
)

// Layer is a step of the program, timed in the browser on one thread within
// whole frames. Peak is what its kernel reaches on the shape that suits it best.
type Layer struct {
	Name  string  `json:"name"`
	Kind  string  `json:"kind"`
	Shape string  `json:"shape"`
	MACs  int64   `json:"macs"`
	MS    float64 `json:"ms"`
	Rate  float64 `json:"rate"` // GMAC/s, of convolutions
	Peak  float64 `json:"peak"` // GMAC/s
}

// Roofline is where a frame's time goes.
type Roofline struct {
	Size    int     `json:"size"`
	Variant string  `json:"variant"`
	Frame   float64 `json:"frame"` // ms of all steps run at once
	Layers  []Layer `json:"layers"`
}

// capture is a machine that runs nothing but what packs weights: it keeps the
// memory that a program needs, for a page to run.
type capture struct {
	host.Machine // the oracle, for its memory
	variant      string
	packed       bool   // everything is in place: from here on nothing is run
	prog         uint32 // of the first run after that
	at           uint32 // of what was written last: the head's counters, with which a frame begins
	begin        []byte
}

func newCapture(variant string) *capture { return &capture{Machine: host.NewRef(), variant: variant} }

func (c *capture) Write(addr uint32, p []byte) {
	c.at, c.begin = addr, slices.Clone(p)
	c.Machine.Write(addr, p)
}

func (c *capture) Run(prog uint32, n int) error {
	if !c.packed {
		return c.Machine.Run(prog, n)
	}
	if c.prog == 0 {
		c.prog = prog
	}
	return nil
}
func (c *capture) Variant() string { return c.variant }

// program is the address of a program, its number of steps, where and what to
// write before each frame, and the memory.
func (c *capture) program(prog uint32, steps int) []byte {
	var out []byte
	for _, v := range []uint32{prog, uint32(steps), c.at, uint32(len(c.begin))} {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	out = append(out, c.begin...)
	mem := make([]byte, c.Size())
	c.Read(0, mem)
	return append(out, mem...)
}

// Layers times each step of a model's program, and each kind of convolution on
// shapes that suit it, with the kernels of a variant ("relaxed", "simd128").
func Layers(ctx context.Context, lab *Lab, model []byte, size int, variant string, img *image.RGBA, rounds int, logf func(string, ...any)) (*Roofline, error) {
	ctx, closeBrowser, err := browser.Start(ctx, logf)
	if err != nil {
		return nil, err
	}
	defer closeBrowser()
	tab := &tab{ctx, func() {}}
	wait := chromedp.Poll("window.layers", nil)
	if err := chromedp.Run(ctx, chromedp.Navigate(lab.URL+"/peers/layers.html"), wait); err != nil {
		return nil, err
	}
	module, err := lab.module(variant)
	if err != nil {
		return nil, err
	}
	m := newCapture(variant)
	d, err := wasm.Open(model, m, wasm.Options{Width: size, Height: size})
	if err != nil {
		return nil, err
	}
	m.packed = true
	if _, _, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.DefaultThresholds); err != nil {
		return nil, err
	}
	steps := d.Info().Steps
	r := &Roofline{Size: size, Variant: variant}
	var timed struct {
		Frame float64
		Steps []float64
	}
	url := lab.Put("layers", m.program(m.prog, len(steps)))
	if err := tab.eval(&timed, "layers.profile(%q, %q, %d)", module, url, rounds); err != nil {
		return nil, err
	}
	r.Frame = timed.Frame
	peaks := map[string]float64{}
	for i, s := range steps {
		l := Layer{Name: s.Name, Kind: s.Kind, Shape: s.Shape, MACs: s.MACs, MS: timed.Steps[i]}
		if s.MACs > 0 {
			kind := plainKind(s.Kind)
			if _, ok := peaks[kind]; !ok {
				if peaks[kind], err = peak(tab, lab, kind, module); err != nil {
					return nil, fmt.Errorf("peak of %s: %w", kind, err)
				}
			}
			l.Rate = float64(l.MACs) / l.MS / 1e6
			l.Peak = max(peaks[kind], l.Rate)
			peaks[kind] = l.Peak
		}
		r.Layers = append(r.Layers, l)
	}
	for i := range r.Layers { // a layer may have beaten the shapes tried
		if l := &r.Layers[i]; l.MACs > 0 {
			l.Peak = peaks[plainKind(l.Kind)]
		}
	}
	return r, nil
}

// module is the address of a variant's kernels.
func (l *Lab) module(variant string) (string, error) {
	name := "kernels.wasm"
	if variant != "simd128" {
		name = "kernels-" + variant + ".wasm"
	}
	file, err := site.Find(l.dist, name)
	return "/" + file, err
}

// plainKind is a step's kind without what its epilogue does.
func plainKind(kind string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(kind), func(w string) bool { return w == "silu" || w == "add" }), " ")
}

// peak is, for a module of kernels, the best rate of a kind of convolution over shapes of which some suit
// it, 0 where none of them is lowered to that kind.
func peak(t *tab, lab *Lab, kind, module string) (best float64, err error) {
	window := regexp.MustCompile(`(\d)x\d(?:/(\d))?`).FindStringSubmatch(kind)
	if window == nil {
		return 0, nil
	}
	k, stride := int(window[1][0]-'0'), 1
	if window[2] != "" {
		stride = int(window[2][0] - '0')
	}
	for _, shape := range [][2]int{{64, 80}, {64, 40}, {128, 40}, {128, 20}, {256, 20}, {256, 40}, {32, 80}} {
		g := single(k, stride, shape[0], shape[1]*stride, strings.Contains(kind, "→f32"))
		p, err := plan.Build(g, plan.Options{Relaxed: strings.Contains(kind, "i8")})
		if err != nil {
			return 0, err
		}
		at := len(p.Steps) - 1
		if plainKind(p.Steps[at].Kind) != kind {
			continue
		}
		m := newCapture("")
		if err := m.Reserve(p.Size); err != nil {
			return 0, err
		}
		if err := p.Load(m); err != nil {
			return 0, err
		}
		var ms float64
		url := lab.Put("peak", m.program(p.Program, len(p.Steps)))
		if err := t.eval(&ms, "layers.best(%q, %q, %d)", module, url, at); err != nil {
			return 0, err
		}
		best = max(best, float64(p.Steps[at].MACs)/ms/1e6)
	}
	return best, nil
}

// single is a graph that ends in one convolution of k×k with channels both in
// and out, over size×size pixels, to bytes or to floats.
func single(k, stride, channels, size int, float bool) *graph.Graph {
	rnd := rand.New(rand.NewPCG(1, 2))
	ints := func(v ...int64) graph.Attr { return graph.Attr{Kind: graph.AttrInts, Ints: v} }
	grid := func(scale float32) *graph.Quant {
		return &graph.Quant{DType: graph.Uint8, Scale: []float32{scale}, Zero: []int32{0}}
	}
	conv := func(name string, x *graph.Value, in, out, k, stride, size int) (*graph.Node, *graph.Value) {
		w := &graph.Value{Name: name + ".w", DType: graph.Int8, Quant: &graph.Quant{DType: graph.Int8}}
		w.Const = &graph.Tensor{DType: graph.Int8, Shape: []int{out, in, k, k}, Data: make([]byte, out*in*k*k)}
		w.Shape = w.Const.Shape
		for i := range w.Const.Data { // small, as byte kernels want them
			w.Const.Data[i] = byte(int8(rnd.IntN(2*kernels.LaneLimit/4+1) - kernels.LaneLimit/4))
		}
		for range out {
			w.Quant.Scale, w.Quant.Zero = append(w.Quant.Scale, 0.01), append(w.Quant.Zero, 0)
		}
		pad := int64(k / 2)
		y := &graph.Value{Name: name + ".y", DType: graph.Float32, Shape: []int{1, out, size / stride, size / stride}, Quant: grid(0.1)}
		return &graph.Node{Name: name, Op: "Conv", In: []*graph.Value{x, w, nil}, Out: []*graph.Value{y}, Attrs: map[string]graph.Attr{
			"kernel_shape": ints(int64(k), int64(k)), "strides": ints(int64(stride), int64(stride)), "pads": ints(pad, pad, pad, pad),
		}}, y
	}
	x := &graph.Value{Name: "images", DType: graph.Float32, Shape: []int{1, 3, size, size}, Quant: grid(1.0 / 255)}
	first, mid := conv("first", x, 3, channels, 1, 1, size)
	second, y := conv("second", mid, channels, channels, k, stride, size)
	if float {
		y.Quant = nil
	}
	return &graph.Graph{Opset: 13, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}, Nodes: []*graph.Node{first, second}}
}

// stage names the part of a frame that a step belongs to.
func (l Layer) stage() string {
	word, _, _ := strings.Cut(l.Kind, " ")
	if l.MACs > 0 {
		return plainKind(l.Kind)
	}
	return word
}

// String is a table of the stages and one of the layers.
func (r *Roofline) String() string {
	type sum struct {
		stage           string
		n               int
		ms, ideal, macs float64
	}
	var stages []sum
	var conv, ideal, all float64
	for _, l := range r.Layers {
		i := slices.IndexFunc(stages, func(s sum) bool { return s.stage == l.stage() })
		if i < 0 {
			i, stages = len(stages), append(stages, sum{stage: l.stage()})
		}
		s := &stages[i]
		s.n, s.ms, s.macs, all = s.n+1, s.ms+l.MS, s.macs+float64(l.MACs), all+l.MS
		if l.Peak > 0 {
			s.ideal += float64(l.MACs) / l.Peak / 1e6
			conv, ideal = conv+l.MS, ideal+float64(l.MACs)/l.Peak/1e6
		}
	}
	slices.SortStableFunc(stages, func(a, b sum) int { return int(1e6 * (b.ms - a.ms)) })
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d×%d, %s, one thread: %.1f ms a frame; step by step %.1f ms\n\n", r.Size, r.Size, r.Variant, r.Frame, all)
	fmt.Fprintf(&b, "| stage | steps | ms | of the frame | GMAC/s | at the kernel's peak, ms | share of the peak |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, s := range stages {
		fmt.Fprintf(&b, "| %s | %d | %.2f | %.1f %% |", s.stage, s.n, s.ms, 100*s.ms/all)
		if s.ideal > 0 {
			fmt.Fprintf(&b, " %.1f | %.2f | %.0f %% |\n", s.macs/s.ms/1e6, s.ideal, 100*s.ideal/s.ms)
		} else {
			fmt.Fprintf(&b, " | | |\n")
		}
	}
	fmt.Fprintf(&b, "| all convolutions | | %.2f | %.1f %% | | %.2f | %.0f %% |\n\n", conv, 100*conv/all, ideal, 100*ideal/conv)
	fmt.Fprintf(&b, "| layer | shape | kind | ms | GMAC/s | peak | share |\n|---|---|---|---:|---:|---:|---:|\n")
	for _, l := range r.Layers {
		fmt.Fprintf(&b, "| %s | %s | %s | %.3f |", strings.TrimPrefix(l.Name, "/"), l.Shape, l.Kind, l.MS)
		if l.Peak > 0 {
			fmt.Fprintf(&b, " %.1f | %.1f | %.0f %% |\n", l.Rate, l.Peak, 100*l.Rate/l.Peak)
		} else {
			fmt.Fprintf(&b, " | | |\n")
		}
	}
	return b.String()
}
