package wasm

import (
	"fmt"
	"unsafe"

	"eagleeye/kernels"
	"eagleeye/wasm/yolo"
)

// Colours says how a picture in Y'CbCr is encoded: 8 bits a sample and a sample
// of Cb (U) and Cr (V) for 2×2 pixels, with a plane each (I420) or both
// interleaved, Cb first (NV12).
type Colours struct {
	NV12   bool
	Matrix kernels.YUVMatrix // BT601, BT709, BT2020 of kernels
	Full   bool              // samples span 0..255, else 16..235 and 16..240
}

// Planes is where the samples of a staged picture go: addresses in the
// machine's memory and bytes a row. NV12 has its pairs in U.
type Planes struct {
	Y, U, V           uint32
	YRow, ChromaRow   int
	Height, Chromatic int // rows of Y, of U and V
}

// planes is how the staged picture is read.
type planes struct {
	Planes
	Colours
	desc uint32 // of the kernels.LetterboxYUVDesc
}

// align16 keeps rows at multiples of what a vector holds.
func align16(n int) int { return (n + 15) &^ 15 }

// StagePlanes is Stage for a picture in Y'CbCr. The places hold until the next
// Stage or StagePlanes for anything else.
func (d *Detector) StagePlanes(w, h int, c Colours) (Planes, error) {
	if d.staged && d.planes != nil && d.box.SrcW == w && d.box.SrcH == h && d.planes.Colours == c {
		return d.planes.Planes, nil
	}
	if err := checkSize(w, h); err != nil {
		return Planes{}, err
	}
	d.staged, d.ran = false, false
	p := &planes{Colours: c, desc: d.plan.Input.Source}
	at := int(p.desc) + align16(int(unsafe.Sizeof(kernels.LetterboxYUVDesc{})))
	p.Height, p.Chromatic = h, (h+1)/2
	p.YRow, p.ChromaRow = align16(w), align16((w+1)/2)
	p.Y, at = uint32(at), at+p.YRow*p.Height
	step := int32(1)
	if c.NV12 {
		step, p.ChromaRow = 2, align16(2*((w+1)/2))
		p.U, p.V = uint32(at), uint32(at)+1
	} else {
		p.U, at = uint32(at), at+p.ChromaRow*p.Chromatic
		p.V = uint32(at)
	}
	at += p.ChromaRow*p.Chromatic + slack
	scratch := align16(2 * kernels.LetterboxYUVPitch(w))
	end := at + scratch*d.machine.Threads() + slack
	if err := d.machine.Reserve(end); err != nil {
		return Planes{}, fmt.Errorf("%w: a picture of %d×%d pixels: %w", ErrMemory, w, h, err)
	}
	d.box = yolo.Fit(w, h, d.plan.Input.Width, d.plan.Input.Height)
	l := kernels.LetterboxYUVDesc{Box: d.letterbox(p.Y, p.YRow), U: p.U, V: p.V, ChromaRow: int32(p.ChromaRow), ChromaStep: step,
		Scratch: uint32(at), ScratchStep: int32(scratch)}
	c.Matrix.Set(&l, c.Full)
	d.machine.Write(p.desc, kernels.Bytes(&l))
	d.firstStep(kernels.OpLetterboxYUV, p.desc)
	d.staged, d.planes = true, p
	return p.Planes, nil
}

// RGBA returns the picture, w×h RGBA bytes, as the kernels convert it; read
// copies the machine's memory.
func (p Planes) RGBA(read func(addr uint32, b []byte), w, h int, c Colours) []byte {
	var d kernels.LetterboxYUVDesc
	c.Matrix.Set(&d, c.Full)
	plane := func(addr uint32, row, rows int) []byte {
		b := make([]byte, row*rows)
		read(addr, b)
		return b
	}
	luma, us, vs, step := plane(p.Y, p.YRow, p.Height), plane(p.U, p.ChromaRow, p.Chromatic), []byte(nil), 1
	if c.NV12 {
		vs, step = us[1:], 2
	} else {
		vs = plane(p.V, p.ChromaRow, p.Chromatic)
	}
	out := make([]byte, 0, 4*w*h)
	for y := range h {
		for x := range w {
			at := y/2*p.ChromaRow + x/2*step
			r, g, b := d.RGB(luma[y*p.YRow+x], us[at], vs[at])
			out = append(out, r, g, b, 255)
		}
	}
	return out
}

// letterbox describes the letterbox of the picture that d.box places, and writes
// its tables.
func (d *Detector) letterbox(src uint32, row int) kernels.LetterboxDesc {
	in := &d.plan.Input
	l := in.Letterbox
	l.Src, l.SrcW, l.SrcH, l.SrcRow = src, int32(d.box.SrcW), int32(d.box.SrcH), int32(row)
	l.Left, l.Top, l.NewW, l.NewH = int32(d.box.Left), int32(d.box.Top), int32(d.box.NewW), int32(d.box.NewH)
	d.machine.Write(in.XTab, int32Bytes(kernels.LetterboxXTable(d.box.SrcW, d.box.NewW)))
	d.machine.Write(in.YTab, int32Bytes(kernels.LetterboxYTable(d.box.SrcH, d.box.NewH)))
	return l
}

// firstStep makes op the program's first step, which letterboxes.
func (d *Detector) firstStep(op kernels.Op, desc uint32) {
	s := kernels.Step{Op: op, Desc: desc, Tiles: uint32(d.plan.Input.Height)}
	d.machine.Write(d.plan.Program, kernels.Bytes(&s))
}

func checkSize(w, h int) error {
	if w <= 0 || h <= 0 || w > maxPixels || h > maxPixels || w*h > maxPixels {
		return fmt.Errorf("%w: %d×%d pixels; want 1×1 to %d pixels in all", ErrPicture, w, h, maxPixels)
	}
	return nil
}
