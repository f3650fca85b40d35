//go:build !js

package kernels

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkConv times layers of YOLOv8n at 640×640 in wazero, which checks the
// bounds of each access: a browser is about twice as fast. The metric is
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
				prog := put(im, im.steps...)
				m := newMachine(b, len(im.mem))
				m.exec(b, im.mem, prog, 1)
				for b.Loop() {
					if _, err := m.run.Call(context.Background(), uint64(prog), 1); err != nil {
						b.Fatal(err)
					}
				}
				macs := float64(l.h*l.w*l.outC*l.inC*l.k*l.k) * float64(b.N)
				b.ReportMetric(macs/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
