package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"eagleeye/build/modelfile"
	"eagleeye/wasm/graph"
	"eagleeye/wasm/plan"
)

// planLine is a convolution in the output of info --plan.
type planLine struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"` // with the algorithm
	Shape     string    `json:"shape"`
	MACs      int64     `json:"macs"`
	Work      plan.Work `json:"work"`
	Predicted float64   `json:"predictedMs"`
	Share     float64   `json:"share"` // of the network's predicted time
}

// plan prints the algorithm that the planner chose for each layer and what its
// table of costs says about it.
func (c *infoCmd) plan(t terminal) error {
	g, err := modelfile.Graph(c.Model)
	if err != nil {
		return err
	}
	h, w := graph.InputSize(g)
	if c.Size > 0 {
		h, w = c.Size, c.Size
	}
	if g, err = graph.Prepare(g, h, w); err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	if c.Precision == "f32" {
		g = graph.FloatOnly(g)
	}
	p, err := plan.Build(g, plan.Options{Exact: c.Exact, Relaxed: c.Relaxed})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	var lines []planLine
	var total, rest float64
	for _, s := range p.Steps[1:] { // after the letterbox
		total += s.Predicted
		if s.MACs == 0 {
			rest += s.Predicted
			continue
		}
		lines = append(lines, planLine{s.Name, s.Kind, s.Shape, s.MACs, s.Work, s.Predicted, 0})
	}
	for i := range lines {
		lines[i].Share = lines[i].Predicted / total
	}
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(lines)
	}
	out := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "shape\tMMAC\tpredicted ms\tshare\t  %-30s  layer\n", "algorithm")
	for _, l := range lines {
		fmt.Fprintf(out, "%s\t%.1f\t%.3f\t%.1f %%\t  %-30s  %s\n", l.Shape, float64(l.MACs)/1e6, l.Predicted, 100*l.Share,
			strings.TrimPrefix(l.Kind, "conv "), l.Name)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%d convolutions %.1f ms, other steps %.1f ms, on one thread of the machine that the table was measured on (wasm/plan/cost.go)\n",
		len(lines), total-rest, rest)
	return nil
}
