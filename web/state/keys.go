package state

import "eagleeye/web/words"

// Shortcut is a key and what it does, for the page's list of keys.
type Shortcut struct{ Keys, Does string }

// Shortcuts lists the keys in the order in which the page shows them.
var Shortcuts = [...]Shortcut{
	{"C", words.Key("Start or stop the camera")},
	{"S", words.Key("Share the screen or a tab")},
	{"O", words.Key("Open files")},
	{"D", words.Key("Play the demo")},
	{"X", words.Key("Close what is on show")},
	{"Space", words.Key("Play or pause")},
	{"← →", words.Key("Previous or next picture; back or on by a second")},
	{", .", words.Key("Back or on by one frame")},
	{"[ ]", words.Key("Lower or raise the confidence")},
	{"F", words.Key("Front or back camera")},
	{"M", words.Key("Mirror the camera")},
	{"P", words.Key("Save a snapshot")},
	{"R", words.Key("Start or stop recording")},
	{"N", words.Key("Draw a line")},
	{"Z", words.Key("Draw a zone")},
	{"B", words.Key("Benchmark this device")},
	{"T", words.Key("Dark or light")},
	{"L", words.Key("English or Chinese")},
	{"?", words.Key("Show these keys")},
}

// Keyed returns what a key means in a state, nil for nothing. Moves within a
// film's time are not the store's.
func Keyed(s State, key string) Action {
	src := s.Source
	switch key {
	case "c", "C":
		if src.Kind == SourceCamera {
			return Stopped{}
		}
		return CameraWanted{}
	case "s", "S":
		if src.Kind == SourceScreen {
			return Stopped{}
		}
		if s.Devices != nil && s.Devices.Screen {
			return ScreenWanted{}
		}
	case "d", "D":
		if s.ShowsDemo() {
			return DemoWanted{}
		}
	case "x", "X":
		if src.Kind != SourceNone {
			return Stopped{}
		}
	case " ":
		return FilmToggled{}
	case "ArrowLeft", "ArrowRight":
		if src.Strip != nil {
			return Turned{By: map[string]int{"ArrowLeft": -1, "ArrowRight": 1}[key]}
		}
	case ",":
		return FilmStepped{By: -1}
	case ".":
		return FilmStepped{By: 1}
	case "[":
		return ConfSet{Value: s.Settings.Conf - 0.05}
	case "]":
		return ConfSet{Value: s.Settings.Conf + 0.05}
	case "f", "F":
		return CameraFlipped{}
	case "m", "M":
		return MirrorSet{On: !s.Settings.Mirror}
	case "b", "B":
		return BenchWanted{}
	case "l", "L":
		return LangSet{Value: map[string]string{words.English: words.Chinese}[s.Settings.Lang]}
	case "?":
		return HelpSet{Shown: !s.Help}
	}
	return nil
}
