package graph

import (
	"errors"
	"fmt"
	"sort"
)

// ErrUnsupported marks an operator, or a use of one, that the engine cannot
// run.
var ErrUnsupported = errors.New("unsupported")

// OpSpec is what an operator takes and gives. MaxIn and MaxOut of −1 mean any
// number.
type OpSpec struct {
	MinIn, MaxIn   int
	MinOut, MaxOut int
	infer          func(*call) error // declares the outputs' types and shapes
	eval           func(*call) error // computes the declared outputs
}

// Ops are the operators of ONNX that the passes and the interpreter know.
var Ops map[string]OpSpec

// fused are this package's own operators and its own forms of ONNX's.
var fused map[string]OpSpec

// Supported lists the names of Ops in alphabetical order.
var Supported []string

func init() {
	Ops = map[string]OpSpec{
		"Add": binaryOp("Add"), "Sub": binaryOp("Sub"), "Mul": binaryOp("Mul"), "Div": binaryOp("Div"), "Pow": binaryOp("Pow"),
		"Equal": binaryOp("Equal"), "Less": binaryOp("Less"), "Greater": binaryOp("Greater"), "Mod": binaryOp("Mod"),
		"Max": variadic("Max"), "Min": variadic("Min"),
		"Sigmoid": unaryOp("Sigmoid"), "Exp": unaryOp("Exp"), "Log": unaryOp("Log"), "Sqrt": unaryOp("Sqrt"), "Floor": unaryOp("Floor"),
		"Ceil": unaryOp("Ceil"), "Neg": unaryOp("Neg"), "Abs": unaryOp("Abs"), "Relu": unaryOp("Relu"), "Tanh": unaryOp("Tanh"),
		"Clip":               {1, 3, 1, 1, inferUnary, evalClip},
		"Where":              {3, 3, 1, 1, inferWhere, evalWhere},
		"Identity":           {1, 1, 1, 1, inferUnary, evalIdentity},
		"Dropout":            {1, 3, 1, 2, inferUnary, evalIdentity},
		"Cast":               {1, 1, 1, 1, inferCast, evalCast},
		"Softmax":            {1, 1, 1, 1, inferUnary, evalSoftmax},
		"Conv":               {2, 3, 1, 1, inferConv, evalConv},
		"BatchNormalization": {5, 5, 1, 5, inferBatchNorm, evalBatchNorm},
		"MaxPool":            {1, 1, 1, 2, inferMaxPool, evalMaxPool},
		"Resize":             {1, 4, 1, 1, inferResize, evalResize},
		"Upsample":           {1, 2, 1, 1, inferResize, evalResize},
		"Concat":             {1, -1, 1, 1, inferConcat, evalConcat},
		"Split":              {1, 2, 1, -1, inferSplit, evalSplit},
		"Slice":              {1, 5, 1, 1, inferSlice, evalSlice},
		"Reshape":            {1, 2, 1, 1, inferReshape, evalAlias},
		"Flatten":            {1, 1, 1, 1, inferFlatten, evalAlias},
		"Squeeze":            {1, 2, 1, 1, inferSqueeze, evalAlias},
		"Unsqueeze":          {1, 2, 1, 1, inferUnsqueeze, evalAlias},
		"Transpose":          {1, 1, 1, 1, inferTranspose, evalTranspose},
		"Constant":           {0, 0, 1, 1, inferConstant, evalConstant},
		"ConstantOfShape":    {1, 1, 1, 1, inferConstantOfShape, evalConstantOfShape},
		"Shape":              {1, 1, 1, 1, inferShape, evalShape},
		"Gather":             {2, 2, 1, 1, inferGather, evalGather},
		"Range":              {3, 3, 1, 1, inferRange, evalRange},
		"Expand":             {2, 2, 1, 1, inferExpand, evalExpand},
		"Tile":               {2, 2, 1, 1, inferTile, evalTile},
		"ReduceMax":          reduction("ReduceMax"), "ReduceMin": reduction("ReduceMin"), "ReduceSum": reduction("ReduceSum"), "ReduceMean": reduction("ReduceMean"),
		"ArgMax":           {1, 1, 1, 1, inferArgMax, evalArgMax},
		"QuantizeLinear":   {2, 3, 1, 1, inferQuantize, evalQuantize},
		"DequantizeLinear": {2, 3, 1, 1, inferDequantize, evalDequantize},
	}
	fused = map[string]OpSpec{
		"Conv":     {2, 4, 1, 1, inferConv, evalConv},
		"SiLU":     unaryOp("SiLU"),
		"Upsample": {1, 1, 1, 1, inferUpsampleFactor, evalUpsampleFactor},
		"Slice":    {1, 1, 1, 1, inferChannelSlice, evalChannelSlice},
		"Detect":   {2, -1, 1, 1, inferDetect, evalDetect},
	}
	for name := range Ops {
		Supported = append(Supported, name)
	}
	sort.Strings(Supported)
}

// spec finds the operator of a node in either form.
func spec(n *Node) (OpSpec, bool) {
	switch n.Op {
	case "SiLU", "Detect":
		return fused[n.Op], true
	case "Conv":
		if len(n.In) > 3 {
			return fused[n.Op], true
		}
	case "Upsample":
		if _, ok := n.Attrs["factor"]; ok {
			return fused[n.Op], true
		}
	case "Slice":
		if _, ok := n.Attrs["start"]; ok {
			return fused[n.Op], true
		}
	}
	s, ok := Ops[n.Op]
	return s, ok
}

// checkOps refuses operators that nothing here knows and wrong numbers of
// operands.
func checkOps(g *Graph) error {
	for _, n := range g.Nodes {
		s, ok := spec(n)
		if !ok {
			return fmt.Errorf("node %s: %w operator%s", n, ErrUnsupported, Hint(n.Op))
		}
		if len(n.In) < s.MinIn || s.MaxIn >= 0 && len(n.In) > s.MaxIn {
			return fmt.Errorf("node %s: %w: %d inputs", n, ErrInvalid, len(n.In))
		}
		for k := range s.MinIn {
			if n.In[k] == nil {
				return fmt.Errorf("node %s: %w: input %d is missing", n, ErrInvalid, k)
			}
		}
		if len(n.Out) < s.MinOut || s.MaxOut >= 0 && len(n.Out) > s.MaxOut {
			return fmt.Errorf("node %s: %w: %d outputs", n, ErrInvalid, len(n.Out))
		}
		if n.Out[0] == nil && n.Op != "Split" {
			return fmt.Errorf("node %s: %w: its first output is missing", n, ErrInvalid)
		}
	}
	return nil
}

// Hint says, as the end of a message, why an operator is not supported and what
// to do about it.
func Hint(op string) string {
	switch op {
	case "NonMaxSuppression", "TopK", "GatherND", "GatherElements", "RoiAlign", "EfficientNMS_TRT":
		return ": the file ends in its own non-maximum suppression; export it with nms=False"
	case "MatMul", "Gemm", "Einsum", "LayerNormalization", "Pad", "AveragePool", "ConvTranspose", "GridSample", "Cos", "GlobalAveragePool":
		return ": no YOLOv8 detector has it; export a model of that architecture and task"
	case "QLinearConv", "ConvInteger", "QLinearMul", "QLinearAdd", "DynamicQuantizeLinear", "MatMulInteger":
		return ": the file is quantized in the operator format; quantize it in the QDQ format"
	case "HardSwish", "HardSigmoid", "LeakyRelu", "PRelu", "Mish", "Gelu", "Softplus":
		return ": only the SiLU activation of YOLOv8 is supported"
	}
	return ": no YOLOv8 detector exported by Ultralytics has it; export one with format=onnx"
}

// infer declares the outputs of a node for operands.
func (c *call) infer() error {
	s, ok := spec(c.n)
	if !ok {
		return fmt.Errorf("%w operator%s", ErrUnsupported, Hint(c.n.Op))
	}
	for k := range s.MinIn {
		if _, err := c.need(k); err != nil {
			return err
		}
	}
	c.out = make([]*array, len(c.n.Out))
	return s.infer(c)
}

// eval computes the outputs of a node whose operands are all known.
func (c *call) eval() error {
	if err := c.infer(); err != nil {
		return err
	}
	for _, a := range c.in {
		if a != nil {
			if !a.known() {
				return fmt.Errorf("an input is not known")
			}
			a.load()
		}
	}
	s, _ := spec(c.n)
	return s.eval(c)
}
