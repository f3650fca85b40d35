package zoo

import (
	"math"

	"eagleeye/wasm/graph"
)

// What YOLOv8 sets in its batch norms: eps, and the share that the running
// statistics keep at a step (PyTorch's momentum 0.03 is the share of the new).
const bnEpsilon, bnMomentum = 1e-3, 0.97

// kaiming draws the weights of a convolution as PyTorch's reset_parameters does:
// kaiming_uniform with a = √5, which is uniform within ±1/√fan-in (He et al.,
// 2015).
func (n *net) kaiming(out, in, k int) []float32 {
	bound := 1 / math.Sqrt(float64(in*k*k))
	w := make([]float32, out*in*k*k)
	for i := range w {
		w[i] = float32(bound * (2*n.rnd.Float64() - 1))
	}
	return w
}

// normed is a convolution without bias and its batch norm, as training starts
// them: gamma 1, beta 0, running mean 0, running variance 1.
func (n *net) normed(scope, path string, x tensor, out, k, stride int) tensor {
	v := n.node(scope+"/conv", "Conv", 1, convAttrs(int64(k), int64(k/2), int64(stride)), x.v,
		n.floats(path+".conv.weight", []int{out, x.c, k, k}, n.kaiming(out, x.c, k)))[0]
	ones, zeros := make([]float32, out), make([]float32, out)
	for i := range ones {
		ones[i] = 1
	}
	stat := func(name string, data []float32) *graph.Value {
		return n.floats(path+".bn."+name, []int{out}, data)
	}
	attrs := map[string]graph.Attr{"epsilon": number(bnEpsilon), "momentum": number(bnMomentum)}
	v = n.node(scope+"/bn", "BatchNormalization", 1, attrs, v,
		stat("weight", ones), stat("bias", zeros), stat("running_mean", zeros), stat("running_var", ones))[0]
	return tensor{v: v, c: out, h: x.h / stride, w: x.w / stride}
}

// plain is a 1×1 convolution with a bias and without activation.
func (n *net) plain(scope, path string, x tensor, bias []float32) tensor {
	out := len(bias)
	v := n.node(scope, "Conv", 1, convAttrs(1, 0, 1), x.v,
		n.floats(path+".weight", []int{out, x.c, 1, 1}, n.kaiming(out, x.c, 1)),
		n.floats(path+".bias", []int{out}, bias))[0]
	return tensor{v: v, c: out, h: x.h, w: x.w}
}

// startBias sets the last biases of scale i as Ultralytics' Detect.bias_init
// does: box logits 1, class logits so that five objects a 640-pixel picture are
// expected, 5/classes/(640/stride)² a class and cell (Lin et al., focal loss,
// 2017, section 4.1, begin with a small prior for the same reason).
func (n *net) startBias(i int, box, class []float32) {
	for k := range box {
		box[k] = 1
	}
	cells := math.Pow(640/float64(int(8)<<i), 2)
	for k := range class {
		class[k] = float32(math.Log(5 / float64(len(class)) / cells))
	}
}
