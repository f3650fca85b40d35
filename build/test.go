package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"eagleeye/build/gotest"
)

type testCmd struct {
	Packages []string      `arg:"" optional:"" help:"Packages to test." default:"./..."`
	Run_     string        `name:"run" help:"Only tests whose name matches." placeholder:"REGEXP"`
	Short    bool          `help:"Leave out the long ones."`
	Timeout  time.Duration `help:"Longest time for one package." default:"18m"`
	Count    int           `help:"Repeat, without the cache." default:"0"`
}

func (c *testCmd) Run(ctx context.Context, t terminal) error {
	// One package at a time: those that drive a browser measure times, and most
	// others use all cores themselves.
	args := []string{"test", "-json", "-p=1", "-timeout", c.Timeout.String()}
	if c.Run_ != "" {
		args = append(args, "-run", c.Run_)
	}
	if c.Short {
		args = append(args, "-short")
	}
	if c.Count > 0 {
		args = append(args, fmt.Sprint("-count=", c.Count))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, c.Packages...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = t.err
	// The browser's tests keep screenshots there: a package's tests run in its folder.
	if os.Getenv("SHOTS") == "" {
		dir, err := filepath.Abs("shots")
		if err != nil {
			return err
		}
		cmd.Env = append(os.Environ(), "SHOTS="+dir)
	}
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	s, err := gotest.Report(stream, t.out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("go test: %d failed: %w", s.Failed, err)
	}
	fmt.Fprintf(t.out, "in %v\n", time.Since(start).Round(time.Second))
	return nil
}

type fuzzCmd struct {
	Packages []string      `arg:"" optional:"" help:"Packages to fuzz." default:"./..."`
	Time     time.Duration `help:"For each fuzz test." default:"20s"`
}

// Run fuzzes the tests one after the other, as go test wants it.
func (c *fuzzCmd) Run(ctx context.Context, t terminal) error {
	list := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-list", "^Fuzz"}, c.Packages...)...)
	list.Stderr = t.err
	stream, err := list.Output()
	if err != nil {
		return fmt.Errorf("go test -list: %w", err)
	}
	found, err := gotest.List(bytes.NewReader(stream))
	if err != nil {
		return err
	}
	var failed []error
	for _, f := range found {
		t.logf("fuzzing %s %s for %v", f.Package, f.Name, c.Time)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+f.Name+"$", "-fuzztime", c.Time.String(), f.Package)
		cmd.Stdout, cmd.Stderr = t.out, t.err
		if err := cmd.Run(); err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", f.Package, f.Name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}
