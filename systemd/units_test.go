package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exposure is the worst that systemd-analyze security may find, in tenths.
const exposure = "20"

// tool returns the path of a program, or skips the test where there is none.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing (run make deps-test): %v", name, err)
		}
		t.Skipf("%s is missing: the units stay unchecked", name)
	}
	return path
}

func units(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.service")
	if err != nil || len(found) != 2 {
		t.Fatalf("units here: %v, %v; want two", found, err)
	}
	return found
}

// run returns what the program printed and fails the test unless it succeeded.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// TestUnitsAreUnderstood has systemd read each unit, every key and value of it.
func TestUnitsAreUnderstood(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units(t) {
		t.Run(unit, func(t *testing.T) {
			text, err := os.ReadFile(unit)
			if err != nil {
				t.Fatal(err)
			}
			// The program need not be installed here; any other stands in for it.
			program := "/usr/bin/" + strings.TrimSuffix(unit, ".service")
			if !bytes.Contains(text, []byte("\nExecStart="+program+" ")) {
				t.Fatalf("%s does not start %s", unit, program)
			}
			copied := filepath.Join(t.TempDir(), unit)
			if err := os.WriteFile(copied, bytes.ReplaceAll(text, []byte("="+program+" "), []byte("="+self+" ")), 0o600); err != nil {
				t.Fatal(err)
			}
			if out := run(t, analyze, "verify", "--man=no", copied); len(out) > 0 {
				t.Errorf("systemd-analyze verify warns:\n%s", out)
			}
		})
	}
}

// TestUnitsAreSandboxed bounds how exposed each service is.
func TestUnitsAreSandboxed(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	for _, unit := range units(t) {
		t.Run(unit, func(t *testing.T) {
			out := run(t, analyze, "security", "--no-pager", "--offline=true", "--threshold="+exposure, "./"+unit)
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Log(lines[len(lines)-1])
		})
	}
}

// TestTheTerminalKeepsItsHardware guards what the sandbox must leave open.
func TestTheTerminalKeepsItsHardware(t *testing.T) {
	text, err := os.ReadFile("hailpoint.service")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for name, want := range map[string]string{
		"GPIO chips are allowed":              "DeviceAllow=char-gpiochip rw",
		"sound cards are allowed":             "DeviceAllow=char-116 rw",
		"both belong to groups it is in":      "SupplementaryGroups=gpio audio",
		"interfaces can be listed":            "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
		"systemd hears from it":               "Type=notify",
		"it is always started again":          "Restart=always",
		"a hanging loop is found":             "WatchdogSec=10s",
		"members of its group may control it": "RuntimeDirectoryMode=0750",
	} {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(lines, want) {
				t.Errorf("hailpoint.service lacks %q", want)
			}
		})
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "PrivateDevices=") {
			t.Errorf("%q hides /dev/snd and /dev/gpiochip*", line)
		}
	}
}

// TestUsersAreMade has systemd-sysusers create the users in an empty root.
func TestUsersAreMade(t *testing.T) {
	sysusers := tool(t, "systemd-sysusers")
	if os.Geteuid() != 0 {
		t.Skip("systemd-sysusers --root needs to be root")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf, err := filepath.Abs("hailpoint.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	run(t, sysusers, "--root="+root, conf)
	for file, names := range map[string][]string{
		"etc/passwd": {"hailpoint:", "hailpoint-fleet:"},
		"etc/group":  {"hailpoint:", "hailpoint-fleet:", "gpio:", "audio:"},
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.Contains("\n"+string(text), "\n"+name) {
				t.Errorf("%s lacks %s\n%s", file, name, text)
			}
		}
	}
}

// TestChangelog checks the parts of deb-changelog(5) that dpkg relies on.
func TestChangelog(t *testing.T) {
	parse := tool(t, "dpkg-parsechangelog")
	got := string(run(t, parse, "-l", "changelog", "--show-field", "Version"))
	if strings.TrimSpace(got) == "" {
		t.Error("the changelog's first entry has no version")
	}
	if out := run(t, parse, "-l", "changelog", "--all"); bytes.Contains(out, []byte("warning")) {
		t.Errorf("dpkg-parsechangelog warns:\n%s", out)
	}
}
