package onnx

import (
	"fmt"
	"slices"
	"strings"

	"eagleeye/wasm/graph"
)

// Opsets that are read.
const (
	minOpset = 11
	maxOpset = 21
)

// check refuses models whose meaning is not certain, moves initializers to
// m.consts and sorts nodes that are out of order.
func check(m *model) error {
	for _, step := range []func(*model) error{
		checkOpset,
		checkOps,
		checkDefinitions,
		checkInputs,
		sortNodes,
		checkOutputs,
	} {
		if err := step(m); err != nil {
			return err
		}
	}
	return nil
}

func checkOpset(m *model) error {
	v := m.domains[""]
	if v < minOpset || v > maxOpset {
		return fmt.Errorf("%w %d: %d to %d are read; export with opset=17", ErrOpset, v, minOpset, maxOpset)
	}
	m.header.Opset = int(v)
	if len(m.nodes) == 0 {
		return fmt.Errorf("%w: the graph has no nodes; export the model again", ErrInput)
	}
	return nil
}

func checkOps(m *model) error {
	for _, n := range m.nodes {
		if n.domain != "" && n.domain != "ai.onnx" {
			return fmt.Errorf("%w %s.%s (node %q): only standard ONNX operators are read; export without optimizer fusions or in QDQ format", ErrUnknownOp, n.domain, n.op, n.name)
		}
		spec, ok := graph.Ops[n.op]
		if !ok {
			return fmt.Errorf("%w %q (node %q)%s. Supported are %s", ErrUnknownOp, n.op, n.name, graph.Hint(n.op), strings.Join(graph.Supported, ", "))
		}
		for len(n.out) > 0 && n.out[len(n.out)-1] == "" {
			n.out = n.out[:len(n.out)-1]
		}
		for len(n.in) > 0 && n.in[len(n.in)-1] == "" {
			n.in = n.in[:len(n.in)-1]
		}
		if !arity(len(n.in), spec.MinIn, spec.MaxIn) || slices.Contains(n.in[:spec.MinIn], "") {
			return fmt.Errorf("%w: %s has %d inputs, needs %d to %d; export the model again", ErrCorrupt, n.label(), len(n.in), spec.MinIn, spec.MaxIn)
		}
		if len(n.out) == 0 || !arity(len(n.out), spec.MinOut, spec.MaxOut) || slices.Contains(n.out, "") {
			return fmt.Errorf("%w: %s has %d outputs, needs %d to %d, each with a name; export the model again", ErrCorrupt, n.label(), len(n.out), spec.MinOut, spec.MaxOut)
		}
		for i, at := range n.attrs {
			if at.name == tagAttr || at.name == "" || slices.ContainsFunc(n.attrs[:i], func(b attrDef) bool { return b.name == at.name }) {
				return fmt.Errorf("%w: %s has attribute %q twice or unnamed; export the model again", ErrName, n.label(), at.name)
			}
		}
	}
	return nil
}

// arity tells whether n operands are in a range; −1 is no upper bound.
func arity(n, least, most int) bool {
	return n >= least && (n <= most || most < 0)
}

// checkDefinitions sees that every name is defined once.
func checkDefinitions(m *model) error {
	defined := make(map[string]string, len(m.inits)+len(m.nodes))
	define := func(name, by string) error {
		if name == "" {
			return fmt.Errorf("%w: %s has no name; export the model again", ErrName, by)
		}
		if old, ok := defined[name]; ok {
			return fmt.Errorf("%w: %q is defined twice, by %s and by %s; export the model again", ErrName, name, old, by)
		}
		defined[name] = by
		return nil
	}
	for _, t := range m.inits {
		if err := define(t.name, "an initializer"); err != nil {
			return err
		}
		m.consts[t.name] = t.tensor
	}
	// Before IR version 4 initializers were listed as inputs too.
	m.inputs = slices.DeleteFunc(m.inputs, func(v *valueDef) bool { return m.consts[v.name] != nil })
	for _, v := range m.inputs {
		if err := define(v.name, "an input"); err != nil {
			return err
		}
	}
	for _, n := range m.nodes {
		for _, out := range n.out {
			if err := define(out, n.label()); err != nil {
				return err
			}
		}
	}
	for _, n := range m.nodes {
		for _, in := range n.in {
			if _, ok := defined[in]; !ok && in != "" {
				return fmt.Errorf("%w: %s reads %q, which nothing defines; export the model again", ErrName, n.label(), in)
			}
		}
	}
	if len(m.outputs) == 0 {
		return fmt.Errorf("%w: the graph has no outputs; export the model again", ErrInput)
	}
	for i, v := range m.outputs {
		if _, ok := defined[v.name]; !ok {
			return fmt.Errorf("%w: output %q is defined by nothing; export the model again", ErrName, v.name)
		}
		if slices.ContainsFunc(m.outputs[:i], func(w *valueDef) bool { return w.name == v.name }) {
			return fmt.Errorf("%w: output %q is listed twice; export the model again", ErrName, v.name)
		}
	}
	return nil
}

// checkInputs wants one image: float [N,3,H,W].
func checkInputs(m *model) error {
	const remedy = "export the detection model with an NCHW float image input (yolo export format=onnx)"
	if len(m.inputs) != 1 {
		return fmt.Errorf("%w: it has %d inputs, needs one image; %s", ErrInput, len(m.inputs), remedy)
	}
	v := m.inputs[0]
	if v.dtype != graph.Float32 || len(v.shape) != 4 || v.shape[1] != 3 || slices.Contains(v.shape, 0) {
		return fmt.Errorf("%w: input %q is %s %s, needs float32 [N,3,H,W]; %s", ErrInput, v.name, v.dtype, shapeString(v.shape), remedy)
	}
	return nil
}

// sortNodes puts nodes after those they read from and keeps the file's order
// where it already does so.
func sortNodes(m *model) error {
	maker := make(map[string]int, len(m.nodes))
	for i, n := range m.nodes {
		for _, out := range n.out {
			maker[out] = i
		}
	}
	waits := make([]int, len(m.nodes)) // inputs not yet made
	readers := make([][]int, len(m.nodes))
	sorted := true
	for i, n := range m.nodes {
		for _, in := range n.in {
			if j, ok := maker[in]; ok {
				waits[i]++
				readers[j] = append(readers[j], i)
				sorted = sorted && j < i
			}
		}
	}
	if sorted {
		return nil
	}
	var ready, order []int
	for i, w := range waits {
		if w == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[0]
		ready = ready[1:]
		order = append(order, i)
		for _, r := range readers[i] {
			if waits[r]--; waits[r] == 0 {
				ready = append(ready, r)
			}
		}
	}
	if len(order) < len(m.nodes) {
		for i, w := range waits {
			if w > 0 {
				return fmt.Errorf("%w: %s depends on its own result; export the model again", ErrCycle, m.nodes[i].label())
			}
		}
	}
	nodes := make([]*nodeDef, len(order))
	for i, j := range order {
		nodes[i] = m.nodes[j]
	}
	m.nodes = nodes
	return nil
}

// checkOutputs sees that the outputs declare types that agree with constants.
func checkOutputs(m *model) error {
	for _, v := range m.outputs {
		if m.consts[v.name] != nil || v.name == m.inputs[0].name {
			return fmt.Errorf("%w: output %q is not computed; export the model again", ErrInput, v.name)
		}
	}
	return nil
}
