// Package simulated runs whole terminals inside the fleet service, for the
// panels of the console, for demonstrations and for tests. Each is the agent of
// cmd/hailpoint with the same link, journal, gestures and transport; only its
// buttons, lamps and sound card are made of software.
//
// # Why
//
// A pretended terminal would show what somebody thought a terminal does. This
// one costs a few megabytes and shows what it really does.
package simulated

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"hailpoint/audio"
	soundsim "hailpoint/audio/sim"
	"hailpoint/cmd/internal/config"
	"hailpoint/cmd/internal/terminal"
	"hailpoint/device/sim"
)

// Config says what a simulated terminal is.
type Config struct {
	ID       string
	Name     string // shown to people
	Broker   string // URL
	Password string // for the broker; empty: none
	Base     string // of all topics
	StateDir string
	Target   string // what its call button calls
	Version  string
	// Microphone makes what it hears; nil is a chime, at ChimeRoot(ID's number).
	Microphone soundsim.Source
	// Heard, if not nil, receives every frame that its speaker plays.
	Heard func(*audio.Frame)
}

// Terminal is one simulated terminal.
type Terminal struct {
	*terminal.Terminal
	id      string
	buttons map[string]*sim.Button
	names   []string // of the buttons
	lamps   map[string]*sim.Pin
	level   atomic.Int64
	scratch string // directory that Run removes
}

// New puts a terminal together. It does nothing until Run, but Run must be
// called: it also takes away what New made.
func New(c Config, log *slog.Logger) (_ *Terminal, err error) {
	// The path of a Unix socket is short (unix(7)); a data directory's may not be.
	scratch, err := os.MkdirTemp("", "hailpoint-sim-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for simulated terminal %s: %w", c.ID, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(scratch))
		}
	}()
	cfg := config.Default()
	cfg.ID, cfg.Name, cfg.StateDir = c.ID, c.Name, c.StateDir
	cfg.ControlSocket = filepath.Join(scratch, "control.sock")
	cfg.MQTT.Broker, cfg.MQTT.Base, cfg.MQTT.Username = config.List{c.Broker}, c.Base, c.ID
	cfg.MQTT.Delivery, cfg.MQTT.Vocabularies = "backend", config.List{"wmpf"}
	cfg.MQTT.PasswordFile = filepath.Join(scratch, "password")
	if err := os.WriteFile(cfg.MQTT.PasswordFile, []byte(c.Password), 0o600); err != nil {
		return nil, fmt.Errorf("write the password of simulated terminal %s: %w", c.ID, err)
	}
	cfg.Call.Target = config.List{c.Target}
	cfg.RTC.Loopback = true // the browser may be on this machine, and this machine without a network
	cfg.Device.Driver = "sim"
	cfg.Buttons, cfg.LEDs = config.Panel()

	t := &Terminal{id: c.ID, buttons: map[string]*sim.Button{}, lamps: map[string]*sim.Pin{}, scratch: scratch}
	microphone := c.Microphone
	if microphone == nil {
		microphone = soundsim.Loop(Chime(ChimeRoot(c.ID)))
	}
	hw := terminal.Hardware{
		Version: c.Version,
		Card: func(block func(in, out *audio.Frame), onState func(fault error)) terminal.Card {
			return soundsim.New(soundsim.Config{
				Microphone: microphone, OnState: onState,
				Speaker: func(out *audio.Frame) {
					// The meter falls slowly, so that a page that looks ten times a second sees every sound.
					t.level.Store(max(int64(audio.Level(out[:])), t.level.Load()-2))
					if c.Heard != nil {
						c.Heard(out)
					}
				},
			}, block)
		},
	}
	for _, b := range cfg.Buttons {
		button := sim.NewButton(b.Name)
		t.buttons[b.Name] = button
		t.names = append(t.names, b.Name)
		hw.Buttons = append(hw.Buttons, button)
	}
	for _, l := range cfg.LEDs {
		pin := sim.NewPin(l.Name)
		t.lamps[l.Name] = pin
		hw.Pins = append(hw.Pins, pin)
	}
	t.Terminal, err = terminal.New(cfg, hw, log.With("self", c.ID))
	if err != nil {
		return nil, fmt.Errorf("make simulated terminal %s: %w", c.ID, err)
	}
	return t, nil
}

// Run is the terminal's life until ctx ends.
func (t *Terminal) Run(ctx context.Context) error {
	err := t.Terminal.Run(ctx)
	if rm := os.RemoveAll(t.scratch); rm != nil {
		err = errors.Join(err, fmt.Errorf("clean up after simulated terminal %s: %w", t.id, rm))
	}
	return err
}

// ID is its address.
func (t *Terminal) ID() string { return t.id }

// Buttons are the names of its buttons, in the order of the panel.
func (t *Terminal) Buttons() []string { return t.names }

// Hold presses a button down or lets it go, through the same gesture code as a
// real contact. The error says that there is no such button.
func (t *Terminal) Hold(button string, down bool) error {
	b := t.buttons[button]
	if b == nil {
		return fmt.Errorf("terminal %s has no button %.70q; it has %v", t.id, button, t.names)
	}
	b.Set(down)
	return nil
}

// Lamps are the names of its lamps and whether each is lit now.
func (t *Terminal) Lamps() map[string]bool {
	lamps := make(map[string]bool, len(t.lamps))
	for name, pin := range t.lamps {
		lamps[name] = pin.On()
	}
	return lamps
}

// Level is how loud its speaker is now: 0 is silence, 100 is full scale.
func (t *Terminal) Level() int { return int(t.level.Load()) }

// ChimeRoot is the first note, in hertz, of the chime of the terminal with
// this id. Neighbours' differ.
func ChimeRoot(id string) float64 {
	n := 0
	for _, c := range id {
		if c >= '0' && c <= '9' {
			n = n*10 + int(c-'0')
		}
	}
	return 440 * math.Exp2(float64(n%12)/12)
}

// Chime is a quiet run of four notes and a rest, 2.4 s at audio.SampleRate:
// something to hear that does not annoy.
func Chime(root float64) []int16 {
	const (
		note      = 400 * time.Millisecond
		rest      = 800 * time.Millisecond
		amplitude = 0.18 * math.MaxInt16
		decay     = 6.0 // per second
	)
	samples := func(d time.Duration) int { return int(d * audio.SampleRate / time.Second) }
	pcm := make([]int16, 0, samples(4*note+rest))
	for _, interval := range []float64{1, 5. / 4, 3. / 2, 2} {
		for i := range samples(note) {
			s := float64(i) / audio.SampleRate
			attack := math.Min(1, s/0.01)
			release := math.Min(1, (note.Seconds()-s)/0.02)
			pcm = append(pcm, int16(amplitude*attack*release*math.Exp(-decay*s)*math.Sin(2*math.Pi*root*interval*s)))
		}
	}
	return append(pcm, make([]int16, samples(rest))...)
}
