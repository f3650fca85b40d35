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
	all := map[string]Machine{"oracle": NewRef()}
	for name, threads := range map[string]int{"wazero": 1, "wazero threads": 3} {
		m, err := NewThreads(kernels.Variant{Threads: threads > 1}, threads)
		if err != nil {
			t.Fatal(err)
		}
		if m.Threads() != threads {
			t.Errorf("%d threads, want %d", m.Threads(), threads)
		}
		t.Cleanup(func() { m.Close() })
		all[name] = m
	}
	return all
}

func TestMemoryGrowsZeroedAndKeepsItsBytes(t *testing.T) {
	for name, m := range machines(t) {
		if err := m.Reserve(100); err != nil {
			t.Fatal(err)
		}
		want := []byte("eagle eye")
		m.Write(kernels.Base+91, want)
		for _, n := range []int{5 << 20, 1, 0, 5<<20 + 1} {
			if err := m.Reserve(n); err != nil || m.Size() < n {
				t.Fatalf("%s: reserve %d: %v, size %d", name, n, err, m.Size())
			}
		}
		got := make([]byte, len(want))
		if m.Read(kernels.Base+91, got); !bytes.Equal(got, want) {
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
		const prog, desc, data = kernels.Base, kernels.Base + 256, kernels.Base + 1024
		if err := m.Reserve(data + 4096); err != nil {
			t.Fatal(err)
		}
		for i, d := range []kernels.CopyDesc{
			{Src: kernels.Map{Addr: data, Row: 8, Pix: 8}, Dst: kernels.Map{Addr: data + 1024, Row: 8, Pix: 8}, H: 1, W: 1, Bytes: 8},
			{Src: kernels.Map{Addr: data + 1024, Row: 8, Pix: 8}, Dst: kernels.Map{Addr: data + 2048, Row: 8, Pix: 8}, H: 1, W: 1, Bytes: 8},
		} {
			at := uint32(desc + 64*i)
			m.Write(at, kernels.Bytes(&d))
			m.Write(uint32(prog+16*i), kernels.Bytes(&kernels.Step{Op: kernels.OpCopy, Desc: at, Tiles: 1}))
		}
		m.Write(data, []byte("12345678"))
		if err := m.Run(prog, 2); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		if m.Read(data+2048, got); string(got) != "12345678" {
			t.Errorf("%s: the copy of the copy is %q", name, got)
		}
	}
}

func TestTrapIsAnError(t *testing.T) {
	for name, m := range machines(t) {
		if name == "oracle" {
			continue
		}
		if err := m.Reserve(1); err != nil {
			t.Fatal(err)
		}
		run := func() error { return m.Run(kernels.Base, 1) }
		for _, step := range []kernels.Step{
			{Op: 1 << 20, Tiles: 1},
			{Op: kernels.OpCopy, Desc: 1<<32 - 64, Tiles: 1},
			{Op: kernels.OpCopy, Desc: 1<<32 - 64, Tiles: 20}, // any thread may be the one that traps
		} {
			m.Write(kernels.Base, kernels.Bytes(&step))
			if err := run(); err == nil || !strings.Contains(err.Error(), "trap") {
				t.Errorf("%s: step %+v: %v, want a trap", name, step, err)
			}
		}
		m.Write(kernels.Base, kernels.Bytes(&kernels.Step{Op: kernels.OpNop, Tiles: 9}))
		if err := run(); err != nil {
			t.Errorf("%s: after a trap: %v", name, err)
		}
		if m.Close(); run() == nil {
			t.Errorf("%s: a closed machine runs", name)
		}
		if err := m.Close(); err != nil {
			t.Errorf("%s: second close: %v", name, err)
		}
		if err := m.Reserve(1); err == nil {
			t.Errorf("%s: a closed machine has memory", name)
		}
	}
}

func TestThreadsAreBounded(t *testing.T) {
	for _, c := range []struct {
		v       kernels.Variant
		threads int
		ok      bool
	}{
		{kernels.Variant{}, 1, true},
		{kernels.Variant{}, 2, false},
		{kernels.Variant{Threads: true}, 1, true},
		{kernels.Variant{Threads: true}, 0, false},
		{kernels.Variant{Threads: true}, kernels.MaxThreads + 1, false},
	} {
		m, err := NewThreads(c.v, c.threads)
		if (err == nil) != c.ok {
			t.Errorf("%v, %d threads: %v", c.v, c.threads, err)
		}
		if m != nil {
			m.Close()
		}
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
