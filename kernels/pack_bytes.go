package kernels

import (
	"errors"
	"fmt"
)

// LaneLimit bounds the weights of the byte kernels: those of one sign in a lane,
// which adds its products with bytes in 16 bits, must not exceed it in sum. As
// 255·128 < 2¹⁵ no partial sum overflows, whatever the bytes are.
const LaneLimit = 128

// ErrLanes says that weights break LaneLimit: such a convolution needs 16 bits.
var ErrLanes = errors.New("kernels: the weights of a lane are too large to be added in 16 bits")

// PackConvU8 lays out weights [OutC][InC][KH][KW] for OpConvU8 and OpConvU8F32:
// panels of 8 output slots, in each the elements of all runs in fours, in a four
// [slot][4]. A lane holds the elements 0, 1, 4, 5 or 2, 3, 6, 7 of eight
// consecutive ones of a run. It also returns the first sums, ByteConvDesc.Start,
// for inputs with a zero point. A slot's sum stays exact as long as
// Σ|w|·255 < 2³¹.
func PackConvU8(w []int8, zero int32, p *Packing) (packed []int8, start []int32, err error) {
	if packed, err = packConv(w, p, 4); err != nil {
		return nil, nil, err
	}
	depth := p.KH * p.KW * p.InPhys
	start = make([]int32, p.OutPhys)
	for panel := range p.OutPhys / panelWidth {
		w := packed[panel*depth*panelWidth:][:depth*panelWidth]
		var sums [panelWidth]int32
		var plus, minus [2 * panelWidth]int32 // [lane][slot]
		for four := 0; four < len(w)/(4*panelWidth); four++ {
			if four*4%p.RunLen()%8 == 0 {
				clear(plus[:])
				clear(minus[:])
			}
			at := w[four*4*panelWidth:][:4*panelWidth]
			for l := range plus { // elements 0 and 1 of the slot, then 2 and 3
				slot := l % panelWidth
				k := slot*4 + l/panelWidth*2
				a, b := int32(at[k]), int32(at[k+1])
				sums[slot] += a + b
				below := a&(a>>31) + b&(b>>31)
				plus[l] += a + b - below
				minus[l] -= below
				if plus[l] > LaneLimit || minus[l] > LaneLimit {
					return nil, nil, fmt.Errorf("output slot %d, element %d: %w", panel*panelWidth+slot, four*4+l/panelWidth*2, ErrLanes)
				}
			}
		}
		for slot, sum := range sums {
			start[panel*panelWidth+slot] = -zero * sum
		}
	}
	return packed, start, nil
}
