package plan

import (
	"fmt"
	"unsafe"

	"eagleeye/kernels"
	"eagleeye/wasm/graph"
)

// decode emits the steps of the detection head.
func (b *builder) decode(n *graph.Node) error {
	strides, ok := n.Attrs["strides"]
	regMax, classes := int(n.Int("reg_max", 16)), int(n.Int("classes", 0))
	if !ok || len(strides.Floats) == 0 || len(n.In) != 2*len(strides.Floats) || regMax < 1 || regMax > 1024 || classes < 1 {
		return fmt.Errorf("plan: detect %q: %d inputs, %d strides, %d classes, %d bins", n.Name, len(n.In), len(strides.Floats), classes, regMax)
	}
	p := &b.plan.Detect
	p.Params = b.put(make([]byte, unsafe.Sizeof(kernels.DetectParams{})), 16)
	p.Classes = classes
	type scale struct{ box, cls ref }
	var scales []scale
	for i, stride := range strides.Floats {
		box, cls := b.as(n.In[2*i], float), b.as(n.In[2*i+1], float)
		switch {
		case box.lay.Channels() != 4*regMax || cls.lay.Channels() != classes || box.h != cls.h || box.w != cls.w:
			return fmt.Errorf("plan: detect %q: maps %v and %v for %d classes and %d bins", n.Name, n.In[2*i].Shape, n.In[2*i+1].Shape, classes, regMax)
		case regMax%4 != 0: // the kernel takes four bins at a time
			return fmt.Errorf("plan: detect %q: %d bins a side, want a multiple of 4", n.Name, regMax)
		case !box.lay.dense() || !cls.lay.dense():
			return fmt.Errorf("plan: detect %q reads channels that are cut apart", n.Name)
		}
		scales = append(scales, scale{box, cls})
		p.Heads = append(p.Heads, Head{Stride: stride, Anchor0: p.Anchors})
		p.Anchors += box.h * box.w
	}
	p.First = len(b.steps)
	for i, sc := range scales {
		h := p.Heads[i]
		s := step{op: kernels.OpDetect, tiles: sc.box.h}
		s.Name, s.Kind = n.Name, fmt.Sprintf("detect stride %g", h.Stride)
		b.emit(s, func() []byte {
			return kernels.Bytes(&kernels.DetectDesc{Box: b.place(sc.box), Cls: b.place(sc.cls),
				H: int32(sc.box.h), W: int32(sc.box.w), Classes: int32(classes), RegMax: int32(regMax),
				Stride: h.Stride, Anchor0: int32(h.Anchor0), Params: p.Params, Out: p.Out})
		}, sc.box, sc.cls)
		b.steps[len(b.steps)-1].Shape = fmt.Sprintf("%d×%d×%d", 4+classes, sc.box.h, sc.box.w)
	}
	for _, sc := range scales { // all heads stay until they are read
		sc.box.buffer().touch(len(b.steps))
		sc.cls.buffer().touch(len(b.steps))
	}
	return nil
}
