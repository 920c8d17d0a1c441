package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

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

func parseOptions(name string, args []string) (options, error) {
	var o options
	flags := newFlags(name)
	flags.StringVar(&o.file, "config", "", "configuration `FILE` (default "+defaultConfig+")")
	flags.BoolVar(&o.sim, "sim", false, "simulate buttons and lamps, and sound too where there is no sound card")
	_, err := operands(flags, args, 0)
	return o, err
}

// newFlags returns the flags of a subcommand. They print nothing: what is wrong with them is an
// error, and so is the wish for help.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parse reads flags up to the first argument that is none.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helpError{help(flags)}
	case err != nil:
		return usageErrorf("%s: %w", flags.Name(), err)
	}
	return nil
}

// operands reads flags, and returns the arguments between and behind them, at
// most as many as given.
func operands(flags *flag.FlagSet, args []string, most int) ([]string, error) {
	var found []string
	for {
		if err := parse(flags, args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return found, nil
		}
		if len(found) == most {
			return nil, usageErrorf("%s does not know what to do with %q", flags.Name(), flags.Arg(0))
		}
		found, args = append(found, flags.Arg(0)), flags.Args()[1:]
	}
}

// help describes the flags of a subcommand.
func help(flags *flag.FlagSet) string {
	var usage, list strings.Builder
	usage.WriteString("usage: hailpoint " + flags.Name())
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		form := strings.TrimSuffix("--"+f.Name+" "+value, " ")
		fmt.Fprintf(&usage, " [%s]", form)
		fmt.Fprintf(&list, "  %-15s %s\n", form, text)
	})
	return usage.String() + "\n" + list.String()
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
		cfg, err = config.Load(file)
		switch _, mistakes := errors.AsType[config.ProblemError](err); {
		case mistakes:
			return cfg, configError{err}
		case o.file == "" && errors.Is(err, os.ErrNotExist):
			return cfg, usageError{fmt.Errorf("%w (name another with --config)", err)}
		case err != nil:
			return cfg, usageError{err}
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

// simDir is where a simulated terminal without a configuration keeps its state:
// a directory of this user.
func simDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "hailpoint-sim")
	}
	return filepath.Join(os.TempDir(), "hailpoint-sim-"+strconv.Itoa(os.Getuid()))
}

// makePrivate makes a directory that only this user may enter, and refuses one
// that somebody else made in its place.
func makePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the directory of the simulated terminal: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the directory of the simulated terminal: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int64(stat.Uid) != int64(os.Getuid()) {
		return fmt.Errorf("use %s for the simulated terminal: it is no directory of this user (remove it, or name a configuration with --config)", dir)
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a directory needs the right to enter
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
