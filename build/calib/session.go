package calib

import (
	"context"
	"errors"
	"fmt"
	"image"

	"eagleeye/build/modelfile"
	"eagleeye/wasm/calib"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/zoo"
)

// Session is a quantization between its checks and its output, for those who
// make several forms of a model and write one.
type Session struct {
	Float *graph.Graph // batch norms folded

	o     Options
	src   calib.Pictures
	out   *output
	study *Study
}

// Begin reads and checks everything that Quantize reads, and makes sure that the
// output can be written. Nothing has run when it returns. Close the session.
func Begin(o Options) (*Session, error) {
	if o.In == "" || o.Out == "" {
		return nil, errors.New("name a model and an output")
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	data, err := modelfile.Read(o.In)
	if err != nil {
		return nil, err
	}
	g, err := onnx.Read(data)
	if err == nil {
		g, err = zoo.Fold(g) // other programs run batch norms in float
	}
	if err == nil {
		_, err = quant.Analyze(g)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.In, err)
	}
	s := &Session{Float: g, o: o}
	if s.src, err = o.pictures(); err != nil {
		return nil, err
	}
	if sameFile(o.In, o.Out) {
		return nil, fmt.Errorf("output %s is the model itself: name another file, the float model is needed to quantize again", o.Out)
	}
	s.out, err = createOutput(o.Out)
	return s, err
}

// Observe runs the model over the pictures, once.
func (s *Session) Observe(ctx context.Context) (*Study, error) {
	if s.study != nil {
		return s.study, nil
	}
	study, err := s.o.study(ctx, s.Float, s.src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.o.In, err)
	}
	s.study = study
	return study, nil
}

// Held returns up to n pictures to judge by, of those that are not observed
// where there are any, and whether that is so. It is for after Observe.
func (s *Session) Held(n int) (list []*image.RGBA, unseen bool, err error) {
	used := min(s.o.Images+s.study.Report.Skipped, s.src.Len())
	src := s.src
	if _, drawn := src.(scenes); drawn {
		src = scenes{s.o.Images + n}
	}
	unseen = src.Len() > used
	first, have := used, src.Len()-used
	if !unseen {
		first, have = 0, used
	}
	for i := range min(n, have) {
		img, _, e := src.Load(first + i*have/min(n, have))
		if e != nil {
			err = e
			continue // unreadable ones were told of, or are few
		}
		list = append(list, img)
	}
	if len(list) > 0 {
		err = nil
	} else if err == nil {
		err = ErrNoImages
	}
	return list, unseen, err
}

// Graph makes a form of the model.
func (s *Session) Graph(ctx context.Context, c Choice) (*graph.Graph, error) {
	study, err := s.Observe(ctx)
	if err != nil {
		return nil, err
	}
	q, err := study.Graph(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.o.In, err)
	}
	return q, nil
}

// Commit writes a form of the model: the file appears complete or not at all.
func (s *Session) Commit(q *graph.Graph) (Report, error) {
	var r Report
	if s.study != nil {
		r.Report = s.study.Report
	}
	_, r.Scenes = s.src.(scenes)
	file, err := onnx.Write(q)
	if err != nil {
		return r, err
	}
	r.Bytes = len(file)
	return r, s.out.commit(file)
}

// Close removes what was not committed.
func (s *Session) Close() { s.out.discard() }
