package ops

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// gorgonia's machines take nodes of equal hashes for one and the same, and a hash
// has 32 bits: of many graphs, some hold two nodes that meet by chance. One of them
// is then never computed. So each node here is given a number or a name with which
// its hash is its own.

// Input adds an input node with a value, which may be nil for later. Its name is
// the one given, or one like it.
func Input(g *gorgonia.ExprGraph, name string, shape tensor.Shape, v gorgonia.Value) *gorgonia.Node {
	for taken(g, nodeHash(typeOf(shape), shape, func(h hash.Hash) { h.Write([]byte(name)) }, nil)) {
		name += "_"
	}
	opts := []gorgonia.NodeConsOpt{gorgonia.WithShape(shape...), gorgonia.WithName(name)}
	if v != nil {
		opts = append(opts, gorgonia.WithValue(v))
	}
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), opts...)
}

// identify gives an operation, which id belongs to, a number for its place.
func identify(o gorgonia.Op, id *uint64, shape tensor.Shape, children gorgonia.Nodes) {
	for {
		*id = operations.Add(1)
		if !taken(children[0].Graph(), nodeHash(typeOf(shape), shape, o.WriteHash, children)) {
			return
		}
	}
}

// nodeHash is what gorgonia's Node.Hashcode will be.
func nodeHash(t hm.Type, shape tensor.Shape, self func(hash.Hash), children gorgonia.Nodes) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%v%v", t, shape)
	self(h)
	h.Write([]byte{byte(len(children))})
	for _, c := range children {
		h.Write(binary.LittleEndian.AppendUint32(nil, c.Hashcode()))
	}
	return h.Sum32()
}

func taken(g *gorgonia.ExprGraph, hash uint32) bool {
	if g == nil {
		return false
	}
	for _, n := range g.AllNodes() {
		if n.Hashcode() == hash {
			return true
		}
	}
	return false
}

// distinct wants the nodes of a graph to have hashes of their own, those that
// gorgonia made included.
func distinct(g *gorgonia.ExprGraph) error {
	seen := map[uint32]*gorgonia.Node{}
	for _, n := range g.AllNodes() {
		if other := seen[n.Hashcode()]; other != nil {
			return fmt.Errorf("gorgonia cannot tell %v from %v: make its inputs by ops.Input", n, other)
		}
		seen[n.Hashcode()] = n
	}
	return nil
}
