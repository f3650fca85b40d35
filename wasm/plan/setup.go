package plan

import "eagleeye/kernels"

// Transformed weights are eight times as large as those of the file, and the tab
// takes long to compute them in Go: kernels do, once, from the file's bytes,
// which lie for that time where activations will, or where values are kept, in a
// place of their own.

// rawWeights are weights that a kernel is to transform.
type rawWeights struct {
	data  []int8
	scale []float32
	limit []float64
	desc  kernels.PackWinogradDesc // less the addresses of these
	tiles int
}

// setup is a program that runs before the first frame.
type setup struct {
	parts   []Part
	program uint32
	steps   int
}

// winograd43 gives a convolution transformed weights. It fails where they cannot
// be had.
func (b *builder) winograd43(c *conv, d *kernels.ConvDesc, x ref, n numbers, scale []float32, pack *kernels.Packing) error {
	if n.q == nil {
		packed, steps, err := kernels.PackWinograd43I16(dense(c, n.w), scale, x.zero, pack)
		if err == nil {
			d.Weights, d.Scale = b.put(bytesOf(packed), 64), b.put(bytesOf(steps), 16)
		}
		return err
	}
	limit, err := kernels.Winograd43Limits(pack.InC, x.zero)
	if err != nil {
		return err
	}
	data, err := kernels.ArrangeWinograd43(dense(c, n.q), pack)
	if err != nil {
		return err
	}
	weights, steps := kernels.Winograd43Size(pack)
	d.Weights, d.Scale = b.room(weights, 64), b.room(steps, 16)
	b.raw = append(b.raw, rawWeights{
		data: data, scale: kernels.PackOutputs(scale, pack), limit: limit[:], tiles: pack.OutPhys / lane,
		desc: kernels.PackWinogradDesc{Dst: d.Weights, Steps: d.Scale, InPhys: int32(pack.InPhys), ScratchStep: kernels.PackWinograd43Scratch},
	})
	return nil
}

// prepareSetup writes the setup's program and data for places from end on, and
// returns where those end.
func (b *builder) prepareSetup(end int64) int64 {
	scratch := 0
	take := func(n int) uint32 {
		at := uint32(end)
		end = alignUp(end + int64(n))
		return at
	}
	put := func(data []byte) uint32 {
		at := take(len(data))
		b.plan.setup.parts = append(b.plan.setup.parts, Part{at, data})
		return at
	}
	for _, r := range b.raw {
		scratch = max(scratch, r.tiles*kernels.PackWinograd43Scratch)
	}
	at := take(scratch) // one kernel at a time
	var program []byte
	for i := range b.raw {
		r := &b.raw[i]
		r.desc.Src, r.desc.Scale, r.desc.Limit, r.desc.Scratch = put(bytesOf(r.data)), put(bytesOf(r.scale)), put(bytesOf(r.limit)), at
		program = append(program, kernels.Bytes(&kernels.Step{Op: kernels.OpPackWinograd43, Desc: put(kernels.Bytes(&r.desc)), Tiles: uint32(r.tiles)})...)
	}
	b.plan.setup.program, b.plan.setup.steps = put(program), len(b.raw)
	b.raw = nil
	return end
}

// run writes the setup's data and runs it.
func (s *setup) run(m interface {
	Write(addr uint32, p []byte)
	Run(prog uint32, n int) error
}) error {
	if s.steps == 0 {
		return nil
	}
	for _, p := range s.parts {
		m.Write(p.Addr, p.Data)
	}
	return m.Run(s.program, s.steps)
}
