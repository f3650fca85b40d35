// Package message defines what the page and the engine's worker say to each
// other, once for both sides. A message travels as the bytes that Append makes
// in postMessage's `m`; what has no bytes of its own (a model's Blob, a picture)
// lies beside it in `x`. It imports nothing of ours.
//
// Before the worker's Go module runs, worker.js reports with plain objects
// {boot, done, total, text}; see Boot.
package message

// Message is any of the types below.
type Message interface{ kind() kind }

type kind uint8

const (
	kindLoad kind = iota + 1
	kindFrame
	kindRerun
	kindCrash
	kindReady
	kindProgress
	kindLoaded
	kindResult
	kindFailed
	kindReload
	kindConvert
	kindCalibrate
	kindWorking
	kindConverted
)

// What `boot` of a plain object from worker.js says.
const (
	BootProgress = "progress" // done and total bytes of the modules; total 0: unknown
	BootFailed   = "failed"   // the modules did not load: text says why
	BootNoSIMD   = "nosimd"   // the browser refuses the kernels' SIMD instructions
	BootExit     = "exit"     // the Go program ended, which it never does by itself: a crash
)

// Load asks the worker to open the model in `x`, a Blob.
type Load struct {
	Name string
	Choice
}

// Choice is how a model is to run.
type Choice struct {
	Width, Height uint32 // pixels of the network's input, multiples of 32; 0: the model's own
	Precision     Precision
}

// Precision is the arithmetic that is asked for.
type Precision uint8

// Precisions: a model that is not quantized runs in float32 whatever is asked.
const (
	PrecisionFile  Precision = iota // as the file says
	PrecisionFloat                  // float32 throughout
	PrecisionMixed                  // the head in float32, the rest as the file says
	numPrecisions
)

// Reload asks the worker to open the model that it has in another way. Frames
// that come meanwhile wait. Loaded answers it, or Failed and then Loaded for the
// old way.
type Reload struct{ Choice }

// Thresholds choose among the engine's boxes. Scores and IoU lie in 0..1; Max
// is the largest number of boxes.
type Thresholds struct {
	Conf, IoU float32
	Max       uint32
}

// Frame asks for the boxes of the picture in `x` (a VideoFrame or an
// ImageBitmap of Width×Height pixels), which the worker closes.
type Frame struct {
	ID            uint32
	Width, Height uint32
	Thresholds
	Thumb bool // the result carries a thumbnail, for tests
}

// Rerun asks for the boxes of the last frame's pixels under other thresholds.
type Rerun struct {
	ID uint32
	Thresholds
}

// Crash makes the worker panic; the tests of the page's supervision send it.
type Crash struct{}

// Ready says that the worker's engine runs on kernels of the named variant.
type Ready struct{ Variant string }

// Stages of Progress.
const (
	StageParse uint8 = iota + 1 // reading the model
	StageWarm                   // running it for the first time
)

// Progress says what Load is doing.
type Progress struct{ Stage uint8 }

// Loaded answers Load and Reload.
type Loaded struct {
	Name          string
	Width, Height uint32 // pixels of the network's input
	Precision     string // such as "int8"
	Variant       string // kernels, such as "simd128"
	Threads       uint32 // that compute a frame
	Params        uint64
	MACs          uint64
	Memory        uint64   // bytes of kernel memory
	Classes       []string // names by class index
	OpenMicros    uint32   // reading and planning
	WarmMicros    uint32   // first run
	Quantized     bool     // the file is, whatever it runs in
}

// Detection is a box in pixels of the frame.
type Detection struct {
	X1, Y1, X2, Y2 float32
	Score          float32
	Class          uint32
}

// The thumbnail of a frame: mean colours of a grid, row by row, R, G, B.
const (
	ThumbW     = 8
	ThumbH     = 6
	ThumbBytes = ThumbW * ThumbH * 3
)

// Result answers Frame and Rerun. Times are microseconds: Prepare from the
// frame's arrival to the network's input, of which Copy went into getting its
// samples, Infer the network, Decode the rest.
type Result struct {
	ID                     uint32
	Width, Height          uint32
	Prepare, Infer, Decode uint32
	Copy                   uint32
	Planes                 bool   // the samples came as the camera made them, in Y'CbCr
	KernelBytes            uint64 // memory of the kernels
	EngineBytes            uint64 // memory of the engine's Go module
	Detections             []Detection
	Thumb                  []byte // ThumbBytes, or empty
}

// Convert asks the worker that runs convert.wasm for the ONNX form of the model
// in `x`, a Blob: an .onnx file as it is or a checkpoint. Converted answers it.
type Convert struct{ Name string }

// Calibrate asks the same worker for the int8 form of a float model. `x` is
// {model: Blob, pictures: [ImageBitmap, …]}; the pictures are transferred. The
// counts are those of wasm/calib's options. Working tells how far it is,
// Converted answers it.
type Calibrate struct {
	Name        string
	Width       uint32 // pixels of the network's input while observing; 0: the model's own
	BiasImages  uint32 // pictures that the biases are matched on, 0 for none
	RoundImages uint32 // pictures that the weights are rounded by, 0 for none
}

// What Working is at.
const (
	WorkRead    uint8 = iota + 1 // reading the model
	WorkObserve                  // running the float model over the pictures
	WorkRound                    // rounding weights
	WorkBias                     // matching biases
)

// Working says how far Calibrate is.
type Working struct {
	What        uint8
	Done, Total uint32
}

// Converted answers Convert and Calibrate; `x` is the ONNX file, a Uint8Array.
// The counts are 0 after Convert.
type Converted struct {
	Name        string
	Bytes       uint64
	Images      uint32 // pictures observed
	BiasImages  uint32
	RoundImages uint32
	Points      uint32 // activations with a grid
	Convs       uint32 // convolutions with int8 weights
}

// Reason classes a failure by what the person can do about it.
type Reason uint8

const (
	ReasonEngine     Reason = iota // anything else: the text says it
	ReasonEmpty                    // the model has no bytes
	ReasonNotModel                 // not an ONNX file
	ReasonBroken                   // an ONNX file, cut short or damaged
	ReasonOperator                 // an operator that the engine lacks
	ReasonShape                    // an input or an output that is not a detector's
	ReasonPicture                  // the picture cannot be read or is too large
	ReasonMemory                   // the model needs more memory than there is
	ReasonCheckpoint               // a checkpoint that cannot be read, or of another architecture
	ReasonQuantized                // the model is quantized already
	numReasons
)

// Failed answers Load (Frame false) or Frame and Rerun (Frame true, with ID).
type Failed struct {
	Frame  bool
	ID     uint32
	Reason Reason
	Text   string
}

func (Load) kind() kind     { return kindLoad }
func (Frame) kind() kind    { return kindFrame }
func (Rerun) kind() kind    { return kindRerun }
func (Crash) kind() kind    { return kindCrash }
func (Ready) kind() kind    { return kindReady }
func (Progress) kind() kind { return kindProgress }
func (Loaded) kind() kind   { return kindLoaded }
func (Result) kind() kind   { return kindResult }
func (Failed) kind() kind   { return kindFailed }

func (Reload) kind() kind    { return kindReload }
func (Convert) kind() kind   { return kindConvert }
func (Calibrate) kind() kind { return kindCalibrate }
func (Working) kind() kind   { return kindWorking }
func (Converted) kind() kind { return kindConverted }
