package asm

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// runtime is a wazero runtime with threads; it knows no relaxed SIMD.
func runtime(t *testing.T) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
	t.Cleanup(func() { r.Close(context.Background()) })
	return r
}

// zero is an operand of any type.
func zero(t Type) Value {
	switch t {
	case I32:
		return Int(0)
	case I64:
		return Long(0)
	case F32:
		return Float(0)
	case F64:
		return Double(0)
	}
	return VecI32(0)
}

// TestOperatorsValidate compiles every operator alone: its opcode takes and
// leaves what the table says.
func TestOperatorsValidate(t *testing.T) {
	r := runtime(t)
	for _, op := range operators {
		t.Run(op.name, func(t *testing.T) {
			if strings.Contains(op.name, "relaxed") {
				t.Skip("wazero has no relaxed SIMD")
			}
			m := NewModule()
			m.ExportMemory("memory", Memory{Min: 1, Max: 1, Shared: strings.Contains(op.name, "atomic")})
			var result []Type
			if op.result != Void {
				result = Types(op.result)
			}
			f := m.Func("f", nil, result...)
			if e := op.sample(zero); op.result == Void {
				f.Do(e)
			} else {
				f.Return(e)
			}
			if _, err := r.CompileModule(context.Background(), m.Bytes()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
