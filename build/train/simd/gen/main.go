// Command gen writes build/train/simd's assembly with avo, a Go package that
// turns Go calls into Go assembly: each kernel once for AVX-512 and once for
// AVX2 with FMA, the products also for SSE2. Run it by go generate ./build/train/simd.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	files, err := files()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// files returns the generated files by name.
func files() (map[string][]byte, error) {
	f, err := kernels()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(f); err != nil {
		return nil, err
	}
	cfg := printer.Config{Name: "build/train/simd/gen", Argv: []string{"go", "generate"}, Pkg: "simd"}
	out := map[string][]byte{}
	for name, make := range map[string]printer.Builder{"kernels_amd64.s": printer.NewGoAsm, "kernels_amd64.go": printer.NewStubs} {
		text, err := make(cfg).Print(f)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return out, nil
}

// kernels is the list of what is generated.
func kernels() (*ir.File, error) {
	c := build.NewContext()
	c.ConstraintExpr("!noasm")
	numbers := constants(c)
	for _, wide := range []bool{true, false} {
		e := &emitter{Context: c, wide: wide, suffix: "AVX2", numbers: numbers}
		if wide {
			e.suffix = "AVX512"
		}
		e.gemm()
		e.dot(3)
		e.dot(1)
		e.silu()
		e.affine()
		e.siluGrad()
		e.gradSums()
		e.affine2()
		e.sum()
		e.sumSquares()
		e.add()
		e.axpy()
		e.sigmoids()
		e.exps()
	}
	e := &emitter{Context: c, suffix: "SSE"}
	e.gemmSSE()
	e.dotSSE(3)
	e.dotSSE(1)
	return c.Result()
}
