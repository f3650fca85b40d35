package shared

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
)

// Gunzip returns the content of a gzipped file.
func Gunzip(t TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return data
}

// Floats returns the numbers of a tensor of the shared data, gzipped raw
// little-endian float32, and skips the test when it is absent.
func Floats(t TB, elem ...string) []float32 {
	t.Helper()
	raw := Gunzip(t, File(t, elem...))
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v
}
