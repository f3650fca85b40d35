package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"eagleeye/build/train/net"
)

// A checkpoint is magic, the length of a JSON header (uint32), the header, the
// tensors that it lists as float32, and the SHA-256 of all that; numbers are
// little-endian.
const magic = "EagleEye training 1\n"

// ErrCheckpoint marks a file that is no checkpoint of this training.
var ErrCheckpoint = errors.New("no usable checkpoint")

// header is the part of a training's state that is no tensor. Random numbers
// need no state: they follow from seed and step.
type header struct {
	Hyper   Hyper   `json:"hyper"`
	Model   string  `json:"model"` // fingerprint of the start
	Data    string  `json:"data"`
	Step    int     `json:"step"`
	Updates int     `json:"updates"`
	Pending int     `json:"pending"` // batches since the last update
	Seconds float64 `json:"seconds"`

	Sums  []Part  `json:"sums"` // of the epoch so far
	Norm  float64 `json:"norm"` // of the last gradients
	Count int     `json:"count"`

	Rows []Row `json:"rows"`
	Best int   `json:"best"` // index of a row; −1 is none

	Tensors []entry `json:"tensors"`
}

type entry struct {
	Name string `json:"name"`
	Len  int    `json:"len"`
}

// tensors lists all that a checkpoint holds. Gradients only count between
// updates, but are there always so that all checkpoints of a training are alike.
func (t *trainer) tensors() []net.Tensor {
	var s []net.Tensor
	add := func(kind, name string, data []float32) {
		if len(data) > 0 {
			s = append(s, net.Tensor{Name: kind + " " + name, Data: data})
		}
	}
	for _, x := range t.network.state() {
		add("weight", x.Name, x.Data)
	}
	for _, x := range t.average.mean {
		add("mean", x.Name, x.Data)
	}
	for _, x := range t.optimizer.tensors {
		add("first moment", x.name, x.m1)
		add("second moment", x.name, x.m2)
		add("gradient", x.name, x.grad)
	}
	if t.c.Extra.State != nil {
		for _, x := range t.c.Extra.State() {
			add("extra", x.Name, x.Data)
		}
	}
	return s
}

func (t *trainer) save() error {
	h := t.header
	h.Seconds = t.seconds()
	list := t.tensors()
	for _, x := range list {
		h.Tensors = append(h.Tensors, entry{x.Name, len(x.Data)})
	}
	return t.c.writeFile(CheckpointFile, func(w io.Writer) error { return writeCheckpoint(w, h, list) })
}

func writeCheckpoint(w io.Writer, h header, list []net.Tensor) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	buf := append([]byte(magic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(buf[len(magic):], uint32(len(text)))
	if _, err := out.Write(append(buf, text...)); err != nil {
		return err
	}
	for _, x := range list {
		buf = buf[:0]
		for _, v := range x.Data {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// readCheckpoint checks a whole file before it gives out any of it.
func readCheckpoint(data []byte) (h header, floats []byte, err error) {
	bad := func(format string, args ...any) (header, []byte, error) {
		return header{}, nil, fmt.Errorf("%w: %s", ErrCheckpoint, fmt.Sprintf(format, args...))
	}
	const front = len(magic) + 4
	if len(data) < front+sha256.Size || string(data[:len(magic)]) != magic {
		return bad("not a checkpoint of this version")
	}
	body, end := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], end) {
		return bad("it is damaged: the checksum differs")
	}
	size := uint64(binary.LittleEndian.Uint32(body[len(magic):]))
	if size > uint64(len(body)-front) {
		return bad("its header is cut off")
	}
	if err := json.Unmarshal(body[front:front+int(size)], &h); err != nil {
		return bad("header: %v", err)
	}
	floats = body[front+int(size):]
	total := 0
	for _, e := range h.Tensors {
		if e.Len < 0 || e.Len > len(floats)/4-total {
			return bad("tensor %q is cut off", e.Name)
		}
		total += e.Len
	}
	if 4*total != len(floats) || h.Step < 0 || h.Updates < 0 || h.Pending < 0 || h.Best < -1 || h.Best >= len(h.Rows) {
		return bad("its parts do not fit together")
	}
	return h, floats, nil
}

// load continues from the folder's checkpoint. Nothing is changed where it does
// not fit.
func (t *trainer) load() error {
	path := filepath.Join(t.c.Out, CheckpointFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	h, floats, err := readCheckpoint(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := same(h, t.header); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	list := t.tensors()
	if len(list) != len(h.Tensors) {
		return fmt.Errorf("%s: %w: %d tensors, want %d", path, ErrCheckpoint, len(h.Tensors), len(list))
	}
	for i, x := range list {
		if e := h.Tensors[i]; e.Name != x.Name || e.Len != len(x.Data) {
			return fmt.Errorf("%s: %w: tensor %q of %d, want %q of %d", path, ErrCheckpoint, e.Name, e.Len, x.Name, len(x.Data))
		}
	}
	for _, x := range list {
		for i := range x.Data {
			x.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(floats))
			floats = floats[4:]
		}
	}
	h.Tensors = nil
	t.header = h
	t.optimizer.updates = h.Updates
	return nil
}

// same refuses to go on with other settings, and names them.
func same(was, now header) error {
	if was.Model != now.Model {
		return fmt.Errorf("%w: it began with another model", ErrCheckpoint)
	}
	if was.Data != now.Data {
		return fmt.Errorf("%w: it is of another data set (%s, now %s)", ErrCheckpoint, was.Data, now.Data)
	}
	fields := func(h Hyper) (m map[string]any) {
		text, _ := json.Marshal(h)
		_ = json.Unmarshal(text, &m)
		return m
	}
	a, b := fields(was.Hyper), fields(now.Hyper)
	for name, v := range a {
		if x, y := fmt.Sprint(v), fmt.Sprint(b[name]); x != y {
			return fmt.Errorf("%w: it was made with %s %s, now it is %s", ErrCheckpoint, name, x, y)
		}
	}
	return nil
}
