package jpeg

// scan is a scan's header (ITU-T T.81, B.2.3).
type scan struct {
	comps   []scanComponent
	ss, se  int  // spectral selection
	ah, al  uint // successive approximation: previous and this bit position
	eobRun  int32
	restart int // MCUs between restart markers, 0: none
}

type scanComponent struct {
	*component
	dc, ac *huffman
	pred   int32
}

// run decodes the scan's entropy-coded data into the components' coefficients.
func (s *scan) run(d *decoder, b *bits) error {
	mcus, perRow := d.mcuW*d.mcuH, d.mcuW
	single := len(s.comps) == 1
	if single { // blocks that hold no pixel of the picture are not coded
		c := s.comps[0]
		perRow = (c.w + 7) / 8
		mcus = perRow * ((c.h + 7) / 8)
	}
	for m := range mcus {
		if s.restart > 0 && m > 0 && m%s.restart == 0 {
			if !b.restart() {
				return malformed("restart marker is missing after %d of %d units", m, mcus)
			}
			s.eobRun = 0
			for i := range s.comps {
				s.comps[i].pred = 0
			}
		}
		for i := range s.comps {
			c := &s.comps[i]
			if single {
				s.block(d, b, c, m%perRow, m/perRow)
				continue
			}
			for k := range c.hs * c.vs {
				s.block(d, b, c, m%perRow*c.hs+k%c.hs, m/perRow*c.vs+k/c.hs)
			}
		}
		if b.short {
			return malformed("picture data ends or is damaged at unit %d of %d", m, mcus)
		}
	}
	return nil
}

// block decodes what the scan has of one block.
func (s *scan) block(d *decoder, b *bits, c *scanComponent, x, y int) {
	coef := c.coef[64*(y*c.blocksW+x):][:64]
	switch {
	case !d.progressive:
		c.dcFirst(b, coef, 0)
		c.acBaseline(b, coef)
	case s.ss == 0 && s.ah == 0:
		c.dcFirst(b, coef, s.al)
	case s.ss == 0:
		coef[0] |= int16(b.read(1) << s.al)
	case s.ah == 0:
		s.acFirst(b, c.ac, coef)
	default:
		s.acRefine(b, c.ac, coef)
	}
}

func (c *scanComponent) dcFirst(b *bits, coef []int16, al uint) {
	c.pred += b.signed(min(b.symbol(c.dc), 16))
	coef[0] = int16(c.pred << al)
}

// acBaseline is F.2.2.2.
func (c *scanComponent) acBaseline(b *bits, coef []int16) {
	for k := 1; k < 64; k++ {
		rs := b.symbol(c.ac)
		r, n := rs>>4, rs&15
		if n == 0 {
			if r != 15 {
				return
			}
			k += 15
			continue
		}
		if k += r; k > 63 {
			b.short = true
			return
		}
		coef[unzig[k]] = int16(b.signed(n))
	}
}

// acFirst is G.1.2.2: as baseline, with runs of blocks that end here.
func (s *scan) acFirst(b *bits, ac *huffman, coef []int16) {
	if s.eobRun > 0 {
		s.eobRun--
		return
	}
	for k := s.ss; k <= s.se; k++ {
		rs := b.symbol(ac)
		r, n := rs>>4, rs&15
		if n == 0 {
			if r != 15 {
				s.eobRun = 1<<r - 1 + b.read(r)
				return
			}
			k += 15
			continue
		}
		if k += r; k > s.se {
			b.short = true
			return
		}
		coef[unzig[k]] = int16(b.signed(n) << s.al)
	}
}

// acRefine is G.1.2.3: one more bit of every coefficient that is not zero, and
// new coefficients of ±1 at this bit position; a run counts zeros only.
func (s *scan) acRefine(b *bits, ac *huffman, coef []int16) {
	bit := int16(1) << s.al
	refine := func(c *int16) {
		switch {
		case b.read(1) == 0:
		case *c > 0 && *c&bit == 0:
			*c += bit
		case *c < 0 && -*c&bit == 0:
			*c -= bit
		}
	}
	k := s.ss
	for s.eobRun == 0 && k <= s.se {
		rs := b.symbol(ac)
		r, n := rs>>4, rs&15
		var value int16
		switch {
		case n != 0:
			value = -bit
			if b.read(1) == 1 {
				value = bit
			}
		case r != 15:
			s.eobRun = 1<<r + b.read(r)
		}
		if s.eobRun > 0 {
			break
		}
		for ; k <= s.se; k++ {
			c := &coef[unzig[k]]
			if *c != 0 {
				refine(c)
				continue
			}
			if r == 0 {
				*c = value
				break
			}
			r--
		}
		k++
		if b.short {
			return
		}
	}
	if s.eobRun > 0 {
		for ; k <= s.se; k++ {
			if c := &coef[unzig[k]]; *c != 0 {
				refine(c)
			}
		}
		s.eobRun--
	}
}

// unzig is the place in the block of the k-th coefficient of the zigzag.
var unzig = [64]int{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}
