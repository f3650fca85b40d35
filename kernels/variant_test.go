package kernels

import "testing"

func TestParseVariant(t *testing.T) {
	for _, relaxed := range []bool{false, true} {
		for _, threads := range []bool{false, true} {
			v := Variant{Relaxed: relaxed, Threads: threads}
			if got := ParseVariant(v.String()); got != v {
				t.Errorf("%q is parsed as %+v", v, got)
			}
		}
	}
	if got := ParseVariant("oracle"); got != (Variant{}) {
		t.Errorf("an unknown name is parsed as %+v", got)
	}
}
