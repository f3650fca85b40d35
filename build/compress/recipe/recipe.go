// Package recipe reads what a chain of compression shall do and remembers how
// far it got. It imports nothing of ours.
package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Flags are a step's settings: the flags of its command, without dashes.
type Flags map[string]any

// Recipe is a chain. A step that is absent is left out; {} takes its defaults.
type Recipe struct {
	Model string `yaml:"model"`
	Out   string `yaml:"out"`  // folder
	Data  string `yaml:"data"` // pictures to learn and to calibrate on
	Val   string `yaml:"val"`  // pictures to judge on

	Distill  Flags `yaml:"distill"`
	Prune    Flags `yaml:"prune"`
	Recover  Flags `yaml:"recover"`
	Quantize Flags `yaml:"quantize"`
	QAT      Flags `yaml:"qat"`
	Export   Flags `yaml:"export"`
	Report   Flags `yaml:"report"`
}

// ErrRecipe marks a recipe that cannot be followed.
var ErrRecipe = errors.New("recipe")

// Read parses YAML. Paths count from the folder of the recipe, dir.
func Read(text []byte, dir string) (*Recipe, error) {
	var r Recipe
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w (known: model, out, data, val, distill, prune, recover, quantize, qat, export, report)", ErrRecipe, err)
	}
	for _, p := range []*string{&r.Model, &r.Out, &r.Data, &r.Val} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return &r, nil
}

// Step is one command of a chain.
type Step struct {
	Name  string // of its folder and in messages
	Verb  string
	Flags Flags
}

// Steps lists what is to be done, in order.
func (r *Recipe) Steps() ([]Step, error) {
	switch {
	case r.Model == "":
		return nil, fmt.Errorf("%w: it names no model", ErrRecipe)
	case r.Out == "":
		return nil, fmt.Errorf("%w: it names no folder to write into (out)", ErrRecipe)
	case r.Quantize != nil && r.QAT != nil:
		return nil, fmt.Errorf("%w: quantize and qat both make the int8 model: keep one", ErrRecipe)
	case r.Recover != nil && r.Prune == nil:
		return nil, fmt.Errorf("%w: recover wins back what prune took: add prune, or use distill", ErrRecipe)
	case r.Distill != nil && r.Distill["teacher"] == nil:
		return nil, fmt.Errorf("%w: distill names no teacher", ErrRecipe)
	case r.Report != nil && r.Val == "":
		return nil, fmt.Errorf("%w: report judges on val: name it", ErrRecipe)
	}
	var steps []Step
	for _, s := range []Step{{"distill", "distill", r.Distill}, {"prune", "prune", r.Prune}, {"recover", "distill", r.Recover},
		{"quantize", "quantize", r.Quantize}, {"qat", "qat", r.QAT}, {"export", "export", r.Export}, {"report", "report", r.Report}} {
		if s.Flags != nil {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%w: it has no step: name some of distill, prune, recover, quantize, qat, export, report", ErrRecipe)
	}
	if r.Data == "" && slices.ContainsFunc(steps, func(s Step) bool { return s.Verb == "distill" || s.Verb == "qat" }) {
		return nil, fmt.Errorf("%w: distill, recover and qat learn from data: name it", ErrRecipe)
	}
	return steps, nil
}

// With returns flags with defaults for what they lack.
func (f Flags) With(defaults Flags) Flags {
	all := Flags{}
	for _, m := range []Flags{defaults, f} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// Args are the flags as a command line has them, in a fixed order.
func (f Flags) Args() ([]string, error) {
	names := make([]string, 0, len(f))
	for k := range f {
		names = append(names, k)
	}
	slices.Sort(names)
	var args []string
	for _, name := range names {
		switch v := f[name].(type) {
		case nil, map[string]any, Flags:
			return nil, fmt.Errorf("%w: %s: want a value", ErrRecipe, name)
		case bool:
			if v {
				args = append(args, "--"+name)
			}
		case []any:
			list := make([]string, len(v))
			for i, x := range v {
				list[i] = fmt.Sprint(x)
			}
			args = append(args, "--"+name+"="+strings.Join(list, ","))
		default:
			args = append(args, fmt.Sprintf("--%s=%v", name, v))
		}
	}
	return args, nil
}
