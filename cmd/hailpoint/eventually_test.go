package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// eventually REGEXP COMMAND [ARG ...] runs the command again and again until
// what it prints matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND [ARG ...]")
	}
	want := regexp.MustCompile(args[0])
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var out bytes.Buffer
		path, err := exec.LookPath(ts.Getenv("PATH_OF_" + args[1]))
		if err != nil {
			path = args[1]
		}
		cmd := exec.Command(path, args[2:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = ts.Getenv("WORK"), &out, &out
		cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME")}
		_ = cmd.Run()
		if want.Match(out.Bytes()) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v never printed %q; last:\n%s", args[1:], args[0], out.Bytes())
		}
		<-tick.C
	}
}
