// Command build is the project's tool: it makes and serves the page, fetches
// and quantizes models, and runs and judges them natively with the engine that
// the page runs. It may import wasm, kernels and what lies in build.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"eagleeye/build/calib"

	"github.com/alecthomas/kong"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// commands are the verbs. A new one is a struct with a Run method here.
type commands struct {
	Run      runCmd      `cmd:"" help:"Build the page and serve it on this machine."`
	Site     siteCmd     `cmd:"" help:"Build the page as a folder of static files."`
	Serve    serveCmd    `cmd:"" help:"Serve a folder that site made."`
	Zip      zipCmd      `cmd:"" help:"Build the page and pack it with a small server for each system."`
	Model    modelCmd    `cmd:"" help:"Download the official YOLOv8n, checked by size and SHA-256."`
	Quantize quantizeCmd `cmd:"" help:"Make the int8 form of a float model."`
	Methods  methodsCmd  `cmd:"" help:"Set the ways to quantize a model beside each other."`
	Prune    pruneCmd    `cmd:"" help:"Remove the least important channels of a model."`
	Export   exportCmd   `cmd:"" help:"Write a model as ONNX, TensorFlow Lite or .js, ncnn, OpenVINO or for TensorRT."`
	Train    trainCmd    `cmd:"" help:"Train a detector, from random weights or a model's."`
	Distill  distillCmd  `cmd:"" help:"Train a small detector to give what a large one gives, with labels or without."`
	//lint:ignore SA5008 kong takes several set tags
	QAT       qatCmd       `cmd:"" name:"qat" help:"Train a model as the int8 form that it is to have." set:"epochs=10" set:"lr=0.0001" set:"optimizer=adamw" set:"mosaic=0" set:"nominal=0" set:"warmup=0.3" set:"warmsteps=20"`
	Compress  compressCmd  `cmd:"" help:"Run a whole chain from a recipe: distil, prune, recover, quantize, export, report."`
	Eval      evalCmd      `cmd:"" help:"Judge a model or a file of detections on a COCO data set."`
	Compare   compareCmd   `cmd:"" help:"Show where two models differ: classes, pictures."`
	Report    reportCmd    `cmd:"" help:"Set models beside each other: accuracy, size, cost, time."`
	Detect    detectCmd    `cmd:"" help:"Find objects in pictures."`
	Info      infoCmd      `cmd:"" help:"Tell about a model: sizes, layers, cost."`
	Bench     benchCmd     `cmd:"" help:"Time the page's engine against other runtimes in a browser."`
	TrainDemo trainDemoCmd `cmd:"" help:"Train the model that the project ships, on scenes that it renders."`
	Scenes    scenesCmd    `cmd:"" help:"Render scenes of drawn symbols as a COCO data set."`
	Test      testCmd      `cmd:"" help:"Run the tests, tell what failed and what was skipped."`
	Fuzz      fuzzCmd      `cmd:"" help:"Fuzz every fuzz test for a while."`
}

// terminal is where a command writes.
type terminal struct {
	out, err io.Writer
}

func (t terminal) logf(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// usageError is a wrong use that the parser cannot see.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], terminal{os.Stdout, os.Stderr}))
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, t terminal) (code int) {
	var c commands
	parser, err := newParser(ctx, &c, t)
	if err != nil {
		panic(err) // the struct above is wrong
	}
	for _, name := range variables(parser.Model.Node) {
		if os.Getenv(name) == "" { // set to nothing, as the Makefile does, is not set
			os.Unsetenv(name)
		}
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exit:
			code = int(r)
		default:
			panic(r)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		t.logf("error: %v\n(--help tells more)", err)
		return exitUsage
	}
	return report(t, k.Run())
}

// variables returns the environment's variables that flags are read from.
func variables(n *kong.Node) (names []string) {
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, child := range n.Children {
		names = append(names, variables(child)...)
	}
	return names
}

// newParser reads command lines into c.
func newParser(ctx context.Context, c *commands, t terminal) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("go run ./build"),
		kong.Description("Eagle Eye's tool: the page, its models, their accuracy. Each command has --help."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
		trainVars(""), kong.Vars{"calib": fmt.Sprint(calib.DefaultImages), "float_budget": fmt.Sprint(calib.DefaultFloatBudget)},
	)
}

// exit unwinds from where kong ends the program, as --help does.
type exit int

func report(t terminal, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		t.logf("error: %v", err)
		return exitUsage
	case errors.Is(err, context.Canceled):
		t.logf("stopped")
		return exitFailed
	}
	t.logf("error: %v", err)
	return exitFailed
}
