package kernels

import "fmt"

// panelWidth is the number of output channels of a weight panel: two vectors of
// 32-bit sums.
const panelWidth = 8

// ConvShape is the logical shape of a convolution's weights [OutC][InC][KH][KW].
type ConvShape struct{ OutC, InC, KH, KW int }

// A Packing says how the logical channels of a convolution lie in memory. A map
// of physical channels (a pixel's slots) may hold logical ones anywhere: slots
// of no logical channel get weights of zero, so what they hold does not matter
// (for floats as long as it is finite).
type Packing struct {
	ConvShape
	InMap   []int // slot of each input channel; nil: slot i for channel i
	InPhys  int   // slots a source pixel, multiple of 4
	OutMap  []int // slot of each output channel; nil: slot i for channel i
	OutPhys int   // slots a destination pixel that the convolution writes, multiple of 8
	// Merged takes a kernel row as one run of KW·InPhys elements. The source's
	// pixels must then lie InPhys elements apart, and the dilation be 1 across.
	Merged bool
}

// RunLen is ConvDesc.RunLen, in elements.
func (p *Packing) RunLen() int {
	if p.Merged {
		return p.KW * p.InPhys
	}
	return p.InPhys
}

// NRuns is ConvDesc.NRuns.
func (p *Packing) NRuns() int {
	if p.Merged {
		return p.KH
	}
	return p.KH * p.KW
}

// Runs is the table at ConvDesc.Runs for a source whose rows and pixels lie
// rowPitch and pixPitch bytes apart (the stride does not enter).
func (p *Packing) Runs(rowPitch, pixPitch, dilH, dilW int) []int32 {
	runs := make([]int32, 0, p.NRuns())
	for y := range p.KH {
		for x := range p.NRuns() / p.KH {
			runs = append(runs, int32(y*dilH*rowPitch+x*dilW*pixPitch))
		}
	}
	return runs
}

// Check reports a packing that breaks the rules above.
func (p *Packing) Check() error {
	switch {
	case p.OutC < 1 || p.InC < 1 || p.KH < 1 || p.KW < 1:
		return fmt.Errorf("kernels: convolution shape %+v has an empty dimension", p.ConvShape)
	case p.InPhys%4 != 0 || p.OutPhys%panelWidth != 0:
		return fmt.Errorf("kernels: %d input slots (want a multiple of 4) and %d output slots (of %d)", p.InPhys, p.OutPhys, panelWidth)
	}
	for _, m := range []struct {
		name   string
		slots  []int
		n, end int
	}{{"input", p.InMap, p.InC, p.InPhys}, {"output", p.OutMap, p.OutC, p.OutPhys}} {
		if m.slots != nil && len(m.slots) != m.n || m.n > m.end {
			return fmt.Errorf("kernels: %d %s channels, a map of %d, %d slots", m.n, m.name, len(m.slots), m.end)
		}
		used := make([]bool, m.end)
		for c, s := range m.slots {
			if s < 0 || s >= m.end || used[s] {
				return fmt.Errorf("kernels: %s channel %d in slot %d of %d, out of range or taken", m.name, c, s, m.end)
			}
			used[s] = true
		}
	}
	return nil
}

// PackConvI16 lays out weights [OutC][InC][KH][KW] for OpConvI16 and
// OpConvI16F32: panels of 8 output slots, in each the elements of all runs in
// pairs, in a pair [slot][2], the order of i32x4.dot_i16x8_s. A slot's sum stays
// exact as long as Σ|w|·max|input| < 2³¹ (max|input| ≤ 255 for widened U8).
func PackConvI16(w []int16, p *Packing) ([]int16, error) { return packConv(w, p, 2) }

// PackConvF32 lays out weights [OutC][InC][KH][KW] for OpConvF32: panels of 8
// output slots, in each [element of all runs][slot].
func PackConvF32(w []float32, p *Packing) ([]float32, error) { return packConv(w, p, 1) }

// packConv makes panels [OutPhys/8][run elements/group][8][group].
func packConv[T int8 | int16 | float32](w []T, p *Packing, group int) ([]T, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if len(w) != p.OutC*p.InC*p.KH*p.KW {
		return nil, fmt.Errorf("kernels: %d weights for a convolution of shape %+v", len(w), p.ConvShape)
	}
	depth := p.KH * p.KW * p.InPhys // of one output: all run elements
	out := make([]T, p.OutPhys*depth)
	for o := range p.OutC {
		slot := place(p.OutMap, o)
		panel := out[slot/panelWidth*depth*panelWidth+slot%panelWidth*group:]
		for i := range p.InC {
			k := place(p.InMap, i) // a tap's elements are whole groups
			at := k/group*group*panelWidth + k%group
			for _, v := range w[(o*p.InC+i)*p.KH*p.KW:][:p.KH*p.KW] {
				panel[at] = v
				at += p.InPhys * panelWidth
			}
		}
	}
	return out, nil
}

// PackOutputs spreads a value per output channel (scale, bias) over the output
// slots; the others get 0.
func PackOutputs(v []float32, p *Packing) []float32 {
	out := make([]float32, p.OutPhys)
	for o, x := range v {
		out[place(p.OutMap, o)] = x
	}
	return out
}

// place is the slot of channel c.
func place(slots []int, c int) int {
	if slots == nil {
		return c
	}
	return slots[c]
}
