//go:build !unix

package ops

func processorSeconds() float64 { return 0 }
