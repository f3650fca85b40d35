// Package wasm is the engine: it opens a YOLOv8 detector from an ONNX file and
// finds objects in RGBA pictures with the kernels of a host.Machine, in a
// browser's worker or natively. The same file, machine variant and pixels give
// the same boxes everywhere.
//
// It may import the rooms of wasm/ and kernels.
package wasm

import (
	"errors"
	"fmt"
	"strconv"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/plan"
	"eagleeye/wasm/yolo"
)

// What can be wrong besides the file, whose errors are package onnx's.
var (
	ErrSize    = errors.New("wasm: unusable network size")
	ErrModel   = errors.New("wasm: not a detector that this engine can run")
	ErrMemory  = errors.New("wasm: not enough memory")
	ErrPicture = errors.New("wasm: unusable picture")
)

// Precision chooses the arithmetic.
type Precision uint8

// Precisions.
const (
	Auto  Precision = iota // as the file says: integers where it has QuantizeLinear
	F32                    // float32 throughout, quantization in the file is dropped
	Mixed                  // the head in float32, the rest as the file says
)

// Options of Open.
type Options struct {
	// Width and Height of the network's input in pixels, multiples of 32 from 32
	// to 4096; 0 is the model's own (640 when it is free to choose).
	Width, Height int
	Precision     Precision
	// Exact multiplies bytes by exact kernels only. It is slower and no more
	// accurate as a rule: for comparisons.
	Exact bool
	// Keep names values that Tap reads; "*" keeps all. It costs memory.
	Keep []string
}

// Detector is an opened model on a machine, which it has to itself. One
// goroutine at a time uses it.
type Detector struct {
	machine host.Machine
	plan    *plan.Plan
	info    Info

	box    yolo.Letterbox // of the staged picture
	planes *planes        // of it, nil for RGBA
	staged bool
	ran    bool

	buf   []byte // candidates as read
	cands []yolo.Candidate
	lines []byte // rows of a map as read
	param [8]byte
}

// Info describes an opened model.
type Info struct {
	Names         []string // by class
	Width, Height int      // of the network's input
	Precision     string   // "int8", "float32", or "mixed" where some convolutions compute in float32
	Quantized     bool     // the file is, whatever Precision says
	Variant       string   // of the kernels
	Threads       int      // that a frame uses
	Anchors       int      // rows of output0
	MemoryBytes   int      // kernel memory without the picture
	ArenaBytes    int64    // of it for activations
	WeightBytes   int64    // of it for weights, descriptors and program
	Params        int64    // weights and biases of the model
	MACs          int64    // multiply-accumulates a frame
	Steps         []plan.Step
}

// Open reads an ONNX file and lays it out in m's memory. model is not kept.
// Errors wrap this package's sentinels or package onnx's.
func Open(model []byte, m host.Machine, o Options) (*Detector, error) {
	g, err := onnx.Read(model)
	if err != nil {
		return nil, err
	}
	return OpenGraph(g, m, o)
}

// OpenGraph opens a graph as onnx.Read gives it.
func OpenGraph(g *graph.Graph, m host.Machine, o Options) (*Detector, error) {
	w, h, err := size(g, o)
	if err != nil {
		return nil, err
	}
	prepared, err := graph.Prepare(g, h, w)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	quantized := graph.Quantized(prepared)
	switch o.Precision {
	case F32:
		prepared = graph.FloatOnly(prepared)
	case Mixed:
		prepared = graph.FloatHead(prepared)
	}
	d, err := openPrepared(prepared, m, o)
	if err == nil {
		d.info.Quantized = quantized
	}
	return d, err
}

// OpenPrepared opens a graph as graph.Prepare gives it, for tools that look
// into a network or change it.
func OpenPrepared(g *graph.Graph, m host.Machine, keep []string) (*Detector, error) {
	return openPrepared(g, m, Options{Keep: keep})
}

func openPrepared(g *graph.Graph, m host.Machine, o Options) (*Detector, error) {
	p, err := plan.Build(g, plan.Options{Keep: o.Keep, Threads: m.Threads(), Exact: o.Exact, Relaxed: kernels.ParseVariant(m.Variant()).Relaxed})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if len(p.Detect.Heads) == 0 {
		return nil, fmt.Errorf("%w: it has no YOLOv8 detection head", ErrModel)
	}
	d, err := newDetector(p, m, g.Meta)
	if err == nil && p.Quantized && graph.FloatConvs(g) > 0 {
		d.info.Precision = "mixed"
	}
	return d, err
}

func newDetector(p *plan.Plan, m host.Machine, meta map[string]string) (*Detector, error) {
	if err := m.Reserve(p.Size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMemory, err)
	}
	if err := p.Load(m); err != nil {
		return nil, fmt.Errorf("wasm: packing the weights: %w", err)
	}
	d := &Detector{machine: m, plan: p}
	d.info = Info{
		Names: names(meta["names"], p.Detect.Classes),
		Width: p.Input.Width, Height: p.Input.Height,
		Precision: "float32", Variant: m.Variant(), Threads: m.Threads(), Anchors: p.Detect.Anchors,
		MemoryBytes: p.Size, ArenaBytes: p.Arena, WeightBytes: int64(p.Fixed),
		Params: p.Params, Steps: p.Steps,
	}
	if p.Quantized {
		d.info.Precision = "int8"
	}
	for _, s := range p.Steps {
		d.info.MACs += s.MACs
	}
	p.Forget() // it is in the machine now
	return d, nil
}

// Info describes the model.
func (d *Detector) Info() Info { return d.info }

// Close closes the machine.
func (d *Detector) Close() error {
	d.staged, d.ran = false, false
	return d.machine.Close()
}

// The bounds of the network's input.
const (
	stride  = 32
	minSide = 32
	maxSide = 4096
)

// size chooses the network's input: the options, the model's shape, its imgsz
// metadata, 640.
func size(g *graph.Graph, o Options) (w, h int, err error) {
	if len(g.Inputs) != 1 {
		return 0, 0, fmt.Errorf("%w: it has %d inputs; want one of shape [1 3 height width]", ErrModel, len(g.Inputs))
	}
	w, h = o.Width, o.Height
	ownH, ownW := graph.InputSize(g)
	if w == 0 {
		w = ownW
	}
	if h == 0 {
		h = ownH
	}
	for _, side := range []int{w, h} {
		if side < minSide || side > maxSide || side%stride != 0 {
			return 0, 0, fmt.Errorf("%w: %d×%d: sides must be multiples of %d from %d to %d", ErrSize, w, h, stride, minSide, maxSide)
		}
	}
	return w, h, nil
}

// names returns one name a class, "class N" where the metadata has none.
func names(meta string, classes int) []string {
	out, _ := yolo.ParseNames(meta)
	out = out[:min(len(out), classes)]
	for len(out) < classes {
		out = append(out, "class "+strconv.Itoa(len(out)))
	}
	return out
}
