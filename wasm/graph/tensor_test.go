package graph

import "testing"

func TestFloat16(t *testing.T) {
	for h := range uint16(0x7c00) { // every finite half is itself
		if got := Float32to16(Float16to32(h)); got != h {
			t.Fatalf("half %#x came back as %#x", h, got)
		}
	}
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{1 + 1.0/2048, 0x3c00}, {1 + 3.0/2048, 0x3c02}, {-1e9, 0xfbff}, {1e-9, 0}, {65519, 0x7bff}, {2047.0 / 2048 / 16384 * 1.0005, 0x0400},
	} {
		if got := Float32to16(c.x); got != c.want {
			t.Errorf("%g became %#x, want %#x", c.x, got, c.want)
		}
	}
}
