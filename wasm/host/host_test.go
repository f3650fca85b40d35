//go:build !js

package host

import (
	"bytes"
	"strings"
	"testing"

	"eagleeye/kernels"
)

// machines are the hosts that every test here runs on.
func machines(t *testing.T) map[string]Machine {
	m, err := New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return map[string]Machine{"wazero": m, "oracle": NewRef()}
}

func TestMemoryGrowsZeroedAndKeepsItsBytes(t *testing.T) {
	for name, m := range machines(t) {
		if err := m.Reserve(100); err != nil {
			t.Fatal(err)
		}
		want := []byte("eagle eye")
		m.Write(91, want)
		for _, n := range []int{5 << 20, 1, 0, 5<<20 + 1} {
			if err := m.Reserve(n); err != nil || m.Size() < n {
				t.Fatalf("%s: reserve %d: %v, size %d", name, n, err, m.Size())
			}
		}
		got := make([]byte, len(want))
		if m.Read(91, got); !bytes.Equal(got, want) {
			t.Errorf("%s: memory holds %q after growth, want %q", name, got, want)
		}
		tail := make([]byte, 1<<20)
		m.Read(uint32(m.Size()-len(tail)), tail)
		if !bytes.Equal(tail, make([]byte, len(tail))) {
			t.Errorf("%s: new memory is not zero", name)
		}
		for _, n := range []int{-1, 1 << 32, 1<<32 - 1} {
			if err := m.Reserve(n); err == nil {
				t.Errorf("%s: reserve %d gives no error", name, n)
			}
		}
	}
}

func TestAccessOutsideMemoryPanics(t *testing.T) {
	for name, m := range machines(t) {
		if err := m.Reserve(1); err != nil {
			t.Fatal(err)
		}
		end := uint32(m.Size())
		for what, f := range map[string]func(){
			"write": func() { m.Write(end-1, []byte{1, 2}) },
			"read":  func() { m.Read(end-1, make([]byte, 2)) },
			"far":   func() { m.Read(1<<32-1, make([]byte, 2)) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: %s outside memory does not panic", name, what)
					}
				}()
				f()
			}()
		}
	}
}

// TestRunCopies runs a program of two steps.
func TestRunCopies(t *testing.T) {
	for name, m := range machines(t) {
		if err := m.Reserve(4096); err != nil {
			t.Fatal(err)
		}
		for i, d := range []kernels.CopyDesc{
			{Src: kernels.Map{Addr: 1024, Row: 8, Pix: 8}, Dst: kernels.Map{Addr: 2048, Row: 8, Pix: 8}, H: 1, W: 1, Bytes: 8},
			{Src: kernels.Map{Addr: 2048, Row: 8, Pix: 8}, Dst: kernels.Map{Addr: 3072, Row: 8, Pix: 8}, H: 1, W: 1, Bytes: 8},
		} {
			at := uint32(256 + 64*i)
			m.Write(at, kernels.Bytes(&d))
			m.Write(uint32(16*i), kernels.Bytes(&kernels.Step{Op: kernels.OpCopy, Desc: at, Tiles: 1}))
		}
		m.Write(1024, []byte("12345678"))
		if err := m.Run(0, 2); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		if m.Read(3072, got); string(got) != "12345678" {
			t.Errorf("%s: the copy of the copy is %q", name, got)
		}
	}
}

func TestTrapIsAnError(t *testing.T) {
	m := machines(t)["wazero"]
	if err := m.Reserve(1); err != nil {
		t.Fatal(err)
	}
	for _, step := range []kernels.Step{
		{Op: 1 << 20, Tiles: 1},
		{Op: kernels.OpCopy, Desc: 1<<32 - 64, Tiles: 1},
	} {
		m.Write(0, kernels.Bytes(&step))
		if err := m.Run(0, 1); err == nil || !strings.Contains(err.Error(), "trap") {
			t.Errorf("step %+v: %v, want a trap", step, err)
		}
	}
	m.Write(0, kernels.Bytes(&kernels.Step{Op: kernels.OpNop}))
	if err := m.Run(0, 1); err != nil {
		t.Errorf("after a trap: %v", err)
	}
	if m.Close(); m.Run(0, 1) == nil {
		t.Error("a closed machine runs")
	}
	if err := m.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestRelaxedIsRefused(t *testing.T) {
	if m, err := New(kernels.Variant{Relaxed: true}); err == nil {
		// The relaxed variant may not use a relaxed instruction yet.
		if m.Variant() != "relaxed" {
			t.Errorf("variant %q", m.Variant())
		}
		m.Close()
	}
}
