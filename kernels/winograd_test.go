//go:build !js

package kernels

import (
	"bytes"
	"testing"
	"unsafe"
)

// compareWinograd runs a 3×3 convolution as Winograd by module and by oracle,
// and wants equal memories; and directly, with equal bytes of integers. Floats
// may differ by 2e-5 of the largest sum that the random data can give.
func compareWinograd(t *testing.T, m *machine, c convCase, blockRows int32, seed uint64) {
	t.Helper()
	c.k, c.stride, c.dil, c.slots8 = 3, 1, 1, true
	for _, c.op = range []Op{OpConvI16, OpConvF32} {
		im := newImage(seed)
		conv, p, w := c.desc(im)
		d := WinogradDesc{Conv: conv, BlockRows: blockRows}
		d.Conv.Runs, d.Conv.NRuns, d.Conv.RunLen = 0, 0, int32(p.InPhys)
		op, element := OpWinogradI16, 2
		if c.op == OpConvI16 {
			packed, err := PackWinogradI16(w.([]int16), p)
			if err != nil {
				t.Fatal(err)
			}
			d.Conv.Weights = put(im, packed...)
		} else {
			packed, err := PackWinogradF32(w.([]float32), p)
			if err != nil {
				t.Fatal(err)
			}
			d.Conv.Weights = put(im, packed...)
			op, element = OpWinogradF32, 4
		}
		d.Scratch = im.alloc(WinogradScratch(c.w, int(blockRows), p.InPhys*element))
		rows := (int32(c.h)+1)/2 + blockRows - 1
		step(im, op, d, rows/blockRows*((conv.OutC/8+c.panels-1)/c.panels))
		prog := put(im, im.steps...)
		im.alloc(16)
		im.compareOn(t, m, prog)

		inOrder, mixed := bytes.Clone(im.mem), bytes.Clone(im.mem)
		RefRun(inOrder, prog, 1)
		for _, tile := range im.rng.Perm(int(im.steps[0].Tiles)) {
			Ref(mixed, op, im.steps[0].Desc, int32(tile), int32(tile)+1)
		}
		if n := c.h * int(conv.Dst.Row); !bytes.Equal(mixed[conv.Dst.Addr:][:n], inOrder[conv.Dst.Addr:][:n]) {
			t.Fatalf("%v: the order of the tiles changes the outputs", op)
		}

		desc := put(im, conv)
		direct, wino := bytes.Clone(im.mem), bytes.Clone(im.mem)
		Ref(direct, c.op, desc, 0, int32(c.h)*((conv.OutC/8+c.panels-1)/c.panels))
		RefRun(wino, prog, 1)
		if c.op == OpConvF32 {
			for y := range conv.OutH {
				for x := range conv.OutW {
					a := view[float32](direct, conv.Dst.pixel(y, x), int(conv.OutC))
					b := view[float32](wino, conv.Dst.pixel(y, x), int(conv.OutC))
					for o := range a {
						if !near(b[o], a[o], 2e-5*float32(9*c.inC)/2) {
							t.Fatalf("(%d, %d) channel %d: Winograd %v, direct %v", y, x, o, b[o], a[o])
						}
						b[o] = a[o]
					}
				}
			}
		}
		n := c.h * int(conv.Dst.Row)
		if !bytes.Equal(direct[conv.Dst.Addr:][:n], wino[conv.Dst.Addr:][:n]) {
			t.Fatal("Winograd and direct convolution differ")
		}
	}
}

func TestWinograd(t *testing.T) {
	m := newMachine(t, 1)
	for i, c := range []struct {
		name      string
		blockRows int32
		convCase
	}{
		{"one block", 1, convCase{inC: 8, outC: 8, h: 2, w: 2, panels: 1}},
		{"whole rows", 1, convCase{inC: 16, outC: 16, h: 4, w: 8, panels: 2, act: ActSiLU}},
		{"odd size", 1, convCase{inC: 8, outC: 8, h: 5, w: 7, panels: 1, act: ActSiLU}},
		{"two block rows", 2, convCase{inC: 8, outC: 24, h: 8, w: 10, panels: 2}},
		{"a part of block rows left", 3, convCase{inC: 24, outC: 8, h: 9, w: 3, panels: 1}},
		{"fixed SiLU and residual", 1, convCase{inC: 16, outC: 16, h: 5, w: 7, outExtra: 8, panels: 2, act: ActSiLUFixed, res: true}},
		{"slice to slice", 2, convCase{inC: 16, outC: 16, h: 4, w: 6, inExtra: 16, outExtra: 24, panels: 1, act: ActSiLU}},
		{"residual", 1, convCase{inC: 16, outC: 16, h: 6, w: 6, outExtra: 8, panels: 2, act: ActSiLU, res: true}},
		{"shuffled slots", 2, convCase{inC: 21, outC: 19, h: 3, w: 5, panels: 3, garbled: true}},
		{"72 channels", 2, convCase{inC: 72, outC: 72, h: 4, w: 4, panels: 9}},
	} {
		t.Run(c.name, func(t *testing.T) { compareWinograd(t, m, c.convCase, c.blockRows, uint64(i)) })
	}
}

func FuzzWinograd(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(8), uint8(3), uint8(4), uint8(0), uint8(0), uint8(1))
	f.Add(uint64(2), uint8(30), uint8(20), uint8(6), uint8(9), uint8(8), uint8(16), uint8(0xff))
	f.Fuzz(fuzzWinograd)
}

func fuzzWinograd(t *testing.T, seed uint64, inC, outC, h, w, inExtra, outExtra, flags uint8) {
	compareWinograd(t, sharedMachine(t), convCase{
		inC: 1 + int(inC)%40, outC: 1 + int(outC)%40, h: 2 + int(h)%8, w: 2 + int(w)%12,
		inExtra: int(inExtra) % 32 / 8 * 8, outExtra: int(outExtra) % 32 / 8 * 8,
		panels: 1 + int32(flags>>4)%3, act: fuzzAct(flags, seed), res: flags&2 != 0, garbled: flags&4 != 0,
	}, 1+int32(flags>>6), seed)
}

func TestPackWinogradRefuses(t *testing.T) {
	good := Packing{ConvShape: ConvShape{8, 8, 3, 3}, InPhys: 8, OutPhys: 8}
	for _, c := range []struct {
		name   string
		edit   func(p *Packing)
		weight int16
		ok     bool
	}{
		{"large but fitting weights", func(*Packing) {}, -3640, true},
		{"too large a weight", func(*Packing) {}, 3641, false},
		{"1×1", func(p *Packing) { p.KH, p.KW = 1, 1 }, 1, false},
		{"slots in fours", func(p *Packing) { p.InPhys = 12 }, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good
			c.edit(&p)
			w := make([]int16, p.OutC*p.InC*p.KH*p.KW)
			for i := range w {
				w[i] = c.weight
			}
			if _, err := PackWinogradI16(w, &p); (err == nil) != c.ok {
				t.Errorf("error %v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestWinogradDescStartsWithConv(t *testing.T) {
	if unsafe.Offsetof(WinogradDesc{}.Conv) != 0 {
		t.Error("the epilogue reads a ConvDesc at the start")
	}
}
