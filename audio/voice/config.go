package voice

import (
	"errors"
	"fmt"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/opus"
	"hailpoint/audio/playout"
)

// Encoder makes packets of the microphone's sound; *opus.Encoder is one. It is
// used by the goroutine of Run only.
type Encoder interface {
	// Encode writes the packet for pcm to out, which has room for 1500 bytes, and
	// returns its size.
	Encode(pcm *[audio.PacketSamples]int16, out []byte) (int, error)
	// SetPacketLoss sets the loss in percent to guard against.
	SetPacketLoss(percent int) error
	// Reset forgets all sound.
	Reset() error
}

// Config says how a Path sounds.
type Config struct {
	// Volume of the loudspeaker in percent, 0 (silent) to 100.
	Volume int
	// Bitrate of the microphone's Opus stream in bit/s, 6000 to 510000. In-band
	// redundancy needs 24000 or more.
	Bitrate int
	// Complexity of the encoder, 0 (least work) to 10.
	Complexity int
	// PacketLoss is the loss in percent that the encoder guards against at
	// first, 0 to 100; see Path.SetPacketLoss.
	PacketLoss int
	// Playout says how each line's packets are buffered.
	Playout playout.Config
	// Now is a monotonic clock; nil means the time since New. It is called from
	// the sound thread and from Receive, at the same time.
	Now func() time.Duration
	// NewEncoder and NewDecoder make the codec; nil means Opus.
	NewEncoder func() (Encoder, error)
	NewDecoder func() (playout.Decoder, error)
}

// Default returns the configuration used where nothing else is asked.
func Default() Config {
	o := opus.Default()
	return Config{
		Volume:  80,
		Bitrate: o.Bitrate, Complexity: o.Complexity, PacketLoss: o.PacketLoss,
		Playout: playout.Default(),
	}
}

// Validate reports every value of c that cannot be used, by key. It changes
// nothing.
func (c Config) Validate() error {
	errs := []error{percent("volume", c.Volume), c.opus().Validate()}
	if err := c.Playout.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("playout.%w", err))
	}
	return errors.Join(errs...)
}

func (c Config) opus() opus.Config {
	return opus.Config{Bitrate: c.Bitrate, Complexity: c.Complexity, PacketLoss: c.PacketLoss, Redundancy: true}
}

func percent(key string, value int) error {
	if value < 0 || value > 100 {
		return fmt.Errorf("%s: %d is outside 0 to 100", key, value)
	}
	return nil
}

// complete returns c with what was left nil filled in.
func (c Config) complete() Config {
	if c.Now == nil {
		start := time.Now()
		c.Now = func() time.Duration { return time.Since(start) }
	}
	if c.NewEncoder == nil {
		c.NewEncoder = func() (Encoder, error) { return opus.NewEncoder(c.opus()) }
	}
	if c.NewDecoder == nil {
		c.NewDecoder = newOpusDecoder
	}
	return c
}

// newOpusDecoder makes a decoder that conceals with the best means its library
// has.
func newOpusDecoder() (playout.Decoder, error) {
	d, err := opus.NewDecoder()
	if err != nil {
		return nil, err
	}
	const deepConcealment = 5
	if err := d.SetComplexity(deepConcealment); err != nil {
		return nil, err
	}
	return d, nil
}
