//go:build !js

package kernels

import (
	"bytes"
	"context"
	"testing"

	"eagleeye/kernels/asm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// tileModule is Module with every kernel exported by name, so that a test can
// call it for single tiles.
func tileModule(v Variant) []byte {
	m := asm.NewModule()
	m.ImportMemory("env", "memory", asm.Memory{Min: 1, Max: maxPages, Shared: v.Threads})
	entries, _ := emitKernels(m, v)
	for op, f := range entries {
		m.Export(Op(op).String(), f)
	}
	return m.Bytes()
}

// Tiles may be computed one by one and in any order; the threaded variant
// agrees with the oracle as well. Only the order of OpDetect's candidates
// depends on that of the tiles.
func TestTilesAreIndependent(t *testing.T) {
	im := newImage(20)
	for _, l := range layouts {
		s := size{9, 7, 24}
		for op := range NumOps {
			if add := elementwise[op]; add != nil {
				add(im, op, s, l, l)
			}
		}
		poolStep(im, OpMaxPoolU8, s, 5, 1, 2, l, l)
		poolStep(im, OpMaxPoolF32, s, 3, 2, 1, l, l)
		upsampleStep(im, s, 2, l, l)
		copyStep(im, s, l, l)
	}
	borderStep(im, size{6, 5, 16}, 2, 0)
	borderStep(im, size{1, 5, 16}, 1, 8)
	letterboxCase{srcW: 37, srcH: 29, dstW: 20, dstH: 20, top: 2, newW: 20, newH: 16}.step(im)
	letterboxCase{srcW: 20, srcH: 29, dstW: 32, dstH: 32, left: 5, newW: 22, newH: 32, float: 1}.step(im)
	detectScale{5, 6, 81, 16, 8, 1, 7}.step(im, 4)
	put(im, make([]byte, 64)...)

	ctx := context.Background()
	for _, v := range []Variant{{}, {Threads: true}} {
		t.Run(v.String(), func(t *testing.T) {
			rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
				WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
			defer rt.Close(ctx)
			env, err := rt.InstantiateWithConfig(ctx, MemoryModule(v, 64), wazero.NewModuleConfig().WithName("env"))
			if err != nil {
				t.Fatal(err)
			}
			mod, err := rt.Instantiate(ctx, tileModule(v))
			if err != nil {
				t.Fatal(err)
			}
			memory := env.ExportedMemory("memory")
			want := bytes.Clone(im.mem)
			if !memory.Write(0, want) {
				t.Fatal("the image does not fit the memory")
			}
			for _, s := range im.steps {
				Ref(want, s.Op, s.Desc, 0, int32(s.Tiles))
				order := im.rng.Perm(int(s.Tiles))
				for i, tile := range order {
					if s.Op == OpDetect {
						tile = i
					}
					if _, err := mod.ExportedFunction(s.Op.String()).Call(ctx, uint64(s.Desc), uint64(tile), uint64(tile+1)); err != nil {
						t.Fatalf("%v: %v", s.Op, err)
					}
				}
				got, _ := memory.Read(0, uint32(len(want)))
				if i := firstDifference(got, want); i >= 0 {
					t.Fatalf("%v: memory at %d: % x, oracle % x", s.Op, i, window(got, i), window(want, i))
				}
			}
		})
	}
}
