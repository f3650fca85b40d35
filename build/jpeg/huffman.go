package jpeg

// huffman is a decoding table (ITU-T T.81, annex C and F.2.2.3): codes of up to
// 8 bits by one look-up, longer ones by the largest code of each length.
type huffman struct {
	ok      bool
	look    [256]uint16 // length<<8 | value; 0: longer
	maxCode [17]int32   // of each length, −1 without codes
	offset  [17]int32   // index of a code's value: code + offset
	values  []byte
}

// newHuffman builds a table from the number of codes of each length 1..16 and
// their values in order of code.
func newHuffman(counts []byte, values []byte) (*huffman, error) {
	h := &huffman{ok: true, values: values}
	code, k := int32(0), int32(0)
	for n := 1; n <= 16; n++ {
		h.offset[n] = k - code
		h.maxCode[n] = -1
		for range counts[n-1] {
			if code >= 1<<n {
				return nil, malformed("Huffman table has too many codes of %d bits", n)
			}
			if n <= 8 {
				for i := range int32(1) << (8 - n) {
					h.look[code<<(8-n)|i] = uint16(n)<<8 | uint16(values[k])
				}
			}
			h.maxCode[n] = code
			code++
			k++
		}
		code <<= 1
	}
	return h, nil
}

// bits reads the entropy-coded segment, undoing byte stuffing. It stops at a
// marker; reading beyond sets short.
type bits struct {
	data  []byte // the file
	pos   int
	acc   uint64 // the low n bits are unread
	n     int
	short bool
}

// fill makes at least 32 bits available while there is data.
func (b *bits) fill() {
	for b.n <= 32 && b.pos < len(b.data) {
		c := b.data[b.pos]
		if c == 0xff {
			if b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0 {
				return
			}
			b.pos++
		}
		b.pos++
		b.acc = b.acc<<8 | uint64(c)
		b.n += 8
	}
}

// peek returns the next n ≤ 16 bits, zeros beyond the end.
func (b *bits) peek(n int) int32 {
	if b.n < n {
		b.fill()
	}
	v := b.acc
	if b.n < n {
		v <<= n - b.n
	} else {
		v >>= b.n - n
	}
	return int32(v & (1<<n - 1))
}

// skip consumes n bits.
func (b *bits) skip(n int) {
	if b.n < n {
		b.short = true
		b.n = 0
		return
	}
	b.n -= n
}

// read consumes n ≤ 16 bits.
func (b *bits) read(n int) int32 {
	v := b.peek(n)
	b.skip(n)
	return v
}

// signed reads an n-bit value whose first bit tells the sign (F.2.2.1, EXTEND).
func (b *bits) signed(n int) int32 {
	if n == 0 {
		return 0
	}
	v := b.read(n)
	if v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v
}

// symbol decodes one value; an unknown code sets short.
func (b *bits) symbol(h *huffman) int {
	p := b.peek(16)
	if e := h.look[p>>8]; e != 0 {
		b.skip(int(e >> 8))
		return int(e & 0xff)
	}
	for n := 9; n <= 16; n++ {
		if code := p >> (16 - n); code <= h.maxCode[n] {
			b.skip(n)
			return int(h.values[code+h.offset[n]])
		}
	}
	b.short = true
	return 0
}

// restart drops the bits up to the next restart marker and passes it.
func (b *bits) restart() bool {
	b.n = 0
	b.acc = 0
	for b.pos+1 < len(b.data) {
		if b.data[b.pos] == 0xff && b.data[b.pos+1] >= 0xd0 && b.data[b.pos+1] <= 0xd7 {
			b.pos += 2
			return true
		}
		if b.data[b.pos] == 0xff && b.data[b.pos+1] != 0 && b.data[b.pos+1] != 0xff {
			return false
		}
		b.pos++
	}
	return false
}
