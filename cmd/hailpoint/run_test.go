package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/cmd/internal/config"
	"hailpoint/device/gpio"
)

func TestOnlyAnUnknownLineIsAMistakeInTheConfiguration(t *testing.T) {
	button := config.DefaultButton()
	button.Name, button.Line = "call", "GPIO71"
	cfg := config.Config{Buttons: []config.Button{button}}
	lines := func() ([]string, error) { return []string{"GPIO17"}, nil }
	for name, tt := range map[string]struct {
		err     error
		mistake bool
		want    string
	}{
		"no chip":        {fmt.Errorf("open GPIO chips: %w", gpio.ErrNoChip), false, "open GPIO chips: no usable GPIO chip"},
		"a line in use":  {fmt.Errorf("claim line: %w", gpio.ErrBusy), false, "claim line: GPIO line in use"},
		"a missing line": {fmt.Errorf("claim line: %w", gpio.ErrNoLine), true, "has a mistake:\nbutton \"call\": there is no line \"GPIO71\"; there are: [GPIO17]"},
	} {
		t.Run(name, func(t *testing.T) {
			err := boardError(tt.err, cfg, lines)
			if errors.Is(err, errUsage) != tt.mistake || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("%q, a mistake %v; want %q, %v", err, errors.Is(err, errUsage), tt.want, tt.mistake)
			}
		})
	}
}

func TestASimulatedTerminalHasADirectoryOfItsOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	for range 2 {
		if err := makePrivate(dir); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Fatalf("%v, mode %v", err, info.Mode())
		}
		if err := os.Chmod(dir, 0o777); err != nil { // an earlier version may have made it so
			t.Fatal(err)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	if dir := simDir(); !strings.HasSuffix(dir, fmt.Sprintf("-%d", os.Getuid())) {
		t.Errorf("%s is not this user's", dir)
	}
}

func TestTheStatusSaysWhyThereIsNoBroker(t *testing.T) {
	report := callagent.Report{Status: command.Status{
		Name: "Door", State: "idle", Volume: 80, Faults: []string{"link: refused: check username", "sound: no card"},
	}}
	var out strings.Builder
	if err := printStatus(&out, report); err != nil {
		t.Fatal(err)
	}
	want := "Door: idle, not connected to the broker: refused: check username\nvolume 80%, microphone on\nFAULT sound: no card\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
