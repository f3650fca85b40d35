package jpeg

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"testing"
	"unsafe"

	"eagleeye/build/shared"
	"eagleeye/kernels"
)

// golden is an entry of the golden tensors' index.
type golden struct {
	File    string
	Size    int
	Resized [2]int `json:"resized_wh"`
	Left    int    `json:"pad_left"`
	Top     int    `json:"pad_top"`
	Input   struct{ File string }
}

// The network's input made by this decoder and the letterbox kernel's oracle is
// the golden one, which libjpeg-turbo and OpenCV made, in every value.
func TestGoldenInputs(t *testing.T) {
	data, err := os.ReadFile(shared.File(t, "golden", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Tensors []golden }
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Tensors) == 0 {
		t.Fatal("the index lists no tensors")
	}
	for _, g := range index.Tensors {
		t.Run(g.Input.File, func(t *testing.T) {
			src, err := os.Open(shared.File(t, "golden", g.File))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			img, err := DecodeRGBA(src)
			if err != nil {
				t.Fatal(err)
			}
			want := shared.Floats(t, "golden", g.Input.File)
			got := letterbox(img, g)
			if len(want) != 3*g.Size*g.Size {
				t.Fatalf("%d values, want %d", len(want), 3*g.Size*g.Size)
			}
			bad, worst := 0, 0.0
			for i, w := range want {
				c, p := i/(g.Size*g.Size), i%(g.Size*g.Size)
				if d := math.Abs(float64(w - got[4*p+c])); d > 0 {
					bad, worst = bad+1, max(worst, d)
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d values differ, by at most %.2f levels", bad, len(want), worst*255)
			}
		})
	}
}

// letterbox runs the kernel's oracle: size×size pixels of four float32.
func letterbox(img *image.RGBA, g golden) []float32 {
	mem := make([]byte, 16)
	put := func(b []byte) uint32 {
		addr := len(mem)
		mem = append(mem, b...)
		mem = append(mem, make([]byte, 16-len(mem)%16)...)
		return uint32(addr)
	}
	ints := func(v []int32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v)) }
	w, h, s := img.Rect.Dx(), img.Rect.Dy(), int32(g.Size)
	d := kernels.LetterboxDesc{
		Src: put(img.Pix), SrcW: int32(w), SrcH: int32(h), SrcRow: int32(img.Stride),
		Dst:  kernels.Map{Addr: put(make([]byte, 16*s*s)), Row: 16 * s, Pix: 16},
		DstW: s, DstH: s, Left: int32(g.Left), Top: int32(g.Top),
		NewW: int32(g.Resized[0]), NewH: int32(g.Resized[1]),
		XTab:  put(ints(kernels.LetterboxXTable(w, g.Resized[0]))),
		YTab:  put(ints(kernels.LetterboxYTable(h, g.Resized[1]))),
		Float: 1,
	}
	desc := put(kernels.Bytes(&d))
	kernels.Ref(mem, kernels.OpLetterbox, desc, 0, s)
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[d.Dst.Addr])), 4*s*s)
}
