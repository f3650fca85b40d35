package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"eagleeye/build/export/form"
	"eagleeye/build/export/tensorflow"
	"eagleeye/kernels"
	"eagleeye/wasm"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/host"
	"eagleeye/wasm/onnx"
)

// Models makes each format of one network when it is asked for.
type Models struct {
	Float, Int8 []byte        // ONNX; Int8 is Float's quantized form
	Photos      []*image.RGBA // that show the ranges for ONNX Runtime's int8 form

	ranges map[string]valueRange
	made   map[string][]byte
}

// At returns the model of a format for an input of size×size pixels.
func (m *Models) At(format string, size int) ([]byte, error) {
	key := fmt.Sprintf("%s-%d", format, size)
	if data, ok := m.made[key]; ok {
		return data, nil
	}
	data, err := m.make(format, size)
	if err != nil {
		return nil, fmt.Errorf("%s at %d: %w", format, size, err)
	}
	if m.made == nil {
		m.made = map[string][]byte{}
	}
	m.made[key] = data
	return data, nil
}

func (m *Models) make(format string, size int) ([]byte, error) {
	switch format {
	case "onnx":
		return resized(m.Float, size)
	case "onnx-int8":
		return resized(m.Int8, size)
	case "onnx-qdq":
		float, err := resized(m.Float, size)
		if err == nil {
			err = m.observe()
		}
		if err != nil {
			return nil, err
		}
		return everywhere(float, size, m.ranges)
	}
	source, precision := m.Float, form.Float32
	if format == "tflite-int8" {
		source, precision = m.Int8, form.Int8
	}
	g, err := onnx.Read(source)
	if err != nil {
		return nil, err
	}
	o := form.Options{Precision: precision, Width: size, Height: size}
	switch format {
	case "tflite", "tflite-int8":
		return tensorflow.Encode(g, o)
	case "tfjs": // one file: the length of the graph's text, the text, the weights
		js, err := tensorflow.EncodeJS(g, o)
		if err != nil {
			return nil, err
		}
		out := binary.LittleEndian.AppendUint32(nil, uint32(len(js.JSON)))
		return append(append(out, js.JSON...), js.Weights...), nil
	}
	return nil, fmt.Errorf("no format %q", format)
}

func (m *Models) unfused(size int) (*graph.Graph, error) {
	g, err := onnx.Read(m.Float)
	if err != nil {
		return nil, err
	}
	return graph.Unfused(g, size, size)
}

// observe notes the smallest and largest number of every value on the photos.
func (m *Models) observe() error {
	if m.ranges != nil {
		return nil
	}
	g, err := m.unfused(320)
	if err != nil {
		return err
	}
	machine, err := host.New(kernels.Variant{})
	if err != nil {
		return err
	}
	d, err := wasm.OpenPrepared(g, machine, []string{"*"})
	if err != nil {
		return errors.Join(err, machine.Close())
	}
	defer d.Close()
	ranges := map[string]valueRange{}
	for _, img := range m.Photos {
		if _, _, err := d.Detect(img.Pix, img.Rect.Dx(), img.Rect.Dy(), wasm.DefaultThresholds); err != nil {
			return err
		}
		for _, name := range d.Kept() {
			data, _, err := d.Tap(name)
			if err != nil {
				return err
			}
			r := ranges[name]
			for _, v := range data {
				if !math.IsNaN(float64(v)) {
					r.Min, r.Max = min(r.Min, v), max(r.Max, v)
				}
			}
			ranges[name] = r
		}
	}
	m.ranges = ranges
	return nil
}

// resized is an ONNX file for an input of size×size pixels: the others want the
// size fixed in the file. The head's constants are made anew; that the result is
// still YOLOv8's decoding, graph.Prepare proves.
func resized(model []byte, size int) ([]byte, error) {
	g, err := onnx.Read(model)
	if err != nil {
		return nil, err
	}
	h, w := graph.InputSize(g)
	if h == size && w == size {
		return model, nil
	}
	if h != w || h == 0 {
		return nil, fmt.Errorf("the file's input is %d×%d: only square ones are resized", w, h)
	}
	prepared, err := graph.Prepare(g, 0, 0)
	if err != nil {
		return nil, err
	}
	detect := prepared.Nodes[len(prepared.Nodes)-1]
	old := cells(h, detect.Attrs["strides"].Floats)
	made := cells(size, detect.Attrs["strides"].Floats)
	g.Inputs[0].Shape = []int{1, 3, size, size}
	seen := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				v.Shape = nil
			}
		}
		for _, v := range n.In {
			if v != nil && v.Const != nil && !seen[v] {
				seen[v] = true
				old.replace(v, made)
			}
		}
	}
	g.Outputs[0].Shape = []int{1, 4 + int(detect.Int("classes", 0)), len(made.steps)}
	if _, err := graph.Prepare(g, size, size); err != nil {
		return nil, fmt.Errorf("the head's constants were not found: %w", err)
	}
	return onnx.Write(g)
}

// grid holds the head's constants for one input size, anchor by anchor.
type grid struct{ x, y, steps []float32 }

func cells(size int, strides []float32) (g grid) {
	for _, s := range strides {
		n := size / int(s)
		for i := range n * n {
			g.x, g.y, g.steps = append(g.x, float32(i%n)+0.5), append(g.y, float32(i/n)+0.5), append(g.steps, s)
		}
	}
	return g
}

// replace gives a constant that depends on the input's size its new contents.
func (old grid) replace(v *graph.Value, made grid) {
	switch t := v.Const; {
	case t.DType == graph.Int64:
		ints := t.Int64s()
		i := slices.Index(ints, int64(len(old.steps)))
		if len(t.Shape) == 1 && i >= 0 {
			ints = slices.Clone(ints)
			ints[i] = int64(len(made.steps))
			v.Const = graph.IntTensor(ints)
		}
	case t.DType != graph.Float32 || len(t.Shape) == 0 || t.Shape[len(t.Shape)-1] != len(old.steps):
	case slices.Equal(t.Floats(), old.steps):
		v.Const = graph.FloatTensor(made.steps, last(t.Shape, len(made.steps))...)
	case slices.Equal(t.Floats(), slices.Concat(old.x, old.y)):
		v.Const = graph.FloatTensor(slices.Concat(made.x, made.y), last(t.Shape, len(made.steps))...)
	}
	v.Shape = v.Const.Shape
}

// last is a shape with another last dimension.
func last(shape []int, n int) []int {
	shape = slices.Clone(shape)
	shape[len(shape)-1] = n
	return shape
}
