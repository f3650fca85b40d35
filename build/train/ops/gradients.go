package ops

import "eagleeye/build/train/simd"

// place copies the values of the gradient's rows from y on into a plane laid out
// for the products, zeros around them included when it is the first or the last.
func (p *plan) place(plane, dz []float32, from, to int) {
	if p.direct {
		copy(plane[from*p.OW:], dz[:(to-from)*p.OW])
		if to == p.OH {
			clear(plane[p.OH*p.OW:])
		}
		return
	}
	if from == 0 {
		clear(plane[:p.gradAt])
	}
	for y := from; y < to; y++ {
		row := plane[p.gradAt+y*p.r:][:p.r]
		copy(row, dz[(y-from)*p.OW:][:p.OW])
		clear(row[p.OW:])
	}
	if to == p.OH {
		clear(plane[p.gradAt+p.OH*p.r:])
	}
}

// inputGradient computes dx from the gradient planes of all images and output
// channels.
func (p *plan) inputGradient(planes, w, dx []float32) {
	type phase struct {
		py, px  int
		off     []int32
		weights int // where its packed weights begin
	}
	var phases []phase
	inPanels, total := ceil(p.ig, simd.Rows), 0
	for py := range p.S {
		for px := range p.S {
			f := phase{py: py, px: px, weights: total}
			for o := range p.og {
				for ky := py; ky < p.KH; ky += p.S {
					for kx := px; kx < p.KW; kx += p.S {
						f.off = append(f.off, int32(4*(o*p.gradSize+p.gradAt-ky/p.S*p.r-kx/p.S)))
						if p.direct {
							f.off[len(f.off)-1] = int32(4 * o * p.gradSize)
						}
					}
				}
			}
			total += p.G * inPanels * len(f.off) * simd.Rows
			phases = append(phases, f)
		}
	}
	packed := borrow(total + simd.Rows)
	defer packed.free()
	simd.Parallel(len(phases)*p.G*inPanels, func(_, i int) {
		f := phases[i/(p.G*inPanels)]
		i %= p.G * inPanels
		grp, panel := i/inPanels, i%inPanels
		to := packed.v[f.weights+i*len(f.off)*simd.Rows:][:len(f.off)*simd.Rows]
		clear(to)
		at := 0
		for o := range p.og {
			for ky := f.py; ky < p.KH; ky += p.S {
				for kx := f.px; kx < p.KW; kx += p.S {
					for r := range min(simd.Rows, p.ig-panel*simd.Rows) {
						to[at+r] = w[(((grp*p.og+o)*p.ig+panel*simd.Rows+r)*p.KH+ky)*p.KW+kx]
					}
					at += simd.Rows
				}
			}
		}
	})

	most := 0
	for _, f := range phases {
		most = max(most, len(f.off))
	}
	results := simd.Rows * p.wide
	each := roundUp(results+simd.RoomFor(most, p.wide), 1024)
	room := borrow(simd.Workers() * each)
	defer room.free()
	simd.Parallel(p.B*p.G*len(p.back), func(worker, i int) {
		band, grp, b := p.back[i%len(p.back)], i/len(p.back)%p.G, i/len(p.back)/p.G
		in := planes[(b*p.O+grp*p.og)*p.gradSize+band.from*p.r:]
		out := room.v[worker*each:][:each]
		tiles := ceil((band.to-band.from)*p.r, simd.Columns)
		for _, f := range phases {
			columns := simd.Move(in, f.off, tiles*simd.Columns, out[results:])
			for panel := range inPanels {
				columns.Gemm(tiles, packed.v[f.weights+(grp*inPanels+panel)*len(f.off)*simd.Rows:], out, p.wide)
				for r := range min(simd.Rows, p.ig-panel*simd.Rows) {
					to := dx[(b*p.I+grp*p.ig+panel*simd.Rows+r)*p.H*p.W:][:p.H*p.W]
					p.gather(to, out[r*p.wide:], f.py, f.px, band)
				}
			}
		}
	})
}

// gather puts the rows of one phase back where they belong in a map, the
// inverse of fill.
func (p *plan) gather(dx, phase []float32, py, px int, b band) {
	i0, i1 := p.inside(px)
	for j := b.from; j < b.to; j++ {
		y := j*p.S + py - p.P
		if y < 0 || y >= p.H {
			continue
		}
		row := phase[(j-b.from)*p.r:][:p.r]
		to := dx[y*p.W:][:p.W]
		at := i0*p.S + px - p.P
		if p.S == 1 {
			copy(to[at:], row[i0:i1])
			continue
		}
		for i := i0; i < i1; i++ {
			to[at] = row[i]
			at += p.S
		}
	}
}

const (
	dotWide  = 4096 // pixels at a time: 8 rows of them stay in the second cache
	dotParts = 16   // pieces of work wanted, for processors to share
)

// weightGradient computes dw from the gradient planes and the input.
func (p *plan) weightGradient(planes, x, dw []float32) {
	in := x
	if !p.direct {
		maps := borrow(p.B*p.I*p.ph*p.pw*p.inSize + slack)
		defer maps.free()
		in = maps.v
		clear(in[len(in)-slack:])
		simd.Parallel(p.B*p.I, func(_, i int) {
			for py := range p.ph {
				for px := range p.pw {
					to := in[((i*p.ph+py)*p.pw+px)*p.inSize:][:p.inSize]
					p.fill(to, x[i*p.H*p.W:][:p.H*p.W], py, px, 0, p.hq)
					clear(to[p.hq*p.r:])
				}
			}
		})
	}
	k := p.k()
	taps := k / p.ig // of one channel
	// A piece: 8 output channels, some input channels, some images. Images are
	// split only where there are too few pieces otherwise.
	cut := min(p.ig, max(1, ceil(32, taps)))
	if cut < p.ig && taps%3 != 0 {
		cut = min(p.ig, roundUp(cut, 3))
	}
	cuts := ceil(p.ig, cut)
	pieces := p.G * p.panels * cuts
	splits := min(p.B, ceil(dotParts, pieces))
	acc := borrow(pieces * splits * simd.Rows * cut * taps)
	defer acc.free()

	row := p.gradSize
	n := roundUp(p.OH*p.r, simd.Lanes)
	first := p.gradAt
	if p.direct {
		first = 0
	}
	each := roundUp(simd.RoomFor(cut*taps, min(n, dotWide)), 1024)
	room := borrow(simd.Workers() * each)
	defer room.free()
	simd.Parallel(pieces*splits, func(worker, i int) {
		own := room.v[worker*each:][:each]
		sums := acc.v[i*simd.Rows*cut*taps:][:simd.Rows*cut*taps]
		clear(sums)
		split := i % splits
		piece := i / splits
		grp, panel, c0 := piece/cuts/p.panels, piece/cuts%p.panels, piece%cuts*cut
		off := p.whole[c0*taps : min(p.ig, c0+cut)*taps]
		b0, b1 := p.B*split/splits, p.B*(split+1)/splits
		// Rows of missing channels of the last panel read into the next
		// image's; the sums are dropped. Behind the last there is room.
		together := max(1, dotWide/n)
		for b := b0; b < b1; b += together {
			images := min(together, b1-b)
			for at := 0; at < n; at += dotWide {
				length := min(dotWide, n-at)
				d := planes[(b*p.O+grp*p.og+panel*simd.Rows)*row+first+at:]
				src := in[(b*p.I+grp*p.ig)*p.ph*p.pw*p.inSize+at:]
				simd.Dots(length, images, d, row, p.O*row, src, p.I*p.ph*p.pw*p.inSize, off, sums, own)
			}
		}
	})
	simd.Parallel(pieces, func(_, piece int) {
		grp, panel, c0 := piece/cuts/p.panels, piece/cuts%p.panels, piece%cuts*cut
		count := (min(p.ig, c0+cut) - c0) * taps
		for r := range min(simd.Rows, p.og-panel*simd.Rows) {
			to := dw[(grp*p.og+panel*simd.Rows+r)*k+c0*taps:][:count]
			for j := range to {
				// Sums lie as [tile][8][columns].
				tile, step := j-j%3, 3
				if count-tile < 3 {
					tile, step = j, 1
				}
				at := simd.Rows*tile + r*step + j - tile
				to[j] = 0
				for s := range splits {
					to[j] += acc.v[(piece*splits+s)*simd.Rows*cut*taps+at]
				}
			}
		}
	})
}
