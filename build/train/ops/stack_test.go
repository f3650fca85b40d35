package ops

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"gorgonia.org/gorgonia"

	"eagleeye/build/train/simd"
)

// stack is a YOLOv8 of any width, built of this package's operations alone.
type stack struct {
	t      testing.TB
	g      *gorgonia.ExprGraph
	params []*gorgonia.Node
	bns    []*BN
	flops  float64 // of a forward pass
}

func (s *stack) must(n *gorgonia.Node, err error) *gorgonia.Node {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stack) param(scale float32, shape ...int) *gorgonia.Node {
	data := random(uint64(len(s.params)+1), size(shape))
	for i := range data {
		data[i] *= scale
	}
	n := node(s.g, fmt.Sprint("p", len(s.params)), data, shape...)
	s.params = append(s.params, n)
	return n
}

func (s *stack) conv(x *gorgonia.Node, o, k, stride int) *gorgonia.Node {
	i := x.Shape()[1]
	w := s.param(float32(math.Sqrt(1/float64(i*k*k))), o, i, k, k)
	gamma, beta := s.param(0.1, o), s.param(0.1, o)
	for i := range gamma.Value().Data().([]float32) {
		gamma.Value().Data().([]float32)[i] += 1
	}
	bn := NewBN(o)
	s.bns = append(s.bns, bn)
	a := ConvAttrs{Stride: stride, Pad: k / 2}
	geo, _ := newGeometry("", x, w, a)
	s.flops += geo.flops()
	return s.must(ConvBN(x, w, gamma, beta, bn, a, SiLU))
}

func (s *stack) c2f(x *gorgonia.Node, o, n int, shortcut bool) *gorgonia.Node {
	x = s.conv(x, o, 1, 1)
	parts := []*gorgonia.Node{s.must(Slice(x, 0, o/2)), s.must(Slice(x, o/2, o))}
	for range n {
		last := parts[len(parts)-1]
		y := s.conv(s.conv(last, o/2, 3, 1), o/2, 3, 1)
		if shortcut {
			y = s.must(Add(last, y))
		}
		parts = append(parts, y)
	}
	return s.conv(s.must(Concat(parts...)), o, 1, 1)
}

// yolo builds the network and a cost, for batch pictures of size×size.
func yolo(t testing.TB, width float64, batch, side int) (*stack, *gorgonia.Node) {
	s := &stack{t: t, g: gorgonia.NewGraph()}
	ch := func(c float64) int { return int(math.Ceil(c*width/8) * 8) }
	x := node(s.g, "image", random(77, batch*3*side*side), batch, 3, side, side)
	p1 := s.conv(x, ch(64), 3, 2)
	p2 := s.c2f(s.conv(p1, ch(128), 3, 2), ch(128), 1, true)
	p3 := s.c2f(s.conv(p2, ch(256), 3, 2), ch(256), 2, true)
	p4 := s.c2f(s.conv(p3, ch(512), 3, 2), ch(512), 2, true)
	p5 := s.c2f(s.conv(p4, ch(1024), 3, 2), ch(1024), 1, true)
	y := s.conv(p5, ch(512), 1, 1)
	pools := []*gorgonia.Node{y}
	for range 3 {
		pools = append(pools, s.must(MaxPool(pools[len(pools)-1], 5, 1, 2)))
	}
	p5 = s.conv(s.must(Concat(pools...)), ch(1024), 1, 1)
	n4 := s.c2f(s.must(Concat(s.must(Upsample2(p5)), p4)), ch(512), 1, false)
	n3 := s.c2f(s.must(Concat(s.must(Upsample2(n4)), p3)), ch(256), 1, false)
	n4 = s.c2f(s.must(Concat(s.conv(n3, ch(256), 3, 2), n4)), ch(512), 1, false)
	n5 := s.c2f(s.must(Concat(s.conv(n4, ch(512), 3, 2), p5)), ch(1024), 1, false)
	var cost *gorgonia.Node
	for _, n := range []*gorgonia.Node{n3, n4, n5} {
		for _, head := range []struct{ hidden, out int }{{max(16, ch(256)/4, 64), 64}, {max(ch(256), 80), 80}} {
			y := s.conv(s.conv(n, head.hidden, 3, 1), head.hidden, 3, 1)
			w, b := s.param(0.1, head.out, head.hidden, 1, 1), s.param(0.1, head.out)
			geo, _ := newGeometry("", y, w, ConvAttrs{})
			s.flops += geo.flops()
			y = s.must(Conv(y, w, b, ConvAttrs{}, None))
			c := s.must(Apply("squares", nil, func(in [][]float32, out []float32) {
				out[0] = simd.SumSquares(in[0], 0) / float32(len(in[0]))
			}, func(in [][]float32, out, dout []float32, din [][]float32) {
				simd.Affine(din[0], in[0], 2*dout[0]/float32(len(in[0])), 0)
			}, y))
			if cost == nil {
				cost = c
			} else {
				cost = s.must(Add(cost, c))
			}
		}
	}
	if _, err := Grad(cost, s.params...); err != nil {
		t.Fatal(err)
	}
	return s, cost
}

// BenchmarkStack is forward and backward of a whole network, counted as three
// times the forward pass's multiplications and additions.
func BenchmarkStack(b *testing.B) {
	was := simd.Current()
	defer simd.Use(was)
	for _, c := range []struct {
		width       float64
		batch, side int
	}{{0.25, 4, 160}, {0.125, 8, 320}, {0.125, 16, 320}} {
		for l := simd.AVX512; l >= simd.Portable; l-- {
			if !simd.Use(l) || l < simd.AVX2 && c.side > 160 {
				continue
			}
			b.Run(fmt.Sprintf("width%g/batch%d/%d/%v", c.width, c.batch, c.side, l), func(b *testing.B) {
				s, _ := yolo(b, c.width, c.batch, c.side)
				m := gorgonia.NewTapeMachine(s.g)
				defer m.Close()
				step := func() {
					if err := m.RunAll(); err != nil {
						b.Fatal(err)
					}
					m.Reset()
				}
				step()
				b.ReportAllocs()
				before := processorSeconds()
				for b.Loop() {
					step()
				}
				if spent := processorSeconds() - before; spent > 0 {
					b.ReportMetric(3*s.flops*float64(b.N)/spent/1e9, "GFLOP/cpu-s")
				}
				b.ReportMetric(3*s.flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// TestSteadyMemory wants a step to allocate next to nothing once buffers exist,
// and nothing of it to stay.
func TestSteadyMemory(t *testing.T) {
	s, _ := yolo(t, 0.125, 2, 64)
	m := gorgonia.NewTapeMachine(s.g)
	defer m.Close()
	steps := func(n int) {
		for range n {
			if err := m.RunAll(); err != nil {
				t.Fatal(err)
			}
			m.Reset()
		}
	}
	memory := func() (held, allocated uint64) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, m.TotalAlloc
	}
	const n = 20
	steps(3)
	held, allocated := memory()
	steps(n)
	heldAfter, allocatedAfter := memory()
	if per := (allocatedAfter - allocated) / n; per > 1<<20 {
		t.Errorf("a step allocates %d bytes, want less than 1 MiB", per)
	}
	if grown := int64(heldAfter) - int64(held); grown > 1<<20 {
		t.Errorf("%d steps keep %d bytes", n, grown)
	}
}

// TestSameOnAnyProcessors wants bit-equal gradients from one worker and from
// all: a training that is resumed elsewhere must go on the same way.
func TestSameOnAnyProcessors(t *testing.T) {
	s, _ := yolo(t, 0.125, 3, 64)
	m := gorgonia.NewTapeMachine(s.g)
	defer m.Close()
	var runs [][]float32
	run := func() {
		if err := m.RunAll(); err != nil {
			t.Error(err)
		}
		m.Reset()
		var all []float32
		for _, p := range s.params {
			v, err := p.Grad()
			if err != nil {
				t.Error(err)
				return
			}
			all = append(all, v.Data().([]float32)...)
		}
		runs = append(runs, all)
	}
	run()
	// Within one piece of work, everything else runs on one worker.
	simd.Parallel(2, func(_, i int) {
		if i == 0 {
			run()
		}
	})
	run()
	for n, r := range runs[1:] {
		for i, v := range r {
			if v != runs[0][i] {
				t.Fatalf("run %d: gradient %d is %g, was %g", n+1, i, v, runs[0][i])
			}
		}
	}
	var largest float32
	for _, v := range runs[0] {
		largest = max(largest, v, -v)
	}
	if largest == 0 {
		t.Error("all gradients are zero")
	}
}
