//go:build !js

package kernels

// refWinograd is the oracle of OpWinogradI16. It keeps scratch as the kernel
// leaves it, so that whole memories can be compared.
func refWinograd(mem []byte, desc uint32, begin, end int32) {
	d := at[WinogradDesc](mem, desc)
	c := &d.Conv
	rows, columns := (c.OutH+1)/2, (c.OutW+1)/2
	groups := (rows + d.BlockRows - 1) / d.BlockRows
	pitch := uint32(winogradPitch(int(c.RunLen)))
	sums := d.Scratch + uint32(d.BlockRows*columns)*pitch
	for t := begin; t < end; t++ {
		first := t % groups * d.BlockRows
		last := min(first+d.BlockRows, rows)
		n := (last - first) * columns
		// position is the first output of block b.
		position := func(b int32) (y, x int32) {
			return min(2*(first+b/columns), c.OutH-2), min(2*(b%columns), c.OutW-2)
		}
		for b := range n {
			y, x := position(b)
			d.transform(mem, y, x, d.Scratch+uint32(b)*pitch)
			offsets := view[int32](mem, sums+winogradSums+uint32(8*b), 2)
			offsets[0], offsets[1] = y*c.Dst.Row+x*c.Dst.Pix, y*c.Res.Row+x*c.Res.Pix
		}
		panel := t / groups * c.TilePanels
		for ; panel < min((t/groups+1)*c.TilePanels, c.OutC/panelWidth); panel++ {
			for i := int32(0); i < n; i += 4 {
				m := view[int32](mem, sums, winogradSums/4)
				for k := range int32(4) {
					v := d.Scratch + uint32(min(i+k, n-1))*pitch
					d.products(mem, panel, v, m[k*panelWidth:])
				}
				for k := range min(4, n-i) {
					y, x := position(i + k)
					for o := range int32(panelWidth) {
						d.block(mem, y, x, panel*panelWidth+o, m[k*panelWidth+o:])
					}
				}
			}
		}
	}
}

// transform is Bᵀ d B for the block of outputs at (y, x), to [16][RunLen] at v.
func (d *WinogradDesc) transform(mem []byte, y, x int32, v uint32) {
	n := d.Conv.RunLen
	out := view[int16](mem, v, int(winogradPositions*n))
	line := func(d0, d1, d2, d3 int16) [4]int16 { return [4]int16{d0 - d2, d1 + d2, d2 - d1, d1 - d3} }
	for k := range n {
		var rows [4][4]int16
		for i := range int32(4) {
			in := func(j int32) int16 { return *at[int16](mem, d.Conv.Src.pixel(y+i, x+j)+uint32(2*k)) }
			rows[i] = line(in(0), in(1), in(2), in(3))
		}
		for j := range int32(4) {
			for i, u := range line(rows[0][j], rows[1][j], rows[2][j], rows[3][j]) {
				out[(4*int32(i)+j)*n+k] = u
			}
		}
	}
}

// products sums input × weights over the channels, for each position and channel
// of a panel, to m[position·32 + channel].
func (d *WinogradDesc) products(mem []byte, panel int32, v uint32, m []int32) {
	n := int(d.Conv.RunLen)
	in := view[int16](mem, v, winogradPositions*n)
	w := view[int16](mem, d.Conv.Weights+uint32(int(panel)*panelWidth*winogradPositions*n*2), panelWidth*winogradPositions*n)
	for pos := range winogradPositions {
		for o := range panelWidth {
			var acc int32
			for k := range n {
				i := pos*n + k
				acc += int32(in[i]) * int32(w[(i/2*panelWidth+o)*2+i%2])
			}
			m[pos*4*panelWidth+o] = acc
		}
	}
}

// block is Aᵀ M A and the epilogue, for channel o of the outputs at (y, x).
func (d *WinogradDesc) block(mem []byte, y, x, o int32, m []int32) {
	line := func(m0, m1, m2, m3 int32) [2]int32 { return [2]int32{m0 + m1 + m2, m1 - m2 - m3} }
	var columns [4][2]int32
	for j := range columns {
		in := func(i int) int32 { return m[(4*i+j)*4*panelWidth] }
		columns[j] = line(in(0), in(1), in(2), in(3))
	}
	for i := range int32(2) {
		for j, acc := range line(columns[0][i], columns[1][i], columns[2][i], columns[3][i]) {
			d.Conv.finishU8(mem, y+i, x+int32(j), o, acc>>2)
		}
	}
}
