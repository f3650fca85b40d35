//go:build !js

package kernels

// refConvI16 is the oracle of OpConvI16, refConvI16F32 of OpConvI16F32 and
// refConvF32 of OpConvF32. Sums of the float one run in the order of runs and
// elements, one rounded multiplication and addition each.
func refConvI16(mem []byte, desc uint32, begin, end int32) {
	d := at[ConvDesc](mem, desc)
	d.each(begin, end, func(y, x, o int32) {
		d.finishU8(mem, y, x, o, d.sum(mem, y, x, o))
	})
}

// finishU8 is the epilogue of an integer sum to U8.
func (d *ConvDesc) finishU8(mem []byte, y, x, o, acc int32) {
	if d.Act == ActSiLUFixed {
		d.storeFixed(mem, y, x, o, float32(float32(acc)**at[float32](mem, d.Scale+uint32(4*o))))
		return
	}
	d.storeU8(mem, y, x, o, d.affine(mem, o, acc))
}

// storeU8 is the epilogue to U8 from a float activation on.
func (d *ConvDesc) storeU8(mem []byte, y, x, o int32, v float32) {
	v = d.activate(v, SiLUApprox)
	if d.Res.Addr != 0 {
		r := float32(int32(mem[d.Res.pixel(y, x)+uint32(o)]) - d.ResZero)
		v += float32(r * d.ResScale)
	}
	mem[d.Dst.pixel(y, x)+uint32(o)] = quantize(v, d.OutInv, d.OutZero)
}

func refConvI16F32(mem []byte, desc uint32, begin, end int32) {
	d := at[ConvDesc](mem, desc)
	d.each(begin, end, func(y, x, o int32) {
		d.storeFloat(mem, y, x, o, d.activate(d.affine(mem, o, d.sum(mem, y, x, o)), SiLUApprox))
	})
}

func refConvF32(mem []byte, desc uint32, begin, end int32) {
	d := at[ConvDesc](mem, desc)
	n := int(d.RunLen)
	d.each(begin, end, func(y, x, o int32) {
		weights := view[float32](mem, d.Weights, int(d.OutC*d.NRuns*d.RunLen))
		var acc float32
		for i, off := range view[int32](mem, d.Runs, int(d.NRuns)) {
			w := weights[(int(o/panelWidth*d.NRuns)+i)*n*panelWidth+int(o%panelWidth):]
			for k, v := range view[float32](mem, d.Src.pixel(y, x)+uint32(off), n) {
				acc += float32(v * w[k*panelWidth])
			}
		}
		d.finishF32(mem, y, x, o, acc)
	})
}

// finishF32 is the epilogue of a float sum.
func (d *ConvDesc) finishF32(mem []byte, y, x, o int32, acc float32) {
	acc += *at[float32](mem, d.Bias+uint32(4*o))
	d.storeFloat(mem, y, x, o, d.activate(acc, siluf32))
}

// each runs body for every output element of tiles [begin, end).
func (d *ConvDesc) each(begin, end int32, body func(y, x, o int32)) {
	for t := begin; t < end; t++ {
		first := t / d.OutH * d.TilePanels * panelWidth
		for o := first; o < min(first+d.TilePanels*panelWidth, d.OutC); o++ {
			for x := range d.OutW {
				body(t%d.OutH, x, o)
			}
		}
	}
}

// sum is acc of an integer convolution.
func (d *ConvDesc) sum(mem []byte, y, x, o int32) int32 {
	n := int(d.RunLen)
	weights := view[int16](mem, d.Weights, int(d.OutC*d.NRuns*d.RunLen))
	var acc int32
	for i, off := range view[int32](mem, d.Runs, int(d.NRuns)) {
		w := weights[(int(o/panelWidth*d.NRuns)+i)*n*panelWidth+2*int(o%panelWidth):]
		for k, v := range view[int16](mem, d.Src.pixel(y, x)+uint32(off), n) {
			acc += int32(v) * int32(w[k/2*2*panelWidth+k%2])
		}
	}
	return acc
}

// affine is acc·scale + bias of an integer convolution.
func (d *ConvDesc) affine(mem []byte, o, acc int32) float32 {
	scale, bias := *at[float32](mem, d.Scale+uint32(4*o)), *at[float32](mem, d.Bias+uint32(4*o))
	return float32(float32(acc)*scale) + bias
}

func (d *ConvDesc) activate(y float32, silu func(float32) float32) float32 {
	if d.Act == ActSiLU {
		return silu(y)
	}
	return y
}

// storeFloat adds the float residual and stores y.
func (d *ConvDesc) storeFloat(mem []byte, y, x, o int32, v float32) {
	if d.Res.Addr != 0 {
		v += *at[float32](mem, d.Res.pixel(y, x)+uint32(4*o))
	}
	*at[float32](mem, d.Dst.pixel(y, x)+uint32(4*o)) = v
}
