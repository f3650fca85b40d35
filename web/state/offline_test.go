package state

import (
	"slices"
	"testing"
)

// offlineEffects are those of a list that belong to offline use.
func offlineEffects(all []Effect) (own []Effect) {
	for _, e := range all {
		if e >= KeepFiles && e < KeepFiles+32 {
			own = append(own, e)
		}
	}
	return own
}

func TestOffline(t *testing.T) {
	ready := EngineLoaded{Model: Model{Name: "m"}}
	for _, c := range []struct {
		name    string
		actions []Action
		want    Offline
		effects []Effect
		notice  string
	}{
		{"while the engine loads", []Action{Opened{}, ModelArrived{Name: "m"}}, Offline{}, nil, ""},
		{"kept once it runs", []Action{Opened{}, ModelArrived{Name: "m"}, ready, ready}, Offline{Keeping: KeepingNow, Settled: true}, []Effect{KeepFiles}, ""},
		{"kept without a model", []Action{Opened{}, ModelMissing{}, Kept{}}, Offline{Keeping: KeepingDone, Settled: true}, []Effect{KeepFiles}, ""},
		{"not kept", []Action{NotKept{"full"}}, Offline{Keeping: KeepingFailed, Why: "full"}, nil, ""},
		{"cut", []Action{Kept{}, NetworkChanged{}}, Offline{Keeping: KeepingDone, Cut: true}, nil, "No network: everything goes on, from this device."},
		{"cut too early", []Action{NetworkChanged{}}, Offline{Cut: true}, nil, "No network. This page is not kept on this device yet: leave it open."},
		{"back", []Action{Kept{}, NetworkChanged{}, NetworkChanged{Online: true}}, Offline{Keeping: KeepingDone}, []Effect{SeekUpdate}, ""},
		{"newer", []Action{Kept{}, UpdateWaits{}}, Offline{Keeping: KeepingDone, Update: true}, nil, "A new version of this page is ready."},
		{"put off", []Action{Kept{}, UpdateWaits{}, UpdatePutOff{}}, Offline{Keeping: KeepingDone, Update: true, Later: true}, nil, ""},
		{"wanted", []Action{Kept{}, UpdateWaits{}, UpdateWanted{}, UpdateWanted{}}, Offline{Keeping: KeepingDone, Update: true, Taking: true}, []Effect{TakeUpdate}, "The new version is being opened."},
		{"wanted, none there", []Action{UpdateWanted{}}, Offline{}, nil, ""},
		{"taken", []Action{Kept{}, UpdateWaits{}, UpdateWanted{}, UpdateTaken{}}, Offline{Keeping: KeepingDone, Taking: true}, []Effect{TakeUpdate, Reload}, "The new version is being opened."},
		{"taken by another tab", []Action{Kept{}, UpdateWaits{}, UpdateTaken{}}, Offline{Keeping: KeepingDone, Released: true}, nil, "A new version is in use in another tab. Reload this one when it suits you."},
		{"install", []Action{InstallOffered{}, InstallWanted{}, InstallWanted{}}, Offline{}, []Effect{AskInstall}, ""},
		{"installed elsewhere", []Action{InstallOffered{}, InstallOver{}}, Offline{}, nil, ""},
		{"a crash has the files read, once", []Action{Kept{}, EngineLost{Opening: true}, EngineLost{Opening: true}}, Offline{Keeping: KeepingNow, Checked: true, Settled: true}, []Effect{CheckFiles, KeepFiles}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, effects := New(), []Effect(nil)
			for _, a := range c.actions {
				next, more := Reduce(s, a)
				s, effects = next, append(effects, more...)
			}
			if s.Offline != c.want {
				t.Errorf("%+v, want %+v", s.Offline, c.want)
			}
			if own := offlineEffects(effects); !slices.Equal(own, c.effects) {
				t.Errorf("effects %v, want %v", own, c.effects)
			}
			if text, choice := s.Offline.Notice(s.Say); text != c.notice || choice != (s.Offline.Update && !s.Offline.Later && !s.Offline.Taking) {
				t.Errorf("says %q (choice %v), want %q", text, choice, c.notice)
			}
		})
	}
}
