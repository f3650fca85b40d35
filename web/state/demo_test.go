package state

import "testing"

// TestDemo follows the film: offered with the site's own model, played on request
// or where there is no camera, and not with another model.
func TestDemo(t *testing.T) {
	run := func(actions ...Action) (State, []Effect) {
		s, effects := New(), []Effect(nil)
		for _, a := range actions {
			s, effects = Reduce(s, a)
		}
		return s, effects
	}
	own := []Action{Opened{}, DemoShipped{"own.onnx"}, ModelArrived{"own.onnx"}, EngineLoaded{Model{Name: "own.onnx"}}}
	with := func(more ...Action) []Action { return append(own[:len(own):len(own)], more...) }
	noCamera := SourceFailed{Seq: 1, Name: "NotFoundError"}
	for _, c := range []struct {
		name    string
		actions []Action
		offered bool
		kind    SourceKind
		code    string
		last    Effect
	}{
		{"offered", own, true, SourceNone, "", Promote},
		{"wanted", with(DemoWanted{}), true, SourceDemo, "", OpenDemo},
		{"no camera", with(CameraWanted{}, noCamera), true, SourceDemo, codeNoCamera, OpenDemo},
		{"camera refused", with(CameraWanted{}, SourceFailed{Seq: 1, Name: "NotAllowedError"}), true, SourceNone, "camera-refused", ClearBoxes},
		{"film broken", with(DemoWanted{}, SourceFailed{Seq: 1, Text: "cut"}), true, SourceNone, "demo", ClearBoxes},
		{"stopped", with(DemoWanted{}, Stopped{}), true, SourceNone, "", ClearBoxes},
		{"another model", with(Picked{Name: "other.onnx"}, ModelArrived{"other.onnx"}, EngineLoaded{Model{Name: "other.onnx"}}), false, SourceNone, "", Promote},
		{"another model without a camera", with(ModelArrived{"o.onnx"}, EngineLoaded{Model{Name: "o.onnx"}}, CameraWanted{}, noCamera), false, SourceNone, codeNoCamera, ClearBoxes},
		{"none shipped", []Action{Opened{}, ModelArrived{"m.onnx"}, EngineLoaded{Model{Name: "m.onnx"}}}, false, SourceNone, "", Promote},
	} {
		s, effects := run(c.actions...)
		effects = core(effects)
		code := ""
		if s.Problem != nil {
			code = s.Problem.Code
		}
		if s.ShowsDemo() != c.offered || s.Source.Kind != c.kind || code != c.code || len(effects) == 0 || effects[len(effects)-1] != c.last {
			t.Errorf("%s: offered %t, source %d, problem %q, effects %v", c.name, s.ShowsDemo(), s.Source.Kind, code, effects)
		}
	}
}
