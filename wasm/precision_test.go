package wasm

import (
	"math"
	"testing"

	"eagleeye/build/demo"
	"eagleeye/build/render"
	"eagleeye/kernels"
	"eagleeye/wasm/host"
)

// One int8 file runs in three precisions and at any size; a head in float is no
// further from float than one in integers.
func TestPrecisions(t *testing.T) {
	img := render.Scene(7, 320, 256)
	logits := map[Precision][]float32{}
	for _, c := range []struct {
		name string
		p    Precision
		side int
		want string
	}{
		{"as the file", Auto, 256, "int8"},
		{"mixed", Mixed, 256, "mixed"},
		{"float", F32, 256, "float32"},
		{"mixed at another size", Mixed, 320, "mixed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := host.New(kernels.Variant{})
			if err != nil {
				t.Fatal(err)
			}
			d, err := Open(demo.Model, m, Options{Width: c.side, Height: c.side, Precision: c.p})
			if err != nil {
				m.Close()
				t.Fatal(err)
			}
			defer d.Close()
			if i := d.Info(); i.Precision != c.want || i.Width != c.side || !i.Quantized {
				t.Errorf("precision %q at %d, want %q at %d", i.Precision, i.Width, c.want, c.side)
			}
			if _, _, err := d.Detect(img.Pix, 320, 256, DefaultThresholds); err != nil {
				t.Fatal(err)
			}
			if c.side != 256 {
				return
			}
			if _, logits[c.p], err = d.Raw(); err != nil {
				t.Fatal(err)
			}
		})
	}
	off := func(p Precision) (sum float64) {
		for i, v := range logits[F32] {
			d := float64(v - logits[p][i])
			sum += d * d
		}
		return math.Sqrt(sum / float64(len(logits[F32])))
	}
	t.Logf("root mean square difference of logits from float: int8 %.4f, mixed %.4f", off(Auto), off(Mixed))
	if off(Auto) == 0 || off(Mixed) == 0 || off(Mixed) > off(Auto) {
		t.Error("want mixed between float and int8")
	}
}
