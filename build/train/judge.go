package train

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync"

	"eagleeye/build/coco"
	"eagleeye/build/pool"
	"eagleeye/build/train/data"
	"eagleeye/build/train/net"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// judge measures models on a data set by the engine that the page runs, as
// published evaluations do: every class above 0.001, suppression at IoU 0.7, the
// 300 best boxes. What it judges is an ONNX file, so that also proves.
type judge struct {
	src           data.Source
	truths        *coco.Dataset
	width, height int

	mu       sync.Mutex
	problems []data.Problem
}

// samples is how many pictures a judgement keeps for showing.
const samples = 9

// shown is a picture with what was found in it.
type shown struct {
	img   *image.RGBA
	found []wasm.Detection
}

func newJudge(src data.Source, width, height int) (*judge, error) {
	truths, problems, err := data.Annotations(src)
	if err != nil {
		return nil, err
	}
	return &judge{src: src, truths: truths, width: width, height: height, problems: problems}, nil
}

// run judges a model file. done is called after each picture.
func (j *judge) run(ctx context.Context, model []byte, done func()) (coco.Result, []shown, error) {
	images := slices.Clone(j.truths.Images)
	results := make([][]coco.Detection, len(images))
	show := make([]shown, min(samples, len(images)))
	bad := map[int64]bool{}
	spec := pool.Spec{Model: model, Options: wasm.Options{Width: j.width, Height: j.height}}
	err := pool.Each(ctx, len(images), []pool.Spec{spec}, func(i int, d []*wasm.Detector) error {
		id := images[i].ID
		img, _, err := j.src.Load(int(id))
		if err != nil {
			j.mu.Lock()
			defer j.mu.Unlock()
			bad[id] = true
			j.problems = append(j.problems, data.Problem{File: fmt.Sprint("picture ", id, " to judge on"), Err: err})
			return nil
		}
		found, _, err := d[0].Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.Thresholds{Conf: 0.001, IoU: 0.7, Max: 300, MultiLabel: true})
		if err != nil {
			return fmt.Errorf("picture %d: %w", id, err)
		}
		for _, f := range found {
			results[i] = append(results[i], coco.Detection{
				Image: id, Category: int64(f.Class), Score: float64(f.Score),
				Box: [4]float64{float64(f.X1), float64(f.Y1), float64(f.X2) - float64(f.X1), float64(f.Y2) - float64(f.Y1)},
			})
		}
		if i < len(show) {
			show[i] = shown{img, sure(found)}
		}
		done()
		return nil
	})
	if err != nil {
		return coco.Result{}, nil, err
	}
	if len(bad) > 0 { // they are not asked for again
		j.truths.Images = slices.DeleteFunc(images, func(im coco.Image) bool { return bad[im.ID] })
		j.truths.Annotations = slices.DeleteFunc(j.truths.Annotations, func(a coco.Annotation) bool { return bad[a.Image] })
		show = slices.DeleteFunc(show, func(s shown) bool { return s.img == nil })
	}
	return j.truths.Evaluate(slices.Concat(results...)), show, nil
}

// sure keeps what one would show: above 0.25, one class a box.
func sure(found []wasm.Detection) (out []wasm.Detection) {
	for _, f := range found {
		if f.Score >= 0.25 && !slices.ContainsFunc(out, func(o wasm.Detection) bool {
			return o.X1 == f.X1 && o.Y1 == f.Y1 && o.X2 == f.X2 && o.Y2 == f.Y2
		}) {
			out = append(out, f)
		}
	}
	return out
}

// export is the model with the averaged weights, as a file.
func (t *trainer) export() ([]byte, error) {
	export := t.c.Export
	if export == nil {
		export = func(n *net.Net, state []net.Tensor) (*graph.Graph, error) {
			g, err := n.ExportState(state[:len(n.State())])
			if err != nil {
				return nil, err
			}
			return net.Fold(g)
		}
	}
	g, err := export(t.network.net, t.average.mean)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	file, err := onnx.Write(g)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return file, nil
}
