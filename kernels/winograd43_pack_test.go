//go:build !js

package kernels

import (
	"bytes"
	"testing"
	"unsafe"
)

// packWinogradCase is a set of weights to transform.
type packWinogradCase struct {
	inC, outC        int
	inExtra, outMore int  // slots without a channel, multiples of 8
	shuffled         bool // channels lie in slots in another order
	zero             int32
	weight           func(im *image) int8
}

func anyWeight(im *image) int8 { return int8(im.rng.Uint32()) }

// step adds the case to an image, and the result of PackWinograd43I16 to
// compare with.
func (c packWinogradCase) step(t testing.TB, im *image) {
	t.Helper()
	p := &Packing{ConvShape: ConvShape{OutC: c.outC, InC: c.inC, KH: 3, KW: 3}}
	p.InPhys, p.OutPhys = (c.inC+7)/8*8+c.inExtra, (c.outC+7)/8*8+c.outMore
	if c.shuffled {
		p.InMap, p.OutMap = im.rng.Perm(p.InPhys)[:c.inC], im.rng.Perm(p.OutPhys)[:c.outC]
	}
	w := make([]int8, c.outC*c.inC*9)
	for i := range w {
		w[i] = c.weight(im)
	}
	scale := make([]float32, c.outC)
	for i := range scale {
		scale[i] = im.rng.Float32()
	}
	raw, err := ArrangeWinograd43(w, p)
	if err != nil {
		t.Fatal(err)
	}
	limit, err := Winograd43Limits(c.inC, c.zero)
	if err != nil {
		t.Fatal(err)
	}
	d := PackWinogradDesc{Src: put(im, raw...), Scale: put(im, PackOutputs(scale, p)...), Limit: put(im, limit[:]...), InPhys: int32(p.InPhys),
		Dst: im.alloc(2 * positions43 * p.OutPhys * p.InPhys), Steps: im.alloc(4 * positions43 * p.OutPhys),
		Scratch: im.alloc(p.OutPhys / 8 * PackWinograd43Scratch), ScratchStep: PackWinograd43Scratch}
	step(im, OpPackWinograd43, d, int32(p.OutPhys/8))

	floats := make([]float32, len(w))
	for i, v := range w {
		floats[i] = float32(v)
	}
	packed, steps, err := PackWinograd43I16(floats, scale, c.zero, p)
	if err != nil {
		t.Fatal(err)
	}
	mem := bytes.Clone(im.mem)
	refPackWinograd43(mem, im.steps[len(im.steps)-1].Desc, 0, int32(p.OutPhys/8))
	if got := view[int16](mem, d.Dst, len(packed)); !bytes.Equal(raw8(got), raw8(packed)) {
		t.Errorf("%+v: other weights than PackWinograd43I16's", c)
	}
	if got := view[float32](mem, d.Steps, len(steps)); !bytes.Equal(raw8(got), raw8(steps)) {
		t.Errorf("%+v: other steps than PackWinograd43I16's", c)
	}
}

func raw8[T any](v []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
}

func TestPackWinograd43(t *testing.T) {
	for name, c := range map[string]packWinogradCase{
		"one channel":        {inC: 1, outC: 1, zero: 128, weight: anyWeight},
		"full panels":        {inC: 16, outC: 16, zero: 3, weight: anyWeight},
		"odd channels":       {inC: 5, outC: 11, zero: 0, weight: anyWeight},
		"slots to spare":     {inC: 6, outC: 9, inExtra: 8, outMore: 8, zero: 255, shuffled: true, weight: anyWeight},
		"nothing but zeros":  {inC: 4, outC: 8, zero: 10, weight: func(*image) int8 { return 0 }},
		"largest magnitudes": {inC: 64, outC: 8, zero: 0, weight: func(*image) int8 { return -128 }},
		"some zero channels": {inC: 8, outC: 16, zero: 77, weight: func(im *image) int8 { return int8(im.rng.IntN(40)/39) * 100 }},
	} {
		t.Run(name, func(t *testing.T) {
			im := newImage(uint64(len(name)))
			c.step(t, im)
			im.compare(t)
		})
	}
}

func FuzzPackWinograd43(f *testing.F) {
	f.Add(uint64(1), uint8(7), uint8(9), true)
	f.Fuzz(fuzzPackWinograd43)
}

func fuzzPackWinograd43(t *testing.T, seed uint64, in, out uint8, shuffled bool) {
	im := newImage(seed)
	packWinogradCase{inC: 1 + int(in)%48, outC: 1 + int(out)%40, inExtra: int(seed%3) * 8, outMore: int(seed%2) * 8,
		shuffled: shuffled, zero: int32(seed % 256), weight: anyWeight}.step(t, im)
	im.compare(t)
}
