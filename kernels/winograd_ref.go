//go:build !js

package kernels

// refWinogradI16 is the oracle of OpWinogradI16, refWinogradF32 of
// OpWinogradF32. They keep scratch as the kernels leave it, so that whole
// memories can be compared, and add in the same order.
func refWinogradI16(mem []byte, desc uint32, begin, end int32) {
	k := refWinograd2Kind[int16](2, func(mem []byte, c *ConvDesc, y, x, o, acc int32) { c.finishU8(mem, y, x, o, acc>>2) })
	k.run(mem, at[WinogradDesc](mem, desc), begin, end)
}

func refWinogradF32(mem []byte, desc uint32, begin, end int32) {
	k := refWinograd2Kind[float32](1, func(mem []byte, c *ConvDesc, y, x, o int32, acc float32) { c.finishF32(mem, y, x, o, acc) })
	k.run(mem, at[WinogradDesc](mem, desc), begin, end)
}

// refWinogradKind is what the oracles differ in: elements E, sums S.
type refWinogradKind[E int16 | float32, S int32 | float32] struct {
	winogradBlock
	group int               // weights lie in groups of so many elements
	line  func(d [6]E) [6]E // Bᵀ d of a line
	keep  func(mem []byte, c *ConvDesc, addr uint32, pos, o int32, acc S)
	// outputs finishes rows skip and later of output channel o of the block at
	// (y, x), whose sums lie sum() bytes apart from addr on.
	outputs func(mem []byte, c *ConvDesc, addr uint32, y, x, skip, o int32)
}

// refWinograd2Kind is F(2×2,3×3); finish takes the sum of an output.
func refWinograd2Kind[E int16 | float32, S int32 | float32](group int, finish func(mem []byte, c *ConvDesc, y, x, o int32, acc S)) refWinogradKind[E, S] {
	return refWinogradKind[E, S]{
		winogradBlock: winograd2, group: group,
		line: func(d [6]E) [6]E { return [6]E{d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]} },
		keep: func(mem []byte, _ *ConvDesc, addr uint32, _, _ int32, acc S) { *at[S](mem, addr) = acc },
		outputs: func(mem []byte, c *ConvDesc, addr uint32, y, x, skip, o int32) {
			for i, acc := range refWinogradInverse(func(pos int) S { return *at[S](mem, addr+uint32(pos)*uint32(winograd2.sum())) }) {
				if i := int32(i); i/2 >= skip {
					finish(mem, c, y+i/2, x+i%2, o, acc)
				}
			}
		},
	}
}

func (k *refWinogradKind[E, S]) run(mem []byte, d *WinogradDesc, begin, end int32) {
	c := &d.Conv
	n, positions, size := int(c.RunLen), int(k.positions()), k.size()
	rows, columns := int32(k.count(int(c.OutH))), int32(k.count(int(c.OutW)))
	groups := (rows + d.BlockRows - 1) / d.BlockRows
	pitch := uint32(k.pitch(n * 4 / k.group))
	sums := d.Scratch + uint32(d.BlockRows*columns)*pitch
	weights := view[E](mem, c.Weights, int(c.OutC)*positions*n)
	for t := begin; t < end; t++ {
		first := t % groups * d.BlockRows
		last := min(first+d.BlockRows, rows)
		blocks := (last - first) * columns
		// position is the first output of block b and the rows of it to skip,
		// input its transformed input.
		position := func(b int32) (y, x, skip int32) {
			top := size * (first + b/columns)
			y = min(top, c.OutH-size)
			return y, min(size*(b%columns), c.OutW-size), top - y
		}
		input := func(b int32) []E { return view[E](mem, d.Scratch+uint32(b)*pitch, positions*n) }
		for b := range blocks {
			y, x, skip := position(b)
			k.transform(mem, c, y, x, input(b))
			copy(view[int32](mem, sums+uint32(k.sumBytes()+winogradRecord*b), 3), []int32{
				y*c.Dst.Row + x*c.Dst.Pix, y*c.Res.Row + x*c.Res.Pix, skip})
		}
		panel := t / groups * c.TilePanels
		for ; panel < min((t/groups+1)*c.TilePanels, c.OutC/panelWidth); panel++ {
			w := weights[int(panel)*panelWidth*positions*n:]
			at := func(i, o int32) uint32 { return sums + uint32(4*(i*panelWidth+o)) }
			for i := int32(0); i < blocks; i += k.together() {
				for j := range k.together() {
					in := input(min(i+j, blocks-1))
					for o := range int32(panelWidth) {
						for pos := range positions {
							k.keep(mem, c, at(j, o)+uint32(int32(pos)*k.sum()), int32(pos), panel*panelWidth+o, k.products(in[pos*n:][:n], w[pos*n*panelWidth:], int(o)))
						}
					}
				}
				for j := range min(k.together(), blocks-i) {
					y, x, skip := position(i + j)
					for o := range int32(panelWidth) {
						k.outputs(mem, c, at(j, o), y, x, skip, panel*panelWidth+o)
					}
				}
			}
		}
	}
}

// transform is Bᵀ d B for the block of outputs at (y, x), [position][channels].
func (k *refWinogradKind[E, S]) transform(mem []byte, c *ConvDesc, y, x int32, out []E) {
	edge, n := k.size()+2, int(c.RunLen)
	var d [6][6][]E
	for i := range edge {
		for j := range edge {
			d[i][j] = view[E](mem, c.Src.pixel(y+i, x+j), n)
		}
	}
	for ch := range n {
		var columns [6][6]E // [j][i]
		for j := range edge {
			var column [6]E
			for i := range edge {
				column[i] = d[i][j][ch]
			}
			columns[j] = k.line(column)
		}
		for i := range edge {
			var row [6]E
			for j := range edge {
				row[j] = columns[j][i]
			}
			for j, v := range k.line(row) {
				if int32(j) < edge {
					out[(int(i*edge)+j)*n+ch] = v
				}
			}
		}
	}
}

// products sums input × weights of channel o of a panel at one position.
func (k *refWinogradKind[E, S]) products(in, w []E, o int) (acc S) {
	for i, v := range in {
		acc += S(S(v) * S(w[(i/k.group*panelWidth+o)*k.group+i%k.group]))
	}
	return acc
}

// refWinogradInverse is Aᵀ M A, [2][2], of the sums of the positions.
func refWinogradInverse[S int32 | float32](m func(pos int) S) (y [4]S) {
	line := func(m0, m1, m2, m3 S) [2]S { return [2]S{m1 + m2 + m0, m1 - m2 - m3} }
	var columns [4][2]S
	for j := range columns {
		columns[j] = line(m(j), m(4+j), m(8+j), m(12+j))
	}
	for i := range 2 {
		s := func(j int) S { return columns[j][i] }
		y[2*i], y[2*i+1] = s(0)+s(1)+s(2), s(1)-s(2)-s(3)
	}
	return y
}
