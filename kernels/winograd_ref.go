//go:build !js

package kernels

// refWinogradI16 is the oracle of OpWinogradI16, refWinogradF32 of
// OpWinogradF32. They keep scratch as the kernels leave it, so that whole
// memories can be compared, and add in the same order.
func refWinogradI16(mem []byte, desc uint32, begin, end int32) {
	d := at[WinogradDesc](mem, desc)
	refWinograd[int16](mem, d, begin, end, 2, func(y, x, o, acc int32) { d.Conv.finishU8(mem, y, x, o, acc>>2) })
}

func refWinogradF32(mem []byte, desc uint32, begin, end int32) {
	d := at[WinogradDesc](mem, desc)
	refWinograd[float32](mem, d, begin, end, 1, func(y, x, o int32, acc float32) { d.Conv.finishF32(mem, y, x, o, acc) })
}

// refWinograd computes with elements E and sums S; weights lie in groups of
// group elements. finish takes the sum of an output.
func refWinograd[E int16 | float32, S int32 | float32](mem []byte, d *WinogradDesc, begin, end int32, group int, finish func(y, x, o int32, acc S)) {
	c := &d.Conv
	n := int(c.RunLen)
	rows, columns := (c.OutH+1)/2, (c.OutW+1)/2
	groups := (rows + d.BlockRows - 1) / d.BlockRows
	pitch := uint32(winogradPitch(n * 4 / group))
	sums := d.Scratch + uint32(d.BlockRows*columns)*pitch
	weights := view[E](mem, c.Weights, int(c.OutC)*winogradPositions*n)
	for t := begin; t < end; t++ {
		first := t % groups * d.BlockRows
		last := min(first+d.BlockRows, rows)
		blocks := (last - first) * columns
		// position is the first output of block b, input its transformed input.
		position := func(b int32) (y, x int32) {
			return min(2*(first+b/columns), c.OutH-2), min(2*(b%columns), c.OutW-2)
		}
		input := func(b int32) []E { return view[E](mem, d.Scratch+uint32(b)*pitch, winogradPositions*n) }
		for b := range blocks {
			y, x := position(b)
			refWinogradInput(mem, c, y, x, input(b))
			offsets := view[int32](mem, sums+winogradSums+uint32(8*b), 2)
			offsets[0], offsets[1] = y*c.Dst.Row+x*c.Dst.Pix, y*c.Res.Row+x*c.Res.Pix
		}
		m := view[S](mem, sums, winogradSums/4)
		panel := t / groups * c.TilePanels
		for ; panel < min((t/groups+1)*c.TilePanels, c.OutC/panelWidth); panel++ {
			w := weights[int(panel)*panelWidth*winogradPositions*n:]
			for i := int32(0); i < blocks; i += 4 {
				for k := range int32(4) {
					refWinogradProducts(input(min(i+k, blocks-1)), w, n, group, m[k*panelWidth:])
				}
				for k := range min(4, blocks-i) {
					y, x := position(i + k)
					for o := range int32(panelWidth) {
						for at, acc := range refWinogradInverse(m[k*panelWidth+o:]) {
							finish(y+int32(at/2), x+int32(at%2), panel*panelWidth+o, acc)
						}
					}
				}
			}
		}
	}
}

// refWinogradInput is Bᵀ d B for the block of outputs at (y, x), [16][channels].
func refWinogradInput[E int16 | float32](mem []byte, c *ConvDesc, y, x int32, out []E) {
	n := len(out) / winogradPositions
	var d [4][4][]E
	for i := range int32(4) {
		for j := range int32(4) {
			d[i][j] = view[E](mem, c.Src.pixel(y+i, x+j), n)
		}
	}
	line := func(d0, d1, d2, d3 E) [4]E { return [4]E{d0 - d2, d1 + d2, d2 - d1, d1 - d3} }
	for k := range n {
		var columns [4][4]E // [j][i]
		for j := range columns {
			columns[j] = line(d[0][j][k], d[1][j][k], d[2][j][k], d[3][j][k])
		}
		for i := range 4 {
			for j, v := range line(columns[0][i], columns[1][i], columns[2][i], columns[3][i]) {
				out[(4*i+j)*n+k] = v
			}
		}
	}
}

// refWinogradProducts sums input × weights over n channels, for each position
// and channel of a panel, to m[position·32 + channel].
func refWinogradProducts[E int16 | float32, S int32 | float32](in, w []E, n, group int, m []S) {
	for pos := range winogradPositions {
		for o := range panelWidth {
			var acc S
			for i := pos * n; i < (pos+1)*n; i++ {
				acc += S(S(in[i]) * S(w[(i/group*panelWidth+o)*group+i%group]))
			}
			m[pos*4*panelWidth+o] = acc
		}
	}
}

// refWinogradInverse is Aᵀ M A, [2][2], of the sums m[position·32].
func refWinogradInverse[S int32 | float32](m []S) (y [4]S) {
	line := func(m0, m1, m2, m3 S) [2]S { return [2]S{m1 + m2 + m0, m1 - m2 - m3} }
	var columns [4][2]S
	for j := range columns {
		in := func(i int) S { return m[(4*i+j)*4*panelWidth] }
		columns[j] = line(in(0), in(1), in(2), in(3))
	}
	for i := range 2 {
		s := func(j int) S { return columns[j][i] }
		y[2*i], y[2*i+1] = s(0)+s(1)+s(2), s(1)-s(2)-s(3)
	}
	return y
}
