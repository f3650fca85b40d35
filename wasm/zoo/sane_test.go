package zoo

import (
	"encoding/binary"
	"math"
	"testing"

	"eagleeye/wasm/graph"
)

// The seeded weights give a picture other than the one they were scaled on
// activations of ordinary size and some detections, by the reference interpreter.
func TestSaneActivations(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		const side = 128
		g, err := YOLOv8(Config{Depth: 0.33, Width: 0.125, MaxChannels: 256, Size: side, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var acts []*graph.Value
		for _, n := range g.Nodes {
			if n.Op == "Mul" && len(n.Out[0].Name) > 4 && n.In[1].Const == nil {
				acts = append(acts, n.Out[0])
			}
		}
		g.Outputs = append(g.Outputs, acts...)
		x := make([]byte, 0, 3*side*side*4)
		for i := range 3 * side * side {
			c, y, x0 := i/side/side, i/side%side, i%side
			v := 0.5 + 0.3*math.Sin(float64(x0*(c+1))/17) + 0.2*math.Cos(float64(y)/9)
			if x0 > 40 && x0 < 90 && y > 30 && y < 100 {
				v = 1 - v
			}
			x = binary.LittleEndian.AppendUint32(x, math.Float32bits(float32(v)))
		}
		out, err := graph.Eval(g, map[string]*graph.Tensor{"images": {DType: graph.Float32, Shape: []int{1, 3, side, side}, Data: x}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range acts {
			sum, tensor := 0.0, out[v.Name]
			for i := 0; i < len(tensor.Data); i += 4 {
				f := float64(math.Float32frombits(binary.LittleEndian.Uint32(tensor.Data[i:])))
				sum += f * f
			}
			if size := math.Sqrt(sum / float64(len(tensor.Data)/4)); !(size > 0.1 && size < 10) {
				t.Errorf("seed %d: %s has root mean square %.3g", seed, v.Name, size)
			}
		}
		y := out["output0"]
		anchors, found := y.Shape[2], 0
		for a := range anchors {
			for c := range 80 {
				s := math.Float32frombits(binary.LittleEndian.Uint32(y.Data[4*((4+c)*anchors+a):]))
				if s > 0.25 {
					found++
					break
				}
			}
		}
		if found == 0 || found > anchors/2 {
			t.Errorf("seed %d: %d of %d anchors score over 0.25", seed, found, anchors)
		}
		t.Logf("seed %d: %d of %d anchors score over 0.25", seed, found, anchors)
	}
}
