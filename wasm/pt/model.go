package pt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/zoo"
)

// layers are the modules of yolov8.yaml in order.
const layers = "Conv Conv C2f Conv C2f Conv C2f Conv C2f SPPF Upsample Concat C2f Upsample Concat C2f Conv Concat C2f Conv Concat C2f Detect"

// checkpoint is what matters of a file: the model's tensors by their names in
// the state dictionary, and what it says of itself.
type checkpoint struct {
	archive *archive
	model   *object
	tensors map[string]*tensor
	modules map[string]*object
	names   []string
	yaml    *dict
	size    int // pixels
}

// describe finds the model in what a pickle held.
func describe(a *archive, root any) (*checkpoint, error) {
	c := &checkpoint{archive: a, tensors: map[string]*tensor{}, modules: map[string]*object{}}
	if err := c.choose(root); err != nil {
		return nil, err
	}
	if err := c.walk("", c.model, 0); err != nil {
		return nil, err
	}
	return c, c.check()
}

// choose finds the model of a checkpoint: the averaged one where there is one.
func (c *checkpoint) choose(root any) error {
	if o, ok := root.(*object); ok {
		c.model = o
		return nil
	}
	d, ok := root.(*dict)
	if !ok {
		return fmt.Errorf("%w: it holds no model", ErrArchitecture)
	}
	for _, key := range []string{"ema", "model"} {
		if o, ok := d.get(key).(*object); ok && c.model == nil {
			c.model = o
		}
	}
	if c.model == nil {
		if _, ok := d.get("model.0.conv.weight").(*tensor); ok {
			return fmt.Errorf("%w: it is a bare state dictionary, without class names: save the whole model", ErrArchitecture)
		}
		return fmt.Errorf("%w: it has neither an \"ema\" nor a \"model\" that is a model", ErrArchitecture)
	}
	if args, ok := d.get("train_args").(*dict); ok {
		c.size, _ = args.get("imgsz").(int)
	}
	return nil
}

// walk collects the tensors of a module and of those in it.
func (c *checkpoint) walk(path string, o *object, depth int) error {
	if len(c.modules) > 1<<12 || depth > 12 {
		return fmt.Errorf("%w: its modules are nested beyond all measure", ErrArchitecture)
	}
	c.modules[strings.TrimSuffix(path, ".")] = o
	for _, part := range []string{"_parameters", "_buffers"} {
		d, _ := o.attrs.get(part).(*dict)
		if d == nil {
			continue
		}
		for i, k := range d.keys {
			name, _ := k.(string)
			if t, ok := d.values[i].(*tensor); ok {
				c.tensors[path+name] = t
			}
		}
	}
	d, _ := o.attrs.get("_modules").(*dict)
	if d == nil {
		return nil
	}
	for i, k := range d.keys {
		name, _ := k.(string)
		if m, ok := d.values[i].(*object); ok {
			if err := c.walk(path+name+".", m, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// last is the name of an object's class without its module.
func (o *object) last() string { return o.class[strings.LastIndexByte(o.class, ' ')+1:] }

// integer reads an attribute.
func (o *object) integer(name string, def int) int {
	if v, ok := o.attrs.get(name).(int); ok {
		return v
	}
	return def
}

// check refuses what is no YOLOv8 detector, and reads the model's own words.
func (c *checkpoint) check() error {
	if c.model.last() != "DetectionModel" {
		return fmt.Errorf("%w: its model is a %s", ErrArchitecture, c.model.last())
	}
	var found []string
	for i := 0; c.modules["model."+strconv.Itoa(i)] != nil && i < 1<<10; i++ {
		found = append(found, c.modules["model."+strconv.Itoa(i)].last())
	}
	want := strings.Fields(layers)
	for i := range max(len(found), len(want)) {
		if i >= len(found) || i >= len(want) || found[i] != want[i] {
			return fmt.Errorf("%w: layer %d differs: it has %d layers, %s; YOLOv8 has %s", ErrArchitecture, i, len(found), strings.Join(found, " "), layers)
		}
	}
	for path, m := range c.modules {
		ok := true
		switch m.last() {
		case "MaxPool2d":
			ok = m.integer("kernel_size", 0) == 5 && m.integer("stride", 0) == 1 && m.integer("padding", 0) == 2
		case "Upsample":
			ok = m.attrs.get("scale_factor") == 2.0 && m.attrs.get("mode") == "nearest"
		case "Bottleneck":
			i, _ := strconv.Atoi(strings.Split(path, ".")[1])
			ok = m.attrs.get("add") == (i < 9)
		}
		if !ok {
			return fmt.Errorf("%w: module %s (%s) has other settings", ErrArchitecture, path, m.last())
		}
	}
	detect := c.modules["model.22"]
	if r := detect.integer("reg_max", 16); r != 16 {
		return fmt.Errorf("%w: reg_max %d, only 16 is supported", ErrArchitecture, r)
	}
	if err := c.readStrides(detect); err != nil {
		return err
	}
	c.yaml, _ = c.model.attrs.get("yaml").(*dict)
	return c.readNames(detect)
}

func (c *checkpoint) readStrides(detect *object) error {
	for _, o := range []*object{detect, c.model} {
		t, ok := o.attrs.get("stride").(*tensor)
		if !ok {
			continue
		}
		s, err := c.archive.floats(t)
		if err != nil {
			return err
		}
		if !slices.Equal(s, []float32{8, 16, 32}) {
			return fmt.Errorf("%w: strides %v, want 8, 16, 32", ErrArchitecture, s)
		}
	}
	return nil
}

// readNames reads the class names: a dictionary by number or a list.
func (c *checkpoint) readNames(detect *object) error {
	t := c.tensors["model.22.cv3.0.2.bias"]
	if t == nil || len(t.shape) != 1 || t.shape[0] < 1 || t.shape[0] > 1<<14 {
		return fmt.Errorf("%w: its head has no class scores", ErrArchitecture)
	}
	classes := t.shape[0]
	if nc := detect.integer("nc", classes); nc != classes {
		return fmt.Errorf("%w: it says %d classes and scores %d", ErrArchitecture, nc, classes)
	}
	c.names = make([]string, classes)
	for i := range c.names {
		c.names[i] = "class " + strconv.Itoa(i)
		switch names := c.model.attrs.get("names").(type) {
		case *dict:
			if s, ok := names.get(i).(string); ok {
				c.names[i] = s
			}
		case *list:
			if i < len(names.items) {
				if s, ok := names.items[i].(string); ok {
					c.names[i] = s
				}
			}
		}
	}
	if c.size == 0 {
		if args, ok := c.model.attrs.get("args").(*dict); ok {
			c.size, _ = args.get("imgsz").(int)
		}
	}
	if c.size < 32 || c.size > 4096 || c.size%32 != 0 {
		c.size = 640
	}
	return nil
}

// graph builds the zoo's model of the checkpoint's width and depth and fills it.
func (c *checkpoint) graph() (*graph.Graph, error) {
	fused := c.tensors["model.0.bn.weight"] == nil
	var first error
	for _, cfg := range c.configs() {
		cfg.Classes, cfg.BN = c.names, true
		cfg.Size = 32 // until the shapes agree
		if first != nil && !c.resembles(cfg) {
			continue
		}
		if err := c.fits(cfg, fused); err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		cfg.Size = c.size
		g, err := model(cfg, fused)
		if err != nil {
			return nil, err
		}
		g.Meta["description"] = "YOLOv8 read from a checkpoint"
		return g, c.fill(g)
	}
	return nil, fmt.Errorf("%w: %w", ErrArchitecture, first)
}

// resembles tells whether the first layer has a scale's width: building the
// large scales to see that they do not fit takes seconds.
func (c *checkpoint) resembles(cfg zoo.Config) bool {
	t := c.tensors["model.0.conv.weight"]
	return t != nil && len(t.shape) == 4 && t.shape[0] == int(math.Ceil(min(64, float64(cfg.MaxChannels))*cfg.Width/8))*8
}

func model(cfg zoo.Config, fused bool) (*graph.Graph, error) {
	g, err := zoo.YOLOv8(cfg)
	if err != nil || !fused {
		return g, err
	}
	return zoo.Fold(g)
}

// configs lists what the checkpoint's yaml says its scale is, then the published
// ones.
func (c *checkpoint) configs() []zoo.Config {
	var configs []zoo.Config
	number := func(v any) float64 {
		switch v := v.(type) {
		case float64:
			return v
		case int:
			return float64(v)
		}
		return math.NaN()
	}
	add := func(depth, width, channels any) {
		d, w, m := number(depth), number(width), number(channels)
		if d > 0 && d <= 4 && w > 0 && w <= 4 && m >= 1 && m <= 1<<14 {
			configs = append(configs, zoo.Config{Depth: d, Width: w, MaxChannels: int(m)})
		}
	}
	if scales, ok := c.yaml.get("scales").(*dict); ok {
		one := c.yaml.get("scale")
		if one == nil && len(scales.keys) > 0 {
			one = scales.keys[0]
		}
		if s, ok := scales.get(one).(*list); ok && len(s.items) == 3 {
			add(s.items[0], s.items[1], s.items[2])
		}
	}
	if c.yaml != nil {
		add(c.yaml.get("depth_multiple"), c.yaml.get("width_multiple"), 1024)
	}
	return append(configs, zoo.N, zoo.S, zoo.M, zoo.L, zoo.X)
}

// tensorName is the name in the state dictionary of a constant of the zoo's
// graph, "" for those that are no weights.
func tensorName(v *graph.Value) string {
	if v == nil || v.Const == nil || v.Const.DType != graph.Float32 || !strings.HasPrefix(v.Name, "model.") {
		return ""
	}
	return v.Name
}

// fits compares the shapes of all weights.
func (c *checkpoint) fits(cfg zoo.Config, fused bool) error {
	small, err := model(cfg, fused)
	if err != nil {
		return err
	}
	used := 0
	for _, n := range small.Nodes {
		for _, v := range n.In {
			name := tensorName(v)
			if name == "" {
				continue
			}
			t := c.tensors[name]
			if t == nil {
				return fmt.Errorf("%s is missing", name)
			}
			if !slices.Equal(t.shape, v.Const.Shape) {
				return fmt.Errorf("%s is %v, YOLOv8 of depth %g, width %g has %v", name, t.shape, cfg.Depth, cfg.Width, v.Const.Shape)
			}
			used++
		}
	}
	for name := range c.tensors {
		if strings.HasSuffix(name, ".num_batches_tracked") {
			used++
		}
	}
	if used != len(c.tensors) {
		return fmt.Errorf("it has %d tensors, YOLOv8 %d", len(c.tensors), used)
	}
	return nil
}

// fill puts the checkpoint's tensors in the place of the graph's.
func (c *checkpoint) fill(g *graph.Graph) error {
	done := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			name := tensorName(v)
			if name == "" || done[v] {
				continue
			}
			done[v] = true
			data, err := c.archive.floats(c.tensors[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			v.Const = graph.FloatTensor(data, v.Const.Shape...)
		}
		if n.Op != "BatchNormalization" {
			continue
		}
		m := c.modules[strings.TrimSuffix(n.In[1].Name, ".weight")]
		if m == nil {
			continue
		}
		if eps, ok := m.attrs.get("eps").(float64); ok && eps > 0 && eps < 1 {
			n.Attrs["epsilon"] = graph.Attr{Kind: graph.AttrFloat, F: float32(eps)}
		}
	}
	return nil
}
