// Package loss is the training loss of YOLOv8's detector: binary cross-entropy
// of the class scores, CIoU and distribution focal loss of the boxes, on
// targets that a task-aligned assigner chooses. Values and gradients are those
// of Ultralytics' v8DetectionLoss. It may import build/train/ops.
//
// Sources: TOOD (arXiv:2108.07755) for the assigner, arXiv:1911.08287 for
// CIoU, arXiv:2006.04388 for the distribution focal loss.
package loss

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"gorgonia.org/gorgonia"
)

// Truth is one object of a picture.
type Truth struct {
	Class int
	Box   [4]float32 // x1, y1, x2, y2 in pixels of the network's input
}

// Options are the gains of the three parts and the assigner's settings. Zero
// values mean those of Ultralytics.
type Options struct {
	Box, Cls, DFL float32 // gains: 7.5, 0.5, 1.5
	TopK          int     // anchors considered an object: 10
	Alpha, Beta   float64 // exponents of score and overlap: 0.5, 6
}

func (o Options) withDefaults() Options {
	if o.Box == 0 && o.Cls == 0 && o.DFL == 0 {
		o.Box, o.Cls, o.DFL = 7.5, 0.5, 1.5
	}
	if o.TopK == 0 {
		o.TopK = 10
	}
	if o.Alpha == 0 && o.Beta == 0 {
		o.Alpha, o.Beta = 0.5, 6
	}
	return o
}

// Parts are the loss's three parts with their gains, a picture of the batch
// each: their sum times the batch is the total.
type Parts struct{ Box, Cls, DFL float32 }

// Loss is the loss of one training graph. It computes its gradient together
// with its value, so that the two always belong to the same assignment.
type Loss struct {
	// Total is the scalar (box + cls + dfl) × batch, as Ultralytics minimises it.
	Total *gorgonia.Node

	o       Options
	levels  []level
	anchors []anchor
	batch   int
	classes int
	regMax  int

	truth [][]Truth
	parts Parts
	works []*worker
	box   [][]float32 // gradients of the maps, level by level
	cls   [][]float32
}

// level is one pair of the head's maps.
type level struct{ h, w, stride int }

// ErrShape says that maps do not fit together.
var ErrShape = errors.New("maps do not fit a YOLOv8 head")

func newLoss(box, cls [][]int, strides []int, o Options) (*Loss, error) {
	l := &Loss{o: o.withDefaults()}
	if len(box) == 0 || len(box) != len(cls) || len(box) != len(strides) {
		return nil, fmt.Errorf("%w: %d box maps, %d class maps, %d strides", ErrShape, len(box), len(cls), len(strides))
	}
	for i := range box {
		b, c := box[i], cls[i]
		if len(b) != 4 || len(c) != 4 || b[0] != c[0] || b[2] != c[2] || b[3] != c[3] ||
			b[1]%4 != 0 || b[1] < 8 || b[1] != box[0][1] || c[1] != cls[0][1] || b[0] != box[0][0] || strides[i] <= 0 {
			return nil, fmt.Errorf("%w: level %d has boxes %v, classes %v, stride %d", ErrShape, i, b, c, strides[i])
		}
		l.levels = append(l.levels, level{b[2], b[3], strides[i]})
		l.box = append(l.box, make([]float32, b[0]*b[1]*b[2]*b[3]))
		l.cls = append(l.cls, make([]float32, c[0]*c[1]*c[2]*c[3]))
		for y := range b[2] {
			for x := range b[3] {
				l.anchors = append(l.anchors, anchor{float64(x) + 0.5, float64(y) + 0.5, float64(strides[i])})
			}
		}
	}
	l.batch, l.regMax, l.classes = box[0][0], box[0][1]/4, cls[0][1]
	for range l.batch {
		l.works = append(l.works, newWorker(len(l.anchors)))
	}
	return l, nil
}

// SetTruth gives the objects of the next batch, one list a picture. Objects of
// no area do not count. It refuses classes that the head does not have and
// boxes that are not finite.
func (l *Loss) SetTruth(truth [][]Truth) error {
	if len(truth) != l.batch {
		return fmt.Errorf("loss: objects of %d pictures, the batch is %d", len(truth), l.batch)
	}
	for i, objects := range truth {
		for _, t := range objects {
			if t.Class < 0 || t.Class >= l.classes {
				return fmt.Errorf("loss: picture %d: class %d of %d", i, t.Class, l.classes)
			}
			for _, v := range t.Box {
				if v-v != 0 {
					return fmt.Errorf("loss: picture %d: box %v is not finite", i, t.Box)
				}
			}
		}
	}
	l.truth = truth
	return nil
}

// Parts returns the last value's parts, with their gains.
func (l *Loss) Parts() Parts { return l.parts }

// compute returns the loss of a batch and leaves the gradients in l.box and
// l.cls. Pictures are independent but for the sum of the target scores, which
// divides every part.
func (l *Loss) compute(box, cls [][]float32) float32 {
	if l.truth == nil {
		panic("loss: no SetTruth before the graph ran")
	}
	each(l.batch, func(b int) { l.works[b].assign(l, b, box, cls) })
	sum := 0.0
	for _, w := range l.works {
		sum += w.scores
	}
	norm := 1 / max(sum, 1)
	each(l.batch, func(b int) { l.works[b].differentiate(l, b, box, cls, norm) })
	var boxes, classes, dfl float64
	for _, w := range l.works { // in order: the sum does not depend on who was first
		boxes, classes, dfl = boxes+w.box, classes+w.cls, dfl+w.dfl
	}
	l.parts = Parts{
		Box: float32(boxes * norm * float64(l.o.Box)),
		Cls: float32(classes * norm * float64(l.o.Cls)),
		DFL: float32(dfl * norm * float64(l.o.DFL)),
	}
	return (l.parts.Box + l.parts.Cls + l.parts.DFL) * float32(l.batch)
}

// each calls f for 0..n−1 on all processors.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	wg.Wait()
}
