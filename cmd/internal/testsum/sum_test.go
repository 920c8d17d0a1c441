package main

import (
	"strings"
	"testing"
)

func TestSummarise(t *testing.T) {
	const (
		start = `{"Action":"start","Package":"m/p"}` + "\n"
		ok    = `{"Action":"output","Package":"m/p","Output":"PASS\n"}
{"Action":"output","Package":"m/p","Output":"ok  \tm/p\t0.1s\n"}
{"Action":"pass","Package":"m/p"}` + "\n"
		fail = `{"Action":"output","Package":"m/p","Output":"FAIL\n"}
{"Action":"output","Package":"m/p","Output":"FAIL\tm/p\t0.1s\n"}
{"Action":"fail","Package":"m/p"}` + "\n"
	)
	for name, tt := range map[string]struct {
		in, report, sum string
		ok              bool
	}{
		"passed tests are counted and stay silent": {
			start + `{"Action":"run","Package":"m/p","Test":"TestA"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a.go:1: noise\n"}
{"Action":"pass","Package":"m/p","Test":"TestA"}` + "\n" + ok,
			"ok  \tm/p\t0.1s\n", "1 passed, 0 failed, 0 skipped in 1 package", true,
		},
		"a failed test shows its output": {
			start + `{"Action":"output","Package":"m/p","Test":"TestA","Output":"--- FAIL: TestA\n"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a.go:1: wrong\n"}
{"Action":"fail","Package":"m/p","Test":"TestA"}` + "\n" + fail,
			"--- FAIL: TestA\n    a.go:1: wrong\nFAIL\tm/p\t0.1s\n", "0 passed, 1 failed, 0 skipped in 1 package, 1 of them broken", false,
		},
		"a skipped test shows its reason": {
			start + `{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a.go:1: no card\n"}
{"Action":"skip","Package":"m/p","Test":"TestA"}` + "\n" + ok,
			"    a.go:1: no card\nok  \tm/p\t0.1s\n", "0 passed, 0 failed, 1 skipped in 1 package", true,
		},
		"a test that a crash cut off has failed": {
			start + `{"Action":"output","Package":"m/p","Test":"TestA","Output":"panic: boom\n"}` + "\n" + fail,
			"panic: boom\nFAIL\tm/p\t0.1s\n", "0 passed, 1 failed, 0 skipped in 1 package, 1 of them broken", false,
		},
		"a stream that breaks off has failed": {
			start + `{"Action":"output","Package":"m/p","Test":"TestA","Output":"begun\n"}` + "\n",
			"begun\nFAIL\tm/p\n", "0 passed, 1 failed, 0 skipped in 1 package, 1 of them broken", false,
		},
		"a package that does not compile shows why": {
			`{"ImportPath":"m/p [m/p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"ImportPath":"m/p [m/p.test]","Action":"build-fail"}
{"Action":"start","Package":"m/p"}
{"Action":"output","Package":"m/p","Output":"FAIL\tm/p [build failed]\n"}
{"Action":"fail","Package":"m/p","FailedBuild":"m/p [m/p.test]"}` + "\n",
			"a.go:1: undefined: x\nFAIL\tm/p [build failed]\n", "0 passed, 0 failed, 0 skipped in 1 package, 1 of them broken", false,
		},
		"a package without tests is not worth a line": {
			start + `{"Action":"output","Package":"m/p","Output":"?   \tm/p\t[no test files]\n"}
{"Action":"skip","Package":"m/p"}` + "\n",
			"", "0 passed, 0 failed, 0 skipped in 0 packages", false,
		},
		"other lines are copied": {
			"ld: warning\n" + start + ok, "ld: warning\nok  \tm/p\t0.1s\n", "0 passed, 0 failed, 0 skipped in 1 package", true,
		},
		"nothing at all is no success": {"", "", "0 passed, 0 failed, 0 skipped in 0 packages", false},
	} {
		t.Run(name, func(t *testing.T) {
			var report strings.Builder
			sum, err := summarise(strings.NewReader(tt.in), &report)
			if err != nil {
				t.Fatal(err)
			}
			if report.String() != tt.report {
				t.Errorf("report:\n%s\nwant:\n%s", report.String(), tt.report)
			}
			if sum.String() != tt.sum || sum.ok() != tt.ok {
				t.Errorf("%v, ok %t; want %s, ok %t", sum, sum.ok(), tt.sum, tt.ok)
			}
		})
	}
}
