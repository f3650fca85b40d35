// Package yolo holds what surrounds the network of a YOLOv8 detector and needs
// no kernel: the letterbox geometry, non-maximum suppression and the class
// names of a model file. It imports nothing of ours.
package yolo

import "math"

// Box is a rectangle in pixels; (X1, Y1) is its top left corner.
type Box struct {
	X1, Y1, X2, Y2 float32
}

// Letterbox says where a SrcW×SrcH picture lies in the DstW×DstH input of a
// network: scaled with its aspect kept to NewW×NewH, at (Left, Top).
type Letterbox struct {
	SrcW, SrcH int
	DstW, DstH int
	NewW, NewH int
	Left, Top  int
}

// Fit centres a picture as Ultralytics' LetterBox does (scale-up allowed): the
// new size is round-half-even(size·r), the left and top padding
// round(padding/2 − 0.1). A side never shrinks below one pixel. All sizes must
// be positive.
func Fit(srcW, srcH, dstW, dstH int) Letterbox {
	r := min(float64(dstW)/float64(srcW), float64(dstH)/float64(srcH))
	side := func(n, limit int) int {
		return min(max(1, int(math.RoundToEven(float64(n)*r))), limit)
	}
	l := Letterbox{SrcW: srcW, SrcH: srcH, DstW: dstW, DstH: dstH, NewW: side(srcW, dstW), NewH: side(srcH, dstH)}
	pad := func(room int) int { return max(0, int(math.RoundToEven(float64(room)/2-0.1))) }
	l.Left, l.Top = pad(dstW-l.NewW), pad(dstH-l.NewH)
	return l
}

// ToSource maps a box from pixels of the network's input to pixels of the
// picture and clips it to the picture. The two axes have their own scale,
// NewW/SrcW and NewH/SrcH: rounding makes them differ a little.
func (l Letterbox) ToSource(b Box) Box {
	sx, sy := float64(l.SrcW)/float64(l.NewW), float64(l.SrcH)/float64(l.NewH)
	mapTo := func(v float32, pad int, scale float64, limit int) float32 {
		s := float32((float64(v) - float64(pad)) * scale)
		return min(max(s, 0), float32(limit))
	}
	return Box{
		X1: mapTo(b.X1, l.Left, sx, l.SrcW), Y1: mapTo(b.Y1, l.Top, sy, l.SrcH),
		X2: mapTo(b.X2, l.Left, sx, l.SrcW), Y2: mapTo(b.Y2, l.Top, sy, l.SrcH),
	}
}
