//go:build openblas

// Package openblas calls OpenBLAS by cgo, for builds with the tag openblas. It
// is apart from its user because a package with cgo may not have Go assembly.
package openblas

// #cgo LDFLAGS: -lopenblas
// void openblas_set_num_threads(int);
import "C"

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/netlib/blas/netlib"
)

// The caller shares out its work itself: one processor a product.
func init() { C.openblas_set_num_threads(1) }

// Product writes c = op(a)·op(b), row by row, where op(a) is [m][k] and op(b)
// [k][n]; each op is the transposed if its flag says so.
func Product(ta, tb bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	netlib.Implementation{}.Sgemm(op(ta), op(tb), m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
}

func op(transposed bool) blas.Transpose {
	if transposed {
		return blas.Trans
	}
	return blas.NoTrans
}
