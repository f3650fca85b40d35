//go:build !js

package kernels

import (
	"unsafe"

	"eagleeye/kernels/asm"
)

// epilogue turns the sums of a register tile into outputs, as ConvDesc says.
type epilogue struct {
	*registerTile
	dst, res func(i int) asm.Value // address of pixel i at the panel's channels
	resAddr  asm.Local             // 0: no residual

	allScale, scale asm.Local // of all channels, of the panel's
	allBias, bias   asm.Local
	act             asm.Local
	silu            func(y asm.Local) // emits y = SiLU(y) in each lane
	b               []asm.Local       // bias
	out             asm.Local         // address of a pixel
	resScale        asm.Local
	resZero         asm.Local
	quant           quantizer
	fixed           *fixedSiLU // bytes only
}

// newEpilogue reads the epilogue's part of the ConvDesc that the descriptor
// begins with.
func (c *registerTile) newEpilogue(dst, res func(i int) asm.Value) *epilogue {
	var d ConvDesc
	f := &epilogue{registerTile: c, dst: dst, res: res, b: c.Locals(asm.V128, 2), out: c.Local(asm.I32)}
	f.resAddr = c.field(unsafe.Offsetof(d.Res) + unsafe.Offsetof(d.Res.Addr))
	f.allScale, f.scale = c.field(unsafe.Offsetof(d.Scale)), c.Local(asm.I32)
	f.allBias, f.bias = c.field(unsafe.Offsetof(d.Bias)), c.Local(asm.I32)
	f.act = c.field(unsafe.Offsetof(d.Act))
	if c.floatIn {
		f.silu = func(y asm.Local) { c.Set(y, c.emitter.silu(y)) }
	} else {
		approx := c.newSiLUApprox()
		f.silu = func(y asm.Local) { approx.apply(c.emitter, y) }
	}
	if !c.floatOut {
		f.resScale = c.splatField(unsafe.Offsetof(d.ResScale))
		f.resZero = c.splatField(unsafe.Offsetof(d.ResZero))
		f.quant = c.newQuantizer(unsafe.Offsetof(d.OutInv), unsafe.Offsetof(d.OutZero))
		f.fixed = f.newFixedSiLU()
	}
	return f
}

// panel turns to the channels of a panel.
func (f *epilogue) panel(index asm.Local) {
	offset := asm.I32Mul(index, asm.Int(4*panelWidth))
	f.Set(f.scale, asm.I32Add(f.allScale, offset))
	f.Set(f.bias, asm.I32Add(f.allBias, offset))
}

// integers tells whether the sums are.
func (f *epilogue) integers() bool { return !f.floatIn && !f.scaled }

// emit emits the epilogue of the sums.
func (f *epilogue) emit() {
	if f.fixed == nil {
		f.float()
	} else {
		f.If(f.fixed.on(), f.fixed.emit, f.float)
	}
}

// float emits the epilogue in float32.
func (f *epilogue) float() {
	f.affine()
	f.If(asm.I32Eq(f.act, asm.Int(ActSiLU)), func() {
		for _, y := range f.acc {
			f.silu(y)
		}
	})
	f.If(f.resAddr, func() {
		for i := range f.pixels {
			f.residual(i)
		}
	})
	if f.floatOut {
		for i := range f.pixels {
			p := f.at(f.dst(i))
			f.Do(asm.V128Store(p, 0, f.acc[2*i]), asm.V128Store(p, 16, f.acc[2*i+1]))
		}
		return
	}
	for i := 0; i < f.pixels; i += 2 {
		f.storeBytes(i)
	}
}

// affine emits y = acc·scale + bias, or acc + bias for float sums.
func (f *epilogue) affine() {
	s, b := f.wv, f.b
	for j := range b {
		f.Set(b[j], asm.V128Load(f.bias, uint32(16*j)))
		if f.integers() {
			f.Set(s[j], asm.V128Load(f.scale, uint32(16*j)))
		}
	}
	for i, acc := range f.acc {
		y := asm.Value(acc)
		if f.integers() {
			y = asm.F32x4Mul(asm.F32x4ConvertI32x4S(acc), s[i%2])
		}
		f.Set(acc, asm.F32x4Add(y, b[i%2]))
	}
}

// at keeps an address.
func (f *epilogue) at(address asm.Value) asm.Local {
	f.Set(f.out, address)
	return f.out
}

// residual adds the residual map to pixel i.
func (f *epilogue) residual(i int) {
	p := f.at(f.res(i))
	y := f.acc[2*i : 2*i+2]
	if f.floatOut {
		for j := range y {
			f.Set(y[j], asm.F32x4Add(y[j], asm.V128Load(p, uint32(16*j))))
		}
		return
	}
	q := f.a
	f.Set(q, asm.V128Load8x8U(p, 0))
	for j, half := range []asm.Expr{asm.I32x4ExtendLowI16x8U(q), asm.I32x4ExtendHighI16x8U(q)} {
		r := asm.F32x4ConvertI32x4S(asm.I32x4Sub(half, f.resZero))
		f.Set(y[j], asm.F32x4Add(y[j], asm.F32x4Mul(r, f.resScale)))
	}
}

// storeBytes quantizes and stores pixels i and i+1.
func (f *epilogue) storeBytes(i int) {
	q := f.a
	y := f.acc[2*i : 2*i+4]
	f.Set(q, asm.I8x16NarrowI16x8U(
		asm.I16x8NarrowI32x4S(f.quant.of(y[0]), f.quant.of(y[1])),
		asm.I16x8NarrowI32x4S(f.quant.of(y[2]), f.quant.of(y[3]))))
	f.Do(asm.V128Store64Lane(f.dst(i), 0, q, 0), asm.V128Store64Lane(f.dst(i+1), 0, q, 1))
}
