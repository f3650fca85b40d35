package pt

import (
	"fmt"
	"strings"
)

// kind is what a pickle's global stands for.
type kind uint8

const (
	class     kind = iota + 1 // makes objects that hold attributes
	opaque                    // makes objects that are not looked into
	mapping                   // makes dictionaries
	rebuild                   // makes tensors
	parameter                 // passes a tensor on
	method                    // stands for a module's forward method
	value                     // is itself, such as a dtype
	f32                       // the others are storages of these elements
	f16
	bf16
	f64
	i64
	i32
	i16
	i8
	u8
)

// globals are all names that a checkpoint may use. Nothing of Python runs: a
// class becomes an object with attributes, a function what its kind says.
var globals = func() map[string]kind {
	m := map[string]kind{
		"collections OrderedDict":                        mapping,
		"torch._utils _rebuild_tensor_v2":                rebuild,
		"torch._utils _rebuild_parameter":                parameter,
		"torch._utils _rebuild_parameter_with_state":     parameter,
		"__builtin__ getattr":                            method, // a fused module has another forward
		"builtins getattr":                               method,
		"torch Size":                                     opaque,
		"torch device":                                   opaque,
		"_codecs encode":                                 opaque,
		"numpy dtype":                                    opaque,
		"numpy.core.multiarray scalar":                   opaque,
		"numpy._core.multiarray scalar":                  opaque,
		"torch.nn.modules.loss BCEWithLogitsLoss":        class,
		"ultralytics.nn.tasks DetectionModel":            class,
		"ultralytics.utils IterableSimpleNamespace":      class,
		"ultralytics.cfg IterableSimpleNamespace":        class,
		"ultralytics.yolo.utils IterableSimpleNamespace": class,
	}
	for name, k := range map[string]kind{"Float": f32, "Half": f16, "BFloat16": bf16, "Double": f64, "Long": i64, "Int": i32, "Short": i16, "Char": i8, "Byte": u8, "Bool": u8} {
		m["torch "+name+"Storage"] = k
	}
	for _, name := range strings.Fields("float16 float32 float64 bfloat16 int64 int32 uint8 strided contiguous_format channels_last") {
		m["torch "+name] = value
	}
	for _, name := range strings.Fields("set frozenset list dict int float complex slice range") {
		m["__builtin__ "+name], m["builtins "+name] = opaque, opaque
	}
	for _, module := range []string{"pathlib", "pathlib._local"} {
		for _, name := range strings.Fields("Path PosixPath WindowsPath PurePosixPath PureWindowsPath") {
			m[module+" "+name] = opaque
		}
	}
	for _, name := range strings.Fields("container.Sequential container.ModuleList conv.Conv2d batchnorm.BatchNorm2d activation.SiLU pooling.MaxPool2d upsampling.Upsample") {
		m["torch.nn.modules."+strings.Replace(name, ".", " ", 1)] = class
	}
	// Ultralytics moved its modules: one file until 8.0.100, several since.
	for _, name := range strings.Fields("conv.Conv conv.Concat block.C2f block.Bottleneck block.SPPF block.DFL head.Detect") {
		file, name, _ := strings.Cut(name, ".")
		m["ultralytics.nn.modules."+file+" "+name] = class
		m["ultralytics.nn.modules "+name] = class
	}
	// Older checkpoints kept the loss on the model.
	for _, base := range []string{"ultralytics.utils", "ultralytics.yolo.utils"} {
		for _, name := range strings.Fields("loss.v8DetectionLoss loss.BboxLoss loss.DFLoss tal.TaskAlignedAssigner") {
			m[base+"."+strings.Replace(name, ".", " ", 1)] = class
		}
	}
	return m
}()

// global is a name that a pickle refers to, "module name".
type global struct {
	name string
	kind kind
}

func findGlobal(module, name string) (*global, error) {
	full := module + " " + name
	if k := globals[full]; k != 0 {
		return &global{full, k}, nil
	}
	full = fmt.Sprintf("%.80q", module+"."+name)
	switch {
	case strings.HasPrefix(module, "models."), strings.HasPrefix(module, "yolov5"), strings.HasPrefix(module, "utils."):
		return nil, fmt.Errorf("%w: it holds %s, of YOLOv5, v7 or v9: only YOLOv8 is supported", ErrArchitecture, full)
	case strings.HasPrefix(module, "ultralytics.nn."):
		return nil, fmt.Errorf("%w: it holds %s: only YOLOv8's detection task is supported", ErrArchitecture, full)
	case strings.HasPrefix(module, "torch.nn.modules."):
		return nil, fmt.Errorf("%w: it holds %s, which YOLOv8 does not use", ErrArchitecture, full)
	}
	return nil, fmt.Errorf("%w: %s: do not load this file in Python either, unless you know where it comes from", ErrGlobal, full)
}
