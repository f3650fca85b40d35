package message

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func samples() map[string]Message {
	t := Thresholds{Conf: 0.25, IoU: 0.7, Max: 300}
	return map[string]Message{
		"load":          Load{Name: "yolov8n 模型.onnx", Choice: Choice{Width: 320, Height: 640, Precision: PrecisionFloat}},
		"reload":        Reload{Choice{Width: 1280, Height: 32, Precision: PrecisionMixed}},
		"reload bare":   Reload{},
		"convert":       Convert{Name: "best.pt"},
		"calibrate":     Calibrate{Name: "best.onnx", Width: 640, BiasImages: 8, RoundImages: 32},
		"working":       Working{What: WorkBias, Done: 3, Total: 70000},
		"converted":     Converted{Name: "best-int8.onnx", Bytes: 1 << 33, Images: 32, BiasImages: 8, RoundImages: 1, Points: 90, Convs: 63},
		"load empty":    Load{},
		"frame":         Frame{ID: 1 << 31, Width: 1920, Height: 1080, Thresholds: t, Thumb: true},
		"rerun":         Rerun{ID: 7, Thresholds: t},
		"crash":         Crash{},
		"ready":         Ready{Variant: "simd128"},
		"progress":      Progress{Stage: StageWarm},
		"loaded":        Loaded{Name: "m", Width: 640, Height: 640, Precision: "int8", Variant: "simd128-threads", Threads: 2, Params: 3151904, MACs: 4372000000, Memory: 1 << 33, Classes: []string{"person", "", "a\x00b"}, OpenMicros: 5, WarmMicros: 6, Quantized: true},
		"loaded bare":   Loaded{},
		"result":        Result{ID: 3, Width: 640, Height: 480, Prepare: 1, Infer: 2, Decode: 3, Copy: 9, Planes: true, KernelBytes: 4, EngineBytes: 5, Detections: []Detection{{1, 2, 3, 4, 0.5, 79}, {Class: 1 << 30}}, Thumb: bytes.Repeat([]byte{9}, ThumbBytes)},
		"result empty":  Result{ID: 4},
		"failed":        Failed{Frame: true, ID: 12, Reason: ReasonOperator, Text: "NonZero"},
		"failed memory": Failed{Reason: numReasons - 1},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			b := Append(nil, m)
			got, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, m) {
				t.Fatalf("got %+v, want %+v", got, m)
			}
			prefixed := Append([]byte("ab"), m)
			if !bytes.Equal(prefixed, append([]byte("ab"), b...)) {
				t.Fatal("Append does not append")
			}
			for i := range b {
				if _, err := Decode(b[:i]); !errors.Is(err, ErrMalformed) {
					t.Fatalf("cut to %d of %d bytes: got %v, want ErrMalformed", i, len(b), err)
				}
			}
			if _, err := Decode(append(b, 0)); !errors.Is(err, ErrMalformed) {
				t.Fatalf("a byte too many: got %v, want ErrMalformed", err)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"kind zero":         {0},
		"unknown kind":      {200},
		"long list":         append([]byte{byte(kindResult), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0x0f),
		"number too large":  {byte(kindRerun), 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"bool of two":       {byte(kindFailed), 2, 0, 0, 0},
		"unknown precision": {byte(kindLoad), 0, 0, 0, byte(numPrecisions)},
		"unknown reason":    {byte(kindFailed), 0, 0, byte(numReasons), 0},
		"endless uvarint":   append([]byte{byte(kindReady)}, bytes.Repeat([]byte{0x80}, 30)...),
		"string past end":   {byte(kindReady), 5, 'a'},
		"progress too high": {byte(kindProgress), 0x80, 0x02},
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := Decode(b); !errors.Is(err, ErrMalformed) {
				t.Fatalf("got %+v, %v; want ErrMalformed", m, err)
			}
		})
	}
}

// FuzzDecode checks that any bytes are refused or read as a message whose own
// encoding reads back the same.
func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		f.Add(Append(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		canonical := Append(nil, m)
		again, err := Decode(canonical)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if !bytes.Equal(Append(nil, again), canonical) {
			t.Fatalf("unstable: %+v then %+v", m, again)
		}
	})
}
