//go:build !js

package kernels

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

// winograd43Case is a convolution as F(4×4,3×3), made by build: the program of
// im has the one step. direct is the same convolution for OpConvI16.
type winograd43Case struct {
	convCase
	blockRows int32
	zero      int32
	threads   int
}

func (c winograd43Case) build(t testing.TB, im *image) (d WinogradDesc, direct ConvDesc) {
	t.Helper()
	c.op, c.k, c.stride, c.dil, c.slots8 = OpConvI16, 3, 1, 1, true
	direct, p, w := c.desc(im)
	// Inputs are bytes less the zero point, in logical channels as elsewhere.
	in := view[int16](im.mem, direct.Src.Addr-uint32(c.inExtra/8*4*2), (c.h+2)*int(direct.Src.Row)/2)
	for i := range in {
		in[i] = int16(int32(im.rng.IntN(256)) - c.zero)
	}
	weights := make([]float32, len(w.([]int16)))
	for i, v := range w.([]int16) {
		weights[i] = float32(v)
	}
	// About as many outputs in range as in a layer of a model.
	scale := make([]float32, c.outC)
	for i := range scale {
		scale[i] = (im.rng.Float32() + 0.5) / float32(math.Sqrt(float64(9*c.inC))*150*73)
	}
	if direct.Act == ActSiLUFixed { // in units
		_, unit, _ := NewFixedSiLU(1/direct.OutInv, 0, 0, 0)
		for i := range scale {
			scale[i] *= unit
		}
	}
	direct.Scale = put(im, PackOutputs(scale, p)...)
	packed, steps, err := PackWinograd43I16(weights, scale, c.zero, p)
	if err != nil {
		t.Fatal(err)
	}
	d = WinogradDesc{Conv: direct, BlockRows: c.blockRows}
	d.Conv.Runs, d.Conv.NRuns, d.Conv.RunLen = 0, 0, int32(p.InPhys)
	d.Conv.Weights, d.Conv.Scale = put(im, packed...), put(im, steps...)
	size := (Winograd43Scratch(c.w, int(c.blockRows), p.InPhys) + 15) / 16 * 16
	d.Scratch, d.ScratchStep = im.alloc(size*max(1, c.threads)), int32(size)
	step(im, OpWinograd43I16, d, c.tiles(d.Conv.OutC))
	return d, direct
}

func (c winograd43Case) tiles(outC int32) int32 {
	return ((int32(c.h)+3)/4 + c.blockRows - 1) / c.blockRows * ((outC/8 + c.panels - 1) / c.panels)
}

// outputs reads the bytes of an output map.
func outputs(mem []byte, d *ConvDesc) (out []byte) {
	for y := range d.OutH {
		for x := range d.OutW {
			out = append(out, mem[d.Dst.pixel(y, x):][:d.OutC]...)
		}
	}
	return out
}

// compareWinograd43 runs a convolution by module and by oracle and wants equal
// memories, equal outputs for tiles in any order, and nearly those of the exact
// convolution: F(4×4,3×3) rounds its weights to 10 to 15 bits, so an output
// moves by a small part of its last bit, which shows where it then rounds the
// other way: off by one in few places, never by two.
func compareWinograd43(t *testing.T, m *machine, c winograd43Case, seed uint64) {
	t.Helper()
	im := newImage(seed)
	d, direct := c.build(t, im)
	prog, desc := put(im, im.steps...), put(im, direct)
	im.alloc(16)
	im.compareOn(t, m, prog)

	got := bytes.Clone(im.mem)
	RefRun(got, prog, 1)
	mixed := bytes.Clone(im.mem)
	for _, tile := range im.rng.Perm(int(im.steps[0].Tiles)) {
		Ref(mixed, OpWinograd43I16, im.steps[0].Desc, int32(tile), int32(tile)+1)
	}
	if !bytes.Equal(outputs(mixed, &d.Conv), outputs(got, &d.Conv)) {
		t.Fatal("the order of the tiles changes the outputs")
	}
	Ref(im.mem, OpConvI16, desc, 0, int32(c.h)*((direct.OutC/8+c.panels-1)/c.panels))
	a, b := outputs(got, &d.Conv), outputs(im.mem, &direct)
	differ := 0
	for i := range a {
		switch diff := int(a[i]) - int(b[i]); {
		case diff < -1 || diff > 1:
			t.Fatalf("output %d is %d, exactly %d", i, a[i], b[i])
		case diff != 0:
			differ++
		}
	}
	if limit := len(a)/40 + 4; differ > limit {
		t.Errorf("%d of %d outputs are not exact, want at most %d", differ, len(a), limit)
	}
}

func TestWinograd43(t *testing.T) {
	m := newMachine(t, 1)
	for i, c := range []struct {
		name string
		winograd43Case
	}{
		{"one block", winograd43Case{convCase{inC: 8, outC: 8, h: 4, w: 4, panels: 1}, 1, 0, 1}},
		{"whole rows", winograd43Case{convCase{inC: 16, outC: 16, h: 8, w: 16, panels: 2, act: ActSiLU}, 1, 3, 1}},
		{"10×10", winograd43Case{convCase{inC: 16, outC: 8, h: 10, w: 10, panels: 1, act: ActSiLU}, 4, 17, 1}},
		{"20×20", winograd43Case{convCase{inC: 8, outC: 24, h: 20, w: 20, panels: 3, act: ActSiLU}, 4, 17, 1}},
		{"5×7", winograd43Case{convCase{inC: 8, outC: 8, h: 5, w: 7, panels: 1, act: ActSiLU}, 1, 128, 1}},
		{"6×13", winograd43Case{convCase{inC: 8, outC: 24, h: 6, w: 13, panels: 2}, 1, 255, 1}},
		{"7×4", winograd43Case{convCase{inC: 24, outC: 8, h: 7, w: 4, panels: 1}, 2, 1, 1}},
		{"fixed SiLU", winograd43Case{convCase{inC: 16, outC: 24, h: 9, w: 11, panels: 2, act: ActSiLUFixed}, 1, 77, 1}},
		{"fixed SiLU and residual", winograd43Case{convCase{inC: 16, outC: 16, h: 8, w: 10, outExtra: 8, panels: 2, act: ActSiLUFixed, res: true}, 2, 12, 1}},
		{"slice to slice", winograd43Case{convCase{inC: 16, outC: 16, h: 4, w: 6, inExtra: 16, outExtra: 24, panels: 1, act: ActSiLU}, 2, 5, 1}},
		{"residual", winograd43Case{convCase{inC: 16, outC: 16, h: 6, w: 6, outExtra: 8, panels: 2, act: ActSiLU, res: true}, 1, 9, 1}},
		{"shuffled slots", winograd43Case{convCase{inC: 21, outC: 19, h: 4, w: 5, panels: 3, garbled: true}, 2, 30, 1}},
		{"256 channels", winograd43Case{convCase{inC: 256, outC: 8, h: 5, w: 4, panels: 1, act: ActSiLU}, 1, 10, 1}},
		{"576 channels", winograd43Case{convCase{inC: 576, outC: 8, h: 4, w: 5, panels: 1, act: ActSiLU}, 1, 10, 1}},
	} {
		t.Run(c.name, func(t *testing.T) { compareWinograd43(t, m, c.winograd43Case, uint64(i)) })
	}
}

func FuzzWinograd43(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(8), uint8(3), uint8(4), uint8(0), uint8(0), uint8(1), uint8(0))
	f.Add(uint64(2), uint8(30), uint8(20), uint8(6), uint8(9), uint8(8), uint8(16), uint8(0xff), uint8(200))
	f.Fuzz(fuzzWinograd43)
}

func fuzzWinograd43(t *testing.T, seed uint64, inC, outC, h, w, inExtra, outExtra, flags, zero uint8) {
	compareWinograd43(t, sharedMachine(t), winograd43Case{convCase{
		inC: 1 + int(inC)%40, outC: 1 + int(outC)%40, h: 4 + int(h)%9, w: 4 + int(w)%12,
		inExtra: int(inExtra) % 32 / 8 * 8, outExtra: int(outExtra) % 32 / 8 * 8,
		panels: 1 + int32(flags>>4)%3, act: fuzzAct(flags, seed), res: flags&2 != 0, garbled: flags&4 != 0,
	}, 1 + int32(flags>>6), int32(zero), 1}, seed)
}

// TestWinograd43Team: threads share the tiles of a layer whose blocks overlap.
func TestWinograd43Team(t *testing.T) {
	const most = 3
	im := newTeamImage(5)
	d, _ := winograd43Case{convCase{inC: 16, outC: 40, h: 14, w: 10, panels: 2, act: ActSiLU}, 1, 7, most}.build(t, im)
	prog := put(im, im.steps...)
	im.alloc(64)
	want := bytes.Clone(im.mem)
	RefRun(want, prog, 1)
	for n := 1; n <= most; n++ {
		t.Run(fmt.Sprintf("%d threads", n), func(t *testing.T) {
			c := newCrew(t, len(im.mem), n, leaderPatience)
			for range 10 {
				c.load(im.mem)
				if err := c.run(prog, 1); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(outputs(c.read(len(im.mem)), &d.Conv), outputs(want, &d.Conv)) {
					t.Fatal("outputs differ from the oracle's")
				}
			}
		})
	}
}

// TestWinograd43Bound gives every position the inputs and weights that make its
// sums as large as they can be: nothing may leave its type.
func TestWinograd43Bound(t *testing.T) {
	for _, zero := range []int32{0, 1, 100, 255} {
		lo, hi := -zero, 255-zero
		reach := winograd43Reach(lo, hi)
		for pos, r := range reach {
			var most int32
			for _, flip := range []bool{false, true} {
				v := extreme43(t, pos, lo, hi, flip)
				most = max(most, v, -v)
			}
			if most != r || r > 17340 {
				t.Errorf("zero %d, position %d: inputs give %d, the bound is %d", zero, pos, most, r)
			}
		}
		for _, c := range []struct {
			name   string
			n      int
			weight func(i int) float32
		}{
			{"one channel", 1, func(int) float32 { return -128 }},
			{"equal weights", 64, func(int) float32 { return 127 }},
			{"alternating weights", 256, func(i int) float32 { return float32(127 - 254*(i%2)) }},
			{"uneven weights", 256, func(i int) float32 { return float32(i*i%255-127) / 3 }},
			{"a peak", 512, func(i int) float32 { return 1e6 / float32(1+i) }},
			{"tiny weights", 16, func(i int) float32 { return 1e-30 * float32(i) }},
		} {
			p := &Packing{ConvShape: ConvShape{1, c.n, 3, 3}, InPhys: (c.n + 7) / 8 * 8, OutPhys: 8}
			w := make([]float32, 9*c.n)
			for i := range w {
				w[i] = c.weight(i)
			}
			packed, _, err := PackWinograd43I16(w, []float32{1}, zero, p)
			if err != nil {
				t.Fatal(err)
			}
			for pos, r := range reach {
				var sum, largest int64
				for i := range c.n {
					v := int64(packed[((pos*p.InPhys+i)/2*panelWidth)*2+i%2])
					sum += max(v, -v)
					largest = max(largest, v, -v)
				}
				if sum*int64(r) > math.MaxInt32 {
					t.Errorf("%s, zero %d, position %d: sums reach %d", c.name, zero, pos, sum*int64(r))
				}
				if largest > 0 && largest < math.MaxInt16 && sum*int64(r) < math.MaxInt32/2 {
					t.Errorf("%s, zero %d, position %d: neither a weight (%d) nor a sum (%d) is near its limit", c.name, zero, pos, largest, sum*int64(r))
				}
			}
		}
	}
}

// extreme43 transforms, in int16 and int32, the block whose inputs are hi where
// the position's coefficient is positive, else lo; or the other way around.
func extreme43(t *testing.T, pos int, lo, hi int32, flip bool) int32 {
	t.Helper()
	value := func(i, j int) int32 {
		var a, b [6]int32
		a[i], b[j] = 1, 1
		if (winograd43Input(a)[pos/6]*winograd43Input(b)[pos%6] > 0) != flip {
			return hi
		}
		return lo
	}
	var small [6]int16
	var wide [6]int32
	for j := range 6 {
		var s [6]int16
		var v [6]int32
		for i := range 6 {
			v[i] = value(i, j)
			s[i] = int16(v[i])
		}
		small[j], wide[j] = winograd43Input(s)[pos/6], winograd43Input(v)[pos/6]
	}
	got, want := winograd43Input(small)[pos%6], winograd43Input(wide)[pos%6]
	if int32(got) != want {
		t.Errorf("position %d: %d in 16 bits, %d in 32", pos, got, want)
	}
	return want
}

func TestPackWinograd43Refuses(t *testing.T) {
	good := Packing{ConvShape: ConvShape{8, 8, 3, 3}, InPhys: 8, OutPhys: 8}
	nan, huge := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		edit   func(p *Packing)
		weight float32
		zero   int32
		ok     bool
	}{
		{"good", func(*Packing) {}, -128, 255, true},
		{"zeros", func(*Packing) {}, 0, 0, true},
		{"NaN", func(*Packing) {}, nan, 0, false},
		{"infinity", func(*Packing) {}, huge, 0, false},
		{"zero point 256", func(*Packing) {}, 1, 256, false},
		{"1×1", func(p *Packing) { p.KH, p.KW = 1, 1 }, 1, 0, false},
		{"slots in fours", func(p *Packing) { p.InPhys = 12 }, 1, 0, false},
		{"too many channels", func(p *Packing) { p.InC, p.InPhys = 2048, 2048 }, 1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good
			c.edit(&p)
			w := make([]float32, p.OutC*p.InC*p.KH*p.KW)
			for i := range w {
				w[i] = c.weight
			}
			if _, _, err := PackWinograd43I16(w, make([]float32, p.OutC), c.zero, &p); (err == nil) != c.ok {
				t.Errorf("error %v, want ok %v", err, c.ok)
			}
		})
	}
}
