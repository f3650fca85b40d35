package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"eagleeye/build/coco"
	"eagleeye/build/demo"
	"eagleeye/build/render"
	"eagleeye/build/shared"
	"eagleeye/build/site"
	"eagleeye/wasm/onnx"
	"eagleeye/wasm/zoo"
)

// command runs one command line without a model in the environment or cache.
func command(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	for _, name := range []string{"MODEL", "CALIB", "PORT", "DOWNLOAD"} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "cache"))
	var o, e bytes.Buffer
	code = execute(t.Context(), args, terminal{&o, &e})
	return code, o.String(), e.String()
}

// wordEnd is where a word ends within a name.
var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)

func TestHelp(t *testing.T) {
	code, out, _ := command(t, "--help")
	if code != 0 {
		t.Errorf("--help exits with %d", code)
	}
	kind := reflect.TypeFor[commands]()
	for i := range kind.NumField() {
		verb := strings.ToLower(wordEnd.ReplaceAllString(kind.Field(i).Name, "$1-$2")) // as kong names it
		if !strings.Contains(out, "  "+verb) {
			t.Errorf("--help lacks %s", verb)
		}
		if code, out, _ := command(t, verb, "--help"); code != 0 || !strings.Contains(out, "Usage: go run ./build "+verb) {
			t.Errorf("%s --help exits with %d:\n%s", verb, code, out)
		}
	}
	if code, out, _ := command(t); code != 0 || !strings.Contains(out, "Commands:") {
		t.Errorf("no arguments: exit %d, want the help:\n%s", code, out)
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	scene := filepath.Join(dir, "scene.png")
	writePNG(t, scene)
	site := t.TempDir()
	if err := os.WriteFile(filepath.Join(site, "index.html"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	html := filepath.Join(dir, "page.onnx")
	if err := os.WriteFile(html, []byte("<!doctype html><title>log in</title>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in the message
	}{
		{"unknown verb", []string{"fly"}, exitUsage, "fly"},
		{"unknown flag", []string{"eval", "--colour"}, exitUsage, "--colour"},
		{"missing flag", []string{"eval"}, exitUsage, "--data"},
		{"wrong choice", []string{"info", "--precision", "f64", scene}, exitUsage, "precision"},
		{"absent file", []string{"info", filepath.Join(dir, "none.onnx")}, exitUsage, "none.onnx"},
		{"threshold", []string{"detect", "--model", html, "--conf", "2", scene}, exitUsage, "--conf"},
		{"output kind", []string{"detect", "--model", html, scene, "-o", "x.bmp"}, exitUsage, "x.bmp"},
		{"not a model", []string{"info", html}, exitFailed, "HTML"},
		{"no model", []string{"detect", scene}, exitFailed, "make model"},
		{"no data set", []string{"eval", "--data", dir, "--model", html}, exitFailed, "instances.json"},
		{"detections and fidelity", []string{"eval", "--data", dir, "--detections", html, "--fidelity", "f32"}, exitUsage, "--fidelity"},
		{"bad port", []string{"serve", "--port", "99999", site}, exitFailed, "99999"},
		{"no page", []string{"serve", filepath.Join(dir, "absent")}, exitUsage, "make build"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, _, err := command(t, c.args...); code != c.code || !strings.Contains(err, c.want) {
				t.Errorf("exit %d with %q, want %d and a message with %q", code, err, c.code, c.want)
			}
		})
	}
}

func writePNG(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, render.Scene(1, 160, 120)); err != nil {
		t.Fatal(err)
	}
}

// tinyModel writes a small YOLOv8 with seeded weights.
func tinyModel(t *testing.T) string {
	t.Helper()
	g, err := zoo.YOLOv8(zoo.Config{Depth: 0.33, Width: 0.125, MaxChannels: 512, Classes: []string{"person", "cat"}, Seed: 3, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	data, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tiny.onnx")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyData writes a data set of one scene with one object.
func tinyData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	writePNG(t, filepath.Join(dir, "images", "1.png"))
	data, err := json.Marshal(coco.Dataset{
		Images:      []coco.Image{{ID: 1, File: "1.png", Width: 160, Height: 120}},
		Annotations: []coco.Annotation{{ID: 1, Image: 1, Category: 1, Box: [4]float64{10, 10, 50, 50}, Area: 2500}},
		Categories:  []coco.Category{{ID: 1, Name: "person"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "instances.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestVerbs runs the verbs on a model from quantizing to judging.
func TestVerbs(t *testing.T) {
	model, data, dir := tinyModel(t), tinyData(t), t.TempDir()
	int8 := filepath.Join(dir, "int8.onnx")
	scene := filepath.Join(data, "images", "1.png")
	must := func(args ...string) string {
		t.Helper()
		code, out, err := command(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, err)
		}
		return out
	}

	must("quantize", "--images", "2", model, "-o", int8)
	var info struct {
		Precision, Producer string
		Width, Opset        int
		Steps               []struct{ Kind string }
	}
	if err := json.Unmarshal([]byte(must("info", "--json", int8)), &info); err != nil || info.Precision != "int8" || info.Producer != "eagleeye" || info.Opset < 11 || info.Width != 64 || len(info.Steps) < 64 {
		t.Errorf("info: %+v, %v", info, err)
	}
	if out := must("info", "--plan", "--size", "160", int8); !strings.Contains(out, "winograd 4×4") || !strings.Contains(out, "predicted ms") {
		t.Errorf("info --plan:\n%s", out)
	}
	var layers []struct {
		PredictedMS, Share float64
		MACs               int64
	}
	if err := json.Unmarshal([]byte(must("info", "--plan", "--relaxed", "--json", int8)), &layers); err != nil || len(layers) < 60 || layers[0].PredictedMS <= 0 || layers[0].Share <= 0 || layers[0].MACs == 0 {
		t.Errorf("info --plan --json: %+v, %v", layers, err)
	}
	if out := must("info", "--time", "1", int8); !strings.Contains(out, "ms in all") || !strings.Contains(out, "letterbox") {
		t.Errorf("info --time:\n%s", out)
	}

	var dets []struct {
		Width      int
		Detections []struct{ Box [4]float32 }
	}
	drawn := filepath.Join(dir, "drawn.png")
	if err := json.Unmarshal([]byte(must("detect", "--model", int8, "--conf", "0", "--json", scene, "-o", drawn)), &dets); err != nil || len(dets) != 1 || dets[0].Width != 160 || len(dets[0].Detections) == 0 {
		t.Errorf("detect: %+v, %v", dets, err)
	}
	if file, err := os.ReadFile(drawn); err != nil || !bytes.HasPrefix(file, []byte("\x89PNG")) {
		t.Errorf("detect drew %d bytes, %v", len(file), err)
	}

	csv, saved := filepath.Join(dir, "classes.csv"), filepath.Join(dir, "dets.json")
	var e struct {
		AP        *float64
		Precision string
		Size      [2]int
		Fidelity  struct{ Anchors int }
	}
	out := must("eval", "--model", int8, "--data", data, "--fidelity", model, "--size", "96", "--csv", csv, "--save", saved, "--json")
	if err := json.Unmarshal([]byte(out), &e); err != nil || e.AP == nil || e.Precision != "int8" || e.Size != [2]int{96, 96} {
		t.Errorf("eval: %+v, %v", e, err)
	}
	if text, err := os.ReadFile(csv); err != nil || !strings.Contains(string(text), "1,person,1,") {
		t.Errorf("CSV %q, %v", text, err)
	}
	must("eval", "--data", data, "--detections", saved)
	if out := must("eval", "--model", int8, "--data", data, "--fidelity", "f32"); !strings.Contains(out, "against f32") {
		t.Errorf("eval --fidelity f32:\n%s", out)
	}
}

// TestEvalPublished scores the reference detections by the command.
func TestEvalPublished(t *testing.T) {
	file := shared.File(t, "coco", "val", "dets-yolov8n-640.json")
	code, out, err := command(t, "eval", "--detections", file, "--data", filepath.Dir(file))
	for _, want := range []string{"AP    0.3976", "AP50  0.5551", "AP75  0.4270"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in\n%s%s", code, want, out, err)
		}
	}
}

// TestFindModel follows the order in which the page's model is looked for.
func TestFindModel(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	model := tinyModel(t)
	var text bytes.Buffer
	term := terminal{&text, &text}
	var o site.Options
	if err := (modelFlags{}).ship(t.Context(), term, &o); err != nil || o.Model != "" || o.ModelName != demo.Name || len(o.ModelData) == 0 || len(o.Film) == 0 ||
		!strings.Contains(text.String(), "own model") || !strings.Contains(text.String(), "make model") {
		t.Errorf("with none: %q, %q, %d and %d bytes, %v\n%s", o.Model, o.ModelName, len(o.ModelData), len(o.Film), err, text.String())
	}
	if _, _, err := (modelFlags{Model: model + "-absent"}).find(t.Context(), term); err == nil {
		t.Error("an absent named model was passed over")
	}
	path, name, err := modelFlags{Model: model, Float: true}.find(t.Context(), term)
	if err != nil || path != model || name != "tiny.onnx" {
		t.Errorf("as it is: %q, %q, %v", path, name, err)
	}
	text.Reset()
	int8, name, err := modelFlags{Model: model}.find(t.Context(), term)
	if err != nil || int8 == model || name != "tiny-int8.onnx" || !strings.Contains(text.String(), "made the int8 form") {
		t.Fatalf("int8: %q, %q, %v", int8, name, err)
	}
	text.Reset()
	if again, _, err := (modelFlags{Model: model}).find(t.Context(), term); err != nil || again != int8 || strings.Contains(text.String(), "made") {
		t.Errorf("again: %q, %v\n%s", again, err, text.String())
	}
	if same, _, err := (modelFlags{Model: int8}).find(t.Context(), term); err != nil || same != int8 {
		t.Errorf("an int8 model became %q, %v", same, err)
	}
}

// TestServeDist serves the folder that make build makes when none is named.
func TestServeDist(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("dist", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("dist/index.html", []byte("the page"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	lines, said := io.Pipe()
	done := make(chan int, 1)
	go func() { done <- execute(ctx, []string{"serve", "--port", "0"}, terminal{io.Discard, said}) }()
	line, err := bufio.NewReader(lines).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(line)
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || string(body) != "the page" {
		t.Errorf("%s answers %d: %q", url, answer.StatusCode, body)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("serve exits with %d", code)
	}
}

// TestVariablesSetToNothing: the Makefile exports all of its variables, most of
// them empty, which is as if they were not set.
func TestVariablesSetToNothing(t *testing.T) {
	var c commands
	parser, err := newParser(t.Context(), &c, terminal{io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	names := variables(parser.Model.Node)
	for _, want := range []string{"MODEL", "MODELS", "CALIB", "PORT", "DOWNLOAD"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is no variable of a flag, those are %v", want, names)
		}
		t.Setenv(want, "")
	}
	if code, _, text := command(t, "info", "no such file.onnx"); code != exitUsage || !strings.Contains(text, "no such file") {
		t.Errorf("exit %d with %q", code, text)
	}
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok && v == "" {
			t.Errorf("%s is still set to nothing", name)
		}
	}
}
