package portaudio

import (
	"errors"
	"fmt"
	"time"
)

// DefaultDevice is the name that stands for the sound system's default
// microphone or speaker.
const DefaultDevice = "default"

// The latencies a card can be asked for.
const (
	MinLatency = 10 * time.Millisecond
	MaxLatency = 500 * time.Millisecond
)

// Config says which sound devices a terminal uses.
type Config struct {
	// Input is the microphone: a name exactly as Devices returns it, or
	// "default".
	Input string
	// Output is the speaker, likewise. Both must belong to the same sound
	// system (ALSA, JACK), and should be on the same card: two cards have two
	// clocks, and their drift is heard as a click now and then.
	Output string
	// Latency is how much sound the card's buffers should hold in each
	// direction. Less is a quicker conversation, more survives a busier
	// machine. ALSA's loopback card needs 20 ms; a real card may round it up.
	Latency time.Duration
	// OnState, if not nil, is told when sound begins to work (nil) and when
	// it does not (the fault, written for people). It is called from Run's
	// goroutine, once per change, and must not block for long.
	OnState func(fault error)
}

// Default is the default microphone and speaker, with 20 ms of latency.
func Default() Config {
	return Config{Input: DefaultDevice, Output: DefaultDevice, Latency: 20 * time.Millisecond}
}

// Validate reports every value that can never work, by key. It does not look
// at the devices: a card may be plugged in later.
func (c Config) Validate() error {
	var errs []error
	for _, device := range []struct{ key, name string }{{"input", c.Input}, {"output", c.Output}} {
		if device.name == "" {
			errs = append(errs, fmt.Errorf("%s: is empty; use %q or a name that \"hailpoint devices\" prints", device.key, DefaultDevice))
		}
	}
	if c.Latency < MinLatency || c.Latency > MaxLatency {
		errs = append(errs, fmt.Errorf("latency: %v is not between %v and %v; use 20ms, or more if the sound is broken", c.Latency, MinLatency, MaxLatency))
	}
	return errors.Join(errs...)
}
