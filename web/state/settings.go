package state

import (
	"slices"
	"strings"

	"eagleeye/web/words"
)

// Settings are what a person chose; the page keeps them between visits and puts
// them into links.
type Settings struct {
	Conf   float32 // least score of a box, 0..1
	IoU    float32 // overlap above which the weaker of two boxes goes, 0..1
	Max    int     // boxes a picture, the strongest
	Hidden Names   // classes that are not shown
	Shapes string  // the lines and zones (see shapesText)

	Size      int    // pixels of the network's input, a multiple of 32; 0: the model's own; SizeAuto
	Rate      int    // frames a second that SizeAuto holds
	Threads   int    // 0: as many as suit the machine
	Precision string // "": the file's; "int8", "mixed", "float"

	Lang  string // words.English or words.Chinese, in use
	Theme string // "": the system's; "dark", "light"

	Mirror bool   // the camera's picture is shown mirrored
	Device string // of the camera, "" for the browser's choice
	Facing string // "environment" or "user", where no device is chosen
	Res    string // resolution of the camera, one of Resolutions
}

// SizeAuto is the largest input that holds Settings.Rate frames a second.
const SizeAuto = -1

// Defaults, the thresholds as Ultralytics'.
const (
	DefaultConf = 0.25
	DefaultIoU  = 0.7
	DefaultMax  = 300
	DefaultRate = 15
)

// DefaultSettings returns what holds before a person chose anything.
func DefaultSettings() Settings {
	return Settings{Conf: DefaultConf, IoU: DefaultIoU, Max: DefaultMax, Rate: DefaultRate, Lang: words.English, Facing: FacingRoom, Res: "480"}
}

// Actions of the settings.
type (
	// ConfSet and IoUSet move the sliders.
	ConfSet struct{ Value float32 }
	IoUSet  struct{ Value float32 }
	// MaxSet limits the boxes of a picture.
	MaxSet struct{ Value int }
	// ClassSet shows or hides a class.
	ClassSet struct {
		Name  string
		Shown bool
	}
	// ClassesSet shows all classes of the model, or none.
	ClassesSet struct{ Shown bool }
	// SizeSet, RateSet, ThreadsSet and PrecisionSet change how the model runs.
	SizeSet      struct{ Value int }
	RateSet      struct{ Value int }
	ThreadsSet   struct{ Value int }
	PrecisionSet struct{ Value string }
	// LangSet and ThemeSet change how the page looks and speaks.
	LangSet  struct{ Value string }
	ThemeSet struct{ Value string }
	// SettingsRestored brings the settings of the last visit, or of a link.
	SettingsRestored struct{ Settings Settings }
)

func (ConfSet) action()          {}
func (IoUSet) action()           {}
func (MaxSet) action()           {}
func (ClassSet) action()         {}
func (ClassesSet) action()       {}
func (SizeSet) action()          {}
func (RateSet) action()          {}
func (ThreadsSet) action()       {}
func (PrecisionSet) action()     {}
func (LangSet) action()          {}
func (ThemeSet) action()         {}
func (SettingsRestored) action() {}

// reduceSettings changes Settings alone; others act on the same actions.
func reduceSettings(s State, a Action) (State, []Effect) {
	v := &s.Settings
	switch a := a.(type) {
	case ConfSet:
		v.Conf = clamp01(a.Value)
		if v.Conf < Floor {
			return s, append(reanalyse(s), Resift)
		}
		return s, []Effect{Resift}
	case IoUSet:
		v.IoU = clamp01(a.Value)
		return s, reanalyse(s)
	case MaxSet:
		v.Max = max(1, min(a.Value, DefaultMax))
		return s, []Effect{Resift}
	case ClassSet:
		v.Hidden = v.Hidden.With(a.Name, !a.Shown)
		return s, []Effect{Resift}
	case ClassesSet:
		v.Hidden = ""
		if !a.Shown {
			for i := range s.Engine.Names() {
				v.Hidden = v.Hidden.With(ClassName(uint32(i), s.Engine.Names()), true)
			}
		}
		return s, []Effect{Resift}
	case SizeSet:
		v.Size = a.Value
	case RateSet:
		v.Rate = max(1, min(a.Value, 120))
	case ThreadsSet:
		v.Threads = max(0, min(a.Value, 16))
	case PrecisionSet:
		v.Precision = a.Value
	case LangSet:
		v.Lang = words.Choose(a.Value)
	case ThemeSet:
		v.Theme = a.Value
	case SettingsRestored:
		*v = a.Settings
		return s, append(reanalyse(s), Resift)
	}
	return s, nil
}

// Names is a set of names, sorted, one a line; it can be compared.
type Names string

// Has says that a name is in the set.
func (n Names) Has(name string) bool {
	return n != "" && slices.Contains(strings.Split(string(n), "\n"), name)
}

// With returns the set with a name, or without it.
func (n Names) With(name string, in bool) Names {
	var all []string
	if n != "" {
		all = strings.Split(string(n), "\n")
	}
	i, found := slices.BinarySearch(all, name)
	switch {
	case in && !found:
		all = slices.Insert(all, i, name)
	case !in && found:
		all = slices.Delete(all, i, i+1)
	}
	return Names(strings.Join(all, "\n"))
}

// Say returns an English text in the language of the page.
func (s State) Say(text string, pairs ...string) string {
	return words.Say(s.Settings.Lang, text, pairs...)
}
