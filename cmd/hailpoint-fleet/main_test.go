package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		args   string
		code   int
		stdout []string
		stderr []string
	}{
		"nothing":                  {"", exitUsage, nil, []string{"serve", "terminal add"}},
		"help":                     {"help", exitOK, []string{"serve", "terminal add"}, nil},
		"help for serve":           {"serve --help", exitOK, nil, []string{"-sim", "-mqtt", "127.0.0.1:1883"}},
		"version":                  {"version", exitOK, []string{"hailpoint-fleet "}, nil},
		"an unknown subcommand":    {"fly", exitUsage, nil, []string{`"fly"`}},
		"an unknown flag":          {"serve --fly", exitUsage, nil, []string{"-fly"}},
		"no flag":                  {"serve now", exitUsage, nil, []string{`"now"`}},
		"every mistake at once":    {"serve --http x --mqtt 1:2:3 --sim 99 --base a//b --cert c", exitUsage, nil, []string{"--http", "--mqtt", "--sim 99", "--base", "--cert, --key"}},
		"a port that is none":      {"serve --http 127.0.0.1:99999", exitUsage, nil, []string{"--http", "65535"}},
		"no such certificate":      {"serve --cert /none --key /none", exitUsage, nil, []string{"/none"}},
		"simulated terminals, TLS": {"serve --sim 1 --cert /none --key /none", exitUsage, nil, []string{"--sim"}},
		"a new terminal":           {"terminal add --data " + dir + " door", exitOK, nil, nil},
		"a bad address":            {"terminal add --data " + dir + " Door", exitFailed, nil, []string{`"Door"`}},
		"an address of a page":     {"terminal add --data " + dir + " desk-1", exitFailed, nil, []string{"console pages"}},
		"a terminal not there":     {"terminal remove --data " + dir + " gate", exitFailed, nil, []string{"no such credential"}},
		"no name":                  {"operator add --data " + dir, exitUsage, nil, []string{"operator add NAME"}},
		"no act":                   {"token", exitUsage, nil, []string{"add or remove"}},
		"an unknown act":           {"token show x", exitUsage, nil, []string{"token add NAME"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := start(t.Context(), strings.Fields(tt.args), &stdout, &stderr)
			if code != tt.code {
				t.Errorf("exit status %d, want %d\n%s%s", code, tt.code, &stdout, &stderr)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout lacks %q:\n%s", want, &stdout)
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr lacks %q:\n%s", want, &stderr)
				}
			}
		})
	}
}

func TestACredentialIsPrintedAloneAndCanBeTakenBack(t *testing.T) {
	dir := t.TempDir()
	for _, kind := range []string{"terminal", "operator", "token"} {
		var stdout, stderr bytes.Buffer
		if code := start(t.Context(), []string{kind, "add", "--data", dir, "one"}, &stdout, &stderr); code != exitOK || len(strings.TrimSpace(stdout.String())) < 20 {
			t.Errorf("%s add: %d, %q, %s", kind, code, &stdout, &stderr)
		}
		if code := start(t.Context(), []string{kind, "remove", "--data", dir, "one"}, &stdout, &stderr); code != exitOK {
			t.Errorf("%s remove: %d, %s", kind, code, &stderr)
		}
	}
}

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.8.8:1": true, "localhost:1": true, "[::1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false, "fleet.example:1": false, "localhost": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestTwoServicesDoNotShareAPort(t *testing.T) {
	first := startService(t, options{})
	var stdout, stderr bytes.Buffer
	address := strings.TrimSuffix(strings.TrimPrefix(first.url, "http://"), "/")
	code := start(context.WithoutCancel(t.Context()), []string{"serve", "--data", t.TempDir(), "--mqtt", "127.0.0.1:0", "--http", address}, &stdout, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "--http") {
		t.Errorf("the second: %d\n%s", code, &stderr)
	}
}
