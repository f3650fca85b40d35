package state

import (
	"sort"
	"strconv"
	"strings"

	"eagleeye/web/words"
)

// FileKind is what a dropped file is taken for.
type FileKind uint8

const (
	FileUnknown FileKind = iota
	FileImage
	FileVideo
	FileModel
)

// Classify tells a file's kind by its type as the browser gives it, else by its
// name.
func Classify(name, mime string) FileKind {
	switch {
	case strings.HasPrefix(mime, "image/"):
		return FileImage
	case strings.HasPrefix(mime, "video/"):
		return FileVideo
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		ext = strings.ToLower(name[i+1:])
	}
	switch ext {
	case "onnx", "pt":
		return FileModel
	case "jpg", "jpeg", "png", "webp", "gif", "bmp", "avif":
		return FileImage
	case "mp4", "webm", "mov", "m4v", "mkv", "ogv":
		return FileVideo
	}
	return FileUnknown
}

// IsCheckpoint says by a file's name that it has to be converted first.
func IsCheckpoint(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".pt") }

// Status says in one line what is happening. It changes with what happens, not
// with every byte, so that screen readers can follow it.
func (s State) Status() string {
	e := s.Engine
	if s.Source.Kind == SourceCamera && !s.Source.Live {
		return s.Say("Waiting for the camera: allow it in the browser")
	}
	if s.Source.Kind == SourceScreen && !s.Source.Live {
		return s.Say("Waiting for the screen: choose what to share")
	}
	if s.Source.Kind != SourceNone && !s.Source.Live {
		return s.Say("Opening {name}", "name", s.Source.Name)
	}
	switch e.Phase {
	case EngineIdle:
		return s.Say("Starting")
	case EngineNoModel:
		return s.Say("Waiting for a model: drop an .onnx file")
	case EngineFailed:
		return s.Say("The detector is not running")
	case EngineWarming:
		return s.Say("Warming up")
	case EngineLoading:
		switch e.Loading {
		case LoadingModel:
			return s.Say("Loading the model")
		case LoadingModules:
			return s.Say("Loading the detector")
		}
		return s.Say("Reading the model")
	}
	switch src := s.Source; src.Kind {
	case SourceCamera:
		return s.Say("Running on the camera")
	case SourceScreen:
		return s.Say("Running on the screen")
	case SourceVideo:
		switch {
		case src.Analysing:
			return s.Say("Going through {name}", "name", src.Name)
		case src.Paused:
			return s.Say("Paused: {name}", "name", src.Name)
		}
		return s.Say("Running on {name}", "name", src.Name)
	case SourceDemo:
		return s.Say("Playing the demo")
	case SourceBench:
		return s.Say("Measuring this device")
	case SourceImage:
		return s.Say("Showing {name}", "name", src.Name)
	}
	return s.Say("Ready")
}

// Progress says how much of what is loading has arrived, "" if that is unknown.
func (e Engine) Progress() string {
	switch {
	case e.Phase != EngineLoading || e.Done <= 0 || e.Loading == LoadingParse:
		return ""
	case e.Total <= 0:
		return Megabytes(e.Done)
	}
	return Megabytes(e.Done) + " / " + Megabytes(e.Total)
}

// Megabytes writes a number of bytes as MB with one decimal.
func Megabytes(bytes float64) string {
	return strconv.FormatFloat(bytes/1e6, 'f', 1, 64) + " MB"
}

// Millions writes a count such as 3151904 as "3.15 M", and from a thousand
// millions on as "4.37 G".
func Millions(n uint64) string {
	if n >= 1e9 {
		return strconv.FormatFloat(float64(n)/1e9, 'f', 2, 64) + " G"
	}
	return strconv.FormatFloat(float64(n)/1e6, 'f', 2, 64) + " M"
}

// Summarize writes how many of each class were found, most frequent first, at
// most six classes.
func Summarize(classes []uint32, names []string, say func(string, ...string) string) string {
	if len(classes) == 0 {
		return say("Nothing found")
	}
	count := map[uint32]int{}
	for _, c := range classes {
		count[c]++
	}
	order := make([]uint32, 0, len(count))
	for c := range count {
		order = append(order, c)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		if count[a] != count[b] {
			return count[a] > count[b]
		}
		return a < b
	})
	parts := make([]string, 0, 6)
	for i, c := range order {
		if i == 5 && len(order) > 6 {
			parts = append(parts, say("and {n} more kinds", "n", strconv.Itoa(len(order)-5)))
			break
		}
		part := ClassName(c, names)
		if count[c] > 1 { // a class' plural is not known
			part += " × " + strconv.Itoa(count[c])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, say(", "))
}

// ClassName returns a class' name, or its number where the model has no name.
func ClassName(class uint32, names []string) string {
	if int(class) < len(names) && names[class] != "" {
		return names[class]
	}
	return "class " + strconv.Itoa(int(class))
}

// Describe writes a model's size and how it runs in one line.
func (s State) Describe(m *Model) string { return m.describe(s.Say) }

func (m *Model) describe(say func(string, ...string) string) string {
	kernels := m.Variant
	if m.Threads > 1 {
		kernels += " · " + say("{n} threads", "n", strconv.Itoa(m.Threads))
	}
	classes := say("{n} classes", "n", strconv.Itoa(len(m.Classes)))
	if len(m.Classes) == 1 {
		classes = say("1 class")
	}
	return strconv.Itoa(m.Width) + " × " + strconv.Itoa(m.Height) + " · " + m.Precision + " · " + kernels + " · " +
		say("{n} parameters", "n", Millions(m.Params)) + " · " + Millions(m.MACs) + " MAC · " + classes
}

// Decimal writes a figure with one decimal below 100, without above.
func Decimal(v float64) string {
	if v < 99.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Clock writes seconds as minutes, seconds and tenths.
func Clock(seconds float64) string {
	tenths := int(max(0, seconds)*10 + 0.5)
	s := strconv.Itoa(tenths/10%60) + "." + strconv.Itoa(tenths%10)
	if tenths/10%60 < 10 {
		s = "0" + s
	}
	return strconv.Itoa(tenths/600) + ":" + s
}

// ShownNames returns the class names of the model in use in the page's language.
func (s State) ShownNames() []string {
	names := s.Engine.Names()
	if s.Settings.Lang != words.Chinese {
		return names
	}
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = words.Class(s.Settings.Lang, name)
	}
	return shown
}

// Names returns the class names of the model in use.
func (e Engine) Names() []string {
	if e.Model == nil {
		return nil
	}
	return e.Model.Classes
}
