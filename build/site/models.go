package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/yolo"
)

// ModelFile is a further model that the site ships.
type ModelFile struct {
	Path        string // ONNX file; "" for Data
	Data        []byte
	Name        string // shown by the page; "" is the file's name
	Description string // a few words
}

// ModelInfo is an entry of model.json: what the page knows of a model before it
// loads.
type ModelInfo struct {
	Name        string `json:"name"`
	Size        int64  `json:"size"` // bytes
	SHA256      string `json:"sha256"`
	Demo        bool   `json:"demo,omitempty"` // there is a film for it, demo.bin
	File        string `json:"file,omitempty"` // its address, "" for model.onnx
	Description string `json:"description,omitempty"`
	Classes     int    `json:"classes,omitempty"`
	Width       int    `json:"width,omitempty"` // pixels of the network's input
	Height      int    `json:"height,omitempty"`
	Precision   string `json:"precision,omitempty"` // "int8", "mixed" or "float"
}

// manifest is model.json: the first model, and all of them.
type manifest struct {
	ModelInfo
	Models []ModelInfo `json:"models"`
}

// ModelFiles lists the .onnx files of a folder by their names. A file of the same
// name that ends in .txt describes its model in its first line.
func ModelFiles(dir string) ([]ModelFile, error) {
	if dir == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
	if err != nil {
		return nil, fmt.Errorf("models in %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("models: %s holds no .onnx file", dir)
	}
	slices.Sort(names)
	var out []ModelFile
	for _, name := range names {
		text, _ := os.ReadFile(strings.TrimSuffix(name, ".onnx") + ".txt") // most have none
		line, _, _ := strings.Cut(string(text), "\n")
		out = append(out, ModelFile{Path: name, Description: strings.TrimSpace(line)})
	}
	return out, nil
}

// about describes a model. Of a file that is no YOLOv8 it tells name and size
// alone: the page says what is wrong with it.
func about(name string, data []byte) ModelInfo {
	info := ModelInfo{Name: name, Size: int64(len(data)), SHA256: digest(data)}
	g, err := onnx.Read(data)
	if err != nil {
		return info
	}
	if names, err := yolo.ParseNames(g.Meta["names"]); err == nil {
		info.Classes = len(names)
	}
	info.Height, info.Width = graph.InputSize(g)
	prepared, err := graph.Prepare(g, 64, 64) // any size serves
	if err != nil {
		return info
	}
	switch {
	case !graph.Quantized(prepared):
		info.Precision = "float"
	case graph.FloatConvs(prepared) > 0:
		info.Precision = "mixed"
	default:
		info.Precision = "int8"
	}
	return info
}

// place puts the site's models into t: the first as model.onnx, others below
// models/, which pages fetch only when a person chooses them.
func (t tree) place(first ModelInfo, more []ModelFile) error {
	m := manifest{ModelInfo: first, Models: []ModelInfo{first}}
	for _, f := range more {
		data, name := f.Data, f.Name
		if f.Path != "" {
			var err error
			if data, err = os.ReadFile(f.Path); err != nil {
				return fmt.Errorf("model: %w", err)
			}
			name = cmp.Or(name, filepath.Base(f.Path))
		}
		info := about(name, data)
		info.Description = f.Description
		if slices.ContainsFunc(m.Models, func(o ModelInfo) bool { return o.SHA256 == info.SHA256 }) {
			continue
		}
		file := path.Join("models", plainName(name))
		if _, taken := t[file]; taken {
			return fmt.Errorf("model %s: another one is called the same", name)
		}
		t[file], info.File = data, hashed(file, data)
		m.Models = append(m.Models, info)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	t["model.json"] = append(text, '\n')
	return err
}

// plainName is a model's name as every host can serve it.
func plainName(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".onnx")
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, name) + ".onnx"
}

// first says that every visitor fetches a file.
func first(name string) bool {
	for _, prefix := range []string{"bench", "eagleeye", "convert.", "models/"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}
