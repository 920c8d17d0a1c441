package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hailpoint/audio/opus"
)

// speak makes a WAV file of a sentence.
func speak(t *testing.T, text string) string {
	t.Helper()
	path, err := exec.LookPath("espeak-ng")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("espeak-ng is not installed: make deps-test")
		}
		t.Skip("espeak-ng is not installed: make deps-test")
	}
	file := filepath.Join(t.TempDir(), "speech.wav")
	if out, err := exec.CommandContext(t.Context(), path, "-w", file, text).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

func TestTheDemonstrationIsRight(t *testing.T) {
	if !opus.Available {
		t.Skip("built without cgo: no Opus")
	}
	var out, log bytes.Buffer
	if code := start(t.Context(), []string{"demo", "-v", "--speech", speak(t, "This is the help point on platform two.")}, &out, &log); code != exitOK {
		t.Fatalf("exit %d\n%s\n%s", code, out.String(), log.String())
	}
	for _, want := range []string{"sim-1 calls sim-2", "sim-2 calls sim-1", "STOI 0.9", "call.ended", "All of it was right"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not print %q:\n%s", want, out.String())
		}
	}
}

func TestTheDemonstrationHearsWhenNothingIsSaid(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "none.wav")
	if err := os.WriteFile(silent, []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	if code := start(t.Context(), []string{"demo", "--speech", silent}, &out, &log); code != exitFailed {
		t.Errorf("exit %d for a file that is no speech\n%s", code, log.String())
	}
	if code := start(t.Context(), []string{"demo"}, &out, &log); code != exitUsage {
		t.Errorf("exit %d without a file", code)
	}
}
