package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValLoss measures the loss of the pictures to judge on without changing the
// training.
func TestValLoss(t *testing.T) {
	without, with := small(t), small(t)
	with.ValLoss = true
	trained(t, without)
	r, h, _ := trained(t, with)
	for i, row := range h.Rows {
		if !row.Judged {
			if row.ValLosses != nil {
				t.Errorf("epoch %d was not judged, but has %v", row.Epoch, row.ValLosses)
			}
			continue
		}
		if len(row.ValLosses) != 3 {
			t.Fatalf("epoch %d: %v", row.Epoch, row.ValLosses)
		}
		for k, p := range row.ValLosses {
			// Two pictures of another seed, hardly trained: the same order.
			if ratio := p.Value / row.Losses[k].Value; p.Name != row.Losses[k].Name || !(ratio > 0.2 && ratio < 5) {
				t.Errorf("epoch %d: %v, in training %v", row.Epoch, p, row.Losses[k])
			}
		}
		h.Rows[i].ValLosses = nil
	}
	if !strings.Contains(r.Last.String(), ", val box ") {
		t.Errorf("not told: %v", r.Last)
	}
	plain, _ := checkpointOf(t, without.Out)
	if len(plain.Rows) != len(h.Rows) {
		t.Fatal("other rows")
	}
	for i, row := range plain.Rows {
		if row.Losses[0] != h.Rows[i].Losses[0] || row.AP != h.Rows[i].AP {
			t.Errorf("epoch %d: %v without, %v with", row.Epoch, row, h.Rows[i])
		}
	}
	a, err := os.ReadFile(filepath.Join(without.Out, LastFile))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(with.Out, LastFile))
	if err != nil || string(a) != string(b) {
		t.Errorf("measuring the loss changed the training: %v", err)
	}
	csv, err := os.ReadFile(filepath.Join(with.Out, ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(csv)), "\n")
	if !strings.HasSuffix(lines[0], ",metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/dfl_loss") || !strings.HasSuffix(lines[1], ",,,,,") {
		t.Errorf("%s", csv)
	}
}

// TestValLossValue compares with the training's own loss of the same pictures and
// weights: where batch norms use what they have learned, and nothing else differs.
func TestValLossValue(t *testing.T) {
	c := small(t)
	c.Train, c.Val, c.Batch, c.ValLoss = blocks(4), blocks(4), 4, true
	c.Augment.Mosaic = 0
	tr, err := prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	got, err := tr.valLoss.of(t.Context(), tr.average)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tr.valLoss.of(t.Context(), tr.average)
	if err != nil {
		t.Fatal(err)
	}
	tr.valLoss.loader.Start(0)
	defer tr.valLoss.loader.Close()
	b, err := tr.valLoss.loader.Next()
	if err != nil {
		t.Fatal(err)
	}
	tr.network.net.SetTraining(false)
	want, err := tr.network.run(0, b) // the graph with its gradients
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range want {
		if got[i] != again[i] || math.Abs(got[i].Value-p.Value) > 1e-6*p.Value || p.Value <= 0 {
			t.Errorf("%v, again %v, want %v", got[i], again[i], p)
		}
	}
	// Other means are other losses; the weights stay.
	before := append([]float32(nil), tr.average.live[0].Data...)
	for i := range tr.average.mean {
		for k := range tr.average.mean[i].Data {
			tr.average.mean[i].Data[k] *= 1.3
		}
	}
	other, err := tr.valLoss.of(t.Context(), tr.average)
	if err != nil {
		t.Fatal(err)
	}
	if other[1] == got[1] {
		t.Errorf("the averaged weights do not count: %v", other)
	}
	for k, v := range tr.average.live[0].Data {
		if v != before[k] {
			t.Fatalf("weight %d is %v, was %v", k, v, before[k])
		}
	}
}
