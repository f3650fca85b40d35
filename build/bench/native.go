package bench

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

//go:embed native.py
var nativeScript string

// nativeSeat is ONNX Runtime's own build in a Python process: what the machine
// can do outside a browser, with instructions that WebAssembly lacks.
type nativeSeat struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	model string
}

func startNative(ctx context.Context, python string, model []byte, size, threads int) (seat, error) {
	if python == "" {
		return nil, errors.New("name a Python that has onnxruntime with --python")
	}
	f, err := os.CreateTemp("", "eagleeye-bench-*.onnx")
	if err != nil {
		return nil, err
	}
	s := &nativeSeat{model: f.Name()}
	if _, err = f.Write(model); err == nil {
		err = f.Close()
	}
	if err == nil {
		s.cmd = exec.CommandContext(ctx, python, "-c", nativeScript, s.model, fmt.Sprint(size), fmt.Sprint(threads))
		s.cmd.Stderr = os.Stderr
		s.in, err = s.cmd.StdinPipe()
	}
	var out io.Reader
	if err == nil {
		out, err = s.cmd.StdoutPipe()
	}
	if err == nil {
		s.out = bufio.NewReader(out)
		err = s.cmd.Start()
	}
	if err != nil {
		os.Remove(s.model)
		return nil, err
	}
	return s, nil
}

// HasNative says why a Python cannot time models.
func HasNative(ctx context.Context, python string) error {
	if text, err := exec.CommandContext(ctx, python, "-c", "import numpy, onnxruntime").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return fmt.Errorf("--python %s: it has no onnxruntime (pip install onnxruntime): %w %s", python, err, lines[len(lines)-1])
	}
	return nil
}

func (s *nativeSeat) load() error {
	_, err := s.frames(1)
	return err
}

func (s *nativeSeat) frames(n int) (t times, err error) {
	if _, err := fmt.Fprintln(s.in, n); err != nil {
		return t, fmt.Errorf("the Python process ended: %w", err)
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return t, fmt.Errorf("the Python process ended: %w (does it have onnxruntime?)", err)
	}
	err = json.Unmarshal(line, &t.Frame)
	t.Infer = t.Frame
	return t, err
}

func (s *nativeSeat) processes() []int { return []int{s.cmd.Process.Pid} }

func (s *nativeSeat) close() {
	s.in.Close()
	_ = s.cmd.Wait()
	os.Remove(s.model)
}
