package jpeg

import (
	"image"
	"sync"
)

// picture turns the coefficients into pixels.
func (d *decoder) picture() *image.RGBA {
	planes := make([][]byte, len(d.comps))
	var wg sync.WaitGroup
	for i := range d.comps {
		wg.Go(func() { planes[i] = d.comps[i].samples() })
	}
	wg.Wait()

	dst := image.NewRGBA(image.Rect(0, 0, d.width, d.height))
	ups, rows := make([]*upsampler, len(planes)), make([][]byte, len(planes))
	for i, c := range d.comps {
		ups[i] = newUpsampler(d.width, d.height, d.hMax/c.hs, d.vMax/c.vs)
		rows[i] = make([]byte, ups[i].width())
	}
	for y := range d.height {
		for i, c := range d.comps {
			ups[i].row(rows[i], planes[i], 8*c.blocksW, y)
		}
		out := dst.Pix[y*dst.Stride:][:4*d.width]
		switch {
		case len(rows) == 1:
			joinRow(out, rows[0], rows[0], rows[0])
		case d.rgb():
			joinRow(out, rows[0], rows[1], rows[2])
		default:
			convertRow(out, rows[0][:d.width], rows[1], rows[2])
		}
	}
	return dst
}

// samples is the component's plane, 8·blocksW wide.
func (c *component) samples() []byte {
	stride := 8 * c.blocksW
	plane := make([]byte, stride*8*c.blocksH)
	q := c.quant
	if q == nil { // no scan or no table: mid-grey
		q = new([64]int32)
	}
	for y := range c.blocksH {
		for x := range c.blocksW {
			idct(plane[8*(y*stride+x):], stride, c.coef[64*(y*c.blocksW+x):][:64], q)
		}
	}
	c.coef = nil
	return plane
}

// rgb tells whether three components are red, green, blue rather than Y'CbCr,
// by libjpeg's rules.
func (d *decoder) rgb() bool {
	switch {
	case d.jfif:
		return false
	case d.adobe >= 0:
		return d.adobe == 0
	}
	return d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
}
