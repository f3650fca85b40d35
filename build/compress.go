package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"eagleeye/build/compress/recipe"
	"eagleeye/build/export"
	"eagleeye/build/modelfile"
	"eagleeye/build/train"
	"eagleeye/build/train/data"
	"eagleeye/wasm/graph"
)

type compressCmd struct {
	Recipe string `arg:"" help:"YAML: model, out, data, val and the steps distill, prune, recover, quantize or qat, export, report, each with the flags of its command." type:"existingfile"`
	DryRun bool   `help:"Tell what would be done and about how long it takes, do nothing."`
}

// link is a step of the chain, ready to run.
type link struct {
	recipe.Step
	dir     string // of its own
	model   string // what it begins with
	result  string // the model that it makes, "" where it makes none
	args    []string
	teacher string
}

// lowest is the room on the disk that a chain wants at least.
const lowest = 64 << 20

func (c *compressCmd) Run(ctx context.Context, t terminal) error {
	text, err := os.ReadFile(c.Recipe)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(filepath.Dir(c.Recipe))
	if err != nil {
		return err
	}
	r, err := recipe.Read(text, dir)
	if err != nil {
		return usageError{err}
	}
	steps, err := r.Steps()
	if err != nil {
		return usageError{err}
	}
	links, err := chain(r, steps)
	if err != nil {
		return usageError{err}
	}
	g, err := checkChain(r, links)
	if err != nil {
		return err
	}
	if c.DryRun {
		return tellChain(ctx, t, r, links, g)
	}
	return runChain(ctx, t, r, links)
}

// chain turns steps into commands. The settings of a recipe replace defaults.
func chain(r *recipe.Recipe, steps []recipe.Step) ([]link, error) {
	model, whole := r.Model, r.Model // whole is what prune begins with: recover's teacher
	made := []string{r.Model}
	var links []link
	for i, s := range steps {
		l := link{Step: s, dir: filepath.Join(r.Out, fmt.Sprintf("%d-%s", i+1, s.Name)), model: model}
		var first []string
		defaults := recipe.Flags{}
		file := filepath.Join(l.dir, strings.TrimSuffix(filepath.Base(r.Model), filepath.Ext(r.Model))+"-"+s.Name+".onnx")
		switch s.Name {
		case "distill", "recover", "qat":
			defaults = recipe.Flags{"model": model, "data": r.Data, "val": "none", "out": l.dir}
			if s.Name == "recover" { // a trained model needs a little, gently
				defaults["teacher"] = whole
				maps.Copy(defaults, gentle())
				defaults["steps"] = 540
				if s.Flags["epochs"] != nil {
					delete(defaults, "steps")
				}
			}
			l.result = filepath.Join(l.dir, train.LastFile)
			if v := s.Flags["val"]; v != nil && v != "none" {
				l.result = filepath.Join(l.dir, train.BestFile)
			}
		case "prune":
			whole = model
			first, l.result = []string{model}, file
			defaults = recipe.Flags{"out": file, "picture": filepath.Join(l.dir, "channels.svg")}
			if r.Data != "" {
				defaults["data"], defaults["importance"], defaults["per"], defaults["max-ratio"] = r.Data, "taylor", "time", 0.5
			}
			if r.Val != "" && s.Flags["max-drop"] != nil {
				defaults["val"] = r.Val
			}
		case "quantize":
			first, l.result = []string{model}, file
			if defaults = (recipe.Flags{"out": file}); r.Data != "" {
				defaults["calib"] = r.Data
			}
		case "export":
			first, defaults = []string{model}, recipe.Flags{"out": l.dir}
		case "report":
			first, defaults = made, recipe.Flags{"out": l.dir, "data": r.Val}
			if s.Flags["also"] != nil {
				list, err := also(s.Flags["also"], filepath.Dir(r.Out))
				if err != nil {
					return nil, err
				}
				first = append(append([]string(nil), made...), list...)
			}
		}
		flags := s.Flags.With(defaults)
		delete(flags, "also")
		if t, ok := flags["teacher"].(string); ok {
			l.teacher = t
		}
		args, err := flags.Args()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		l.Flags = flags
		l.args = append(append([]string{s.Verb}, first...), args...)
		links = append(links, l)
		if l.result != "" {
			model, made = l.result, append(made, l.result)
		}
	}
	return links, nil
}

// also lists further models for the report.
func also(v any, dir string) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var all []string
	for _, x := range list {
		p := fmt.Sprint(x)
		if _, err := os.Stat(p); err != nil {
			return nil, fmt.Errorf("report: also: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// checkChain refuses all that can be refused before work starts.
func checkChain(r *recipe.Recipe, links []link) (*graph.Graph, error) {
	g, err := modelfile.Graph(r.Model)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if _, err := graph.Prepare(g, 0, 0); err != nil {
		return nil, fmt.Errorf("model %s: %w", r.Model, err)
	}
	for _, l := range links {
		if err := l.check(r.Model); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", l.Name, err)}
		}
		if l.teacher != "" && l.Name == "distill" {
			if _, err := modelfile.Graph(l.teacher); err != nil {
				return nil, fmt.Errorf("distill: teacher: %w", err)
			}
		}
	}
	for _, path := range []string{r.Data, r.Val} {
		if path == "" {
			continue
		}
		if err := hasPictures(path); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return nil, err
	}
	if err := export.Writable(r.Out); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.Model)
	if err != nil {
		return nil, err
	}
	// Each step keeps a model; a training four and the optimizer's two a weight.
	need := uint64(lowest + 8*info.Size()*int64(len(links)))
	if free, ok := freeSpace(r.Out); ok && free < need {
		return nil, fmt.Errorf("%s: %d MB are free, the steps may need %d MB", r.Out, free>>20, need>>20)
	}
	return g, nil
}

// check parses a command line. Files that earlier steps will make stand for the
// model, which is there.
func (l *link) check(model string) error {
	var c commands
	parser, err := newParser(context.Background(), &c, terminal{})
	if err != nil {
		return err
	}
	args := append([]string(nil), l.args...)
	for i, a := range args[1:] {
		if strings.HasSuffix(a, ".onnx") && !strings.HasPrefix(a, "-") {
			if _, err := os.Stat(a); err != nil {
				args[i+1] = model
			}
		}
	}
	if _, err = parser.Parse(args); err != nil {
		return err
	}
	if l.Verb == "prune" {
		return c.Prune.check()
	}
	return nil
}

// hasPictures wants a data set, or a folder of pictures.
func hasPictures(path string) error {
	if f, err := data.Open(path, "train"); err == nil && f.Len() > 0 {
		return nil
	} else if !errors.Is(err, data.ErrFormat) && err != nil {
		return err
	}
	if _, err := data.OpenPictures(path, nil); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// runChain does what is not done yet.
func runChain(ctx context.Context, t terminal, r *recipe.Recipe, links []link) error {
	sums, err := sources(r)
	if err != nil {
		return err
	}
	for i, l := range links {
		key, err := l.key(sums)
		if err != nil {
			return err
		}
		state, err := recipe.Load(l.dir)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("step %d of %d, %s", i+1, len(links), l.Name)
		if state.Kept(l.dir, key) {
			t.logf("%s: done before", title)
			continue
		}
		args := l.args
		if _, err := os.Stat(filepath.Join(l.dir, train.CheckpointFile)); err == nil && state.Key == key && (l.Verb == "distill" || l.Verb == "qat") {
			args = []string{l.Verb, "--resume=" + l.dir}
		} else if err := clearStep(l.dir, state); err != nil {
			return err
		}
		t.logf("%s: %s", title, strings.Join(args, " "))
		if err := os.MkdirAll(l.dir, 0o755); err != nil {
			return err
		}
		state = recipe.State{Key: key, Args: l.args}
		if err := state.Save(l.dir); err != nil {
			return err
		}
		start := time.Now()
		var c commands
		parser, err := newParser(ctx, &c, t)
		if err != nil {
			return err
		}
		k, err := parser.Parse(args)
		if err != nil {
			return usageError{fmt.Errorf("%s: %w", l.Name, err)}
		}
		if err := k.Run(); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		state.Done, state.Seconds, state.Files = true, time.Since(start).Seconds(), map[string]string{}
		if l.result != "" {
			if state.Files[filepath.Base(l.result)], err = recipe.FileSum(l.result); err != nil {
				return fmt.Errorf("%s: it made no model: %w", l.Name, err)
			}
		}
		if err := state.Save(l.dir); err != nil {
			return err
		}
	}
	t.logf("done; %s", r.Out)
	return nil
}

// clearStep removes what a step with other settings left. A folder that no step
// made stays.
func clearStep(dir string, s recipe.State) error {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case s.Key == "" && len(list) > 0:
		return fmt.Errorf("%s holds files that no step of a recipe made: name another out", dir)
	}
	return os.RemoveAll(dir)
}

// sources are the fingerprints of the data.
func sources(r *recipe.Recipe) (string, error) {
	var all []string
	for _, path := range []string{r.Data, r.Val} {
		sum := ""
		if path != "" {
			var err error
			if sum, err = recipe.FolderSum(path); err != nil {
				return "", err
			}
		}
		all = append(all, sum)
	}
	return recipe.Key(all...), nil
}

// key is the fingerprint of a step: its command line, the data, and the models
// that it reads.
func (l *link) key(sources string) (string, error) {
	parts := append([]string{sources}, l.args...)
	for _, path := range append([]string{l.model, l.teacher}, l.args[1:]...) {
		if strings.HasPrefix(path, "-") || path == "" || path == l.result {
			continue
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		sum, err := recipe.FileSum(path)
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	return recipe.Key(parts...), nil
}
