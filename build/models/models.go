// Package models finds the model to run, and makes its int8 form when it is a
// float one. It may import wasm, build/fetch, build/modelfile and build/calib.
package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"eagleeye/build/calib"
	"eagleeye/build/fetch"
	"eagleeye/build/modelfile"
	"eagleeye/wasm/onnx"
)

// ErrNone says that there is no model at hand.
var ErrNone = errors.New("no model at hand: run `make model`, or name one with MODEL=path/to/yolov8n.onnx")

// Find returns the path of the model to use: the named one, or a cached
// download; else ErrNone.
func Find(named, cache string) (string, error) {
	if named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return "", fmt.Errorf("model: %w", err)
		}
		if info.IsDir() {
			return "", fmt.Errorf("model: %s is a folder: name an .onnx or .pt file", named)
		}
		return named, nil
	}
	if path, ok := fetch.YOLOv8n.Cached(cache); ok {
		return path, nil
	}
	return "", ErrNone
}

// Int8 are the settings of an int8 model.
type Int8 struct {
	Calib    string // folder of photos; "" are drawn scenes
	Images   int    // 0 is calib's default
	Cache    string
	Progress io.Writer
	Log      io.Writer
}

// Path returns the int8 form of a model: the file itself when it is quantized
// already, else one that is made once and cached by the content of the model,
// the settings, the photos and this program.
func (o Int8) Path(ctx context.Context, model string) (path string, made bool, err error) {
	data, err := modelfile.Read(model)
	if err != nil {
		return "", false, fmt.Errorf("model: %w", err)
	}
	quantized, err := isQuantized(data)
	if err != nil {
		return "", false, fmt.Errorf("model %s: %w", model, err)
	}
	if quantized {
		return model, false, nil
	}
	key, err := o.key(data)
	if err != nil {
		return "", false, err
	}
	dir := filepath.Join(o.Cache, "int8")
	path = filepath.Join(dir, key+".onnx")
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return path, false, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", false, fmt.Errorf("cache: %w", err)
	}
	_, err = calib.Quantize(ctx, calib.Options{In: model, Out: path, CalibDir: o.Calib, Images: o.Images, Choice: calib.Choice{FloatBudget: calib.DefaultFloatBudget}, Progress: o.Progress, Log: o.Log})
	if err != nil {
		return "", false, fmt.Errorf("int8: %w", err)
	}
	return path, true, nil
}

func isQuantized(data []byte) (bool, error) {
	g, err := onnx.Read(data)
	if err != nil {
		return false, err
	}
	for _, n := range g.Nodes {
		if n.Op == "QuantizeLinear" || n.Op == "DequantizeLinear" {
			return true, nil
		}
	}
	return false, nil
}

// key names the result by all that decides it. Another build of this program
// may calibrate otherwise, so the program is part of it; photos are told apart
// by name, size and time.
func (o Int8) key(model []byte) (string, error) {
	h := sha256.New()
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("int8: %w", err)
	}
	program, err := os.Open(self)
	if err != nil {
		return "", fmt.Errorf("int8: %w", err)
	}
	defer program.Close()
	if _, err := io.Copy(h, program); err != nil {
		return "", fmt.Errorf("int8: %w", err)
	}
	fmt.Fprintf(h, "\nmodel %x images %d photos %t\n", sha256.Sum256(model), o.Images, o.Calib != "")
	if o.Calib != "" {
		err := filepath.WalkDir(o.Calib, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if !e.IsDir() {
				fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("calibration photos: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}
