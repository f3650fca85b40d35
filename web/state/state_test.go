package state

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"eagleeye/wasm/message"
)

var (
	loaded = EngineLoaded{Model{Name: "m.onnx", Classes: []string{"person", "dog"}}}
	ready  = []Action{Opened{}, ModelArrived{"m.onnx"}, EngineAt{message.StageParse}, EngineAt{message.StageWarm}, loaded}
	image  = Picked{Name: "a.png", Type: "image/png"}
)

func with(first []Action, more ...Action) []Action {
	return append(append([]Action{}, first...), more...)
}

// core leaves the effects that are not other rooms'.
func core(effects []Effect) []Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(e Effect) bool { return e >= 64 })
}

func TestReduce(t *testing.T) {
	lost := EngineLost{Text: "boom"}
	lostOpening := EngineLost{Opening: true, Text: "boom"}
	for _, c := range []struct {
		name    string
		actions []Action
		phase   EnginePhase
		source  SourceKind
		live    bool
		problem string // code
		status  string // part of it
		effects []Effect
	}{
		{"opened", []Action{Opened{}}, EngineLoading, SourceNone, false, "", "Loading the model", []Effect{FetchModel}},
		{"model on its way", []Action{Opened{}, ModelProgress{1.2e6, 3.2e6}}, EngineLoading, SourceNone, false, "", "1.2 MB / 3.2 MB", nil},
		{"no model shipped", []Action{Opened{}, ModelMissing{}}, EngineNoModel, SourceNone, false, "", "Waiting for a model", nil},
		{"model unreachable", []Action{Opened{}, ModelUnreachable{"x"}}, EngineNoModel, SourceNone, false, "model-unreachable", "", nil},
		{"site's model late", []Action{Opened{}, ModelArrived{"mine"}, ModelMissing{}}, EngineLoading, SourceNone, false, "", "", nil},
		{"modules", []Action{Opened{}, ModelArrived{"m"}, ModulesProgress{1e6, 0}}, EngineLoading, SourceNone, false, "", "Loading the detector: 1.0 MB", nil},
		{"parsing", ready[:3], EngineLoading, SourceNone, false, "", "Reading the model", nil},
		{"warming", ready[:4], EngineWarming, SourceNone, false, "", "Warming up", nil},
		{"ready", ready, EngineReady, SourceNone, false, "", "Ready", []Effect{Promote}},
		{"no SIMD", []Action{Opened{}, NoSIMD{}}, EngineFailed, SourceNone, false, "no-simd", "not running", []Effect{DropOpening, ClearBoxes}},
		{"no SIMD stays when a model is dropped", []Action{Opened{}, NoSIMD{}, Picked{Name: "m.onnx"}}, EngineFailed, SourceNone, false, "no-simd", "", nil},

		{"first model refused", []Action{Opened{}, ModelArrived{"m"}, EngineRefused{message.ReasonOperator, "NonZero"}}, EngineNoModel, SourceNone, false, "model-operator", "", []Effect{DropOpening}},
		{"second model refused", with(ready, Picked{Name: "b.onnx"}, ModelArrived{"b.onnx"}, EngineRefused{message.ReasonBroken, "x"}), EngineReady, SourceNone, false, "model-broken", "", []Effect{DropOpening}},
		{"model picked", with(ready, Picked{Name: "B.ONNX"}), EngineReady, SourceNone, false, "", "", []Effect{TakeModel}},

		{"crash", with(ready, lost), EngineLoading, SourceNone, false, "engine-restarted", "", []Effect{RestartEngine}},
		{"crash mended", with(ready, lost, loaded), EngineReady, SourceNone, false, "engine-restarted", "", []Effect{Promote}},
		{"second crash", with(ready, lost, loaded, lost), EngineFailed, SourceNone, false, "engine-crash", "", []Effect{DropOpening, ClearBoxes}},
		{"second crash while restarting", with(ready, lost, lostOpening), EngineFailed, SourceNone, false, "engine-crash", "", []Effect{DropOpening, ClearBoxes}},
		{"crash while opening", []Action{Opened{}, ModelArrived{"m"}, lostOpening}, EngineLoading, SourceNone, false, "engine-restarted", "", []Effect{DropOpening, OpenModel}},
		{"model that always crashes", with(ready, Picked{Name: "b.onnx"}, ModelArrived{"b.onnx"}, lostOpening, lostOpening), EngineReady, SourceNone, false, "engine-crash", "", []Effect{DropOpening}},
		{"crash with a successor under way", with(ready, ModelArrived{"b.onnx"}, lost), EngineLoading, SourceNone, false, "engine-restarted", "", []Effect{ClearBoxes}},
		{"refused while the model in use restarts", with(ready, lost, Picked{Name: "b.onnx"}, ModelArrived{"b.onnx"}, EngineRefused{message.ReasonBroken, "x"}), EngineLoading, SourceNone, false, "model-broken", "", []Effect{DropOpening, RestartEngine}},
		{"refused after the model in use crashed", with(ready, ModelArrived{"b.onnx"}, lost, EngineRefused{message.ReasonBroken, "x"}), EngineLoading, SourceNone, false, "model-broken", "", []Effect{DropOpening, RestartEngine}},
		{"refused once the restart is over", with(ready, lost, loaded, ModelArrived{"b.onnx"}, EngineRefused{message.ReasonBroken, "x"}), EngineReady, SourceNone, false, "model-broken", "", []Effect{DropOpening}},
		{"the reason of a failure cannot be closed", with(ready, lost, lost, Dismissed{}), EngineFailed, SourceNone, false, "engine-crash", "", nil},
		{"the reason of a failure is back after another message", with(ready, lost, lost, Picked{Name: "a.txt"}, Dismissed{}), EngineFailed, SourceNone, false, "engine-crash", "", nil},
		{"the reason of a failure stays over a picture", with(ready, lost, lost, image), EngineFailed, SourceImage, false, "engine-crash", "", []Effect{CloseSource, ClearBoxes, OpenImage}},
		{"a new model after two crashes", with(ready, lost, lost, Picked{Name: "b.onnx"}), EngineFailed, SourceNone, false, "", "", []Effect{TakeModel}},
		{"refused after a restart", with(ready, lost, EngineRefused{message.ReasonMemory, "x"}), EngineFailed, SourceNone, false, "engine-crash", "", []Effect{DropOpening, ClearBoxes}},

		{"camera wanted", with(ready, CameraWanted{}), EngineReady, SourceCamera, false, "", "Waiting for the camera", []Effect{CloseSource, ClearBoxes, OpenCamera}},
		{"camera live", with(ready, CameraWanted{}, SourceLive{1, "Cam", 640, 480}), EngineReady, SourceCamera, true, "", "Running on the camera", nil},
		{"camera refused", with(ready, CameraWanted{}, SourceFailed{1, "NotAllowedError", ""}), EngineReady, SourceNone, false, "camera-refused", "", []Effect{CloseSource, ClearBoxes}},
		{"camera absent", with(ready, CameraWanted{}, SourceFailed{1, "NotFoundError", ""}), EngineReady, SourceNone, false, "camera-absent", "", []Effect{CloseSource, ClearBoxes}},
		{"camera busy", with(ready, CameraWanted{}, SourceFailed{1, "NotReadableError", ""}), EngineReady, SourceNone, false, "camera-busy", "", []Effect{CloseSource, ClearBoxes}},
		{"camera odd", with(ready, CameraWanted{}, SourceFailed{1, "TypeError", "x"}), EngineReady, SourceNone, false, "camera-failed", "", []Effect{CloseSource, ClearBoxes}},
		{"page insecure", with(ready, CameraWanted{}, SourceFailed{1, "Insecure", ""}), EngineReady, SourceNone, false, "camera-insecure", "", []Effect{CloseSource, ClearBoxes}},
		{"camera unplugged", with(ready, CameraWanted{}, SourceLive{1, "", 640, 480}, SourceEnded{1}), EngineReady, SourceNone, false, "camera-lost", "", []Effect{CloseSource, ClearBoxes}},
		{"late answer of a camera given up", with(ready, CameraWanted{}, image, SourceFailed{1, "NotAllowedError", ""}), EngineReady, SourceImage, false, "", "", nil},
		{"late end of a camera given up", with(ready, CameraWanted{}, Stopped{}, SourceEnded{1}), EngineReady, SourceNone, false, "", "", nil},
		{"late picture after stop", with(ready, CameraWanted{}, Stopped{}, SourceLive{1, "", 1, 1}), EngineReady, SourceNone, false, "", "", nil},
		{"stopped", with(ready, CameraWanted{}, SourceLive{1, "", 640, 480}, Stopped{}), EngineReady, SourceNone, false, "", "Ready", []Effect{CloseSource, ClearBoxes}},

		{"image", with(ready, image, SourceLive{1, "", 9, 9}), EngineReady, SourceImage, true, "", "Showing a.png", []Effect{Analyse}},
		{"image before the model", []Action{Opened{}, image, SourceLive{1, "", 9, 9}}, EngineLoading, SourceImage, true, "", "", nil},
		{"image, then the model", []Action{Opened{}, image, SourceLive{1, "", 9, 9}, ModelArrived{"m"}, loaded}, EngineReady, SourceImage, true, "", "", []Effect{Promote, Analyse}},
		{"image undecodable", with(ready, image, SourceFailed{1, "", "x"}), EngineReady, SourceNone, false, "picture", "", []Effect{CloseSource, ClearBoxes}},
		{"image refused by the engine", with(ready, image, SourceLive{1, "", 9, 9}, FrameRefused{message.ReasonPicture, "x"}), EngineReady, SourceNone, false, "picture", "", []Effect{CloseSource, ClearBoxes}},
		{"slider on an image", with(ready, image, SourceLive{1, "", 9, 9}, ConfSet{0.5}), EngineReady, SourceImage, true, "", "", []Effect{Resift}},
		{"slider on a camera", with(ready, CameraWanted{}, SourceLive{1, "", 9, 9}, IoUSet{0.5}), EngineReady, SourceCamera, true, "", "", nil},
		{"video", with(ready, Picked{Name: "a.mp4", Type: "video/mp4"}, SourceLive{1, "", 9, 9}), EngineReady, SourceVideo, true, "", "Running on a.mp4", nil},
		{"video unplayable", with(ready, Picked{Name: "a.mov"}, SourceFailed{1, "", "x"}), EngineReady, SourceNone, false, "video", "", []Effect{CloseSource, ClearBoxes}},
		{"text file", with(ready, Picked{Name: "a.txt", Type: "text/plain"}), EngineReady, SourceNone, false, "file", "", nil},
		{"dismissed", with(ready, Picked{Name: "a.txt"}, Dismissed{}), EngineReady, SourceNone, false, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New()
			var effects []Effect
			for _, a := range c.actions {
				s, effects = Reduce(s, a)
			}
			code := ""
			if p := s.Problem; p != nil {
				code = p.Code
				if p.Title == "" || p.Text == "" || p.Remedy == "" {
					t.Errorf("problem lacks words: %+v", p)
				}
			}
			if s.Engine.Phase != c.phase || s.Source.Kind != c.source || s.Source.Live != c.live || code != c.problem {
				t.Errorf("phase %d, source %d live %t, problem %q; want %d, %d %t, %q",
					s.Engine.Phase, s.Source.Kind, s.Source.Live, code, c.phase, c.source, c.live, c.problem)
			}
			if shown := s.Status() + ": " + s.Engine.Progress(); !strings.Contains(shown, c.status) {
				t.Errorf("status %q lacks %q", shown, c.status)
			}
			effects = core(effects)
			if len(effects)+len(c.effects) > 0 && !reflect.DeepEqual(effects, c.effects) {
				t.Errorf("effects %v, want %v", effects, c.effects)
			}
		})
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	codes := map[string]bool{}
	for r := message.ReasonEngine; r <= message.ReasonMemory; r++ {
		p := problemModel(New(), "m", r, "cause", &Model{Name: "old"})
		if p.Remedy == "" || p.Text == "" || !strings.Contains(p.Remedy, "old") {
			t.Errorf("reason %d: %+v", r, p)
		}
		codes[p.Code] = true
	}
	if len(codes) < 7 {
		t.Errorf("only %d codes for the reasons: %v", len(codes), codes)
	}
}

func TestAdvised(t *testing.T) {
	for _, c := range []struct{ text, cause, advice string }{
		{"onnx: the file is truncated: 5 bytes are left; fetch it again", "The file is truncated: 5 bytes are left.", "Fetch it again."},
		{"first run failed: trap", "First run failed: trap.", ""},
		{"a; b; do c", "A; b.", "Do c."},
		{"onnx: unsupported operator \"Top\"; export without. Supported are Add, Conv", "Unsupported operator \"Top\". Supported are Add, Conv.", "Export without."},
		{"", "No reason was given.", ""},
	} {
		if cause, advice := advised(c.text); cause != c.cause || advice != c.advice {
			t.Errorf("%q: %q, %q; want %q, %q", c.text, cause, advice, c.cause, c.advice)
		}
	}
}

func TestNotModelAdvice(t *testing.T) {
	for text, want := range map[string][2]string{
		"onnx: not an ONNX file: this is a web page (HTML): the download failed; fetch the file itself": {"Not an ONNX file: this is a web page (HTML).", "The download failed; fetch the file itself."},
		"onnx: not an ONNX file: no graph in its 9 bytes; give another":                                 {"Not an ONNX file: no graph in its 9 bytes.", "Give another."},
	} {
		if p := problemModel(New(), "m", message.ReasonNotModel, text, nil); p.Text != want[0] || p.Remedy != want[1] {
			t.Errorf("%q: %q, %q", text, p.Text, p.Remedy)
		}
	}
}

// The site's model is not taken once a person has given another.
func TestAwaitsSite(t *testing.T) {
	s := New()
	for _, step := range []struct {
		a    Action
		want bool
	}{
		{Opened{}, true}, {ModelArrived{"mine"}, false}, {loaded, false}, {EngineLost{Text: "boom"}, false},
	} {
		if s, _ = Reduce(s, step.a); s.Engine.AwaitsSite() != step.want {
			t.Errorf("after %T: %t", step.a, !step.want)
		}
	}
}

func TestStore(t *testing.T) {
	var got []Effect
	changes := 0
	var s *Store
	s = NewStore(func(e Effect) {
		got = append(got, e)
		if e == FetchModel {
			s.Dispatch(ModelMissing{})
		}
	}, func() { changes++ })
	s.Dispatch(Opened{})
	s.Dispatch(Dismissed{}) // changes nothing
	if got = core(got); changes != 2 || len(got) != 1 || s.State().Engine.Phase != EngineNoModel {
		t.Fatalf("%d changes, effects %v, state %+v", changes, got, s.State())
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name, mime string
		want       FileKind
	}{
		{"a.png", "image/png", FileImage}, {"a", "image/avif", FileImage}, {"A.JPG", "", FileImage},
		{"a.webm", "video/webm", FileVideo}, {"b.mkv", "", FileVideo},
		{"m.onnx", "", FileModel}, {"m.v8.ONNX", "application/octet-stream", FileModel},
		{"m.pt", "", FileModel}, {"onnx", "", FileUnknown}, {"", "", FileUnknown},
	} {
		if got := Classify(c.name, c.mime); got != c.want {
			t.Errorf("Classify(%q, %q) = %d, want %d", c.name, c.mime, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Millions(3151904):              "3.15 M",
		Millions(4372000000):           "4.37 G",
		Megabytes(12836311):            "12.8 MB",
		Decimal(9.96):                  "10.0",
		Decimal(123.4):                 "123",
		Clock(0):                       "0:00.0",
		Clock(125.06):                  "2:05.1",
		Clock(-1):                      "0:00.0",
		Summarize(nil, nil, New().Say): "Nothing found",
		Summarize([]uint32{1, 0, 1, 9}, []string{"person", "dog"}, New().Say): "dog × 2, person, class 9",
		Summarize([]uint32{0, 1, 2, 3, 4, 5, 6}, nil, New().Say):              "class 0, class 1, class 2, class 3, class 4, and 2 more kinds",
		Summarize([]uint32{0, 1, 2, 3, 4, 5}, nil, New().Say):                 "class 0, class 1, class 2, class 3, class 4, class 5",
		New().Describe(&Model{Width: 640, Height: 320, Precision: "int8"}):    "640 × 320 · int8 ·  · 0.00 M parameters · 0.00 M MAC · 0 classes",
		New().Describe(&Model{Variant: "v", Classes: []string{"a"}}):          "0 × 0 ·  · v · 0.00 M parameters · 0.00 M MAC · 1 class",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGate(t *testing.T) {
	var g Gate
	for i, step := range []struct {
		finished bool
		want     bool
	}{
		{false, true},  // the first goes through
		{false, false}, // waits
		{false, false}, // replaces the waiting one, which is dropped
		{true, true},   // the newest goes
		{true, false},  // nothing waits
		{false, true},
	} {
		got := false
		if step.finished {
			got = g.Finished()
		} else {
			got = g.Arrived()
		}
		if got != step.want {
			t.Fatalf("step %d: %t", i, got)
		}
	}
	if g.Dropped != 1 || !g.Busy() {
		t.Fatalf("dropped %d, busy %t", g.Dropped, g.Busy())
	}
	g.Reset()
	if g.Busy() || g.Finished() {
		t.Fatal("busy after a reset")
	}
}

// One picture lies ready when the worker is nearly done; never two.
func TestGateAhead(t *testing.T) {
	const arrived, nearly, finished = 'a', 'n', 'f'
	for _, c := range []struct{ events, taken string }{
		{"an", "10"},             // nothing new to take ahead
		{"ana", "101"},           // the next to arrive lies ready
		{"aan", "101"},           // the newest waited for this
		{"anaa", "1010"},         // and only one does
		{"anaaff", "101001"},     // the third goes when both are done
		{"anafan", "101001"},     // ahead again, of the second
		{"anf", "100"},           // done: nothing is ahead
		{"anfa", "1001"},         // the gate is as at first
		{"nan", "010"},           // idle
		{"anannf", "101000"},     // a late timer takes no third
		{"aanfnaf", "1010010"},   // after one result one is under way
		{"aanaffff", "10100100"}, // what waited, then nothing
	} {
		var g Gate
		got := ""
		for _, e := range c.events {
			take := false
			switch e {
			case arrived:
				take = g.Arrived()
			case nearly:
				take = g.Nearly()
			case finished:
				take = g.Finished()
			}
			got += map[bool]string{true: "1", false: "0"}[take]
		}
		if got != c.taken {
			t.Errorf("%s takes %s, want %s", c.events, got, c.taken)
		}
	}
}

func TestRate(t *testing.T) {
	var r Rate
	if r.PerSecond(0) != 0 {
		t.Fatal("a rate of nothing")
	}
	for i := range 40 {
		r.Mark(float64(i * 50))
	}
	if v := r.PerSecond(1950); v < 19.99 || v > 20.01 {
		t.Fatalf("rate %v, want 20", v)
	}
	if r.PerSecond(60000) != 0 {
		t.Fatal("a rate long after the last event")
	}
}
