//go:build !js

package kernels

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"eagleeye/build/shared"
	"eagleeye/kernels/asm"
)

// The ways in which machines multiply bytes, and what the probe says of them.
func TestProbe(t *testing.T) {
	halves := func(w, a asm.Value, unsigned bool, sum func(low, high asm.Value) asm.Expr) asm.Expr {
		low, high := asm.I16x8ExtendLowI8x16S(a), asm.I16x8ExtendHighI8x16S(a)
		if unsigned {
			low, high = asm.I16x8ExtendLowI8x16U(a), asm.I16x8ExtendHighI8x16U(a)
		}
		return sum(asm.I32x4DotI16x8S(low, asm.I16x8ExtendLowI8x16S(w)), asm.I32x4DotI16x8S(high, asm.I16x8ExtendHighI8x16S(w)))
	}
	saturated := func(low, high asm.Value) asm.Expr { return asm.I16x8NarrowI32x4S(low, high) }
	even := [16]byte{0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29}
	wrapped := func(low, high asm.Value) asm.Expr { return asm.I8x16Shuffle(low, high, even) }
	for _, c := range []struct {
		name string
		dot  func(w, a asm.Value) asm.Expr
		want uint64
	}{
		{"unsigned and saturated, as x86", func(w, a asm.Value) asm.Expr { return halves(w, a, true, saturated) }, 1},
		{"unsigned and wrapped", func(w, a asm.Value) asm.Expr { return halves(w, a, true, wrapped) }, 1},
		{"signed and wrapped, as ARM", func(w, a asm.Value) asm.Expr { return halves(w, a, false, wrapped) }, 0},
		{"signed and saturated", func(w, a asm.Value) asm.Expr { return halves(w, a, false, saturated) }, 0},
		{"operands exchanged, as x86", func(w, a asm.Value) asm.Expr { return halves(a, w, true, saturated) }, 0},
		{"seven bits", func(w, a asm.Value) asm.Expr {
			return halves(w, asm.V128And(a, asm.VecI8(127)), true, saturated)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			rt := wazero.NewRuntime(ctx)
			defer rt.Close(ctx)
			m, err := rt.Instantiate(ctx, probe(c.dot))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.ExportedFunction("probe").Call(ctx, 255)
			if err != nil || got[0] != c.want {
				t.Errorf("probe gives %v (%v), want %d", got, err, c.want)
			}
		})
	}
}

// The page has the probe in its script.
func TestProbeOfThePage(t *testing.T) {
	name := filepath.Join(shared.Repo(t), "web", "static", "team.js")
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := base64.StdEncoding.EncodeToString(Probe()); !strings.Contains(string(script), "'"+want+"'") {
		t.Errorf("%s lacks the probe: '%s'", name, want)
	}
}
