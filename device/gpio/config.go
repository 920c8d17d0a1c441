package gpio

import (
	"errors"
	"fmt"

	pgpio "periph.io/x/conn/v3/gpio"
)

// Pull is the resistor that the chip connects to an input.
type Pull string

// The pulls. The zero Pull is PullNone.
const (
	// PullNone leaves the resistor as it was when the system started. Use it
	// where the board has its own.
	PullNone Pull = "none"
	// PullUp holds an open contact high: for a button between line and ground.
	PullUp Pull = "up"
	// PullDown holds an open contact low: for a button between line and 3.3 V.
	PullDown Pull = "down"
)

// Validate returns an error that lists the pulls if p is none of them.
func (p Pull) Validate() error {
	switch p {
	case PullNone, PullUp, PullDown, "":
		return nil
	}
	return fmt.Errorf("pull: %q is not a pull; use up, down or none", string(p))
}

func (p Pull) driver() pgpio.Pull {
	switch p {
	case PullUp:
		return pgpio.PullUp
	case PullDown:
		return pgpio.PullDown
	case PullNone:
	}
	return pgpio.PullNoChange // there is no way to ask for none
}

// ButtonConfig says on which line a button is.
type ButtonConfig struct {
	// Name is the button's name in the configuration, e.g. "call".
	Name string
	// Line is the kernel's name of the line, e.g. "BTN_CALL" or "GPIO17".
	Line string
	// ActiveLow is true if the pressed button connects the line to ground.
	ActiveLow bool
	// Pull is the resistor to connect.
	Pull Pull
}

// DefaultButton returns the configuration of the usual button, between its line
// and ground, without a name and a line.
func DefaultButton() ButtonConfig {
	return ButtonConfig{ActiveLow: true, Pull: PullUp}
}

// PinConfig says on which line an output is.
type PinConfig struct {
	// Name is the output's name in the configuration, e.g. "ring".
	Name string
	// Line is the kernel's name of the line, e.g. "LED_RING" or "GPIO27".
	Line string
	// ActiveLow is true if the output is on when the line is low.
	ActiveLow bool
}

// Validate reports every problem of a set of buttons and outputs, or nil. It
// touches no hardware.
func Validate(buttons []ButtonConfig, pins []PinConfig) error {
	var errs []error
	users := map[string]string{} // line -> what uses it
	check := func(kind, name, line string) {
		who := fmt.Sprintf("%s %q", kind, name)
		if name == "" {
			errs = append(errs, fmt.Errorf("name: a %s has none (line %q); give it one, e.g. \"call\"", kind, line))
		}
		if line == "" {
			errs = append(errs, fmt.Errorf("line: %s has none; give it the kernel's name of a line, e.g. \"GPIO17\"", who))
			return
		}
		if other, used := users[line]; used {
			errs = append(errs, fmt.Errorf("line: %q is used by %s and by %s; a line can serve one of them", line, other, who))
			return
		}
		users[line] = who
	}
	names := map[string]bool{}
	for _, b := range buttons {
		check("button", b.Name, b.Line)
		if names[b.Name] && b.Name != "" {
			errs = append(errs, fmt.Errorf("name: two buttons are called %q; rename one", b.Name))
		}
		names[b.Name] = true
		if err := b.Pull.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("button %q: %w", b.Name, err))
		}
	}
	clear(names)
	for _, p := range pins {
		check("led", p.Name, p.Line)
		if names[p.Name] && p.Name != "" {
			errs = append(errs, fmt.Errorf("name: two leds are called %q; rename one", p.Name))
		}
		names[p.Name] = true
	}
	return errors.Join(errs...)
}
