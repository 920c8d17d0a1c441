package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a build's output
	Test        string
	Output      string
	FailedBuild string
}

// summary counts tests, subtests included, and packages.
type summary struct {
	passed, failed, skipped int
	packages, broken        int // broken: those that failed, for whatever reason
}

// ok is true if something was tested and nothing failed.
func (s summary) ok() bool { return s.failed == 0 && s.broken == 0 && s.packages > 0 }

// String is the last line of the report.
func (s summary) String() string {
	packages := "packages"
	if s.packages == 1 {
		packages = "package"
	}
	text := fmt.Sprintf("%d passed, %d failed, %d skipped in %d %s", s.passed, s.failed, s.skipped, s.packages, packages)
	if s.broken > 0 {
		text += fmt.Sprintf(", %d of them broken", s.broken)
	}
	return text
}

// reporter writes the report while the events come in.
type reporter struct {
	summary
	to      io.Writer
	err     error                          // of the first write that went wrong
	pending map[string]map[string][]string // package -> test -> its output so far
	builds  map[string][]string            // import path -> the compiler's output
}

// summarise reads events until the end of from. Lines that are no events, such
// as those of a linker, are copied.
func summarise(from io.Reader, to io.Writer) (summary, error) {
	r := &reporter{to: to, pending: map[string]map[string][]string{}, builds: map[string][]string{}}
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) != nil || e.Action == "":
			r.print(line)
		default:
			r.on(e)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return r.summary, fmt.Errorf("read the events of go test: %w", err)
		}
	}
	for pkg := range r.pending { // the stream broke off
		r.endPackage(pkg, true)
	}
	if r.err != nil {
		return r.summary, fmt.Errorf("write the report: %w", r.err)
	}
	return r.summary, nil
}

func (r *reporter) on(e event) {
	switch e.Action {
	case "build-output":
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
	case "start":
		r.pending[e.Package] = map[string][]string{}
	case "output":
		r.keep(e)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.endTest(e)
			return
		}
		r.print(r.builds[e.FailedBuild]...)
		delete(r.builds, e.FailedBuild)
		r.endPackage(e.Package, e.Action == "fail")
	}
}

// keep stores a test's output, without the lines that only say how far it is.
func (r *reporter) keep(e event) {
	for _, progress := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "} {
		if strings.HasPrefix(e.Output, progress) {
			return
		}
	}
	if r.pending[e.Package] == nil {
		r.pending[e.Package] = map[string][]string{}
	}
	tests := r.pending[e.Package]
	tests[e.Test] = append(tests[e.Test], e.Output)
}

func (r *reporter) endTest(e event) {
	output := r.pending[e.Package][e.Test]
	delete(r.pending[e.Package], e.Test)
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		r.print(output...)
	case "skip":
		r.skipped++
		r.print(output...)
	}
}

// endPackage writes the package's own lines. Output of tests that never ended
// belongs to a crash or a time-out, and comes first.
func (r *reporter) endPackage(pkg string, failed bool) {
	tests := r.pending[pkg]
	delete(r.pending, pkg)
	if failed {
		r.broken++
		for _, test := range slices.Sorted(maps.Keys(tests)) {
			if test != "" {
				r.failed++
				r.print(tests[test]...)
			}
		}
	}
	own := slices.DeleteFunc(tests[""], func(line string) bool { return line == "PASS\n" || line == "FAIL\n" })
	if len(own) == 0 && failed {
		own = []string{"FAIL\t" + pkg + "\n"}
	}
	if len(own) > 0 && !strings.Contains(own[0], "[no test files]") {
		r.packages++
		r.print(own...)
	}
}

func (r *reporter) print(lines ...string) {
	for _, line := range lines {
		if _, err := io.WriteString(r.to, line); err != nil && r.err == nil {
			r.err = err
		}
	}
}
