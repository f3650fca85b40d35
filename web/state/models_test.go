package state

import (
	"slices"
	"testing"

	"eagleeye/wasm/message"
)

func withModels(entries ...Entry) State {
	s := New()
	s.Engine.Phase, s.Engine.Model = EngineReady, &Model{Name: "old.onnx"}
	s.Offline.Settled = true
	s.Models.Catalog, s.Models.InUse = &Catalog{Entries: entries}, "old"
	return s
}

func TestModelsReduce(t *testing.T) {
	small, large := Entry{ID: "s", Name: "small", Bytes: 1e6}, Entry{ID: "l", Name: "large", Bytes: 2e7}
	kept := Entry{ID: "k", Name: "kept", Bytes: 2e7, Stored: true}
	saver := func(s State) State {
		s.Models.Catalog = &Catalog{Entries: s.Models.Catalog.Entries, Saver: true}
		return s
	}
	quantized := func(s State) State {
		s.Engine.Model = &Model{Name: "q", Quantized: true}
		return s
	}
	asIs := func(s State) State { return s }
	made := &Made{Name: "m"}
	for _, c := range []struct {
		name    string
		from    func(State) State
		do      []Action
		effects []Effect // of the last action
		ok      func(State) bool
	}{
		{"small is fetched", asIs, []Action{ModelWanted{"s"}}, []Effect{FetchEntry}, func(s State) bool { return s.Models.Fetch.ID == "s" && s.Models.Ask == "" }},
		{"large is asked about", asIs, []Action{ModelWanted{"l"}}, nil, func(s State) bool { return s.Models.Fetch.ID == "" && s.Models.Ask == "l" }},
		{"large is agreed to", asIs, []Action{ModelWanted{"l"}, DownloadAgreed{}}, []Effect{FetchEntry}, func(s State) bool { return s.Models.Fetch.ID == "l" && s.Models.Ask == "" }},
		{"large is declined", asIs, []Action{ModelWanted{"l"}, DownloadDeclined{}}, nil, func(s State) bool { return s.Models == withModels(small, large, kept).Models || s.Models.Ask == "" }},
		{"kept needs no question", asIs, []Action{ModelWanted{"k"}}, []Effect{FetchEntry}, func(s State) bool { return s.Models.Ask == "" }},
		{"all is asked where traffic is dear", saver, []Action{ModelWanted{"s"}}, nil, func(s State) bool { return s.Models.Ask == "s" }},
		{"unknown is nothing", asIs, []Action{ModelWanted{"x"}}, nil, func(s State) bool { return s.Models.Fetch.ID == "" }},
		{"a failed download says so", asIs, []Action{ModelWanted{"s"}, FetchOver{Text: "404"}}, nil, func(s State) bool {
			return s.Problem != nil && s.Problem.Code == "model-fetch" && s.Models.Fetch.ID == "" && s.Engine.Model.Name == "old.onnx"
		}},
		{"a download is stopped", asIs, []Action{ModelWanted{"s"}, FetchStopped{}}, []Effect{StopFetch}, func(s State) bool { return s.Problem == nil && s.Models.Fetch.ID == "" }},
		{"back to the one in use stops it", asIs, []Action{ModelNamed{"s"}, ModelArrived{Name: "small"}, EngineLoaded{}, ModelWanted{"k"}, ModelWanted{"s"}}, []Effect{StopFetch},
			func(s State) bool { return s.Models.Fetch.ID == "" && s.Models.Wanted() == "s" }},
		{"what is on its way is shown as taken", asIs, []Action{ModelWanted{"k"}}, []Effect{FetchEntry}, func(s State) bool { return s.Models.Wanted() == "k" }},
		{"what is being opened too", asIs, []Action{ModelWanted{"k"}, FetchOver{}, ModelNamed{"k"}}, nil, func(s State) bool { return s.Models.Wanted() == "k" }},
		{"only what is kept is deleted", asIs, []Action{ModelDeleted{"s"}}, nil, func(s State) bool { return s.Models.Deleting == "" }},
		{"what is kept is deleted", asIs, []Action{ModelDeleted{"k"}}, []Effect{DeleteEntry}, func(s State) bool { return s.Models.Deleting == "k" }},
		{"a model that opened is in use", asIs, []Action{ModelNamed{"s"}, ModelArrived{Name: "small"}, EngineLoaded{}}, []Effect{Promote, ResetSizer, Retune, ListModels},
			func(s State) bool { return s.Models.InUse == "s" && s.Models.Opening == "" }},
		{"a model that was refused is not", asIs, []Action{ModelNamed{"s"}, ModelArrived{Name: "small"}, EngineRefused{}}, []Effect{DropOpening},
			func(s State) bool { return s.Models.InUse == "old" && s.Models.Opening == "" }},
		{"a size is tuned", asIs, []Action{SizeSet{320}}, []Effect{ResetSizer, Retune}, func(s State) bool { return s.Choice().Width == 320 && s.Choice().Height == 320 }},
		{"the automatic size is taken", asIs, []Action{SizeSet{SizeAuto}, AutoSized{448}}, []Effect{Retune}, func(s State) bool { return s.Choice().Width == 448 }},
		{"and forgotten", asIs, []Action{SizeSet{SizeAuto}, AutoSized{448}, SizeSet{0}}, []Effect{ResetSizer, Retune}, func(s State) bool { return s.Choice() == message.Choice{} }},
		{"and not taken unasked", asIs, []Action{AutoSized{448}}, nil, func(s State) bool { return s.Choice() == message.Choice{} }},
		{"a precision is tuned", asIs, []Action{PrecisionSet{"mixed"}}, []Effect{ResetSizer, Retune}, func(s State) bool { return s.Choice().Precision == message.PrecisionMixed }},
		{"a tuning is refused", asIs, []Action{RetuneRefused{message.ReasonMemory, "x"}}, nil, func(s State) bool {
			return s.Problem.Code == "model-retune" && s.Engine.Phase == EngineReady && s.Engine.Model != nil
		}},
		{"a tuned model is described", asIs, []Action{ModelRetuned{Model{Name: "old.onnx", Width: 320}}}, nil, func(s State) bool { return s.Engine.Model.Width == 320 }},
		{"a float model is quantized", asIs, []Action{CarefulSet{true}, QuantizeWanted{Careful: true}}, []Effect{DropMade, StartQuantize}, func(s State) bool { return s.Models.Work.Kind == WorkGather && s.Models.Work.Careful }},
		{"a quantized one is not", quantized, []Action{QuantizeWanted{}}, nil, func(s State) bool { return s.Models.Work.Kind == WorkNone }},
		{"one thing at a time", asIs, []Action{QuantizeWanted{}, QuantizeWanted{}}, nil, func(s State) bool { return s.Models.Work.Kind == WorkGather }},
		{"it is cancelled", asIs, []Action{QuantizeWanted{}, WorkStopped{}}, []Effect{StopWork}, func(s State) bool { return s.Models.Work == Work{} }},
		{"late news of what was cancelled", asIs, []Action{QuantizeWanted{}, WorkStopped{}, WorkAt{Kind: WorkRound}}, nil, func(s State) bool { return s.Models.Work == Work{} }},
		{"what is made is compared", asIs, []Action{QuantizeWanted{}, Quantized{made}}, []Effect{StartCompare}, func(s State) bool { return s.Models.Made == made && s.Models.Work.Kind == WorkCompare }},
		{"the comparison is shown", asIs, []Action{Quantized{made}, Compared{&Comparison{Pictures: make([]Seen, 2)}}, CompareShown{5}}, []Effect{ShowCompare}, func(s State) bool { return s.Models.Shown == 1 && s.Models.Work.Kind == WorkNone }},
		{"it is used", asIs, []Action{Quantized{made}, MadeOpened{}}, []Effect{OpenMade}, asNothing},
		{"nothing is used", asIs, []Action{MadeSaved{}}, nil, asNothing},
		{"it is forgotten", asIs, []Action{Quantized{made}, MadeDropped{}}, []Effect{DropMade}, func(s State) bool { return s.Models.Made == nil }},
		{"a broken checkpoint", asIs, []Action{CheckpointPicked{"x.pt"}, WorkFailed{"x.pt", message.ReasonCheckpoint, "pt: no"}}, nil, func(s State) bool {
			return s.Problem.Code == "checkpoint" && s.Problem.Text == "No." && s.Engine.Model.Name == "old.onnx"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.from(withModels(small, large, kept))
			var effects []Effect
			for _, a := range c.do {
				s, effects = Reduce(s, a)
			}
			if !slices.Equal(effects, c.effects) {
				t.Errorf("effects %v, want %v", effects, c.effects)
			}
			if !c.ok(s) {
				t.Errorf("models %+v, problem %+v", s.Models, s.Problem)
			}
		})
	}
}

func asNothing(State) bool { return true }

// Every stage and every failure has words.
func TestModelTexts(t *testing.T) {
	s := withModels()
	for k := WorkRead; k <= WorkCompare; k++ {
		s.Models.Work.Kind = k
		if s.WorkText() == "" {
			t.Errorf("work %d has no words", k)
		}
	}
	for r := message.ReasonEngine; r <= message.ReasonQuantized; r++ {
		if p := s.problemWork("x.pt", r, "some text"); p.Code == "" || p.Title == "" || p.Remedy == "" {
			t.Errorf("reason %d: %+v", r, p)
		}
	}
	e := Entry{Description: "d", Bytes: 3.4e6, Classes: 80, Width: 640, Height: 480, Precision: "int8", Stored: true}
	if got := s.DescribeEntry(&e); got != "d · 3.4 MB · 80 classes · 640×480 · int8 · on this device" {
		t.Error(got)
	}
}
