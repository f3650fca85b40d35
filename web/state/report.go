package state

import "strconv"

// Report is what a measurement found on this machine. It never changes.
type Report struct {
	Date, Browser string
	Cores         int
	Isolated      bool
	Model         Model
	Frames        int
	Picture       string // size of the fixed picture
	PerSecond     float64
	Latency       Quantiles // ms from taking the picture to its result
	Prepare       Quantiles
	Infer         Quantiles
	Decode        Quantiles
	Memory        float64 // bytes of all WebAssembly memories
}

// Quantiles are the values that half, nine tenths and 99 hundredths of all lie
// at or under.
type Quantiles struct{ P50, P90, P99 float64 }

// Text writes the report for people to pass on.
func (r *Report) Text(say func(string, ...string) string) string {
	if r == nil {
		return ""
	}
	line := func(name string, q Quantiles) string {
		return name + ": " + Decimal(q.P50) + " / " + Decimal(q.P90) + " / " + Decimal(q.P99) + " ms\n"
	}
	isolated := say("shared memory")
	if !r.Isolated {
		isolated = say("no shared memory")
	}
	return say("Eagle Eye benchmark") + ", " + r.Date + "\n" +
		r.Browser + "\n" +
		say("{n} logical cores", "n", strconv.Itoa(r.Cores)) + " · " + isolated + "\n" +
		r.Model.Name + " · " + r.Model.describe(say) + "\n" +
		say("{n} frames of {size}: {rate} a second", "n", strconv.Itoa(r.Frames), "size", r.Picture, "rate", Decimal(r.PerSecond)) + "\n" +
		say("Median / 90 % / 99 %") + "\n" +
		line(say("Latency"), r.Latency) + line(say("Prepare"), r.Prepare) + line(say("Infer"), r.Infer) + line(say("Decode"), r.Decode) +
		say("Memory") + ": " + Megabytes(r.Memory) + "\n"
}
