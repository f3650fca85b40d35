//go:build !openblas

// Package openblas is empty without the build tag openblas.
package openblas
