package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
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
		"nothing":                        {"", exitUsage, nil, []string{"serve", "terminal add"}},
		"help":                           {"help", exitOK, []string{"serve", "terminal add"}, nil},
		"help for serve":                 {"serve --help", exitOK, nil, []string{"-sim", "-mqtt", "127.0.0.1:1883"}},
		"version":                        {"version", exitOK, []string{"hailpoint-fleet "}, nil},
		"an unknown subcommand":          {"fly", exitUsage, nil, []string{`"fly"`}},
		"an unknown flag":                {"serve --fly", exitUsage, nil, []string{"-fly"}},
		"no flag":                        {"serve now", exitUsage, nil, []string{`"now"`}},
		"every mistake at once":          {"serve --http x --mqtt 1:2:3 --sim 99 --base a//b --cert c", exitUsage, nil, []string{"--http", "--mqtt", "--sim 99", "--base", "--cert, --key"}},
		"a port that is none":            {"serve --http 127.0.0.1:99999", exitUsage, nil, []string{"--http", "65535"}},
		"no such certificate":            {"serve --cert /none --key /none", exitUsage, nil, []string{"/none"}},
		"simulated terminals, TLS":       {"serve --sim 1 --cert /none --key /none", exitUsage, nil, []string{"--sim"}},
		"a new terminal":                 {"terminal add --data " + dir + " door", exitOK, nil, nil},
		"flags after the name":           {"terminal add gate-2 --data " + dir, exitOK, nil, nil},
		"flags before all":               {"terminal --data " + dir + " add gate-3", exitOK, nil, nil},
		"a directory without a database": {"terminal remove gate-2 --data " + dir + "/none", exitFailed, nil, []string{"no such credential", dir + "/none", "--data"}},
		"no address":                     {"terminal add --data " + dir, exitUsage, nil, []string{"terminal add ID"}},
		"a bad address":                  {"terminal add --data " + dir + " Door", exitFailed, nil, []string{`"Door"`}},
		"an address of a page":           {"terminal add --data " + dir + " desk-1", exitFailed, nil, []string{"console pages"}},
		"a terminal not there":           {"terminal remove --data " + dir + " gate", exitFailed, nil, []string{"no such credential"}},
		"no name":                        {"operator add --data " + dir, exitUsage, nil, []string{"operator add NAME"}},
		"no act":                         {"token", exitUsage, nil, []string{"token add NAME or token remove NAME"}},
		"an unknown act":                 {"token show x", exitUsage, nil, []string{"token add NAME"}},
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

func TestANewDatabaseIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "f1")
	for i, want := range []bool{true, false} {
		var stdout, stderr bytes.Buffer
		code := start(t.Context(), []string{"terminal", "add", "k17", "--data", dir}, &stdout, &stderr)
		if said := strings.Contains(stderr.String(), "made a new database "+dir); code != exitOK || said != want {
			t.Errorf("time %d: %d, %s", i, code, &stderr)
		}
	}
}

func TestCommandsNameTheDirectory(t *testing.T) {
	for dir, want := range map[string]string{
		defaultData:   "hailpoint-fleet terminal add ID",
		"/srv/f1":     "hailpoint-fleet terminal add ID --data /srv/f1",
		"/srv/it's 1": `hailpoint-fleet terminal add ID --data '/srv/it'\''s 1'`,
	} {
		if got := commandFor(dir, "terminal add ID"); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}

func TestTheServiceSaysHowToGoOn(t *testing.T) {
	var out bytes.Buffer
	s := startService(t, options{}, func(s *service) { s.mqtt, s.out = "0.0.0.0:0", &out })
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mqtt://" + host + ":", "operator add NAME --data " + s.data, "terminal add ID --data " + s.data} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
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
