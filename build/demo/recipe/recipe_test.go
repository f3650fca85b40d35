package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"eagleeye/build/demo"
	"eagleeye/build/scenes"
	"eagleeye/build/scenes/dataset"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

var (
	model = flag.String("model", "", "judge this model instead of the shipped one, and only tell")
	count = flag.Int("scenes", testScenes, "held-out scenes to judge on")
	side  = flag.Int("size", 0, "of the model's input; 0 is its own")
)

// TestShipped holds the shipped model to what its record says of held-out scenes.
func TestShipped(t *testing.T) {
	if testing.Short() && *model == "" {
		t.Skip("500 scenes: skipped with -short")
	}
	data := demo.Model
	if *model != "" {
		var err error
		if data, err = os.ReadFile(*model); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Judge(context.Background(), data, dataset.Set{Seed: dataset.TestSeed, N: *count}, *side)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if *model != "" {
		return
	}
	if *count == testScenes && (s.AP50 < 0.95 || s.AP < 0.75) {
		t.Errorf("AP50 %.4f, AP50-95 %.4f: want 0.95 and 0.75 at least", s.AP50, s.AP)
	}
	r := readRecord(t)
	if *count == r.Test.Scenes && (math.Abs(s.AP50-r.Test.AP50) > 0.002 || math.Abs(s.AP-r.Test.AP) > 0.002) {
		t.Errorf("AP50 %.4f, AP50-95 %.4f: the record says %.4f and %.4f", s.AP50, s.AP, r.Test.AP50, r.Test.AP)
	}
}

func readRecord(t *testing.T) (r Record) {
	t.Helper()
	text, err := os.ReadFile("../training/record.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRecord holds the committed record to the committed file and to this recipe.
func TestRecord(t *testing.T) {
	r := readRecord(t)
	sum := sha256.Sum256(demo.Model)
	if r.SHA256 != hex.EncodeToString(sum[:]) || r.Bytes != len(demo.Model) {
		t.Errorf("the record is of another file: %s, %d bytes", r.SHA256, r.Bytes)
	}
	if len(demo.Model) > 1.5e6 {
		t.Errorf("%d bytes: more than 1.5 MB", len(demo.Model))
	}
	if !slices.Equal(r.Classes, demo.Classes) || !slices.Equal(demo.Classes, scenes.Names) {
		t.Errorf("classes %v, %v, %v", r.Classes, demo.Classes, scenes.Names)
	}
	if len(r.Stages) != len(stages) {
		t.Fatalf("%d stages", len(r.Stages))
	}
	for i, s := range stages {
		if g := r.Stages[i]; g.Steps != s.steps || g.Size != s.size || g.LR != s.lr {
			t.Errorf("stage %s: the record says %+v", s.name, g)
		}
	}
}

// TestModel wants the start to be YOLOv8 of the classes, small enough to ship.
func TestModel(t *testing.T) {
	g, err := Model(1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := zoo.CostOf(g, 0, 0)
	if err != nil || c.Params > 1_400_000 {
		t.Errorf("%+v, %v", c, err)
	}
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Model(1)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := onnx.Write(again); err != nil || !slices.Equal(data, other) {
		t.Errorf("one seed made two models (%v)", err)
	}
}

// TestRunGoesOn trains a little, then again in the same folder, which must change
// nothing but the time.
func TestRunGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains: skipped with -short")
	}
	o := Options{Out: t.TempDir(), Seed: 3, Scale: 0.0003, test: 4}
	first, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if first.SHA256 != again.SHA256 || first.Stages[0] != again.Stages[0] || first.Bytes > 1.5e6 {
		t.Errorf("%+v\n%+v", first, again)
	}
	for _, name := range []string{FloatFile, ModelFile, RecordFile} {
		if _, err := os.Stat(filepath.Join(o.Out, name)); err != nil {
			t.Error(err)
		}
	}
}
