package state

// Offline is what the page knows of its cache, its connection and installing. It
// stays comparable: what holds slices or maps is immutable and behind a pointer.
type Offline struct {
	Keeping  Keeping
	Why      string // why the page is not kept, of KeepingFailed
	Cut      bool   // the browser says that there is no network
	Update   bool   // a newer version is on the device, complete, and waits
	Later    bool   // the person has put it off: it comes with the next start
	Taking   bool   // the newer version takes over: the page will load again
	Install  bool   // the browser offers to install the page
	Checked  bool   // the kept files were read again after something went wrong
	Settled  bool   // the engine's start is over, so the network is free
	Released bool   // another tab took the newer version
}

// Keeping is how far the page is from working without a network.
type Keeping uint8

const (
	KeepingNot    Keeping = iota // not yet begun
	KeepingNow                   // files are being stored
	KeepingDone                  // the page works without a network
	KeepingFailed                // it does not: Offline.Why
)

// Actions of offline use.
type (
	// Kept says that all files are on the device.
	Kept struct{}
	// NotKept says that they are not, and why.
	NotKept struct{ Text string }
	// UpdateWaits says that a newer version is complete and waits.
	UpdateWaits struct{}
	// UpdateWanted and UpdatePutOff answer the question whether to use it now.
	UpdateWanted struct{}
	UpdatePutOff struct{}
	// UpdateTaken says that the newer version has taken over.
	UpdateTaken struct{}
	// NetworkChanged says whether the browser has a network.
	NetworkChanged struct{ Online bool }
	// InstallOffered says that the browser can install the page.
	InstallOffered struct{}
	// InstallWanted is a press on the button that installs it.
	InstallWanted struct{}
	// InstallOver says that it is installed, or that the person declined.
	InstallOver struct{}
)

func (Kept) action()           {}
func (NotKept) action()        {}
func (UpdateWaits) action()    {}
func (UpdateWanted) action()   {}
func (UpdatePutOff) action()   {}
func (UpdateTaken) action()    {}
func (NetworkChanged) action() {}
func (InstallOffered) action() {}
func (InstallWanted) action()  {}
func (InstallOver) action()    {}

// Effects of offline use.
const (
	KeepFiles  Effect = iota + 96 // store the page's files and look for newer ones
	CheckFiles                    // read those that are stored, replace broken ones
	TakeUpdate                    // let the newer version take over
	Reload                        // load the page again
	AskInstall                    // show the browser's question whether to install
	SeekUpdate                    // ask the host whether there is a newer version
)

func reduceOffline(s State, a Action) (State, []Effect) {
	o := &s.Offline
	var effects []Effect
	switch a := a.(type) {
	case Kept:
		o.Keeping, o.Why = KeepingDone, ""
	case NotKept:
		o.Keeping, o.Why = KeepingFailed, a.Text
	case UpdateWaits:
		o.Update, o.Later = true, false
	case UpdateWanted:
		if o.Update && !o.Taking {
			o.Taking = true
			effects = append(effects, TakeUpdate)
		}
	case UpdatePutOff:
		o.Later = true
	case UpdateTaken: // an open page goes on with its own version until told otherwise
		if o.Taking {
			effects = append(effects, Reload)
		} else if o.Keeping == KeepingDone {
			o.Released = true
		}
		o.Update = false
	case NetworkChanged:
		if o.Cut && a.Online && o.Keeping != KeepingNot {
			effects = append(effects, SeekUpdate)
		}
		o.Cut = !a.Online
	case InstallOffered:
		o.Install = true
	case InstallWanted:
		if o.Install {
			o.Install = false
			effects = append(effects, AskInstall)
		}
	case InstallOver:
		o.Install = false
	case EngineLost:
		if o.Keeping == KeepingDone && !o.Checked {
			o.Checked = true
			effects = append(effects, CheckFiles)
		}
	}
	// Storing begins when it no longer takes the network from the engine's start.
	if p := s.Engine.Phase; !o.Settled && (p == EngineReady || p == EngineNoModel || p == EngineFailed) {
		o.Settled, o.Keeping = true, KeepingNow
		effects = append(effects, KeepFiles)
	}
	return s, effects
}

// Notice is what the page says of offline use in a line, "" for nothing, and
// whether it asks for a choice about the newer version.
func (o Offline) Notice(say func(text string, pairs ...string) string) (text string, choice bool) {
	switch {
	case o.Taking:
		return say("The new version is being opened."), false
	case o.Update && !o.Later:
		return say("A new version of this page is ready."), true
	case o.Released:
		return say("A new version is in use in another tab. Reload this one when it suits you."), false
	case o.Cut && o.Keeping == KeepingDone:
		return say("No network: everything goes on, from this device."), false
	case o.Cut:
		return say("No network. This page is not kept on this device yet: leave it open."), false
	}
	return "", false
}

// KeptText says whether the page works without a network.
func (o Offline) KeptText(say func(text string, pairs ...string) string) string {
	switch o.Keeping {
	case KeepingNow:
		return say("Being kept for use without a network")
	case KeepingDone:
		return say("Works without a network")
	case KeepingFailed:
		return say("Needs the network: {why}", "why", o.Why)
	}
	return ""
}
