package opus

import (
	"errors"
	"fmt"

	"hailpoint/audio"
)

// MaxPacket is the size in bytes that Encode needs at most for one packet: the
// largest one-frame packet of RFC 6716, section 3.2.1, with its first byte.
const MaxPacket = 1276

// MaxSamples is the number of samples a packet can hold: 120 ms (RFC 6716,
// section 3.2.5).
const MaxSamples = 120 * audio.SampleRate / 1000

// Errors that callers tell apart.
var (
	// ErrNoCodec is returned by NewEncoder and NewDecoder in a program without C
	// libraries.
	ErrNoCodec = errors.New("no opus codec: built without cgo (build with CGO_ENABLED=1 and libopus)")
	// ErrMalformed is returned for bytes that are not an Opus packet.
	ErrMalformed = errors.New("not an opus packet")
)

// Config says how an Encoder works.
type Config struct {
	// Bitrate in bit/s, MinBitrate to MaxBitrate. In-band redundancy needs 24000
	// or more.
	Bitrate int
	// Complexity from 0 (least work) to 10 (best sound).
	Complexity int
	// Redundancy puts a coarse copy of each packet into the one behind it, so
	// that a lost packet can be rebuilt (in-band forward error correction).
	Redundancy bool
	// PacketLoss is the loss to guard against, in percent, 0 to 100. The higher,
	// the more of the bitrate goes into redundancy; at 0 none does.
	PacketLoss int
}

// Bounds of Config.Bitrate.
const (
	MinBitrate = 6000
	MaxBitrate = 510000
)

// Default returns the configuration used where nothing else is asked. At
// complexity 5, encoding costs about 1 % of a server's core; 10 costs up to
// twice that.
func Default() Config {
	return Config{Bitrate: 32000, Complexity: 5, Redundancy: true, PacketLoss: 10}
}

// Validate reports every value of c that cannot be used, by key. It changes
// nothing.
func (c Config) Validate() error {
	return errors.Join(
		within("bitrate", c.Bitrate, MinBitrate, MaxBitrate),
		within("complexity", c.Complexity, 0, 10),
		within("packet_loss", c.PacketLoss, 0, 100),
	)
}

func within(key string, value, least, most int) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %d is outside %d to %d", key, value, least, most)
	}
	return nil
}
