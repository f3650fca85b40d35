//go:build !js

package kernels

import (
	"math"
	"unsafe"

	"eagleeye/kernels/asm"
)

// refDetect is the oracle of OpDetect. NaN is passed over by the maxima; a NaN
// among the bins gives NaN coordinates.
func refDetect(mem []byte, desc uint32, begin, end int32) {
	d := at[DetectDesc](mem, desc)
	params := at[DetectParams](mem, d.Params)
	for y := begin; y < end; y++ {
		for x := range d.W {
			best, class := float32(math.Inf(-1)), int32(0)
			for i, v := range view[float32](mem, d.Cls.pixel(y, x), int(d.Classes)) {
				if v > best {
					best, class = v, int32(i)
				}
			}
			if !(best >= params.Logit) {
				continue
			}
			box := view[float32](mem, d.Box.pixel(y, x), int(4*d.RegMax))
			var dist [4]float32
			for side := range int32(4) {
				dist[side] = expectation(box[side*d.RegMax:][:d.RegMax])
			}
			ax, ay := float32(x)+0.5, float32(y)+0.5
			*at[Candidate](mem, d.Out+params.Count*uint32(unsafe.Sizeof(Candidate{}))) = Candidate{
				X1: (ax - dist[0]) * d.Stride, Y1: (ay - dist[1]) * d.Stride,
				X2: (ax + dist[2]) * d.Stride, Y2: (ay + dist[3]) * d.Stride,
				Logit: best, Class: class, Anchor: d.Anchor0 + y*d.W + x,
			}
			params.Count++
		}
	}
}

// expectation is Σ i·softmax(bins)[i], in four interleaved partial sums.
func expectation(bins []float32) float32 {
	peak := float32(math.Inf(-1))
	for _, v := range bins {
		if peak < v {
			peak = v
		}
	}
	var weight, moment [4]float32
	for i, v := range bins {
		w := expf32(v - peak)
		weight[i%4] += w
		moment[i%4] += float32(w * float32(i))
	}
	sum := func(v [4]float32) float32 { return float32(v[0]+v[1]) + float32(v[2]+v[3]) }
	return sum(moment) / sum(weight)
}

// detect is the state of emitDetect.
type detect struct {
	*emitter
	classes, regMax asm.Local
	cls, box        asm.Local // addresses of the pixel under way
	candidate       asm.Local // where its candidate goes
}

// emitDetect emits OpDetect. Nearly all anchors fail the threshold, so the scan
// of the logits is what counts; the rest runs for the survivors only.
func emitDetect(e *emitter) {
	var d DetectDesc
	var p DetectParams
	var out Candidate
	l := &detect{emitter: e, classes: e.field(unsafe.Offsetof(d.Classes)), regMax: e.field(unsafe.Offsetof(d.RegMax)),
		cls: e.Local(asm.I32), box: e.Local(asm.I32), candidate: e.Local(asm.I32)}
	boxes, logits := e.mapField(unsafe.Offsetof(d.Box)), e.mapField(unsafe.Offsetof(d.Cls))
	w, stride := e.field(unsafe.Offsetof(d.W)), e.floatField(unsafe.Offsetof(d.Stride))
	anchor0 := e.field(unsafe.Offsetof(d.Anchor0))
	params, list := e.field(unsafe.Offsetof(d.Params)), e.field(unsafe.Offsetof(d.Out))
	least := e.Let(asm.F32Load(params, uint32(unsafe.Offsetof(p.Logit))))
	leasts := e.Let(asm.F32x4Splat(least))
	best, class := e.Local(asm.F32), e.Local(asm.I32)
	x, n := e.Local(asm.I32), e.Local(asm.I32)

	corner := func(offset uintptr, side int, at asm.Value, move asm.Binary) {
		center := asm.F32Add(asm.F32ConvertI32S(at), asm.Float(0.5))
		v := asm.F32Mul(move(center, l.distance(side)), stride)
		e.Do(asm.F32Store(l.candidate, uint32(offset), v))
	}
	e.tiles(func(y asm.Local) {
		e.Set(l.cls, asm.I32Add(logits.addr, asm.I32Mul(y, logits.row)))
		e.Set(l.box, asm.I32Add(boxes.addr, asm.I32Mul(y, boxes.row)))
		e.For(x, asm.Int(0), w, 1, func() {
			e.If(asm.V128AnyTrue(asm.F32x4Ge(l.peaks(), leasts)), func() {
				l.argmax(best, class)
				if e.variant.Threads {
					e.Set(n, asm.I32AtomicRmwAdd(params, uint32(unsafe.Offsetof(p.Count)), asm.Int(1)))
				} else {
					e.Set(n, asm.I32Load(params, uint32(unsafe.Offsetof(p.Count))))
					e.Do(asm.I32Store(params, uint32(unsafe.Offsetof(p.Count)), asm.I32Add(n, asm.Int(1))))
				}
				e.Set(l.candidate, asm.I32Add(list, asm.I32Mul(n, asm.Int(int32(unsafe.Sizeof(out))))))
				corner(unsafe.Offsetof(out.X1), 0, x, asm.F32Sub)
				corner(unsafe.Offsetof(out.Y1), 1, y, asm.F32Sub)
				corner(unsafe.Offsetof(out.X2), 2, x, asm.F32Add)
				corner(unsafe.Offsetof(out.Y2), 3, y, asm.F32Add)
				e.Do(
					asm.F32Store(l.candidate, uint32(unsafe.Offsetof(out.Logit)), best),
					asm.I32Store(l.candidate, uint32(unsafe.Offsetof(out.Class)), class),
					asm.I32Store(l.candidate, uint32(unsafe.Offsetof(out.Anchor)), asm.I32Add(anchor0, asm.I32Add(asm.I32Mul(y, w), x))),
					asm.I32Store(l.candidate, uint32(unsafe.Offsetof(out.Anchor)+4), asm.Int(0)),
				)
			})
			e.Add(l.cls, logits.pix)
			e.Add(l.box, boxes.pix)
		})
	})
}

// lowest is −∞ in all lanes.
func lowest() asm.Expr { return asm.VecF32(float32(math.Inf(-1))) }

// peaks is a vector whose largest lane is the pixel's largest logit.
func (l *detect) peaks() asm.Local {
	v, p := l.Local(asm.V128), l.Local(asm.I32)
	end := l.Local(asm.I32)
	l.Set(v, lowest())
	l.Set(p, l.cls)
	l.Set(end, asm.I32Add(l.cls, asm.I32Shl(whole(l.classes, 4), asm.Int(2))))
	l.While(asm.I32LtU(p, end), func() {
		l.Set(v, asm.F32x4Pmax(v, asm.V128Load(p, 0)))
		l.Add(p, asm.Int(16))
	})
	l.While(asm.I32LtU(p, asm.I32Add(l.cls, asm.I32Shl(l.classes, asm.Int(2)))), func() {
		l.Set(v, asm.F32x4Pmax(v, asm.V128Load32Splat(p, 0)))
		l.Add(p, asm.Int(4))
	})
	return v
}

// argmax sets the largest logit and the first class that has it.
func (l *detect) argmax(best, class asm.Local) {
	i, v := l.Local(asm.I32), l.Local(asm.F32)
	l.Set(best, asm.Float(float32(math.Inf(-1))))
	l.Set(class, asm.Int(0))
	l.For(i, asm.Int(0), l.classes, 1, func() {
		l.Set(v, asm.F32Load(asm.I32Add(l.cls, asm.I32Shl(i, asm.Int(2))), 0))
		l.If(asm.F32Gt(v, best), func() {
			l.Set(best, v)
			l.Set(class, i)
		})
	})
}

// distance is expectation of the bins of one side.
func (l *detect) distance(side int) asm.Expr {
	bins := l.Let(asm.I32Add(l.box, asm.I32Shl(asm.I32Mul(l.regMax, asm.Int(int32(side))), asm.Int(2))))
	end := l.Let(asm.I32Add(bins, asm.I32Shl(l.regMax, asm.Int(2))))
	p, peak, index := l.Local(asm.I32), l.Local(asm.V128), l.Local(asm.V128)
	weight, moment := l.Local(asm.V128), l.Local(asm.V128)
	each := func(body func()) {
		l.Set(p, bins)
		l.While(asm.I32LtU(p, end), func() {
			body()
			l.Add(p, asm.Int(16))
		})
	}
	l.Set(peak, lowest())
	each(func() { l.Set(peak, asm.F32x4Pmax(peak, asm.V128Load(p, 0))) })
	l.Set(peak, asm.F32x4Pmax(peak, asm.I32x4Shuffle(peak, peak, [4]int{1, 0, 3, 2})))
	l.Set(peak, asm.F32x4Pmax(peak, asm.I32x4Shuffle(peak, peak, [4]int{2, 3, 0, 1})))
	l.Set(weight, asm.VecF32(0))
	l.Set(moment, asm.VecF32(0))
	l.Set(index, asm.VecF32(0, 1, 2, 3))
	each(func() {
		w := l.exp(asm.F32x4Sub(asm.V128Load(p, 0), peak))
		l.Set(weight, asm.F32x4Add(weight, w))
		l.Set(moment, asm.F32x4Add(moment, asm.F32x4Mul(w, index)))
		l.Set(index, asm.F32x4Add(index, asm.VecF32(4)))
	})
	sum := func(v asm.Local) asm.Expr {
		lane := func(i int) asm.Expr { return asm.F32x4ExtractLane(v, i) }
		return asm.F32Add(asm.F32Add(lane(0), lane(1)), asm.F32Add(lane(2), lane(3)))
	}
	return asm.F32Div(sum(moment), sum(weight))
}
