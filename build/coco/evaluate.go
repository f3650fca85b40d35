package coco

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
)

// Precision is a mean average precision, 0..1; −1 (in JSON null) where no
// truth counts.
type Precision float64

// MarshalJSON writes six decimals, an undefined precision as null.
func (p Precision) MarshalJSON() ([]byte, error) {
	if p < 0 {
		return []byte("null"), nil
	}
	return json.Marshal(math.Round(float64(p)*1e6) / 1e6)
}

// String gives five decimals, or a dash where undefined.
func (p Precision) String() string {
	if p < 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(p), 'f', 5, 64)
}

// Result is the accuracy of a set of detections: AP is the mean over the IoU
// thresholds 0.50:0.05:0.95, AP50 and AP75 are at one, APs, APm, APl over the
// objects below 32², up to 96² and above 96² pixels.
type Result struct {
	AP      Precision     `json:"AP"`
	AP50    Precision     `json:"AP50"`
	AP75    Precision     `json:"AP75"`
	APs     Precision     `json:"APs"`
	APm     Precision     `json:"APm"`
	APl     Precision     `json:"APl"`
	Images  int           `json:"images"`
	Classes []ClassResult `json:"classes"`
}

// ClassResult is the accuracy on one class.
type ClassResult struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Objects int       `json:"objects"` // truths that count
	AP      Precision `json:"AP"`
	AP50    Precision `json:"AP50"`
	AP75    Precision `json:"AP75"`
}

// curve is the average precision at each IoU threshold; nil where undefined.
type curve []float64

// Evaluate computes what pycocotools' COCOeval does for boxes: 101-point
// interpolated precision, the 100 best detections of a class on an image,
// crowds and objects outside the size range counting neither way.
func (d *Dataset) Evaluate(dets []Detection) Result {
	cats := slices.Clone(d.Categories)
	slices.SortFunc(cats, func(a, b Category) int { return cmp.Compare(a.ID, b.ID) })
	images := make([]int64, len(d.Images))
	for i, im := range d.Images {
		images[i] = im.ID
	}
	slices.Sort(images)

	type key struct{ image, cat int64 }
	truths, found := map[key][]Annotation{}, map[key][]Detection{}
	for _, a := range d.Annotations {
		k := key{a.Image, a.Category}
		truths[k] = append(truths[k], a)
	}
	for _, det := range dets {
		k := key{det.Image, det.Category}
		found[k] = append(found[k], det)
	}
	for k, list := range found {
		slices.SortStableFunc(list, func(a, b Detection) int { return cmp.Compare(b.Score, a.Score) })
		found[k] = list[:min(len(list), maxDets)]
	}

	res := Result{Images: len(images)}
	var curves [len(sizeRanges)][]curve
	for _, cat := range cats {
		var all [len(sizeRanges)][]matched
		var counted [len(sizeRanges)]int
		for _, im := range images {
			k := key{im, cat.ID}
			ious := overlaps(found[k], truths[k])
			for r, size := range sizeRanges {
				m, n := match(found[k], truths[k], ious, size)
				all[r] = append(all[r], m...)
				counted[r] += n
			}
		}
		for r := range sizeRanges {
			c := precision(all[r], counted[r])
			curves[r] = append(curves[r], c)
			if r == 0 {
				one := []curve{c}
				res.Classes = append(res.Classes, ClassResult{cat.ID, cat.Name, counted[r], mean(one, -1), mean(one, 0), mean(one, 5)})
			}
		}
	}
	res.AP, res.AP50, res.AP75 = mean(curves[0], -1), mean(curves[0], 0), mean(curves[0], 5)
	res.APs, res.APm, res.APl = mean(curves[1], -1), mean(curves[2], -1), mean(curves[3], -1)
	return res
}

// mean averages the defined curves at threshold t, or at all where t < 0.
func mean(curves []curve, t int) Precision {
	sum, n := 0.0, 0
	for _, c := range curves {
		for i, v := range c {
			if t < 0 || i == t {
				sum, n = sum+v, n+1
			}
		}
	}
	if n == 0 {
		return -1
	}
	return Precision(sum / float64(n))
}

// precision is COCOeval.accumulate for one class and size range.
func precision(all []matched, counted int) curve {
	if counted == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b matched) int { return cmp.Compare(b.score, a.score) })
	const points = 101
	out := make(curve, thresholds)
	recall, prec := make([]float64, len(all)), make([]float64, len(all))
	for t := range thresholds {
		tp, fp := 0.0, 0.0
		for i, m := range all {
			if !m.ignored[t] {
				if m.hit[t] {
					tp++
				} else {
					fp++
				}
			}
			recall[i] = tp / float64(counted)
			prec[i] = tp / (tp + fp + 0x1p-52) // numpy.spacing(1) guards 0/0
		}
		for i := len(all) - 2; i >= 0; i-- {
			prec[i] = max(prec[i], prec[i+1])
		}
		sum := 0.0
		for r := range points {
			at, _ := slices.BinarySearch(recall, recallPoint(r))
			if at < len(all) {
				sum += prec[at]
			}
		}
		out[t] = sum / points
	}
	return out
}

// recallPoint is numpy's linspace(0, 1, 101)[i].
func recallPoint(i int) float64 {
	if i == 100 {
		return 1
	}
	return float64(i) * 0.01
}

// WriteCSV writes one line a class: id, name, objects, AP, AP50, AP75; empty
// where undefined.
func (r Result) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"id", "name", "objects", "AP", "AP50", "AP75"})
	for _, k := range r.Classes {
		c.Write([]string{strconv.FormatInt(k.ID, 10), k.Name, strconv.Itoa(k.Objects), k.AP.text(), k.AP50.text(), k.AP75.text()})
	}
	c.Flush()
	return c.Error()
}

func (p Precision) text() string {
	if p < 0 {
		return ""
	}
	return p.String()
}
