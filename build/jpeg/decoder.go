package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
)

// ErrMalformed tells that a file breaks the format.
var ErrMalformed = errors.New("malformed JPEG")

// errOther tells that a file is of a kind that the decoder leaves to the
// standard library.
var errOther = errors.New("kind of JPEG not handled here")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Markers (ITU-T T.81, table B.1).
const (
	markSOF0  = 0xc0 // baseline
	markSOF1  = 0xc1 // extended sequential
	markSOF2  = 0xc2 // progressive
	markDHT   = 0xc4
	markSOF15 = 0xcf
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markDQT   = 0xdb
	markDRI   = 0xdd
	markAPP0  = 0xe0
	markAPP14 = 0xee
)

// component is one colour plane.
type component struct {
	id, table        byte
	hs, vs           int // sampling factors
	w, h             int // samples that belong to the picture
	blocksW, blocksH int // of whole MCUs
	coef             []int16
	quant            *[64]int32 // as of the component's first scan, natural order
}

// decoder reads sequential and progressive Huffman-coded files of 8 bits and
// one or three components.
type decoder struct {
	size          int // of the file
	width, height int
	progressive   bool
	comps         []component
	hMax, vMax    int
	mcuW, mcuH    int
	quant         [4]*[64]int32
	huff          [2][4]*huffman // DC, AC
	restart       int
	jfif          bool
	adobe         int // colour transform of the Adobe marker, −1 without
}

// decode decodes a whole file.
func decode(data []byte) (*image.RGBA, error) {
	d := &decoder{adobe: -1, size: len(data)}
	if len(data) < 2 || data[0] != 0xff || data[1] != markSOI {
		return nil, malformed("it does not start with a JPEG marker")
	}
	pos, scans := 2, 0
	for {
		for pos < len(data) && data[pos] != 0xff { // rubbish between segments
			pos++
		}
		for pos < len(data) && data[pos] == 0xff {
			pos++
		}
		if pos >= len(data) {
			break // the end marker is missing, which others forgive
		}
		mark := data[pos]
		pos++
		if mark == markEOI {
			break
		}
		if mark == 0 || mark == 1 || mark >= 0xd0 && mark <= markSOI {
			continue
		}
		if pos+2 > len(data) {
			return nil, malformed("it ends within a segment")
		}
		n := int(binary.BigEndian.Uint16(data[pos:]))
		if n < 2 || pos+n > len(data) {
			return nil, malformed("segment %#x of %d bytes goes beyond the end", mark, n)
		}
		body := data[pos+2 : pos+n]
		pos += n
		var err error
		switch {
		case mark == markDQT:
			err = d.readQuant(body)
		case mark == markDHT:
			err = d.readHuffman(body)
		case mark == markDRI && len(body) >= 2:
			d.restart = int(binary.BigEndian.Uint16(body))
		case mark == markAPP0:
			d.jfif = d.jfif || bytes.HasPrefix(body, []byte("JFIF\x00"))
		case mark == markAPP14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
			d.adobe = int(body[11])
		case mark == markSOF0 || mark == markSOF1 || mark == markSOF2:
			d.progressive = mark == markSOF2
			err = d.readFrame(body)
		case mark > markSOF2 && mark <= markSOF15:
			err = errOther // lossless, hierarchical, arithmetic
		case mark == markSOS:
			pos, err = d.readScan(data, pos, body)
			scans++
		}
		if err != nil {
			return nil, err
		}
	}
	if scans == 0 {
		return nil, malformed("it holds no picture")
	}
	return d.picture(), nil
}

func (d *decoder) readQuant(b []byte) error {
	for len(b) > 0 {
		wide, id := int(b[0]>>4), b[0]&15
		if b = b[1:]; wide > 1 || id > 3 || len(b) < 64<<wide {
			return malformed("quantization table")
		}
		q := new([64]int32)
		for k, at := range unzig {
			if wide == 1 {
				q[at] = int32(binary.BigEndian.Uint16(b[2*k:]))
			} else {
				q[at] = int32(b[k])
			}
		}
		d.quant[id] = q
		b = b[64<<wide:]
	}
	return nil
}

func (d *decoder) readHuffman(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return malformed("Huffman table")
		}
		total := 0
		for _, n := range b[1:17] {
			total += int(n)
		}
		if total > 256 || len(b) < 17+total {
			return malformed("Huffman table of %d codes", total)
		}
		h, err := newHuffman(b[1:17], b[17:17+total])
		if err != nil {
			return err
		}
		d.huff[b[0]>>4][b[0]&15] = h
		b = b[17+total:]
	}
	return nil
}

// readFrame reads the frame header and makes room for the coefficients.
func (d *decoder) readFrame(b []byte) error {
	if d.comps != nil {
		return malformed("two frames")
	}
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return malformed("frame header of %d bytes", len(b))
	}
	n := int(b[5])
	d.height, d.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if b[0] != 8 || n != 1 && n != 3 || d.width == 0 || d.height == 0 {
		return errOther
	}
	if err := checkSize(d.width, d.height, d.size); err != nil {
		return err
	}
	d.hMax, d.vMax = 1, 1
	for i := range n {
		c := component{id: b[6+3*i], hs: int(b[7+3*i] >> 4), vs: int(b[7+3*i] & 15), table: b[8+3*i]}
		if c.hs < 1 || c.hs > 4 || c.vs < 1 || c.vs > 4 || c.table > 3 {
			return malformed("component %d", i)
		}
		if n == 1 {
			c.hs, c.vs = 1, 1 // the factors of a lone component have no effect
		}
		d.hMax, d.vMax = max(d.hMax, c.hs), max(d.vMax, c.vs)
		d.comps = append(d.comps, c)
	}
	d.mcuW, d.mcuH = ceilDiv(d.width, 8*d.hMax), ceilDiv(d.height, 8*d.vMax)
	for i := range d.comps {
		c := &d.comps[i]
		if d.hMax%c.hs != 0 || d.vMax%c.vs != 0 {
			return errOther
		}
		c.w, c.h = ceilDiv(d.width*c.hs, d.hMax), ceilDiv(d.height*c.vs, d.vMax)
		c.blocksW, c.blocksH = d.mcuW*c.hs, d.mcuH*c.vs
		c.coef = make([]int16, 64*c.blocksW*c.blocksH)
	}
	return nil
}

// checkSize refuses pictures over the limit, and ones that a file of size bytes
// cannot hold because every block takes at least one bit.
func checkSize(w, h, size int) error {
	if w*h > MaxPixels {
		return fmt.Errorf("%w: %d×%d, at most %d pixels", ErrTooLarge, w, h, MaxPixels)
	}
	if ceilDiv(w, 8)*ceilDiv(h, 8) > 8*size {
		return malformed("%d bytes cannot hold %d×%d pixels", size, w, h)
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// readScan reads a scan's header and data, which starts at pos, and returns
// where the data ends.
func (d *decoder) readScan(data []byte, pos int, b []byte) (int, error) {
	if d.comps == nil || len(b) < 1 || b[0] < 1 || int(b[0]) > len(d.comps) || len(b) < 4+2*int(b[0]) {
		return 0, malformed("scan header")
	}
	n := int(b[0])
	last := b[1+2*n:]
	s := &scan{restart: d.restart, ss: int(last[0]), se: int(last[1]), ah: uint(last[2] >> 4), al: uint(last[2] & 15)}
	if d.progressive && (s.ss > s.se || s.se > 63 || s.al > 13 || s.ss > 0 && n > 1 || s.ss == 0 && s.se > 0) {
		return 0, malformed("scan of coefficients %d to %d at bit %d", s.ss, s.se, s.al)
	}
	for i := range n {
		id, tables := b[1+2*i], b[2+2*i]
		c := d.component(id)
		if c == nil || tables>>4 > 3 || tables&15 > 3 {
			return 0, malformed("scan of component %d", id)
		}
		dc, ac := d.huff[0][tables>>4], d.huff[1][tables&15]
		needDC := !d.progressive || s.ss == 0 && s.ah == 0
		needAC := !d.progressive || s.ss > 0
		if needDC && dc == nil || needAC && ac == nil {
			return 0, malformed("scan without its Huffman table")
		}
		if c.quant == nil {
			c.quant = d.quant[c.table]
		}
		s.comps = append(s.comps, scanComponent{component: c, dc: dc, ac: ac})
	}
	in := &bits{data: data, pos: pos}
	if err := s.run(d, in); err != nil {
		return 0, err
	}
	return in.pos, nil
}

func (d *decoder) component(id byte) *component {
	for i := range d.comps {
		if d.comps[i].id == id {
			return &d.comps[i]
		}
	}
	return nil
}
