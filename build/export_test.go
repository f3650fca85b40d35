package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eagleeye/wasm/graph"
	"eagleeye/wasm/onnx"
)

// under lists what lies under a folder, folders with a slash.
func under(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if path != dir && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		} else if path != dir {
			names = append(names, filepath.Base(path)+"/")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestExport(t *testing.T) {
	model, out := tinyModel(t), filepath.Join(t.TempDir(), "new", "folder")
	code, _, err := command(t, "export", model, "--to=onnx,tflite,tfjs,ncnn,openvino,tensorrt", "--precision=fp16", "--imgsz=64,96", "--name=m", "--out", out)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, err)
	}
	want := []string{"m_fp16.onnx", "m_fp16.tflite", "m_fp16_ncnn_model/", "m_fp16_ncnn_model/metadata.yaml", "m_fp16_ncnn_model/model.ncnn.bin",
		"m_fp16_ncnn_model/model.ncnn.param", "m_fp16_openvino_model/", "m_fp16_openvino_model/m.bin", "m_fp16_openvino_model/m.xml",
		"m_fp16_tensorrt.onnx", "m_fp16_web_model/", "m_fp16_web_model/group1-shard1of1.bin", "m_fp16_web_model/model.json"}
	if got := under(t, out); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if !strings.Contains(err, "trtexec --onnx=m_fp16_tensorrt.onnx --saveEngine=m_fp16_tensorrt.engine --fp16") {
		t.Errorf("no command for trtexec in %q", err)
	}
	if code, text, err := command(t, "info", filepath.Join(out, "m_fp16.onnx")); code != 0 || !strings.Contains(text, "96") {
		t.Errorf("info of the export: exit %d, %s%s", code, text, err)
	}
}

// What is refused says why and leaves the folder as it was.
func TestExportRefuses(t *testing.T) {
	model := tinyModel(t)
	data, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	g, err := onnx.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	g.Nodes = g.Nodes[:len(g.Nodes)/3]
	g.Outputs = g.Nodes[len(g.Nodes)-1].Out[:1]
	g.Outputs[0].DType = graph.Float32
	backbone, err := onnx.Write(g)
	if err != nil {
		t.Fatal(err)
	}
	file := put("file", nil)
	headless := put("backbone.onnx", backbone)
	before := under(t, dir)
	all := "--to=onnx,tflite,tfjs,ncnn,openvino,tensorrt"
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown format":           {[]string{model, "--to=onnx,coreml"}, exitUsage, `"coreml": want one of onnx, tflite`},
		"a format twice":           {[]string{model, "--to=ncnn,ncnn"}, exitUsage, "twice"},
		"unknown precision":        {[]string{model, "--precision=int4"}, exitUsage, "fp32"},
		"TensorFlow.js in int8":    {[]string{model, "--to=tfjs", "--precision=int8"}, exitUsage, "take fp32 or fp16"},
		"open sizes of TFLite":     {[]string{model, "--to=tflite", "--dynamic"}, exitUsage, "tflite"},
		"opset of ncnn":            {[]string{model, "--to=ncnn", "--opset=13"}, exitUsage, "opset"},
		"opset 10":                 {[]string{model, "--opset=10"}, exitUsage, "11 to 21"},
		"int8 in opset 12":         {[]string{model, "--opset=12", "--precision=int8"}, exitUsage, "13 or later"},
		"a name with a folder":     {[]string{model, "--name=../m"}, exitUsage, "--out"},
		"three sides":              {[]string{model, "--imgsz=64,64,3"}, exitUsage, "--imgsz"},
		"a negative side":          {[]string{model, "--imgsz=-64", all}, exitUsage, "-64"},
		"no multiple of 32":        {[]string{model, "--imgsz=65", all}, exitFailed, "multiples of the largest stride, 32"},
		"a giant input":            {[]string{model, "--imgsz=1000000", all}, exitFailed, "pixels"},
		"the folder is a file":     {[]string{model, "--out", filepath.Join(file, "under")}, exitFailed, "file"},
		"the model itself":         {[]string{headless, "--out", dir}, exitUsage, "overwrite"},
		"half an ONNX file":        {[]string{put("half.onnx", data[:len(data)/2]), all}, exitFailed, "half.onnx"},
		"all but a byte":           {[]string{put("almost.onnx", data[:len(data)-1]), all}, exitFailed, "almost.onnx"},
		"an empty file":            {[]string{put("empty.onnx", nil), all}, exitFailed, "empty.onnx"},
		"no detector":              {[]string{headless, all, "--name=m"}, exitFailed, "not a YOLOv8 detector"},
		"no detector, to quantize": {[]string{headless, "--precision=int8", "--name=m"}, exitFailed, "not a YOLOv8 detector"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"export"}, c.args...)
			out := filepath.Join(t.TempDir(), "out")
			if !slices.Contains(args, "--out") {
				args = append(args, "--out", out)
			}
			if code, _, err := command(t, args...); code != c.code || !strings.Contains(err, c.want) {
				t.Errorf("exit %d with %q, want %d and a message with %q", code, err, c.code, c.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("the folder for the files was made: %v", err)
			}
		})
	}
	before = append(before, "half.onnx", "almost.onnx", "empty.onnx")
	slices.Sort(before)
	if after := under(t, dir); !slices.Equal(after, before) {
		t.Errorf("beside the model lie %q, want %q", after, before)
	}
}
