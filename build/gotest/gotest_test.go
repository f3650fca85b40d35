package gotest

import (
	"strings"
	"testing"
)

const stream = `{"Action":"start","Package":"eagleeye/a"}
{"Action":"run","Package":"eagleeye/a","Test":"TestGood"}
{"Action":"output","Package":"eagleeye/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"eagleeye/a","Test":"TestGood","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"eagleeye/a","Test":"TestGood"}
{"Action":"output","Package":"eagleeye/a","Test":"TestBad","Output":"    a_test.go:2: 1 is not 2\n"}
{"Action":"fail","Package":"eagleeye/a","Test":"TestBad"}
{"Action":"output","Package":"eagleeye/a","Test":"TestOff","Output":"=== RUN   TestOff\n"}
{"Action":"output","Package":"eagleeye/a","Test":"TestOff","Output":"    a_test.go:3: no data: skipped\n"}
{"Action":"output","Package":"eagleeye/a","Test":"TestOff","Output":"--- SKIP: TestOff (0.00s)\n"}
{"Action":"skip","Package":"eagleeye/a","Test":"TestOff"}
{"Action":"skip","Package":"eagleeye/a","Test":"TestMute/x"}
{"Action":"skip","Package":"eagleeye/a","Test":"TestMute/y"}
{"Action":"output","Package":"eagleeye/a","Test":"TestCut","Output":"    the program was killed here\n"}
{"Action":"output","Package":"eagleeye/a","Output":"FAIL\teagleeye/a\t0.1s\n"}
{"Action":"fail","Package":"eagleeye/a"}
{"ImportPath":"eagleeye/b","Action":"build-output","Output":"b.go:1:1: syntax error\n"}
{"Action":"skip","Package":"eagleeye/c"}
go: something odd
`

func TestReport(t *testing.T) {
	var out strings.Builder
	s, err := Report(strings.NewReader(stream), &out)
	if err != nil {
		t.Fatal(err)
	}
	if s.Passed != 1 || s.Failed != 1 || len(s.Skipped) != 3 {
		t.Errorf("%+v, want 1 passed, 1 failed, 3 skipped", s)
	}
	for _, want := range []string{
		"1 is not 2\n", "the program was killed here\n", "FAIL\teagleeye/a\t0.1s\n", "b.go:1:1: syntax error\n", "go: something odd\n",
		"skipped a TestOff: no data: skipped\n", "skipped a TestMute (2 of its cases): no reason given\n",
		"1 tests passed, 1 failed, 3 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "chatter") {
		t.Error("a passed test's output is shown")
	}
}

func TestList(t *testing.T) {
	found, err := List(strings.NewReader(`{"Action":"start","Package":"eagleeye/a"}
{"Action":"output","Package":"eagleeye/a","Output":"FuzzRead\n"}
{"Action":"output","Package":"eagleeye/a","Output":"ok  \teagleeye/a\t0.005s\n"}
{"Action":"output","Package":"eagleeye/b","Output":"?   \teagleeye/b\t[no test files]\n"}
`))
	if err != nil || len(found) != 1 || found[0] != (Test{"eagleeye/a", "FuzzRead"}) {
		t.Errorf("found %v, %v", found, err)
	}
}
