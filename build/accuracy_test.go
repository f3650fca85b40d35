package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"eagleeye/build/coco"
	"eagleeye/build/shared"
)

// TestInt8Accuracy makes the int8 form of the reference model and holds it to
// the figures of docs/QUANTIZATION.md: an rms of 0.0447 and a mean of 0.0154.
// Average precision on so few images moves by 0.004 either way for no reason.
func TestInt8Accuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates and judges a whole model: skipped with -short")
	}
	model := shared.File(t, "models", "yolov8n.onnx")
	published := shared.File(t, "coco", "val", "dets-yolov8n-640.json")
	photos := shared.File(t, "coco", "calib")
	val := filepath.Dir(published)
	data, err := coco.Load(val)
	if err != nil {
		t.Fatal(err)
	}
	dets, err := data.LoadDetections(published)
	if err != nil {
		t.Fatal(err)
	}
	float := data.Evaluate(dets)

	code, out, text := command(t, "eval", "--int8", "--model", model, "--calib", photos, "--data", val, "--json")
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, text)
	}
	var e struct {
		AP       coco.Precision
		Seconds  float64
		Fidelity struct {
			Anchors  int
			RMSScore float64
			MeanLoss float64 `json:"mean1MinusIoU"`
		}
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	t.Logf("int8 AP %v, float32 %v; %d anchors: rms %.4f, mean 1 − IoU %.4f; %.0f s", e.AP, float.AP, e.Fidelity.Anchors, e.Fidelity.RMSScore, e.Fidelity.MeanLoss, e.Seconds)
	if e.AP < float.AP-0.006 {
		t.Errorf("AP is %v, more than 0.006 under the float model's %v", e.AP, float.AP)
	}
	if e.Fidelity.Anchors < 1000 || e.Fidelity.RMSScore > 0.045 || e.Fidelity.MeanLoss > 0.016 {
		t.Errorf("%d anchors, rms %.4f, mean %.4f; want at most 0.045 and 0.016", e.Fidelity.Anchors, e.Fidelity.RMSScore, e.Fidelity.MeanLoss)
	}
}
