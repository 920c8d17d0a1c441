package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"hailpoint/audio"
	"hailpoint/audio/portaudio"
	soundsim "hailpoint/audio/sim"
	"hailpoint/cmd/internal/config"
	"hailpoint/cmd/internal/terminal"
	buildinfo "hailpoint/cmd/internal/version"
	"hailpoint/device"
	"hailpoint/device/gpio"
	"hailpoint/device/sim"
	"hailpoint/systemd"
)

// run is the terminal. It ends with ctx, or when it cannot go on.
func run(ctx context.Context, args []string, stderr io.Writer) (err error) {
	o, err := parseOptions("run", args)
	if err != nil {
		return err
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if dir := simDir(); cfg.StateDir == dir {
		if err := makePrivate(dir); err != nil {
			return err
		}
		log.Info("simulated terminal", "socket", cfg.ControlSocket, "state_dir", dir)
	}
	hw, release, err := hardware(cfg, o.sim, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	notify, err := systemd.New()
	if err != nil {
		return err
	}
	hw.Version = buildinfo.Version
	hw.Ready = func() { tell(log, "ready", notify.Ready("terminal "+cfg.ID)) }
	hw.Stopping = func() { tell(log, "stopping", notify.Stopping()) }
	if every := notify.Interval(); every > 0 {
		hw.BeatEvery = every / 2
		hw.Beat = func() { tell(log, "watchdog", notify.Beat()) }
	}
	t, err := terminal.New(cfg, hw, log)
	if err != nil {
		return err
	}
	return t.Run(ctx)
}

// tell logs what the service manager could not be told.
func tell(log *slog.Logger, what string, err error) {
	if err != nil {
		log.Warn("service manager not told", "what", what, "error", err)
	}
}

// hardware opens buttons and lamps, and says how to make the sound card. sim
// allows a simulated card where there is none.
func hardware(cfg config.Config, simulate bool, log *slog.Logger) (terminal.Hardware, func() error, error) {
	hw := terminal.Hardware{Card: realCard(cfg.Audio, log)}
	if cfg.Audio.Input == "sim" || (simulate && !hasSound()) {
		log.Info("sound is simulated")
		hw.Card = simCard
	}
	release := func() error { return nil }
	switch cfg.Device.Driver {
	case "sim":
		for _, b := range cfg.Buttons {
			hw.Buttons = append(hw.Buttons, sim.NewButton(b.Name))
		}
		for _, l := range cfg.LEDs {
			hw.Pins = append(hw.Pins, sim.NewPinFunc(l.Name, nil))
		}
	case "gpio":
		buttons, pins := lines(cfg)
		board, err := gpio.Open(log, buttons, pins)
		if err != nil {
			return hw, release, boardError(err, cfg, gpio.Lines)
		}
		hw.Buttons, hw.Pins = inOrder(board.Buttons(), board.Pins(), cfg)
		release = board.Close
	}
	return hw, release, nil
}

// boardError tells a mistake in the configuration, a line that no chip has, from
// a fault of the machine: no chip, no right to use it, or a line in use.
func boardError(err error, cfg config.Config, known func() ([]string, error)) error {
	if !errors.Is(err, gpio.ErrNoLine) {
		return err
	}
	if names, lerr := known(); lerr == nil {
		if bad := unknownLines(cfg.Buttons, cfg.LEDs, names); bad != nil {
			return configError{bad}
		}
	}
	return configError{err}
}

// inOrder returns buttons and pins in the order of the configuration.
func inOrder(buttons []device.Button, pins []device.Pin, cfg config.Config) ([]device.Button, []device.Pin) {
	slices.SortFunc(buttons, func(a, b device.Button) int {
		at := func(x device.Button) int {
			return slices.IndexFunc(cfg.Buttons, func(c config.Button) bool { return c.Name == x.Name() })
		}
		return at(a) - at(b)
	})
	slices.SortFunc(pins, func(a, b device.Pin) int {
		at := func(x device.Pin) int {
			return slices.IndexFunc(cfg.LEDs, func(c config.LED) bool { return c.Name == x.Name() })
		}
		return at(a) - at(b)
	})
	return buttons, pins
}

// realCard makes the sound card of a configuration.
func realCard(cfg config.Audio, log *slog.Logger) terminal.NewCard {
	return func(block func(in, out *audio.Frame), onState func(fault error)) terminal.Card {
		return portaudio.New(portaudio.Config{
			Input: cfg.Input, Output: cfg.Output, Latency: cfg.Latency, OnState: onState,
		}, log, block)
	}
}

// testTone is what the microphone of a simulated terminal hears, in hertz.
const testTone = 440

// simCard makes a sound card that is simulated: its microphone hears a tone.
func simCard(block func(in, out *audio.Frame), onState func(fault error)) terminal.Card {
	return soundsim.New(soundsim.Config{Microphone: soundsim.Tone(testTone, 0.1), OnState: onState}, block)
}

// hasSound tells whether there are a microphone and a speaker.
func hasSound() bool {
	found, err := portaudio.Devices()
	in := slices.ContainsFunc(found, func(d portaudio.DeviceInfo) bool { return d.Inputs > 0 })
	out := slices.ContainsFunc(found, func(d portaudio.DeviceInfo) bool { return d.Outputs > 0 })
	return err == nil && in && out
}

// unknownLines names every line that no chip has, with those that exist.
func unknownLines(buttons []config.Button, leds []config.LED, known []string) error {
	var errs []error
	check := func(kind, name, line string) {
		if !slices.Contains(known, line) {
			errs = append(errs, fmt.Errorf("%s %q: there is no line %q; there are: %v", kind, name, line, known))
		}
	}
	for _, b := range buttons {
		check("button", b.Name, b.Line)
	}
	for _, l := range leds {
		check("led", l.Name, l.Line)
	}
	return errors.Join(errs...)
}
