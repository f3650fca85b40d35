package host

import (
	"bytes"
	"strings"
	"syscall/js"
	"testing"

	"eagleeye/kernels"
)

// stub is a module whose run(prog, n) stores n at prog, as a kernel module
// imports its memory: (module (import "env" "memory" (memory 1)) (func (export
// "run") (param i32 i32) local.get 0 local.get 1 i32.store)).
var stub = []byte{
	0, 'a', 's', 'm', 1, 0, 0, 0,
	1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0,
	2, 15, 1, 3, 'e', 'n', 'v', 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0, 1,
	3, 2, 1, 0,
	7, 7, 1, 3, 'r', 'u', 'n', 0, 0,
	10, 11, 1, 9, 0, 0x20, 0, 0x20, 1, 0x36, 2, 0, 0x0b,
}

// bootstrap does what the worker's script does before Go starts.
func bootstrap(variant string) {
	wa := js.Global().Get("WebAssembly")
	code := js.Global().Get("Uint8Array").New(len(stub))
	js.CopyBytesToJS(code, stub)
	memory := wa.Get("Memory").New(map[string]any{"initial": 1, "maximum": 40})
	instance := wa.Get("Instance").New(wa.Get("Module").New(code), map[string]any{"env": map[string]any{"memory": memory}})
	js.Global().Set("eagleeyeKernels", map[string]any{"memory": memory, "run": instance.Get("exports").Get("run"), "variant": variant})
}

func TestBrowserMachine(t *testing.T) {
	js.Global().Delete("eagleeyeKernels")
	if _, err := New(kernels.Variant{}); err == nil || !strings.Contains(err.Error(), "eagleeyeKernels") {
		t.Errorf("without a bootstrap: %v", err)
	}
	bootstrap("relaxed")
	if _, err := New(kernels.Variant{}); err == nil {
		t.Error("another variant is taken")
	}
	bootstrap("simd128")
	m, err := New(kernels.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Size() != pageSize || m.Variant() != "simd128" {
		t.Errorf("size %d, variant %s", m.Size(), m.Variant())
	}
	want := []byte("eagle eye")
	m.Write(1000, want)
	if err := m.Reserve(20*pageSize + 1); err != nil || m.Size() != 21*pageSize {
		t.Fatalf("reserve: %v, size %d", err, m.Size())
	}
	got := make([]byte, len(want))
	if m.Read(1000, got); !bytes.Equal(got, want) {
		t.Errorf("memory holds %q after growth", got)
	}
	m.Write(uint32(m.Size()-4), []byte{1, 2, 3, 4})
	if err := m.Run(4096, 7); err != nil {
		t.Fatal(err)
	}
	if m.Read(4096, got[:4]); got[0] != 7 {
		t.Errorf("run stored %v", got[:4])
	}
	if err := m.Reserve(41 * pageSize); err == nil || m.Size() != 21*pageSize {
		t.Errorf("growth beyond the maximum: %v, size %d", err, m.Size())
	}
	if err := m.Run(1<<32-8, 1); err == nil || !strings.Contains(err.Error(), "trap") {
		t.Errorf("a store outside memory: %v", err)
	}
	for i := range uint32(200) { // more addresses than cached views
		m.Write(8*i, []byte{byte(i)})
	}
	if m.Read(8*150, got[:1]); got[0] != 150 {
		t.Errorf("byte 150 is %d", got[0])
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a read outside memory does not panic")
			}
		}()
		m.Read(uint32(m.Size()-1), got[:2])
	}()
}

// A trap leaves the other threads in the middle of a run: the machine has ended.
func TestTrapEndsThreads(t *testing.T) {
	for _, threads := range []int{1, 2} {
		bootstrap("simd128-threads")
		js.Global().Get("eagleeyeKernels").Set("threads", threads)
		m, err := Bootstrapped()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Run(4096, 7); err != nil || Ended(m) {
			t.Fatalf("%d threads: %v, ended %v", threads, err, Ended(m))
		}
		if err := m.Run(1<<32-8, 1); err == nil || Ended(m) != (threads > 1) {
			t.Errorf("%d threads: after a trap (%v): ended %v", threads, err, Ended(m))
		}
	}
}
