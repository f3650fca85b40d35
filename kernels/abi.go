package kernels

import "unsafe"

// Op is the index of a kernel in the module's function table. Every kernel has
// the WebAssembly type (desc, begin, end i32) -> (): desc is the address of its
// descriptor, [begin, end) the tiles that this call computes. Tiles of one step
// may run in any order and on any thread, so a kernel writes nothing outside
// its tiles' outputs and its thread's scratch.
type Op uint32

// The kernels of a module. A name ends in the type of its elements where there
// are several; U8 is quantized (real = scale·(q − zero)).
const (
	OpNop            Op = iota
	OpLetterbox         // LetterboxDesc: RGBA → U8 or F32, 4 channels (R, G, B, 0)
	OpFillBorder        // BorderDesc: constant border around a map
	OpWiden             // WidenDesc: U8 → centred I16 with a border of zeros
	OpConvI16           // ConvDesc: I16 × I16 → U8
	OpConvI16F32        // ConvDesc: I16 × I16 → F32
	OpConvF32           // ConvDesc: F32 × F32 → F32
	OpMaxPoolU8         // PoolDesc
	OpMaxPoolF32        // PoolDesc
	OpUpsample          // UpsampleDesc: nearest, any element type
	OpCopy              // CopyDesc: any element type
	OpAddU8             // AddDesc
	OpAddF32            // AddDesc
	OpRequant           // RequantDesc: U8 → U8 on another scale
	OpQuantize          // RequantDesc: F32 → U8
	OpDequantize        // RequantDesc: U8 → F32
	OpSigmoidF32        // EltDesc
	OpSiLUF32           // EltDesc
	OpMulF32            // AddDesc
	OpSoftmaxF32        // EltDesc: over the channels of each pixel
	OpDetect            // DetectDesc
	OpWinogradI16       // WinogradDesc: I16 × I16 → U8, the bytes of OpConvI16
	OpWinogradF32       // WinogradDesc: F32 × F32 → F32
	OpWinograd43I16     // WinogradDesc: I16 × I16 → U8, near OpConvI16
	OpConvU8            // ByteConvDesc: U8 × I8 → U8, the bytes of OpConvI16
	OpConvU8F32         // ByteConvDesc: U8 × I8 → F32
	OpLetterboxYUV      // LetterboxYUVDesc: planes → U8 or F32, 4 channels (R, G, B, 0)
	OpPackWinograd43    // PackWinogradDesc: weights I8 → I16, once, before the first frame
	OpWidenF32          // WidenDesc: F32 → I16 with a border of zeros
	NumOps
)

// Step is one record of a program in kernel memory: run(prog, n) executes n of
// them in order.
type Step struct {
	Op    Op
	Desc  uint32 // address of the descriptor
	Tiles uint32 // number of tiles
	_     uint32
}

// The first bytes of kernel memory belong to the kernels: a program and its
// data begin at Base. Threaded modules keep Control there; it starts as zeros.
const (
	Base        = 1024
	ControlAddr = 128
	// MaxThreads is the largest team of threads, the leader included.
	MaxThreads = 16
)

// Control is what the threads of a team share (see threads.go). What threads
// write at different times lies in cache lines of its own, two lines apart for
// processors that fetch them in pairs.
type Control struct {
	Low, High uint16 // units of the step's tiles that are taken, from its first and from its last
	Turn      uint32 // number of the step, over all runs; changes wake threads; sign bit: the team has ended
	_         [30]uint32
	Done      uint32 // units of the step's tiles that are computed
	_         [31]uint32
	First     uint32 // Turn of the run's first step
	Prog      uint32 // of the run
	Steps     uint32
	_         [29]uint32
	Asleep    uint32 // threads asleep on Turn
	_         [31]uint32
	Joined    uint32 // threads that have called help
}

// Map places a feature map [H][W][C] in kernel memory. Addr is the byte address
// of its pixel (0,0), channel 0; Row and Pix are the distances in bytes from a
// row or a pixel to the next one. A border lies outside Addr. Channels of a
// pixel are contiguous.
type Map struct {
	Addr     uint32
	Row, Pix int32
}

// Activation functions of a convolution's epilogue.
const (
	ActNone int32 = 0
	ActSiLU int32 = 1
	// ActSiLUFixed is for U8 outputs, see NewFixedSiLU.
	ActSiLUFixed int32 = 2
)

// ConvDesc describes any convolution with group 1 as a sum over runs: a run is
// a contiguous stretch of RunLen input elements at byte offset Runs[i] from the
// window's first tap. A 3×3 convolution over a dense map has 3 runs of 3·C
// elements (dilation 1), over a channel slice 9 runs of C; a 1×1 has one.
//
//	acc[o]  = Σ_run Σ_k in[k]·w[o][k]
//	y       = acc·Scale[o] + Bias[o]            (F32: acc + Bias[o])
//	y       = SiLU(y) when Act is ActSiLU
//	y      += (res − ResZero)·ResScale           when Res.Addr ≠ 0 (F32: res)
//	out     = clamp(roundEven(y·OutInv) + OutZero, 0, 255), or y for F32 outputs
//
// With ActSiLUFixed, Scale and Bias give y in units of NewFixedSiLU, which is
// rounded to 16 bits and goes on in integers (see ConvDesc.storeFixed).
//
// Every float operation above is one separately rounded float32 operation in
// this order, so that all variants agree bit for bit. Elements beyond a run's
// real length, up to RunLen, meet weights of zero. Integer sums wrap: they are
// exact as long as Σ|in·w| < 2³¹. Dst overlaps neither Src nor Res; pixels and
// panels beyond a group's last repeat it.
//
// Tiles: OutH × ceil(OutC/8 / TilePanels); tile t computes row t mod OutH of
// the panel group t / OutH.
type ConvDesc struct {
	Src        Map    // address of the window's first tap for output (0,0); Row and Pix include the stride
	Dst        Map    // U8 or F32
	Res        Map    // same element type as Dst
	OutH, OutW int32  //
	OutC       int32  // multiple of 8; all are stored
	Runs       uint32 // address of NRuns int32
	NRuns      int32
	RunLen     int32  // elements, multiple of 4
	Weights    uint32 // panels, see PackConvI16 and PackConvF32; 16-byte aligned
	Scale      uint32 // OutC float32 (unused by F32); 16-byte aligned
	Bias       uint32 // OutC float32; 16-byte aligned
	TilePanels int32  // panels of 8 output channels a tile, ≥ 1
	Act        int32
	ResScale   float32
	ResZero    int32
	OutInv     float32 // 1 / scale of the output
	OutZero    int32
	Fixed      FixedSiLU // for ActSiLUFixed
}

// ByteConvDesc describes a convolution that reads U8 as it is, without centring:
//
//	acc[o] = Start[o] + Σ_run Σ_k in[k]·w[o][k],  Start[o] = −zero·Σ w[o]
//
// so a border must hold the zero point. Weights are int8 within LaneLimit (see
// PackConvU8); all else is as in ConvDesc.
type ByteConvDesc struct {
	Conv  ConvDesc
	Start uint32 // address of OutC int32; 16-byte aligned
}

// PackWinogradDesc transforms int8 weights for OpWinograd43I16, to the bytes of
// PackWinograd43I16. Tiles: panels of 8 output slots.
type PackWinogradDesc struct {
	Src         uint32 // ArrangeWinograd43's weights, int8 [panel][input slot][tap][8]
	Dst         uint32 // int16 [panel][position][input slot/2][8][2]; 16-byte aligned
	Steps       uint32 // float32 [panel][position][8]; 16-byte aligned
	Scale       uint32 // float32 [panel][8]; 16-byte aligned
	Limit       uint32 // float64 [position]: Winograd43Limits
	InPhys      int32  // input slots, multiple of 8
	Scratch     uint32 // for tile t at Scratch + t·ScratchStep; 16-byte aligned
	ScratchStep int32  // PackWinograd43Scratch
}

// WidenDesc turns a U8 map into a centred I16 one (q − Zero) with Pad pixels of
// zeros on every side. Tiles: H rows; tile 0 also writes the top border, tile
// H−1 the bottom one.
type WidenDesc struct {
	Src     Map
	Dst     Map
	H, W, C int32 // C multiple of 4
	Zero    int32 // of U8
	Pad     int32
	Inv     float32 // of F32: a number is roundEven(y·Inv), within the bounds of I16; NaN gives 0
}

// BorderDesc writes Value (a repeated 4-byte pattern) into Pad pixels on every
// side of a map whose pixel is Bytes long (multiple of 4). Tiles: H rows, tile
// 0 with the top border, tile H−1 with the bottom one.
type BorderDesc struct {
	Dst   Map
	H, W  int32
	Bytes int32
	Pad   int32
	Value uint32
}

// LetterboxDesc resizes RGBA bytes (alpha ignored) bilinearly as OpenCV's
// INTER_LINEAR does on bytes (11-bit fixed-point weights) into the rectangle
// (Left, Top, NewW, NewH) of a DstW×DstH map and fills the rest with grey 114.
// Dst pixels have 4 elements: R, G, B, 0; U8 holds 0..255 as is, F32 value/255.
// Up to 4 bytes after the last source pixel are read (and do not count), so
// they must lie within memory. Tiles: DstH rows.
type LetterboxDesc struct {
	Src        uint32 // address of RGBA rows
	SrcW, SrcH int32
	SrcRow     int32 // bytes
	Dst        Map
	DstW, DstH int32
	Left, Top  int32
	NewW, NewH int32
	XTab       uint32 // LetterboxXTable(SrcW, NewW)
	YTab       uint32 // LetterboxYTable(SrcH, NewH)
	Float      int32  // 0: U8, 1: F32
}

// LetterboxYUVDesc is OpLetterbox of a picture in Y'CbCr with 8 bits a sample
// and a sample of Cb (U) and Cr (V) for 2×2 pixels, as I420 and NV12 are. Each
// pixel takes the chroma of its square, and with y = Y − YZero, u = U − 128,
// v = V − 128 is, before it is resized,
//
//	R = y·R[0] + v·R[1]    B = y·B[0] + u·B[1]    G = y·G[0] + v·G[1] + u·GU[1]
//
// each rounded by (x + 2¹²) >> 13 and clamped to 0..255; the first number of a
// pair is its low 16 bits, signed. Box.Src and SrcRow are those of Y. Up to 15
// bytes after a row's last samples are read. Scratch holds two rows.
type LetterboxYUVDesc struct {
	Box         LetterboxDesc
	U, V        uint32
	ChromaRow   int32
	ChromaStep  int32  // bytes from a sample to the next: 1 (I420) or 2 (NV12)
	Scratch     uint32 // ScratchStep bytes a thread
	ScratchStep int32  // at least 2·LetterboxYUVPitch(SrcW)
	YZero       int32
	R, B, G, GU uint32
}

// PoolDesc is a max-pool with K×K windows; pixels outside the input do not
// count. Tiles: OutH rows.
type PoolDesc struct {
	Src, Dst   Map
	InH, InW   int32
	OutH, OutW int32
	C          int32 // multiple of 8
	K          int32
	Stride     int32
	Pad        int32
}

// UpsampleDesc repeats each pixel Factor times in both directions. Tiles: H
// source rows.
type UpsampleDesc struct {
	Src, Dst Map
	H, W     int32 // of the source
	Bytes    int32 // a pixel, multiple of 8
	Factor   int32
}

// CopyDesc copies Bytes of every pixel. Tiles: H rows.
type CopyDesc struct {
	Src, Dst Map
	H, W     int32
	Bytes    int32 // a pixel, multiple of 4
}

// AddDesc is an element-wise operation on two maps. U8: out = clamp(roundEven(
// ((a−AZero)·AScale + (b−BZero)·BScale)·OutInv) + OutZero, 0, 255), each float
// operation rounded separately. Tiles: H rows.
type AddDesc struct {
	A, B, Dst      Map
	H, W, C        int32 // C multiple of 8 (U8), of 4 (F32)
	AScale, BScale float32
	AZero, BZero   int32
	OutInv         float32
	OutZero        int32
}

// RequantDesc changes the representation of a map. Requant: clamp(roundEven((q
// − SrcZero)·SrcScale·OutInv) + OutZero, 0, 255), rounded after each operation;
// Quantize takes x for (q − SrcZero)·SrcScale, Dequantize stops before OutInv.
// Tiles: H rows.
type RequantDesc struct {
	Src, Dst Map
	H, W, C  int32 // C multiple of 8
	SrcScale float32
	SrcZero  int32
	OutInv   float32
	OutZero  int32
}

// EltDesc is a function of a single float map. C is exact for softmax (which
// runs over the C channels of a pixel), else a multiple of 4. Tiles: H rows.
type EltDesc struct {
	Src, Dst Map
	H, W, C  int32
}

// DetectDesc decodes one scale of a YOLOv8 head: every anchor whose best class
// logit is at least Params.Logit appends a Candidate at Out[Params.Count++].
// Distances are the expectation of a softmax over RegMax bins (DFL), boxes are
// anchor ∓ distance times Stride. Tiles: H rows.
type DetectDesc struct {
	Box, Cls Map // F32; 4·RegMax (left, top, right, bottom) and Classes channels
	H, W     int32
	Classes  int32
	RegMax   int32
	Stride   float32 // pixels of the network's input
	Anchor0  int32   // index of this scale's first anchor
	Params   uint32  // address of DetectParams
	Out      uint32  // address of Candidates, room for one an anchor
}

// DetectParams is shared by the scales of a head; the host writes it before
// each run and reads Count after it.
type DetectParams struct {
	Logit float32
	Count uint32
}

// Candidate is a decoded box in pixels of the network's input.
type Candidate struct {
	X1, Y1, X2, Y2 float32
	Logit          float32 // of the best class
	Class          int32   // the lowest index among equals
	Anchor         int32
	_              uint32
}

// Bytes returns the little-endian memory image of a descriptor. T holds 4-byte
// fields only; every platform that Go's WebAssembly and our native hosts run on
// is little-endian.
func Bytes[T any](d *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(d)), unsafe.Sizeof(*d))
}
