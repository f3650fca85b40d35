package coco

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eagleeye/build/shared"
)

func ann(cat int64, area float64, crowd int, box ...float64) Annotation {
	return Annotation{Image: 1, Category: cat, Box: [4]float64(box), Area: area, Crowd: crowd}
}

func det(cat int64, score float64, box ...float64) Detection {
	return Detection{Image: 1, Category: cat, Box: [4]float64(box), Score: score}
}

// TestEvaluateByHand has cases small enough to work out on paper.
func TestEvaluateByHand(t *testing.T) {
	big := ann(1, 10000, 0, 0, 0, 100, 100)
	small := ann(1, 100, 0, 200, 200, 10, 10)
	crowd := ann(1, 40000, 1, 300, 0, 200, 200)
	for _, c := range []struct {
		name           string
		truths         []Annotation
		dets           []Detection
		ap, ap50, ap75 float64
		small, large   float64
	}{
		{"nothing found", []Annotation{big}, nil, 0, 0, 0, -1, 0},
		{"no truth", nil, []Detection{det(1, 0.9, 0, 0, 9, 9)}, -1, -1, -1, -1, -1},
		{"exact", []Annotation{big}, []Detection{det(1, 0.9, 0, 0, 100, 100)}, 1, 1, 1, -1, 1},
		// IoU is 0.7: right at 0.50 to 0.70, five of ten thresholds.
		{"loose", []Annotation{big}, []Detection{det(1, 0.9, 0, 0, 100, 70)}, 0.5, 1, 0, -1, 0.5},
		// The better scored one is wrong: precision is 1/2 everywhere.
		{"false first", []Annotation{big}, []Detection{det(1, 0.9, 500, 500, 100, 100), det(1, 0.8, 0, 0, 100, 100)}, 0.5, 0.5, 0.5, -1, 0.5},
		// A false one after all truths are found costs nothing.
		{"false last", []Annotation{big}, []Detection{det(1, 0.8, 500, 500, 100, 100), det(1, 0.9, 0, 0, 100, 100)}, 1, 1, 1, -1, 1},
		// A second detection of one object is a false one.
		{"twice, then the other", []Annotation{big, small},
			[]Detection{det(1, 0.9, 0, 0, 100, 100), det(1, 0.8, 0, 0, 100, 100), det(1, 0.7, 200, 200, 10, 10)},
			// recall 0..0.50 (51 points) at precision 1, 0.51..1 (50) at 2/3
			(51 + 50*2.0/3) / 101, (51 + 50*2.0/3) / 101, (51 + 50*2.0/3) / 101, 1, 1},
		{"half found", []Annotation{big, small}, []Detection{det(1, 0.9, 0, 0, 100, 100)}, 51.0 / 101, 51.0 / 101, 51.0 / 101, 0, 1},
		// Any number of detections in a crowd count neither way.
		{"crowd", []Annotation{crowd, big},
			[]Detection{det(1, 0.95, 310, 10, 50, 50), det(1, 0.94, 400, 20, 50, 50), det(1, 0.9, 0, 0, 100, 100)}, 1, 1, 1, -1, 1},
		{"another class", []Annotation{big}, []Detection{det(2, 0.9, 0, 0, 100, 100)}, 0, 0, 0, -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &Dataset{Images: []Image{{ID: 1}}, Categories: []Category{{1, "a"}, {2, "b"}}, Annotations: c.truths}
			r := d.Evaluate(c.dets)
			got := [5]Precision{r.AP, r.AP50, r.AP75, r.APs, r.APl}
			for i, want := range [5]float64{c.ap, c.ap50, c.ap75, c.small, c.large} {
				if math.Abs(float64(got[i])-want) > 1e-9 {
					t.Errorf("%s = %v, want %v", [5]string{"AP", "AP50", "AP75", "APs", "APl"}[i], got[i], want)
				}
			}
		})
	}
}

func TestMaxDets(t *testing.T) {
	d := &Dataset{Images: []Image{{ID: 1}}, Categories: []Category{{1, "a"}}, Annotations: []Annotation{ann(1, 100, 0, 0, 0, 10, 10)}}
	var dets []Detection
	for range 100 {
		dets = append(dets, det(1, 0.9, 500, 500, 10, 10))
	}
	if ap := d.Evaluate(append(dets, det(1, 0.8, 0, 0, 10, 10))).AP; ap != 0 {
		t.Errorf("the 101st detection counts: AP %v", ap)
	}
	if ap := d.Evaluate(append(dets[:99], det(1, 0.8, 0, 0, 10, 10))).AP; ap == 0 {
		t.Error("the 100th detection does not count")
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, json, want string }{
		{"absent", "", "no instances.json"},
		{"not JSON", "<html>", "not COCO's"},
		{"empty", "{}", "nothing to judge"},
		{"dangling", `{"images":[{"id":1,"file_name":"a.jpg"}],"categories":[{"id":1}],"annotations":[{"id":7,"image_id":2,"category_id":1}]}`, "annotation 7"},
		{"negative", `{"images":[{"id":1,"file_name":"a.jpg"}],"categories":[{"id":1}],"annotations":[{"id":7,"image_id":1,"category_id":1,"bbox":[0,0,-1,1]}]}`, "negative"},
		{"escape", `{"images":[{"id":1,"file_name":"../../etc/passwd"}],"categories":[{"id":1}]}`, "leaves the folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.json != "" {
				if err := os.WriteFile(filepath.Join(dir, "instances.json"), []byte(c.json), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestOutput(t *testing.T) {
	d := &Dataset{Images: []Image{{ID: 1}}, Categories: []Category{{1, "a,b"}, {2, "c"}}, Annotations: []Annotation{ann(1, 100, 0, 0, 0, 10, 10)}}
	r := d.Evaluate([]Detection{det(1, 0.5, 0, 0, 10, 10)})
	var csv strings.Builder
	if err := r.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	if want := "id,name,objects,AP,AP50,AP75\n1,\"a,b\",1,1.00000,1.00000,1.00000\n2,c,0,,,\n"; csv.String() != want {
		t.Errorf("CSV:\n%s\nwant:\n%s", csv.String(), want)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"AP":1,"AP50":1,"AP75":1,"APs":1,"APm":null,"APl":null,`; !strings.HasPrefix(string(data), want) {
		t.Errorf("JSON %s, want it to begin with %s", data, want)
	}
}

// TestEvaluatePublished scores the reference detections; the figures are
// pycocotools' own.
func TestEvaluatePublished(t *testing.T) {
	for _, c := range []struct {
		file string
		want [6]float64
	}{
		{"dets-yolov8n-640.json", [6]float64{0.39763, 0.55519, 0.42702, 0, 0, 0}},
		{"dets-yolov8n-320.json", [6]float64{0.3127, 0.4538, 0, 0, 0, 0}},
	} {
		t.Run(c.file, func(t *testing.T) {
			file := shared.File(t, "coco", "val", c.file)
			d, err := Load(filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			dets, err := d.LoadDetections(file)
			if err != nil {
				t.Fatal(err)
			}
			r := d.Evaluate(dets)
			for i, got := range []Precision{r.AP, r.AP50, r.AP75, r.APs, r.APm, r.APl} {
				if want := c.want[i]; want != 0 && math.Abs(float64(got)-want) > 0.00005 {
					t.Errorf("figure %d is %.5f, want %.5f", i, got, want)
				}
			}
			t.Logf("AP %.5f AP50 %.5f AP75 %.5f APs %.5f APm %.5f APl %.5f", r.AP, r.AP50, r.AP75, r.APs, r.APm, r.APl)
		})
	}
}
