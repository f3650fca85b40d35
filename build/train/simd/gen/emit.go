package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitter writes kernels for one width of vectors: 16 floats in an AVX-512
// register (wide) or 8 in an AVX2 one. Those for SSE (sse.go) are apart.
type emitter struct {
	*build.Context
	wide    bool
	suffix  string
	numbers map[string]operand.Mem
	labels  int
}

// bytes is the size of a vector.
func (e *emitter) bytes() int {
	if e.wide {
		return 64
	}
	return 32
}

func (e *emitter) vector() reg.VecVirtual {
	if e.wide {
		return e.ZMM()
	}
	return e.YMM()
}

func (e *emitter) vectors(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = e.vector()
	}
	return v
}

// function starts a kernel.
func (e *emitter) function(name, args, doc string) {
	e.Function(name + e.suffix)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(" + args + ")")
	e.Pragma("noescape")
	e.Doc(strings.Split(name+e.suffix+" "+doc, "\n")...)
	e.labels = 0
}

// end closes a kernel that used vectors: the upper halves must be cleared
// before Go's SSE code runs on.
func (e *emitter) end() {
	e.VZEROUPPER()
	e.RET()
}

func (e *emitter) pointer(name string) reg.Register { return e.Load(e.Param(name), e.GP64()) }

// spread loads a float argument into all lanes.
func (e *emitter) spread(name string) reg.VecVirtual {
	m, err := e.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := e.vector()
	e.VBROADCASTSS(m.Addr, v)
	return v
}

func (e *emitter) zero(v reg.VecVirtual) {
	if e.wide {
		e.VPXORD(v, v, v)
	} else {
		e.VXORPS(v, v, v)
	}
}

// loop repeats body n times; n may be 0.
func (e *emitter) loop(n reg.Register, body func()) {
	e.labels++
	start, stop := fmt.Sprintf("loop%d", e.labels), fmt.Sprintf("done%d", e.labels)
	e.TESTQ(n, n)
	e.JZ(operand.LabelRef(stop))
	e.Label(start)
	body()
	e.DECQ(n)
	e.JNZ(operand.LabelRef(start))
	e.Label(stop)
}

func at(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

func indexed(base, index reg.Register, scale uint8) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: scale}
}

// total adds up the lanes of v into the lowest lane of the result.
func (e *emitter) total(v reg.VecVirtual) reg.Register {
	if e.wide {
		// Whole registers throughout: AVX-512F alone has no shorter ones above
		// the 16th.
		t := e.ZMM()
		for _, halves := range []uint64{0x0e, 0x01} {
			e.VSHUFF64X2(operand.Imm(halves), v, v, t)
			e.VADDPS(t, v, v)
		}
		for _, halves := range []uint64{0x0e, 0x01} {
			e.VPERMILPS(operand.Imm(halves), v, t)
			e.VADDPS(t, v, v)
		}
		return v.AsX()
	}
	x := e.XMM()
	e.VEXTRACTF128(operand.Imm(1), v, x)
	e.VADDPS(x, v.AsX(), x)
	e.VHADDPS(x, x, x)
	e.VHADDPS(x, x, x)
	return x
}

// constants are what the exponential needs, each 16 times in a row so that it
// serves as an operand of both widths. The polynomial is that of Cephes' expf.
func constants(c *build.Context) map[string]operand.Mem {
	list := []struct {
		name string
		v    float32
	}{
		{"one", 1}, {"most", 87}, {"least", -87},
		{"log2e", 1.44269504088896341}, {"ln2high", 0.693359375}, {"ln2low", -2.12194440e-4},
		{"p0", 1.9875691500e-4}, {"p1", 1.3981999507e-3}, {"p2", 8.3334519073e-3},
		{"p3", 4.1665795894e-2}, {"p4", 1.6666665459e-1}, {"p5", 5.0000001201e-1},
	}
	out := map[string]operand.Mem{}
	g := c.StaticGlobal("numbers")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, n := range list {
		for j := range 16 {
			c.AddDatum(i*64+j*4, operand.F32(n.v))
		}
		out[n.name] = g.Offset(i * 64)
	}
	return out
}
