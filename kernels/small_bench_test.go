//go:build !js

package kernels

import (
	"context"
	"testing"
)

// BenchmarkKernels times what a frame of YOLOv8n at 640×640 needs besides its
// convolutions, in wazero; a browser is faster.
func BenchmarkKernels(b *testing.B) {
	letterbox := func(c letterboxCase) func(*image) { return c.step }
	head := func(logit float32) func(*image) {
		return func(im *image) {
			for _, n := range []int32{80, 40, 20} {
				s := detectScale{n, n, 80, 16, 640 / float32(n), logit, 0}
				_, _, d := s.step(im, 4)
				for y := range n { // no special values among the logits
					for x := range n {
						cls := view[float32](im.mem, d.Cls.pixel(y, x), 80)
						for i := range cls {
							cls[i] = -12 + 12*im.rng.Float32()
						}
					}
				}
			}
		}
	}
	for _, c := range []struct {
		name  string
		build func(*image)
	}{
		{"letterbox 640×480", letterbox(letterboxCase{srcW: 640, srcH: 480, dstW: 640, dstH: 640, top: 80, newW: 640, newH: 480})},
		{"letterbox 640×480 to floats", letterbox(letterboxCase{srcW: 640, srcH: 480, dstW: 640, dstH: 640, top: 80, newW: 640, newH: 480, float: 1})},
		{"letterbox 1920×1080", letterbox(letterboxCase{srcW: 1920, srcH: 1080, dstW: 640, dstH: 640, top: 140, newW: 640, newH: 360})},
		{"letterbox 1920×1080 to floats", letterbox(letterboxCase{srcW: 1920, srcH: 1080, dstW: 640, dstH: 640, top: 140, newW: 640, newH: 360, float: 1})},
		{"SPPF pool u8", func(im *image) {
			poolStep(im, OpMaxPoolU8, size{20, 20, 128}, 5, 1, 2, layout{gap: 384}, layout{gap: 384})
		}},
		{"SPPF pool f32", func(im *image) { poolStep(im, OpMaxPoolF32, size{20, 20, 128}, 5, 1, 2, layout{}, layout{}) }},
		{"upsample u8 40×40×128", func(im *image) { upsampleStep(im, size{40, 40, 128}, 2, layout{}, layout{gap: 64}) }},
		{"copy u8 80×80×64", func(im *image) { copyStep(im, size{80, 80, 64}, layout{gap: 64}, layout{}) }},
		{"border f32 160×160×16", func(im *image) { borderStep(im, size{160, 160, 64}, 1, 0) }},
		{"add u8 80×80×32", func(im *image) { addStep(im, OpAddU8, size{80, 80, 32}, layout{}, layout{}, layout{}) }},
		{"requant 80×80×64", func(im *image) { requantStep(im, OpRequant, size{80, 80, 64}, layout{}, layout{}) }},
		{"quantize 80×80×64", func(im *image) { requantStep(im, OpQuantize, size{80, 80, 64}, layout{}, layout{}) }},
		{"dequantize 80×80×64", func(im *image) { requantStep(im, OpDequantize, size{80, 80, 64}, layout{}, layout{}) }},
		{"SiLU f32 80×80×64", func(im *image) { eltStep(im, OpSiLUF32, size{80, 80, 64}, layout{}, layout{}) }},
		{"detect, none found", head(0.1)},
		{"detect, 1 of 8 found", head(-0.02)},
	} {
		b.Run(c.name, func(b *testing.B) {
			im := newImage(1)
			c.build(im)
			prog := put(im, im.steps...)
			m := newMachine(b, len(im.mem))
			m.exec(b, im.mem, prog, len(im.steps))
			for b.Loop() {
				for _, s := range im.steps {
					if s.Op == OpDetect { // or the candidates overflow
						m.memory.WriteUint32Le(at[DetectDesc](im.mem, s.Desc).Params+4, 0)
					}
				}
				if _, err := m.run.Call(context.Background(), uint64(prog), uint64(len(im.steps))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
