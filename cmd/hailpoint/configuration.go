package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"hailpoint/cmd/internal/config"
	"hailpoint/device/gpio"
)

// configError is a configuration with mistakes, one per line.
type configError struct{ err error }

func (b configError) Error() string {
	lines := strings.Split(b.err.Error(), "\n")
	if len(lines) == 1 {
		return "the configuration has a mistake:\n" + lines[0]
	}
	return fmt.Sprintf("the configuration has %d mistakes:\n%s", len(lines), b.err)
}

// Is makes a configError exit as a usage error does.
func (b configError) Is(target error) bool { return target == errUsage }

// options are the flags of run and check.
type options struct {
	file string
	sim  bool
}

func parseOptions(name string, args []string, stderr io.Writer) (options, error) {
	var o options
	flags := newFlags("hailpoint "+name, stderr)
	flags.StringVar(&o.file, "config", "", "configuration `FILE` (default "+defaultConfig+")")
	flags.BoolVar(&o.sim, "sim", false, "simulate buttons and lamps, and sound too where there is no sound card")
	return o, parse(flags, args, 0)
}

func newFlags(name string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	return flags
}

// parse reads flags, and wants rest arguments behind them, or any number where
// rest is negative.
func parse(flags *flag.FlagSet, args []string, rest int) error {
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if rest >= 0 && flags.NArg() != rest {
		return fmt.Errorf("%w: %s takes %d arguments, not %d", errUsage, flags.Name(), rest, flags.NArg())
	}
	return nil
}

// load reads the configuration that the options mean. With --sim a missing
// file is no mistake.
func (o options) load() (config.Config, error) {
	cfg := config.Default()
	file := o.file
	if file == "" {
		file = defaultConfig
		if _, err := os.Stat(file); o.sim && errors.Is(err, os.ErrNotExist) {
			file = ""
			cfg.StateDir, cfg.ControlSocket = simDir(), simDir()+"/control.sock"
		}
	}
	if file != "" {
		var err error
		if cfg, err = config.Load(file); err != nil {
			return cfg, configError{err}
		}
	}
	if o.sim {
		cfg.Device.Driver = "sim"
	}
	if cfg.Device.Driver == "sim" && len(cfg.Buttons) == 0 && len(cfg.LEDs) == 0 {
		cfg.Buttons, cfg.LEDs = config.Panel()
	}
	if cfg.ID == "" {
		cfg.ID = hostAddress()
	}
	if cfg.Name == "" {
		cfg.Name = cfg.ID
	}
	if cfg.MQTT.Username == "" {
		cfg.MQTT.Username = cfg.ID
	}
	return cfg, nil
}

// simDir is where a simulated terminal without a configuration keeps its state.
func simDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir + "/hailpoint-sim"
	}
	return os.TempDir() + "/hailpoint-sim"
}

// hostAddress makes an address of the host's name.
func hostAddress() string {
	name, err := os.Hostname()
	if err != nil {
		return "terminal"
	}
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	address := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	address = strings.TrimLeft(address, "-_")
	if len(address) > 64 {
		address = address[:64]
	}
	if address == "" {
		return "terminal"
	}
	return address
}

// lines are the buttons and lamps of a configuration as the GPIO driver wants
// them.
func lines(cfg config.Config) ([]gpio.ButtonConfig, []gpio.PinConfig) {
	var buttons []gpio.ButtonConfig
	for _, b := range cfg.Buttons {
		buttons = append(buttons, gpio.ButtonConfig{
			Name: b.Name, Line: b.Line, ActiveLow: b.Active == "low", Pull: gpio.Pull(b.Pull),
		})
	}
	var pins []gpio.PinConfig
	for _, l := range cfg.LEDs {
		pins = append(pins, gpio.PinConfig{Name: l.Name, Line: l.Line, ActiveLow: l.Active == "low"})
	}
	return buttons, pins
}
