//go:build !js

package wasm

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"eagleeye/kernels"
)

// A picture in planes gives the boxes of the same picture in RGBA, whatever was
// staged before, at its own size and resized, on any number of threads.
func TestPlanesAgreeWithRGBA(t *testing.T) {
	g := small(t, tiny(96, 96))
	thresholds := Thresholds{Conf: 0.001, IoU: 0.7}
	for _, threads := range []int{1, 3} {
		m := threadMachine(t, threads)
		d := openGraph(t, g, m, Options{})
		for i, c := range []Colours{
			{Matrix: kernels.BT601}, {Matrix: kernels.BT709, Full: true},
			{NV12: true, Matrix: kernels.BT601, Full: true}, {NV12: true, Matrix: kernels.BT2020},
		} {
			for _, size := range [][2]int{{96, 72}, {150, 97}, {33, 61}} {
				t.Run(fmt.Sprintf("%d threads/%d/%d×%d", threads, i, size[0], size[1]), func(t *testing.T) {
					w, h := size[0], size[1]
					p, err := d.StagePlanes(w, h, c)
					if err != nil {
						t.Fatal(err)
					}
					m.Write(p.Y, noise(p.YRow, p.Height, uint64(i))[:p.YRow*p.Height])
					m.Write(p.U, noise(p.ChromaRow, p.Chromatic, uint64(i)+9)[:p.ChromaRow*p.Chromatic])
					if !c.NV12 {
						m.Write(p.V, noise(p.ChromaRow, p.Chromatic, uint64(i)+99)[:p.ChromaRow*p.Chromatic])
					}
					rgba := p.RGBA(m.Read, w, h, c)
					got, _, err := d.Run(thresholds)
					if err != nil {
						t.Fatal(err)
					}
					want, _, err := d.Detect(rgba, w, h, thresholds)
					if err != nil {
						t.Fatal(err)
					}
					if len(want) < 3 || !slices.Equal(got, want) {
						t.Errorf("planes give %d boxes, RGBA %d: %v, %v", len(got), len(want), got[:min(2, len(got))], want[:min(2, len(want))])
					}
				})
			}
		}
	}
}

func TestPlanesRefused(t *testing.T) {
	d := openGraph(t, small(t, tiny(96, 96)), threadMachine(t, 1), Options{})
	for _, size := range [][2]int{{0, 5}, {5, -1}, {1 << 20, 1 << 20}} {
		if _, err := d.StagePlanes(size[0], size[1], Colours{Matrix: kernels.BT601}); !errors.Is(err, ErrPicture) {
			t.Errorf("%v: %v, want ErrPicture", size, err)
		}
	}
}
