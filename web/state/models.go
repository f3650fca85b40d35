package state

import (
	"cmp"

	"eagleeye/wasm/message"
)

// Models is what the page knows of models beyond the one in use. It stays
// comparable: what holds slices or maps is immutable and behind a pointer.
type Models struct {
	Catalog  *Catalog
	InUse    string // Entry.ID of the model in use, "" for one that is in no catalogue
	Opening  string // of the model that is being opened
	Auto     int    // input side that SizeAuto has come to, 0 before the first
	Ask      string // Entry.ID that the person is asked about before it is downloaded
	Fetch    Fetch
	Deleting string // Entry.ID of the last ModelDeleted
	Work     Work
	Careful  bool        // the next quantization rounds weights by what they change
	Made     *Made       // the int8 model that was made here last
	Study    *Comparison // of the float model and Made
	Shown    int         // picture of Study on show
}

// Wanted is the Entry.ID of the model that the person took last: on its way, being
// opened or in use.
func (m *Models) Wanted() string {
	return cmp.Or(m.Fetch.ID, m.Opening, m.InUse)
}

// Catalog lists the models that can be chosen.
type Catalog struct {
	Entries []Entry // the site's first
	Stored  float64 // bytes in the browser's storage, of models alone
	Saver   bool    // the person asks for little traffic
}

// Entry is a model of the site's manifest, or one that is kept on the device.
type Entry struct {
	ID            string // SHA-256, hexadecimal
	Name          string
	File          string // address in the site, "" for one that is only on the device
	Description   string
	Bytes         float64
	Classes       int // 0 where unknown
	Width, Height int // of the network's input, 0 where unknown
	Precision     string
	Demo          bool // there is a film for it
	Stored        bool // on the device
}

// Entry returns the entry with an id, nil without one; c may be nil.
func (c *Catalog) Entry(id string) *Entry {
	if c == nil || id == "" {
		return nil
	}
	for i := range c.Entries {
		if c.Entries[i].ID == id {
			return &c.Entries[i]
		}
	}
	return nil
}

// Fetch is a download of a model under way; ID is "" for none.
type Fetch struct {
	ID          string
	Done, Total float64 // bytes
}

// WorkKind is what is being made of a model.
type WorkKind uint8

const (
	WorkNone    WorkKind = iota
	WorkRead             // a checkpoint is read
	WorkGather           // pictures are gathered
	WorkObserve          // the float model runs over them
	WorkRound            // weights are rounded
	WorkMatch            // biases are matched
	WorkCompare          // both models run over the pictures
)

// Work is what is being made of a model, beside the one in use.
type Work struct {
	Kind        WorkKind
	Careful     bool // weights are rounded by what they change
	Done, Total int
}

// Made is an int8 model that was made on this page.
type Made struct {
	Name        string
	ID          string // SHA-256
	Bytes       float64
	Images      int // pictures it was calibrated on
	BiasImages  int
	RoundImages int
	Convs       int
	Kept        bool // on the device
}

// CalibrationPictures is how many pictures a model is quantized by, at most.
const CalibrationPictures = 32

// How many of them the slower steps use: what their work costs in a tab.
const (
	MatchPictures = 8
	RoundPictures = 16
)

// AskAbove is the size in bytes above which a person is asked before a download.
const AskAbove = 8e6

// Actions of the models.
type (
	// CatalogArrived brings the list of models, anew after each change.
	CatalogArrived struct{ Catalog *Catalog }
	// ModelWanted chooses a model of the catalogue.
	ModelWanted struct{ ID string }
	// DownloadAgreed and DownloadDeclined answer the question Models.Ask.
	DownloadAgreed   struct{}
	DownloadDeclined struct{}
	// FetchAt counts the bytes of a download; FetchOver ends it, with a text
	// where it failed; FetchStopped is the person's.
	FetchAt      struct{ Done, Total float64 }
	FetchOver    struct{ Text string }
	FetchStopped struct{}
	// ModelNamed tells the id of the model that arrives next.
	ModelNamed struct{ ID string }
	// ModelDeleted takes a model off the device.
	ModelDeleted struct{ ID string }
	// ModelKept keeps the model in use on the device.
	ModelKept struct{}
	// ModelRetuned says that the model in use now runs in another way.
	ModelRetuned struct{ Model Model }
	// RetuneRefused says that it cannot, and why.
	RetuneRefused struct {
		Reason message.Reason
		Text   string
	}
	// AutoSized is the Sizer's choice.
	AutoSized struct{ Side int }
	// CheckpointPicked is a .pt file that a person gave.
	CheckpointPicked struct{ Name string }
	// CarefulSet chooses the slower way to quantize.
	CarefulSet struct{ On bool }
	// QuantizeWanted asks for the int8 form of the model in use.
	QuantizeWanted struct{ Careful bool }
	// WorkAt tells how far the work is, WorkFailed that it failed; WorkStopped is
	// the person's wish.
	WorkAt struct {
		Kind        WorkKind
		Done, Total int
	}
	WorkFailed struct {
		Name   string
		Reason message.Reason
		Text   string
	}
	WorkStopped struct{}
	// CheckpointRead says that the checkpoint is a model now, which arrives next.
	CheckpointRead struct{}
	// Quantized says that the int8 form is there.
	Quantized struct{ Made *Made }
	// CompareWanted runs both models over the pictures again; Compared is what
	// they found.
	CompareWanted struct{}
	Compared      struct{ Study *Comparison }
	// CompareShown chooses a picture of the comparison.
	CompareShown struct{ Index int }
	// MadeOpened, MadeSaved and MadeKept use the int8 model, save it as a file or
	// keep it on the device; MadeDropped forgets it and the pictures.
	MadeOpened  struct{}
	MadeSaved   struct{}
	MadeKept    struct{}
	MadeDropped struct{}
)

func (CatalogArrived) action()   {}
func (ModelWanted) action()      {}
func (DownloadAgreed) action()   {}
func (DownloadDeclined) action() {}
func (FetchAt) action()          {}
func (FetchOver) action()        {}
func (FetchStopped) action()     {}
func (ModelNamed) action()       {}
func (ModelDeleted) action()     {}
func (ModelKept) action()        {}
func (ModelRetuned) action()     {}
func (RetuneRefused) action()    {}
func (AutoSized) action()        {}
func (CheckpointPicked) action() {}
func (CarefulSet) action()       {}
func (QuantizeWanted) action()   {}
func (WorkAt) action()           {}
func (WorkFailed) action()       {}
func (WorkStopped) action()      {}
func (CheckpointRead) action()   {}
func (Quantized) action()        {}
func (CompareWanted) action()    {}
func (Compared) action()         {}
func (CompareShown) action()     {}
func (MadeOpened) action()       {}
func (MadeSaved) action()        {}
func (MadeKept) action()         {}
func (MadeDropped) action()      {}

// Effects of the models.
const (
	ListModels     Effect = iota + 128 // read the manifest and the device's storage: CatalogArrived
	FetchEntry                         // bring Models.Fetch.ID and open it
	StopFetch                          // give the download up
	DeleteEntry                        // take the model of the last ModelDeleted off the device
	KeepModel                          // store the model in use
	Retune                             // run the model in use as the settings say
	ResetSizer                         // begin to measure anew
	ReadCheckpoint                     // convert the picked .pt
	StartQuantize                      // gather pictures and quantize
	StopWork                           // end the worker that does Models.Work
	StartCompare                       // run both models over the pictures
	ShowCompare                        // draw the picture Models.Shown with the boxes of both
	OpenMade                           // open the int8 model
	SaveMade                           // offer it as a file
	KeepMade                           // store it
	DropMade                           // forget it and the pictures
)

// Choice is how the worker is to run the model.
func (s State) Choice() message.Choice {
	side := s.Settings.Size
	if side == SizeAuto {
		side = s.Models.Auto
	}
	side = max(0, side)
	c := message.Choice{Width: uint32(side), Height: uint32(side)}
	switch s.Settings.Precision {
	case "float":
		c.Precision = message.PrecisionFloat
	case "mixed":
		c.Precision = message.PrecisionMixed
	}
	return c
}

// CanQuantize says that the model in use is a float one that can be quantized.
func (s State) CanQuantize() bool {
	m := s.Engine.Model
	return m != nil && !m.Quantized && s.Models.Work.Kind == WorkNone && s.Engine.Phase == EngineReady
}

// CanGather says that the source gives pictures to calibrate on.
func (s State) CanGather() bool {
	return s.Source.Live && s.Source.Kind != SourceNone && s.Source.Kind != SourceImage
}
