//go:build !js

package kernels

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// extremes stores n bytes, half of them 0, 127, 128 or 255: where a kernel that
// takes bytes for signed or saturates is wrong.
func extremes(im *image, n int) uint32 {
	q := make([]byte, n)
	for i := range q {
		q[i] = byte(im.rng.Uint32())
		if im.rng.IntN(2) == 0 {
			q[i] = []byte{0, 127, 128, 255, 255, 255}[im.rng.IntN(6)]
		}
	}
	return put(im, q...)
}

// laneWeights makes weights [OutC][InC][KH][KW] that fill many lanes up to their
// bounds.
func laneWeights(rng *rand.Rand, p *Packing) []int8 {
	type side struct{ out, run, eight, lane, sign int }
	used := map[side]int32{}
	taps := p.KH * p.KW
	w := make([]int8, p.OutC*p.InC*taps)
	for _, i := range rng.Perm(len(w)) {
		k := i%taps*p.InPhys + place(p.InMap, i/taps%p.InC)
		in := k % p.RunLen()
		s := side{i / taps / p.InC, k / p.RunLen(), in / 8, in / 2 % 2, rng.IntN(2)}
		v := min(rng.Int32N(160), LaneLimit-used[s], 127+int32(s.sign))
		used[s] += v
		w[i] = int8(v * int32(1-2*s.sign))
	}
	return w
}

// OpConvU8 on bytes with a zero point gives what OpConvI16 gives on their
// centred copies, with a border of the zero point for one of zeros.
func TestBytesAgreeWithI16(t *testing.T) {
	for _, merged := range []bool{false, true} {
		for seed := range uint64(8) {
			c := convCase{op: OpConvU8, inC: 5 + int(seed)*3, outC: 16, k: 3, stride: 2, dil: 1, h: 3, w: 5, panels: 1, act: ActSiLU, merged: merged, res: seed%2 == 0}
			im := newImage(seed)
			d, p, w := c.desc(im)
			const zero = 93
			_, start, err := PackConvU8(w.([]int8), zero, p)
			if err != nil {
				t.Fatal(err)
			}
			wide := make([]int16, len(w.([]int8)))
			for i, v := range w.([]int8) {
				wide[i] = int16(v)
			}
			packed, err := PackConvI16(wide, p)
			if err != nil {
				t.Fatal(err)
			}
			n := int(d.Src.Row/int32(c.stride)) * ((c.h-1)*c.stride + c.k)
			centred := make([]int16, n)
			for i, q := range im.mem[d.Src.Addr:][:n] {
				centred[i] = int16(q) - zero
			}
			d16 := d
			d16.Src = Map{put(im, centred...), 2 * d.Src.Row, 2 * d.Src.Pix}
			d16.Weights = put(im, packed...)
			d16.Runs = put(im, p.Runs(int(d16.Src.Row)/c.stride, int(d16.Src.Pix)/c.stride, 1, 1)...)
			size := c.h * int(d.Dst.Row)
			d16.Dst.Addr = im.alloc(size)
			copy(im.mem[d16.Dst.Addr:], im.mem[d.Dst.Addr:][:size])
			byteDesc := put(im, ByteConvDesc{d, put(im, start...)})
			tiles := int32(c.h * 2)
			Ref(im.mem, OpConvU8, byteDesc, 0, tiles)
			Ref(im.mem, OpConvI16, put(im, d16), 0, tiles)
			if !bytes.Equal(im.mem[d.Dst.Addr:][:size], im.mem[d16.Dst.Addr:][:size]) {
				t.Errorf("merged %v, seed %d: the results differ", merged, seed)
			}
		}
	}
}

func TestPackConvU8(t *testing.T) {
	eight := Packing{ConvShape: ConvShape{1, 8, 1, 1}, InPhys: 8, OutPhys: 8}
	row := Packing{ConvShape: ConvShape{1, 4, 1, 3}, InPhys: 4, OutPhys: 8, Merged: true}
	for _, c := range []struct {
		name string
		p    Packing
		w    []int8 // [in][tap]
		ok   bool
	}{
		{"full lanes", eight, []int8{127, 1, 0, 127, 0, 0, 1, 0}, true},
		{"full lanes of both signs", eight, []int8{127, -127, 64, -64, 1, -1, 64, -64}, true},
		{"lowest weight", eight, []int8{-128, 0, 0, 0, 0, 127, 0, 0}, true},
		{"a pair too large", eight, []int8{127, 2, 0, 0, 0, 0, 0, 0}, false},
		{"two pairs too large", eight, []int8{0, 0, 64, 0, 0, 0, 0, 65}, false},
		{"negative pairs too large", eight, []int8{-128, 0, 0, 0, 0, -1, 0, 0}, false},
		{"other lanes", eight, []int8{127, 0, 127, 0, 0, 1, 0, 1}, true},
		{"taps of one lane", row, []int8{127, 2, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		{"taps of two lanes", row, []int8{127, 1, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			packed, start, err := PackConvU8(c.w, 3, &c.p)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrLanes) {
				t.Fatalf("error %v, want none: %v", err, c.ok)
			}
			sum := int32(0)
			for _, v := range c.w {
				sum += int32(v)
			}
			if c.ok && (start[0] != -3*sum || start[1] != 0 || len(packed) != 8*c.p.InPhys*c.p.KW) {
				t.Errorf("first sums %v of %d weights, want %d", start, len(packed), -3*sum)
			}
		})
	}
}
