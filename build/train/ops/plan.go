package ops

import "eagleeye/build/train/simd"

// How the convolutions compute. Nothing is unrolled into columns: a padded map
// is laid out flat with rows of r values, so that output pixel (y,x) has the
// flat index y·r+x and the tap (ky,kx) reads the same map moved by ky·r+kx. The
// values at the r−OW columns beyond each row are computed and thrown away. With
// stride S the padded map is split into its S×S phases (rows and columns by
// their remainder), and a tap reads one phase moved by (ky/S)·r+kx/S. So forward
// pass and both gradients are products over moved reads (simd.Gemm, simd.Dot).
//
// The input's gradient is the same with the roles changed: each phase of the
// padded input gets, from each tap of that phase, the output's gradient moved
// back. For that, the gradient's map has t rows above and l values before each
// row that are zero; the row's unused columns serve as the next one's.
//
// All work is cut by shape alone, and each piece writes results of its own or
// adds in a fixed order: the number of processors changes nothing.
type plan struct {
	geometry
	ig, og   int // channels of a group
	ph, pw   int // phases that taps read, per direction
	r        int // values of a flat row
	hq       int // rows of a phase
	t, l     int // zero rows above and zeros before rows of the gradient
	direct   bool
	panels   int // of 8 output channels, per group
	bands    []band
	back     []band // of the rows of a phase, for the input's gradient
	bandRows int    // rows of the largest band, halo included
	wide     int    // values of the largest band of results, in whole tiles
	gradAt   int    // where the first pixel lies in a plane of the gradient
	gradSize int    // values of such a plane
	inSize   int    // values of a phase plane
	offsets  []int32
	whole    []int32 // the same taps over planes of whole maps
}

// band is a range of output rows.
type band struct{ from, to int }

const (
	slack     = 64        // values that kernels may read beyond a plane
	bandBytes = 384 << 10 // of padded input, to stay in the second cache
	bandWide  = 2048      // results of a band and channel
)

func newPlan(g geometry) *plan {
	p := &plan{geometry: g, ig: g.I / g.G, og: g.O / g.G}
	p.ph, p.pw = min(g.S, g.KH), min(g.S, g.KW)
	p.t, p.l = (g.KH-1)/g.S, (g.KW-1)/g.S
	p.r, p.hq = ceil(g.W+2*g.P, g.S), ceil(g.H+2*g.P, g.S)
	// With more stride than kernel a row may be too short for what follows it.
	p.r = max(p.r, g.OW+p.l)
	p.direct = g.KH == 1 && g.KW == 1 && g.S == 1
	p.panels = ceil(p.og, simd.Rows)

	rowBytes := 4 * p.ig * p.ph * p.pw * p.r
	rows := min(max(1, bandBytes/rowBytes-p.t), max(1, bandWide/p.r))
	if p.direct {
		rows = max(1, bandWide/p.r)
	}
	p.bands = bandsOf(g.OH, rows)
	for _, b := range p.bands {
		p.bandRows = max(p.bandRows, b.to-b.from+p.t)
	}
	p.back = bandsOf(p.hq, max(1, bandWide/p.r))
	for _, b := range append(p.bands, p.back...) {
		p.wide = max(p.wide, roundUp((b.to-b.from)*p.r, simd.Columns))
	}
	// The first pixel of the gradient on a vector's boundary.
	p.gradAt = roundUp(p.t*p.r+p.l, simd.Lanes)
	p.gradSize = roundUp(p.gradAt+p.hq*p.r+simd.Lanes, simd.Lanes)
	p.inSize = roundUp(p.hq*p.r, simd.Lanes)
	if p.direct {
		p.gradSize, p.inSize = roundUp(p.H*p.W, simd.Lanes), p.H*p.W
	}
	p.offsets = p.taps(p.bandSize())
	p.whole = p.taps(p.inSize)
	return p
}

func bandsOf(rows, most int) (bands []band) {
	n := ceil(rows, most)
	for i := range n {
		bands = append(bands, band{rows * i / n, rows * (i + 1) / n})
	}
	return bands
}

// bandSize is the size of a phase plane of a band.
func (p *plan) bandSize() int {
	if p.direct {
		return p.H * p.W
	}
	return p.bandRows * p.r
}

// taps returns the offsets in bytes of a group's weights, in their order, for
// phase planes of a size.
func (p *plan) taps(size int) (off []int32) {
	for c := range p.ig {
		for ky := range p.KH {
			for kx := range p.KW {
				plane := (c*p.ph+ky%p.S)*p.pw + kx%p.S
				off = append(off, int32(4*(plane*size+ky/p.S*p.r+kx/p.S)))
			}
		}
	}
	return off
}

func ceil(a, b int) int    { return (a + b - 1) / b }
func roundUp(a, b int) int { return ceil(a, b) * b }

// pack lays out the weights for forward: panels of 8 output channels, [k][8],
// missing channels as zeros.
func (p *plan) pack(dst, w []float32) {
	k := p.k()
	simd.Parallel(p.G*p.panels, func(_, i int) {
		to := dst[i*k*simd.Rows:][:k*simd.Rows]
		clear(to)
		for r := range min(simd.Rows, p.og-i%p.panels*simd.Rows) {
			from := w[(i/p.panels*p.og+i%p.panels*simd.Rows+r)*k:][:k]
			for j, v := range from {
				to[j*simd.Rows+r] = v
			}
		}
	})
}

// inside is the range of values of a phase's row that lie inside the map.
func (p *plan) inside(px int) (i0, i1 int) {
	if px < p.P {
		i0 = ceil(p.P-px, p.S)
	}
	if last := p.W - 1 + p.P - px; last >= 0 {
		i1 = last/p.S + 1
	}
	i1 = min(p.r, i1)
	return min(i0, i1), i1
}

// fill writes the rows of one phase plane from a map of the input: row j, value
// i is pixel (j·S+py−P, i·S+px−P), zero outside.
func (p *plan) fill(dst, x []float32, py, px, from, to int) {
	i0, i1 := p.inside(px)
	for j := from; j < to; j++ {
		row := dst[(j-from)*p.r:][:p.r]
		y := j*p.S + py - p.P
		if y < 0 || y >= p.H {
			clear(row)
			continue
		}
		clear(row[:i0])
		clear(row[i1:])
		src := x[y*p.W:][:p.W]
		at := i0*p.S + px - p.P
		switch p.S {
		case 1:
			copy(row[i0:i1], src[at:])
		default:
			for i := i0; i < i1; i++ {
				row[i] = src[at]
				at += p.S
			}
		}
	}
}

// forward computes z = conv(x, w) for all images and gives each finished piece
// to done: channel o, the piece's number among that channel's (images, then
// bands) and where in z it lies. x must have slack values behind it if the plan
// is direct.
func (p *plan) forward(x, w, z []float32, done func(o, piece, from, to int)) {
	k := p.k()
	packed := borrow(p.G * p.panels * k * simd.Rows)
	defer packed.free()
	p.pack(packed.v, w)

	size := p.bandSize()
	maps := p.ig * p.ph * p.pw * size
	if p.direct {
		maps = 0
	}
	each := maps + slack + simd.Rows*p.wide + simd.RoomFor(k, p.wide)
	room := borrow(simd.Workers() * roundUp(each, 1024))
	defer room.free()

	simd.Parallel(p.B*p.G*len(p.bands), func(worker, i int) {
		own := room.v[worker*roundUp(each, 1024):][:each]
		n := i % len(p.bands)
		band, grp, b := p.bands[n], i/len(p.bands)%p.G, i/len(p.bands)/p.G
		in := own[:maps+slack]
		if p.direct {
			in = x[(b*p.I+grp*p.ig)*size+band.from*p.r:]
		} else {
			for c := range p.ig {
				src := x[(b*p.I+grp*p.ig+c)*p.H*p.W:][:p.H*p.W]
				for py := range p.ph {
					for px := range p.pw {
						p.fill(in[((c*p.ph+py)*p.pw+px)*size:], src, py, px, band.from, band.to+p.t)
					}
				}
			}
		}
		out := own[maps+slack:]
		rows := band.to - band.from
		tiles := ceil(rows*p.r, simd.Columns)
		columns := simd.Move(in, p.offsets, tiles*simd.Columns, out[simd.Rows*p.wide:])
		for panel := range p.panels {
			columns.Gemm(tiles, packed.v[(grp*p.panels+panel)*k*simd.Rows:], out, p.wide)
			for r := range min(simd.Rows, p.og-panel*simd.Rows) {
				o := grp*p.og + panel*simd.Rows + r
				at := ((b*p.O+o)*p.OH + band.from) * p.OW
				to := z[at:][:rows*p.OW]
				if p.r == p.OW {
					copy(to, out[r*p.wide:])
				} else {
					for y := range rows {
						copy(to[y*p.OW:][:p.OW], out[r*p.wide+y*p.r:])
					}
				}
				done(o, b*len(p.bands)+n, at, at+len(to))
			}
		}
	})
}
