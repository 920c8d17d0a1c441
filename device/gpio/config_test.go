package gpio_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"hailpoint/device/gpio"
)

func TestValidate(t *testing.T) {
	call := gpio.DefaultButton()
	call.Name, call.Line = "call", "BTN_CALL"
	ring := gpio.PinConfig{Name: "ring", Line: "LED_RING"}

	for name, tt := range map[string]struct {
		buttons []gpio.ButtonConfig
		pins    []gpio.PinConfig
		want    []string // a part of each problem; none: valid
	}{
		"a button and a led are fine":         {[]gpio.ButtonConfig{call}, []gpio.PinConfig{ring}, nil},
		"nothing at all is fine":              {nil, nil, nil},
		"a button and a led may share a name": {[]gpio.ButtonConfig{call}, []gpio.PinConfig{{Name: "call", Line: "LED"}}, nil},
		"every problem is reported": {
			[]gpio.ButtonConfig{{Name: "call", Line: "A", Pull: "sideways"}, {Name: "call"}, {Line: "B"}},
			[]gpio.PinConfig{{Name: "ring", Line: "A"}, {Name: "ring", Line: "C"}},
			[]string{
				`"sideways" is not a pull`, `two buttons are called "call"`, `button "call" has none`,
				`a button has none (line "B")`, `"A" is used by button "call" and by led "ring"`, `two leds are called "ring"`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := gpio.Validate(tt.buttons, tt.pins)
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("Validate = %v, want problems: %q", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in:\n%v", part, err)
				}
			}
		})
	}
}

func TestOpenRefusesABadConfiguration(t *testing.T) {
	_, err := gpio.Open(slog.New(slog.DiscardHandler), []gpio.ButtonConfig{{Name: "call"}}, nil)
	if err == nil || !strings.Contains(err.Error(), `button "call" has none`) {
		t.Errorf("Open = %v, want the problem of Validate", err)
	}
}

func TestOpenOfNothingNeedsNoChip(t *testing.T) {
	b, err := gpio.Open(slog.New(slog.DiscardHandler), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Buttons())+len(b.Pins()) != 0 {
		t.Error("there is something on the board")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestWithoutAChip(t *testing.T) {
	if chips, err := filepath.Glob("/dev/gpiochip*"); err != nil || len(chips) > 0 {
		t.Skipf("this machine has GPIO chips: %v %v", chips, err)
	}
	for range 2 { // again: the chip might have appeared
		_, err := gpio.Open(slog.New(slog.DiscardHandler), []gpio.ButtonConfig{{Name: "call", Line: "BTN_CALL"}}, nil)
		if !errors.Is(err, gpio.ErrNoChip) || !strings.Contains(err.Error(), "/dev/gpiochip") {
			t.Errorf("Open = %v, want ErrNoChip with what was looked for", err)
		}
		if _, err := gpio.Lines(); !errors.Is(err, gpio.ErrNoChip) {
			t.Errorf("Lines = %v, want ErrNoChip", err)
		}
	}
}
