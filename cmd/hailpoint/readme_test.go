package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hailpoint/audio/opus"
	"hailpoint/callagent"
	"hailpoint/cmd/internal/config"
)

const readme = "../../README.md"

func readReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeHasTheTableOfKeys(t *testing.T) {
	const begin, end = "<!-- table of keys: made by the tests -->\n", "<!-- end of table -->"
	text := readReadme(t)
	head, rest, ok := strings.Cut(text, begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the marks of the table are gone")
	}
	want := "\n" + config.Reference() + "\n"
	if table == want {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatalf("the table of keys is stale; UPDATE_GOLDEN=1 go test ./cmd/hailpoint writes it")
	}
	if err := os.WriteFile(readme, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commands are the lines of the README that a reader types.
func commands(t *testing.T) []string {
	t.Helper()
	var lines []string
	for block := range strings.SplitSeq(readReadme(t), "```console\n") {
		block, _, ok := strings.Cut(block, "```")
		if !ok {
			continue
		}
		for line := range strings.SplitSeq(block, "\n") {
			if c, ok := strings.CutPrefix(line, "$ "); ok {
				lines = append(lines, c)
			}
		}
	}
	if len(lines) < 10 {
		t.Fatalf("found only %d commands", len(lines))
	}
	return lines
}

func TestReadmeTargetsExist(t *testing.T) {
	help, err := exec.CommandContext(t.Context(), "make", "-C", "../..", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range commands(t) {
		for _, m := range regexp.MustCompile(`\bmake ([a-z-]+)`).FindAllStringSubmatch(c, -1) {
			found = true
			if !regexp.MustCompile(`(?m)^\s+` + m[1] + `\s`).Match(help) {
				t.Errorf("%q: make help lists no %s", c, m[1])
			}
		}
	}
	if !found {
		t.Error("the README names no target")
	}
}

// TestReadmeCtlCommandsWork runs them, in their order, on a terminal as make run
// starts it.
func TestReadmeCtlCommandsWork(t *testing.T) {
	if !opus.Available {
		t.Skip("built without cgo: no Opus, and so no terminal")
	}
	lines := commands(t)
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("build/run", 0o755); err != nil {
		t.Fatal(err)
	}
	text := `id = "terminal-1"
state_dir = "build/run/terminal"
control_socket = "build/run/control.sock"
[mqtt]
broker = "mqtt://127.0.0.1:1"
[audio]
input = "sim"
output = "sim"
`
	file := filepath.Join("build", "run", "hailpoint.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	var log strings.Builder
	go func() { done <- start(ctx, []string{"run", "--sim", "--config", file}, &log, &log) }()
	defer func() {
		stop()
		if code := <-done; code != exitOK {
			t.Errorf("exit %d\n%s", code, log.String())
		}
	}()
	run := func(line string) (int, string) {
		var out strings.Builder
		args := strings.Fields(line)[1:]
		return start(t.Context(), args, &out, &out), out.String()
	}
	ran := 0
	for _, line := range lines {
		if !strings.HasPrefix(line, "build/hailpoint ctl") {
			continue
		}
		code, out := run(line)
		for deadline := time.Now().Add(20 * time.Second); code != exitOK && ran == 0 && time.Now().Before(deadline); code, out = run(line) {
			time.Sleep(20 * time.Millisecond) // not ready yet
		}
		if code != exitOK {
			t.Errorf("%s: exit %d\n%s", line, code, out)
		}
		ran++
	}
	if ran < 5 {
		t.Errorf("ran %d commands", ran)
	}
}

func TestReadmeNamesEveryCommandAndAction(t *testing.T) {
	text := readReadme(t)
	for _, a := range callagent.Actions() {
		if !strings.Contains(text, string(a)) {
			t.Errorf("the action %s is not in the README", a)
		}
	}
	for _, name := range callagent.Commands() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the command %s is not in the README", name)
		}
	}
}
