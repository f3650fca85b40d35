//go:build !js

package kernels

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkConv times layers of YOLOv8n at 640×640 in wazero, which checks the
// bounds of each access: a browser is two to four times as fast. The metric is
// GMAC/s on one core.
func BenchmarkConv(b *testing.B) {
	for _, l := range []convCase{
		{name: "stem 3→16 320×320", inC: 3, outC: 16, k: 3, stride: 2, h: 320, w: 320},
		{name: "3×3 16→32 160×160", inC: 16, outC: 32, k: 3, stride: 2, h: 160, w: 160},
		{name: "3×3 64→64 80×80", inC: 64, outC: 64, k: 3, stride: 1, h: 80, w: 80},
		{name: "1×1 128→64 80×80", inC: 128, outC: 64, k: 1, stride: 1, h: 80, w: 80},
		{name: "3×3 128→128 20×20", inC: 128, outC: 128, k: 3, stride: 1, h: 20, w: 20},
	} {
		for _, op := range convOps {
			l.op, l.dil, l.merged, l.act, l.panels = op, 1, true, ActSiLU, int32(l.outC/8)
			b.Run(fmt.Sprintf("%v/%s", op, l.name), func(b *testing.B) {
				im := newImage(1)
				l.build(im)
				im.bench(b, float64(l.h*l.w*l.outC*l.inC*l.k*l.k))
			})
		}
	}
}

// BenchmarkWinograd times 3×3 layers; the metric counts the multiplications of
// the direct convolution.
func BenchmarkWinograd(b *testing.B) {
	for _, l := range []convCase{
		{name: "16→16 160×160", inC: 16, outC: 16, h: 160, w: 160},
		{name: "64→64 80×80", inC: 64, outC: 64, h: 80, w: 80},
		{name: "128→128 20×20", inC: 128, outC: 128, h: 20, w: 20},
	} {
		for _, op := range []Op{OpWinogradI16, OpWinogradF32} {
			b.Run(fmt.Sprintf("%v/%s", op, l.name), func(b *testing.B) {
				im := newImage(1)
				l.k, l.stride, l.dil, l.act, l.panels = 3, 1, 1, ActSiLU, int32(l.outC/8)
				rows := WinogradBlockRows(l.w)
				d := WinogradDesc{BlockRows: int32(rows)}
				var packed uint32
				var p *Packing
				var w any
				if op == OpWinogradI16 {
					l.op = OpConvI16
					d.Conv, p, w = l.desc(im)
					u, _ := PackWinogradI16(w.([]int16), p)
					packed = put(im, u...)
				} else {
					l.op = OpConvF32
					d.Conv, p, w = l.desc(im)
					u, _ := PackWinogradF32(w.([]float32), p)
					packed = put(im, u...)
				}
				d.Conv.Weights, d.Conv.RunLen = packed, int32(p.InPhys)
				d.Scratch = im.alloc(WinogradScratch(l.w, rows, 4*p.InPhys))
				step(im, op, d, int32((l.h/2+rows-1)/rows))
				im.bench(b, float64(l.h*l.w*l.outC*l.inC*9))
			})
		}
		b.Run(fmt.Sprintf("%v/%s", OpWinograd43I16, l.name), func(b *testing.B) {
			im := newImage(1)
			l.act, l.panels = ActSiLU, int32(l.outC/8)
			winograd43Case{l, int32(Winograd43BlockRows(l.w)), 0, 1}.build(b, im)
			im.bench(b, float64(l.h*l.w*l.outC*l.inC*9))
		})
	}
}

// bench times the image's one step, of so many multiplications.
func (im *image) bench(b *testing.B, macs float64) {
	prog := put(im, im.steps...)
	m := newMachine(b, len(im.mem))
	m.exec(b, im.mem, prog, 1)
	for b.Loop() {
		if _, err := m.run.Call(context.Background(), uint64(prog), 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(macs*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
