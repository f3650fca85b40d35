// Package plan lowers a prepared graph to a program for the kernels: every
// activation gets a place in an arena, every node becomes a few steps, weights
// are packed. All of it is one memory image, written once; a frame only writes
// pixels and thresholds.
//
// A quantized activation is stored as uint8, any other as float32, both NHWC
// with the channels padded to multiples of 8 (see Layout).
//
// It may import wasm/graph, wasm/quant and kernels.
package plan

import (
	"fmt"
	"math"
	"slices"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// Options of Build.
type Options struct {
	// Keep names values of the prepared graph whose storage is never reused, so
	// that they can be read after a run; "*" keeps all.
	Keep []string
	// Threads of the machine, at most kernels.MaxThreads; 0 is 1. It does not
	// change results.
	Threads int
	// Exact keeps convolutions of bytes to kernels whose sums are those of their
	// integers. It is slower and gives slightly other results.
	Exact bool
	// Relaxed says that the machine's SIMD is relaxed, where convolutions of bytes
	// are fast. It does not change results.
	Relaxed bool
}

// Plan is a lowered graph. Addresses are those of the machine's memory.
type Plan struct {
	Image []Part // descriptors, program and weights
	Fixed int    // bytes from the first to the last of Image
	Size  int    // bytes of memory, less the picture

	Program   uint32 // Step records
	Steps     []Step
	Input     Input
	Detect    Detect
	Params    int64 // weights and biases of the model
	Arena     int64 // bytes for activations
	Quantized bool  // some convolution runs on integers

	places map[string]Place
	setup  setup
}

// Part is a piece of a memory image.
type Part struct {
	Addr uint32
	Data []byte
}

// Load writes the image to a machine's memory, of Size bytes at least, and lets
// the kernels do their part of the packing. Activations of a plan of the same
// layout stay as they are if values are kept.
func (p *Plan) Load(m interface {
	Write(addr uint32, p []byte)
	Run(prog uint32, n int) error
}) error {
	for _, part := range p.Image {
		m.Write(part.Addr, part.Data)
	}
	return p.setup.run(m)
}

// Forget gives up what only Load needs.
func (p *Plan) Forget() { p.Image, p.setup = nil, setup{} }

// Step tells about one record of the program.
type Step struct {
	Name  string // of the node that it computes
	Kind  string // such as "conv 3x3/2 i16"
	Shape string // of the result, channels×height×width
	MACs  int64  // multiply-accumulates of the model, padding not counted
	Bytes int64  // of the maps and weights that it reads and writes
	Work  Work   // convolutions only
	// Predicted is the step's time in ms on one thread of the machine that costs
	// were measured on.
	Predicted float64
}

// Input is the network's input: the letterbox writes it. The program's first
// step is the letterbox; its descriptor and tables change with the size of the
// picture, which lies at Source.
type Input struct {
	Width, Height int
	Desc          uint32 // of the kernels.LetterboxDesc; fill in the picture's part
	Letterbox     kernels.LetterboxDesc
	XTab, YTab    uint32 // room for Width and Height entries
	Source        uint32 // pixels go here: the end of the plan's memory
}

// Detect is the head. Steps [First, First+len(Heads)) decode it; all steps
// before them compute it.
type Detect struct {
	First   int
	Params  uint32 // kernels.DetectParams
	Out     uint32 // kernels.Candidate, one an anchor
	Anchors int
	Classes int
	Heads   []Head // by rising stride, anchors in this order
}

// Head is one scale of Detect.
type Head struct {
	Box, Cls Place
	Stride   float32
	Anchor0  int
}

// Place is where a value lies after a run.
type Place struct {
	Map  kernels.Map
	H, W int
	Layout
	U8    bool // real = Scale·(q − Zero); else float32
	Scale float32
	Zero  int32
}

// base is the first address of the image.
const base = kernels.Base

// Build lowers a prepared graph (see graph.Prepare). Errors name the node or
// value that cannot be lowered.
func Build(g *graph.Graph, o Options) (*Plan, error) {
	b, err := build(g, o)
	if err != nil {
		return nil, err
	}
	return b.plan, nil
}

func build(g *graph.Graph, o Options) (*builder, error) {
	b := &builder{g: g, exact: o.Exact, relaxed: o.Relaxed, threads: max(1, min(o.Threads, kernels.MaxThreads)), plan: &Plan{places: map[string]Place{}}}
	for _, step := range []func() error{
		b.check,        // only shapes and operators that can be lowered
		b.represent,    // uint8 or float32, channel layout of every value
		b.store,        // values → areas, slices and members as views
		b.borders,      // what convolutions read around their maps
		b.lower,        // nodes → steps over buffers, weights packed
		b.keep(o.Keep), // extend lifetimes of what is read after a run
		b.memory,       // addresses of everything
		b.link,         // descriptors and program into the image
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Lookup returns the place of a kept value.
func (p *Plan) Lookup(name string) (Place, bool) {
	pl, ok := p.places[name]
	return pl, ok
}

// Kept returns the names of all kept values, in no order.
func (p *Plan) Kept() []string {
	names := make([]string, 0, len(p.places))
	for n := range p.places {
		names = append(names, n)
	}
	return names
}

type builder struct {
	g       *graph.Graph
	threads int
	exact   bool
	relaxed bool
	plan    *Plan
	reprs   map[*graph.Value]repr
	lays    map[*graph.Value]Layout
	refs    map[*graph.Value]ref

	steps                []step
	buffers              []*buffer
	bordered             map[*graph.Value]bool
	widened              map[*graph.Value]ref
	bytes                map[*graph.Node]byteWeights
	converted            map[conversion]ref
	most                 map[*graph.Value]float64 // of float maps, the largest magnitude where it is known
	image                []Part
	raw                  []rawWeights
	fixed                int // bytes that image spans, gaps included
	arenaBase            int64
	scratch, scratchSize int64 // for one Winograd step at a time: address, bytes a thread
	detect               *graph.Node
	kept                 []*graph.Value
}

// step is a program record before addresses are known.
type step struct {
	Step
	op    kernels.Op
	tiles int
	at    uint32        // address of the descriptor
	desc  func() []byte // its bytes, once the arena is placed
}

func (b *builder) check() error {
	g := b.g
	if len(g.Inputs) != 1 {
		return fmt.Errorf("plan: the model has %d inputs, an image detector has 1", len(g.Inputs))
	}
	if s := g.Inputs[0].Shape; len(s) != 4 || s[0] != 1 || s[1] != 3 {
		return fmt.Errorf("plan: input %q has shape %v, want [1 3 height width]", g.Inputs[0].Name, s)
	}
	for _, v := range activations(g) {
		s := v.Shape
		if len(s) != 4 || s[0] != 1 || s[1] <= 0 || s[2] <= 0 || s[3] <= 0 {
			return fmt.Errorf("plan: value %q has shape %v, want [1 channels height width]", v.Name, s)
		}
		if s[1] > 1<<16 || s[2] > 1<<14 || s[3] > 1<<14 {
			return fmt.Errorf("plan: value %q is too large: %v", v.Name, s)
		}
	}
	known := map[*graph.Value]bool{g.Inputs[0]: true}
	for _, n := range g.Nodes {
		if len(n.Out) != 1 || len(n.In) == 0 || n.In[0] == nil {
			return fmt.Errorf("plan: %s %q has %d inputs and %d results", n.Op, n.Name, len(n.In), len(n.Out))
		}
		for i, x := range n.In {
			if x != nil && x.Const == nil && !known[x] || x == nil && n.Op != "Conv" {
				return fmt.Errorf("plan: %s %q: input %d is computed by no earlier node", n.Op, n.Name, i)
			}
			if x == g.Inputs[0] && n.Op != "Conv" {
				return fmt.Errorf("plan: %s %q reads the picture; only a convolution can", n.Op, n.Name)
			}
			if x != nil && x.Const != nil && n.Op != "Conv" {
				return fmt.Errorf("plan: %s %q has the constant %q as an input", n.Op, n.Name, x.Name)
			}
		}
		known[n.Out[0]] = true
		if n.Op == "Detect" {
			if b.detect != nil {
				return fmt.Errorf("plan: the model has two detection heads, %q and %q", b.detect.Name, n.Name)
			}
			b.detect = n
		}
	}
	return nil
}

func (b *builder) represent() (err error) {
	if b.reprs, err = reprs(b.g); err != nil {
		return err
	}
	b.lays, err = layouts(b.g)
	return err
}

// borders gives the area of every map that a convolution reads as it is the
// border that it needs.
func (b *builder) borders() error {
	b.bytes = map[*graph.Node]byteWeights{}
	for _, n := range b.g.Nodes {
		if n.Op != "Conv" {
			continue
		}
		c, err := newConv(n)
		if err != nil {
			return err
		}
		if x := b.refs[n.In[0]]; !x.u8 {
			a, _ := x.area.root(x.at)
			a.pad = max(a.pad, c.border())
		} else if err := b.chooseBytes(n, c); err != nil {
			return err
		}
	}
	return nil
}

// keep marks values whose storage stays, with all graph outputs.
func (b *builder) keep(names []string) func() error {
	return func() error {
		all := slices.Contains(names, "*")
		found := map[string]bool{"*": true}
		for _, v := range activations(b.g) {
			if all || slices.Contains(names, v.Name) || slices.Contains(b.g.Outputs, v) {
				b.kept = append(b.kept, v)
				found[v.Name] = true
				b.refs[v].buffer().touch(len(b.steps))
			}
		}
		for _, name := range names {
			if !found[name] {
				return fmt.Errorf("plan: the prepared graph has no value %q to keep", name)
			}
		}
		return nil
	}
}

// memory lays out: image, arena, candidates, letterbox tables, picture.
func (b *builder) memory() error {
	p := b.plan
	for i := range b.steps {
		b.steps[i].at = b.room(len(b.steps[i].desc()), 16)
	}
	p.Program = b.room(16*len(b.steps), 16)
	b.arenaBase = alignUp(base + int64(b.fixed))
	p.Arena = place(b.buffers)
	end := b.arenaBase + p.Arena
	setupEnd := int64(0)
	if len(b.kept) > 0 { // tools load plans in the middle of a run
		end = b.prepareSetup(alignUp(end))
	} else {
		setupEnd = b.prepareSetup(b.arenaBase)
	}
	b.scratch = end
	b.scratchSize = alignUp(b.scratchSize)
	end = alignUp(end + b.scratchSize*int64(b.threads))
	p.Detect.Out = uint32(end)
	end = alignUp(end + int64(p.Detect.Anchors)*32)
	p.Input.XTab = uint32(end)
	p.Input.YTab = uint32(end + 8*int64(p.Input.Width))
	end = alignUp(end + 8*int64(p.Input.Width+p.Input.Height))
	p.Input.Source = uint32(end)
	if end > math.MaxInt32 { // offsets between maps are int32
		return fmt.Errorf("plan: the model needs %d MiB of kernel memory at this input size, the limit is 2048: choose a smaller size", end>>20)
	}
	p.Size = int(max(end, setupEnd))
	return nil
}

// link writes descriptors and program, now that every address is known.
func (b *builder) link() error {
	p := b.plan
	program := make([]byte, 0, 16*len(b.steps))
	for _, s := range b.steps {
		b.image = append(b.image, Part{s.at, s.desc()})
		rec := kernels.Step{Op: s.op, Desc: s.at, Tiles: uint32(s.tiles)}
		program = append(program, kernels.Bytes(&rec)...)
		s.Predicted = predict(s.op, b.relaxed, s.Work, s.Bytes)
		p.Steps = append(p.Steps, s.Step)
	}
	p.Image, p.Fixed = append(b.image, Part{p.Program, program}), b.fixed
	for _, v := range b.kept {
		p.places[v.Name] = b.placeOf(b.refs[v])
	}
	if d := b.detect; d != nil {
		for i := range p.Detect.Heads {
			h := &p.Detect.Heads[i]
			h.Box = b.placeOf(b.as(d.In[2*i], float))
			h.Cls = b.placeOf(b.as(d.In[2*i+1], float))
		}
	}
	return nil
}

func (b *builder) placeOf(r ref) Place {
	return Place{Map: r.place(b.arenaBase), H: r.h, W: r.w, Layout: r.lay, U8: r.u8, Scale: r.scale, Zero: r.zero}
}

// room takes n bytes of the image and returns their address.
func (b *builder) room(n, alignment int) uint32 {
	at := (b.fixed + alignment - 1) / alignment * alignment
	b.fixed = at + n
	return base + uint32(at)
}

// put adds bytes to the image, which keeps them, and returns their address.
func (b *builder) put(p []byte, alignment int) uint32 {
	at := b.room(len(p), alignment)
	b.image = append(b.image, Part{at, p})
	return at
}
