// Package zoo builds the YOLOv8 detection architecture with seeded weights, laid
// out and named as Ultralytics exports it (static shapes, simplified, BN folded).
// Tests use it where no trained model is at hand; with batch norms as nodes
// (Config.BN) it is what training from scratch starts from.
//
// The architecture follows the published yolov8.yaml and the modules Conv, C2f,
// SPPF and Detect of Ultralytics YOLOv8.
package zoo

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"eagleeye/wasm/graph"
)

// Config chooses a member of the family. The zero values of Size, Opset and
// Classes mean 640, 13 and COCO's eighty.
type Config struct {
	Depth       float64  // multiplies the repeats of a block
	Width       float64  // multiplies the channels
	MaxChannels int      // caps channels before Width applies
	Classes     []string // class names
	Size        int      // input width and height in pixels, a multiple of 32
	Height      int      // input height where it differs from Size
	Opset       int      // 11 to 21
	Half        bool     // float16 weights, input and output, as half=True exports
	Dynamic     bool     // batch, height and width left open, as dynamic=True exports
	BN          bool     // batch norms as nodes, and the weights that training starts from
	Seed        uint64   // of the weights
}

// The published scales.
var (
	N = Config{Depth: 0.33, Width: 0.25, MaxChannels: 1024}
	S = Config{Depth: 0.33, Width: 0.50, MaxChannels: 1024}
	M = Config{Depth: 0.67, Width: 0.75, MaxChannels: 768}
	L = Config{Depth: 1.00, Width: 1.00, MaxChannels: 512}
	X = Config{Depth: 1.00, Width: 1.25, MaxChannels: 512}
)

// Presets are the published scales by name.
var Presets = map[string]Config{"yolov8n": N, "yolov8s": S, "yolov8m": M, "yolov8l": L, "yolov8x": X}

const regMax = 16 // bins of a box side's distribution

// YOLOv8 builds a model: input "images" [1,3,H,W] in 0..1, output "output0"
// [1,4+classes,anchors] with boxes as centre and size in pixels, scores in 0..1.
func YOLOv8(c Config) (*graph.Graph, error) {
	if err := c.fill(); err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	n := newNet(c)
	x := n.input()
	x = n.conv("model.0", x, c.channels(64), 3, 2)
	x = n.conv("model.1", x, c.channels(128), 3, 2)
	x = n.c2f("model.2", x, c.channels(128), c.repeats(3), true)
	x = n.conv("model.3", x, c.channels(256), 3, 2)
	p3 := n.c2f("model.4", x, c.channels(256), c.repeats(6), true)
	x = n.conv("model.5", p3, c.channels(512), 3, 2)
	p4 := n.c2f("model.6", x, c.channels(512), c.repeats(6), true)
	x = n.conv("model.7", p4, c.channels(1024), 3, 2)
	x = n.c2f("model.8", x, c.channels(1024), c.repeats(3), true)
	p5 := n.sppf("model.9", x, c.channels(1024))

	x = n.upsample("/model.10", p5)
	x = n.concat("/model.11", 1, x, p4)
	up4 := n.c2f("model.12", x, c.channels(512), c.repeats(3), false)
	x = n.upsample("/model.13", up4)
	x = n.concat("/model.14", 1, x, p3)
	out3 := n.c2f("model.15", x, c.channels(256), c.repeats(3), false)
	x = n.conv("model.16", out3, c.channels(256), 3, 2)
	x = n.concat("/model.17", 1, x, up4)
	out4 := n.c2f("model.18", x, c.channels(512), c.repeats(3), false)
	x = n.conv("model.19", out4, c.channels(512), 3, 2)
	x = n.concat("/model.20", 1, x, p5)
	out5 := n.c2f("model.21", x, c.channels(1024), c.repeats(3), false)
	n.detect("model.22", []tensor{out3, out4, out5})
	return n.g, nil
}

func (c *Config) fill() error {
	if c.Size == 0 {
		c.Size = 640
	}
	if c.Height == 0 {
		c.Height = c.Size
	}
	if c.Opset == 0 {
		c.Opset = 13
	}
	if c.Classes == nil {
		c.Classes = COCO
	}
	switch {
	case c.BN && c.Half:
		return errors.New("float16 weights cannot be trained: leave out Half or BN")
	case c.Size < 32 || c.Height < 32 || c.Size%32 != 0 || c.Height%32 != 0 || c.Size > 1<<14 || c.Height > 1<<14:
		return fmt.Errorf("size %d×%d is no multiple of 32 from 32 to 16384", c.Size, c.Height)
	case c.Opset < 11 || c.Opset > 21:
		return fmt.Errorf("opset %d is not from 11 to 21", c.Opset)
	case !(c.Depth > 0 && c.Depth <= 4) || !(c.Width > 0 && c.Width <= 4) || c.MaxChannels < 1 || c.MaxChannels > 1<<14:
		return errors.New("depth and width must be over 0 and at most 4, MaxChannels at least 1: start from a preset such as zoo.N")
	case len(c.Classes) == 0 || len(c.Classes) > 1<<14:
		return errors.New("no classes")
	}
	return nil
}

// channels scales a block's output channels (make_divisible by 8).
func (c *Config) channels(base int) int {
	return int(math.Ceil(float64(min(base, c.MaxChannels))*c.Width/8)) * 8
}

// repeats scales a block's depth; Python rounds halves to even.
func (c *Config) repeats(base int) int {
	return max(1, int(math.RoundToEven(float64(base)*c.Depth)))
}

// meta is the metadata that Ultralytics writes and readers use.
func (c *Config) meta() map[string]string {
	return map[string]string{
		"description": "YOLOv8 architecture with seeded weights, untrained",
		"stride":      "32",
		"task":        "detect",
		"batch":       "1",
		"imgsz":       fmt.Sprintf("[%d, %d]", c.Height, c.Size),
		"names":       FormatNames(c.Classes),
	}
}

// FormatNames is the metadata's text of class names: {0: 'circle', 1: 'star'}.
func FormatNames(list []string) string {
	var names strings.Builder
	for i, name := range list {
		if i > 0 {
			names.WriteString(", ")
		}
		quote := "'"
		if strings.Contains(name, "'") && !strings.Contains(name, `"`) {
			quote = `"`
		}
		escaped := strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`).Replace(name)
		names.WriteString(strconv.Itoa(i) + ": " + quote + escaped + quote)
	}
	return "{" + names.String() + "}"
}

// newNet starts an empty model.
func newNet(c Config) *net {
	return &net{
		c:      c,
		g:      &graph.Graph{Name: "main_graph", Opset: c.Opset, Meta: c.meta()},
		rnd:    rand.New(rand.NewPCG(c.Seed, 0x59_4f_4c_4f)),
		counts: map[string]int{},
		consts: map[string]*graph.Value{},
	}
}
