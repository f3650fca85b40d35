//go:build !js

package kernels

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// BenchmarkConv times layers of YOLOv8n at 640×640 in wazero, which checks the
// bounds of each access: a browser is two to four times as fast. The metrics are
// GMAC/s on one core and the share of what the kernel's inner loop alone reaches
// there (see peak).
func BenchmarkConv(b *testing.B) {
	for _, l := range []convCase{
		{name: "stem 3→16 320×320", inC: 3, outC: 16, k: 3, stride: 2, h: 320, w: 320},
		{name: "3×3 16→32 160×160", inC: 16, outC: 32, k: 3, stride: 2, h: 160, w: 160},
		{name: "3×3 64→64 80×80", inC: 64, outC: 64, k: 3, stride: 1, h: 80, w: 80},
		{name: "1×1 128→64 80×80", inC: 128, outC: 64, k: 1, stride: 1, h: 80, w: 80},
		{name: "3×3 128→128 20×20", inC: 128, outC: 128, k: 3, stride: 1, h: 20, w: 20},
	} {
		for _, op := range convOps {
			l.op, l.dil, l.merged, l.act, l.panels = op, 1, true, fastest(op), int32(l.outC/8)
			b.Run(fmt.Sprintf("%v/%s", op, l.name), func(b *testing.B) {
				im := newImage(1)
				l.build(im)
				macs := float64(l.h * l.w * l.outC * l.inC * l.k * l.k)
				im.bench(b, macs, macs, op)
			})
		}
	}
}

// fastest is the activation that a planner gives a kernel.
func fastest(op Op) int32 {
	if op == OpConvI16 || op == OpConvU8 {
		return ActSiLUFixed
	}
	return ActSiLU
}

// BenchmarkWinograd times 3×3 layers; GMAC/s counts the multiplications of the
// direct convolution, the share of the peak those of the kernel.
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
				like := OpConvF32
				if op == OpWinogradI16 {
					like, l.act = OpConvI16, ActSiLUFixed
				}
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
				macs := float64(l.h * l.w * l.outC * l.inC * 9)
				im.bench(b, macs, macs*4/9, like)
			})
		}
		b.Run(fmt.Sprintf("%v/%s", OpWinograd43I16, l.name), func(b *testing.B) {
			im := newImage(1)
			l.act, l.panels = ActSiLUFixed, int32(l.outC/8)
			winograd43Case{l, int32(Winograd43BlockRows(l.w)), 0, 1}.build(b, im)
			macs := float64(l.h * l.w * l.outC * l.inC * 9)
			im.bench(b, macs, macs/4, OpConvI16)
		})
	}
}

// bench times the image's one step: macs multiplications of the direct
// convolution, products that it makes itself, in the inner loop of kernel like.
func (im *image) bench(b *testing.B, macs, products float64, like Op) {
	best := peak(b, like)
	seconds := im.time(b, b.Loop)
	b.ReportMetric(macs*float64(b.N)/seconds/1e9, "GMAC/s")
	b.ReportMetric(100*products*float64(b.N)/seconds/best, "%peak")
}

// time runs the image's steps as long as more and returns the seconds of all.
func (im *image) time(b *testing.B, more func() bool) float64 {
	prog := put(im, im.steps...)
	m := newMachine(b, len(im.mem))
	m.exec(b, im.mem, prog, len(im.steps))
	start := time.Now()
	for more() {
		if _, err := m.run.Call(context.Background(), uint64(prog), uint64(len(im.steps))); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start).Seconds()
}

// peak is the multiplications a second of a kernel on a layer that is nothing
// but inner loop: 1024 inputs an output, all in the first-level cache, the best
// of 20 times.
func peak(b *testing.B, op Op) float64 {
	b.Helper()
	if v, ok := peaks[op]; ok {
		return v
	}
	l := convCase{op: op, inC: 1024, outC: 8, k: 1, stride: 1, dil: 1, h: 1, w: 4, panels: 1}
	const runs, times = 50, 16 // times: one call runs so many, lest the call count
	best := math.Inf(1)
	for range 20 {
		im := newImage(1)
		l.build(im)
		im.steps = slices.Repeat(im.steps, times)
		n := 0
		best = min(best, im.time(b, func() bool { n++; return n <= runs }))
	}
	peaks[op] = float64(runs*times*l.h*l.w*l.outC*l.inC) / best
	return peaks[op]
}

var peaks = map[Op]float64{}
