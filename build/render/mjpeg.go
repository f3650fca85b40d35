package render

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
)

// WriteMJPEG writes the frames, all of one even size, as the motion JPEG file
// that Chromium's --use-file-for-fake-video-capture plays. Chromium reads JPEG
// samples as limited-range BT.601 (16..235) where JPEG says full range; the
// samples are squeezed so that the page sees the frames' own colours, and an
// ordinary viewer sees them pale.
func WriteMJPEG(w io.Writer, frames ...image.Image) error {
	for i, frame := range frames {
		if size := frame.Bounds().Size(); size != frames[0].Bounds().Size() || size.X%2 != 0 || size.Y%2 != 0 {
			return fmt.Errorf("motion JPEG: frame %d is %v, the frames must have one even size", i, size)
		}
		if err := jpeg.Encode(w, limitedRange(frame), &jpeg.Options{Quality: 92}); err != nil {
			return fmt.Errorf("motion JPEG: frame %d: %w", i, err)
		}
	}
	return nil
}

// limitedRange converts to 4:2:0 YCbCr with Y in 16..235 and Cb, Cr in 16..240.
func limitedRange(m image.Image) *image.YCbCr {
	b := m.Bounds()
	out := image.NewYCbCr(image.Rect(0, 0, b.Dx(), b.Dy()), image.YCbCrSubsampleRatio420)
	for y := 0; y < b.Dy(); y += 2 {
		for x := 0; x < b.Dx(); x += 2 {
			var cb, cr int
			for i := range 4 {
				px, py := x+i&1, y+i>>1
				c := color.RGBAModel.Convert(m.At(b.Min.X+px, b.Min.Y+py)).(color.RGBA)
				yy, u, v := color.RGBToYCbCr(c.R, c.G, c.B)
				out.Y[out.YOffset(px, py)] = uint8(16 + (int(yy)*219+127)/255)
				cb += int(u) - 128
				cr += int(v) - 128
			}
			o := out.COffset(x, y)
			out.Cb[o] = squeeze(cb)
			out.Cr[o] = squeeze(cr)
		}
	}
	return out
}

// squeeze maps the sum of four chroma samples about 0 to 16..240.
func squeeze(sum int) uint8 {
	v := sum * 224
	if v < 0 {
		v -= 510
	} else {
		v += 510
	}
	return uint8(128 + v/1020)
}
