package train

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// Row is an epoch's line in results.csv.
type Row struct {
	Epoch   int     `json:"epoch"` // from 1
	Step    int     `json:"step"`  // batches so far
	Seconds float64 `json:"seconds"`
	LR      float64 `json:"lr"`
	Norm    float64 `json:"norm"`   // of the last gradients, before clipping
	Losses  []Part  `json:"losses"` // means of the epoch, per picture
	// ValLosses are those of the averaged weights on the pictures to judge on; none
	// where they were not measured.
	ValLosses []Part `json:"val_losses,omitempty"`
	// Judged tells whether AP (of IoU 0.50 to 0.95) and AP50 were measured; −1
	// where there was nothing to find.
	Judged bool    `json:"judged"`
	AP     float64 `json:"ap"`
	AP50   float64 `json:"ap50"`
}

// Fitness is what the best model has most of, as Ultralytics weighs it.
func (r Row) Fitness() float64 { return 0.1*r.AP50 + 0.9*r.AP }

// betterThan compares with the best row so far, nil where there is none. As long
// as nothing was found, each epoch is better than the one before, so that the
// patience is not lost in a slow beginning.
func (r Row) betterThan(best *Row) bool {
	return best == nil || r.Fitness() > best.Fitness() || best.Fitness() <= 0
}

func (r Row) String() string {
	s := fmt.Sprintf("epoch %d, step %d:", r.Epoch, r.Step)
	for _, p := range r.Losses {
		s += fmt.Sprintf(" %s %.4f", p.Name, p.Value)
	}
	if r.Judged {
		s += fmt.Sprintf(", AP50 %.4f, AP50-95 %.4f", r.AP50, r.AP)
	}
	for i, p := range r.ValLosses {
		if i == 0 {
			s += ", val"
		}
		s += fmt.Sprintf(" %s %.4f", p.Name, p.Value)
	}
	return s
}

// writeResults writes the rows by the names that Ultralytics' results.csv has.
func writeResults(w io.Writer, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	out := csv.NewWriter(w)
	head := []string{"epoch", "step", "time", "lr", "grad_norm"}
	for _, p := range rows[0].Losses {
		head = append(head, "train/"+p.Name+"_loss")
	}
	head = append(head, "metrics/mAP50(B)", "metrics/mAP50-95(B)")
	val := 0 // columns
	if i := slices.IndexFunc(rows, func(r Row) bool { return len(r.ValLosses) > 0 }); i >= 0 {
		for _, p := range rows[i].ValLosses {
			head = append(head, "val/"+p.Name+"_loss")
		}
		val = len(rows[i].ValLosses)
	}
	if err := out.Write(head); err != nil {
		return err
	}
	number := func(v float64, digits int) string { return strconv.FormatFloat(v, 'g', digits, 64) }
	for _, r := range rows {
		line := []string{strconv.Itoa(r.Epoch), strconv.Itoa(r.Step), strconv.FormatFloat(r.Seconds, 'f', 1, 64), number(r.LR, 6), number(r.Norm, 5)}
		for _, p := range r.Losses {
			line = append(line, number(p.Value, 6))
		}
		ap50, ap := "", ""
		if r.Judged {
			ap50, ap = number(r.AP50, 6), number(r.AP, 6)
		}
		line = append(line, ap50, ap)
		for i := range val {
			cell := ""
			if i < len(r.ValLosses) {
				cell = number(r.ValLosses[i].Value, 6)
			}
			line = append(line, cell)
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// record is what record.json holds.
type record struct {
	Started time.Time `json:"started"`
	Go      string    `json:"go"`
	CPUs    int       `json:"cpus"`
	Note    any       `json:"note,omitempty"`
	Hyper   Hyper     `json:"hyper"`
	Model   string    `json:"model"` // fingerprint of the start
	Params  int       `json:"params"`
	Classes []string  `json:"classes"`
	Data    string    `json:"data"`
	Skipped []string  `json:"skipped,omitempty"` // pictures that were left out
	Seconds float64   `json:"seconds,omitempty"`
	Best    *Row      `json:"best,omitempty"`
	Last    *Row      `json:"last,omitempty"`
	Done    bool      `json:"done"`
}

func (t *trainer) writeRecord(done bool) error {
	r := record{
		Started: t.started, Go: runtime.Version(), CPUs: runtime.GOMAXPROCS(0), Note: t.c.Note,
		Hyper: t.header.Hyper, Model: t.header.Model, Classes: t.c.Train.Names(), Data: t.header.Data,
		Seconds: t.seconds(), Best: t.best(), Done: done,
	}
	for _, p := range t.network.params {
		r.Params += len(p.Data())
	}
	for _, p := range t.problems() {
		r.Skipped = append(r.Skipped, p.String())
	}
	if n := len(t.header.Rows); n > 0 {
		r.Last = &t.header.Rows[n-1]
	}
	return t.c.writeFile(RecordFile, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
