package playout

import (
	"fmt"
	"time"
)

// Bounds of Config.Target.
const (
	MinTarget = 20 * time.Millisecond
	MaxTarget = 200 * time.Millisecond
)

// Config says how a Buffer plays.
type Config struct {
	// Target is how long a packet that came without network delay waits before
	// it is played, MinTarget to MaxTarget. Packets that come up to Target later
	// than the quickest are still in time. A sound card that takes several frames
	// at once leaves that much less: add what it takes beyond one frame.
	Target time.Duration
}

// Default returns the configuration used where nothing else is asked: 40 ms,
// two packets, which rides out the jitter of a local network.
func Default() Config {
	return Config{Target: 40 * time.Millisecond}
}

// Validate reports every value of c that cannot be used, by key. It changes
// nothing.
func (c Config) Validate() error {
	if c.Target < MinTarget || c.Target > MaxTarget {
		return fmt.Errorf("target: %v is outside %v to %v", c.Target, MinTarget, MaxTarget)
	}
	return nil
}
