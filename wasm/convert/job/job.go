// Package job is what a worker does to models, in plain Go: checkpoints become
// ONNX files and float models int8 ones, by the code of the native command. It
// may import the rooms of wasm/.
package job

import (
	"context"
	"errors"
	"fmt"
	"image"

	"eagleeye/wasm/calib"
	"eagleeye/wasm/host"
	"eagleeye/wasm/message"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/pt"
	"eagleeye/wasm/quant"
	"eagleeye/wasm/worker/session"
	"eagleeye/wasm/zoo"
)

// ErrQuantized says that a model is quantized already.
var ErrQuantized = errors.New("the model is quantized already")

// ONNX returns a model as an ONNX file: an .onnx file as it is, a checkpoint as
// what it exports to, its batch norms folded.
func ONNX(data []byte) ([]byte, error) {
	if !pt.Is(data) {
		return data, nil
	}
	g, err := pt.Read(data)
	if err == nil {
		g, err = zoo.Fold(g)
	}
	if err != nil {
		return nil, err
	}
	return onnx.Write(g)
}

// Pictures are pictures at hand.
type Pictures []*image.RGBA

// Len implements calib.Pictures.
func (p Pictures) Len() int { return len(p) }

// Load implements calib.Pictures.
func (p Pictures) Load(i int) (*image.RGBA, string, error) {
	return p[i], fmt.Sprint("picture ", i+1), nil
}

// Quantize returns the int8 form of a float model, calibrated on pictures, as the
// native command makes it of the same pictures with the same options. machine
// makes kernels (nil: the host's); tell is told how far the work is.
func Quantize(model []byte, p Pictures, m message.Calibrate, machine func() (host.Machine, error), tell func(message.Working)) ([]byte, message.Converted, error) {
	var done message.Converted
	if len(p) == 0 {
		return nil, done, calib.ErrNoImages
	}
	tell(message.Working{What: message.WorkRead})
	data, err := ONNX(model)
	if err != nil {
		return nil, done, err
	}
	g, err := onnx.Read(data)
	if err != nil {
		return nil, done, err
	}
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" {
			return nil, done, ErrQuantized
		}
	}
	what := map[string]uint8{calib.StageObserve: message.WorkObserve, calib.StageRound: message.WorkRound, calib.StageBias: message.WorkBias}
	count := func(n uint32) int { // 0 means none here, the default there
		if n == 0 {
			return -1
		}
		return int(n)
	}
	ctx := context.Background()
	s, err := calib.Open(ctx, g, p, calib.Options{
		Images: len(p), BiasImages: count(m.BiasImages), RoundImages: count(m.RoundImages), Size: int(m.Width), Workers: 1, Machine: machine,
		Progress: func(stage string, done, total int) {
			tell(message.Working{What: what[stage], Done: uint32(done), Total: uint32(total)})
		},
	})
	if err != nil {
		return nil, done, err
	}
	q, err := s.Graph(ctx, calib.Choice{Observer: quant.MSE, Percentile: quant.DefaultPercentile})
	if err != nil {
		return nil, done, err
	}
	file, err := onnx.Write(q)
	r := s.Report
	return file, message.Converted{
		Name: m.Name, Bytes: uint64(len(file)), Images: uint32(r.Images), BiasImages: uint32(r.BiasImages), RoundImages: uint32(r.RoundImages),
		Points: uint32(r.Points), Convs: uint32(r.Convs),
	}, err
}

// Reason classes errors by what can be done about them.
func Reason(err error) message.Reason {
	switch {
	case errors.Is(err, pt.ErrFormat), errors.Is(err, pt.ErrGlobal), errors.Is(err, pt.ErrArchitecture):
		return message.ReasonCheckpoint
	case errors.Is(err, ErrQuantized):
		return message.ReasonQuantized
	case errors.Is(err, calib.ErrNoImages):
		return message.ReasonPicture
	}
	return session.Reason(err)
}
