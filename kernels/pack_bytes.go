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
	for o := range p.OutPhys {
		panel := packed[o/panelWidth*depth*panelWidth:][:depth*panelWidth]
		for run := 0; run < depth; run += p.RunLen() {
			var lanes [2]struct{ plus, minus int32 }
			for k := range p.RunLen() {
				if k%8 == 0 {
					clear(lanes[:])
				}
				v := int32(panel[((run+k)/4*panelWidth+o%panelWidth)*4+k%4])
				start[o] -= zero * v
				l := &lanes[k/2%2]
				l.plus += max(v, 0)
				l.minus -= min(v, 0)
				if l.plus > LaneLimit || l.minus > LaneLimit {
					return nil, nil, fmt.Errorf("output slot %d, element %d: %w", o, run+k, ErrLanes)
				}
			}
		}
	}
	return packed, start, nil
}
