package callagent

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/device"
	"hailpoint/device/gesture"
	"hailpoint/device/led"
)

// Action is what a gesture on a button does.
type Action string

// The actions.
const (
	ActCall         Action = "call" // dial when idle, answer when it rings
	ActAnswer       Action = "answer"
	ActHangUp       Action = "hangup"         // withdraw, refuse or hang up
	ActCallOrHangUp Action = "call_or_hangup" // as call, and hangup while calling or talking
	ActMute         Action = "mute"           // on, and off again
	ActCustom       Action = "custom"         // opens and closes the custom box of the call page
	ActVolumeUp     Action = "volume_up"
	ActVolumeDown   Action = "volume_down"
	ActNone         Action = "none"
)

// Actions returns every action, in the order of the reference table.
func Actions() []Action {
	return []Action{ActCall, ActAnswer, ActHangUp, ActCallOrHangUp, ActMute, ActCustom, ActVolumeUp, ActVolumeDown, ActNone}
}

// volumeStep is what one press of a volume button changes, in percent.
const volumeStep = 10

// Button joins one contact to what it does.
type Button struct {
	Source  device.Button
	Gesture gesture.Config
	Press   Action
	Long    Action
	Double  Action
}

// Lamp joins one output to what it shows.
type Lamp struct {
	Pin  device.Pin
	Show led.Show
}

// Config is what an Agent is made of.
type Config struct {
	Self         event.User // ID is the address
	Version      string
	BootID       string // UUIDv7
	Boot         time.Time
	Labels       map[string]string
	Buttons      []Button
	Lamps        []Lamp
	Target       []string // addresses and @groups, tried in turn by a call press
	Allow        []string // who may call in: addresses, @groups or *
	RingTimeout  time.Duration
	JoinTimeout  time.Duration
	TimeLimit    time.Duration // 0: none
	AutoAnswer   time.Duration // negative: never
	AutoFrom     []string
	DoNotDisturb bool
	BusinessType int
	// StopTimeout bounds the orderly end of a running call at shutdown.
	StopTimeout time.Duration
	// Clock says whether the wall clock can be trusted.
	Clock func() event.Clock
	// NewID makes UUIDv7s.
	NewID func() string
	// RoomNum makes random positive 31 bit numbers.
	RoomNum func() int64
	// Beat is called at least every BeatEvery while the loop is alive.
	Beat      func()
	BeatEvery time.Duration
	Log       *slog.Logger
}

// Default returns the times used where nothing else is configured.
func Default() Config {
	return Config{
		RingTimeout: time.Minute, JoinTimeout: 20 * time.Second, AutoAnswer: -1,
		StopTimeout: 3 * time.Second, BusinessType: 1, Allow: []string{"*"}, BeatEvery: 5 * time.Second,
	}
}

// Validate reports every problem of the times, by key. It changes nothing.
func (c Config) Validate() error {
	var errs []error
	within := func(key string, d, low, high time.Duration) {
		if d < low || d > high {
			errs = append(errs, fmt.Errorf("%s: %v is outside %v to %v", key, d, low, high))
		}
	}
	within("ring_timeout", c.RingTimeout, time.Second, 10*time.Minute)
	within("join_timeout", c.JoinTimeout, time.Second, 2*time.Minute)
	if c.TimeLimit != 0 {
		within("time_limit", c.TimeLimit, time.Second, 24*time.Hour)
	}
	return errors.Join(errs...)
}
