//go:build !cgo

package opus

import "hailpoint/audio"

// Available says whether this program has a codec.
const Available = false

// Version is the name and version of the codec library.
func Version() string { return "none (built without cgo)" }

// Encoder cannot be made in this program.
type Encoder struct{}

// NewEncoder returns ErrNoCodec.
func NewEncoder(Config) (*Encoder, error) { return nil, ErrNoCodec }

// SetBitrate returns ErrNoCodec.
func (*Encoder) SetBitrate(int) error { return ErrNoCodec }

// SetComplexity returns ErrNoCodec.
func (*Encoder) SetComplexity(int) error { return ErrNoCodec }

// SetRedundancy returns ErrNoCodec.
func (*Encoder) SetRedundancy(bool) error { return ErrNoCodec }

// SetPacketLoss returns ErrNoCodec.
func (*Encoder) SetPacketLoss(int) error { return ErrNoCodec }

// Encode returns ErrNoCodec.
func (*Encoder) Encode(*[audio.PacketSamples]int16, []byte) (int, error) { return 0, ErrNoCodec }

// Reset returns ErrNoCodec.
func (*Encoder) Reset() error { return ErrNoCodec }

// Decoder cannot be made in this program.
type Decoder struct{}

// NewDecoder returns ErrNoCodec.
func NewDecoder() (*Decoder, error) { return nil, ErrNoCodec }

// SetComplexity returns ErrNoCodec.
func (*Decoder) SetComplexity(int) error { return ErrNoCodec }

// Samples is the function of that name.
func (*Decoder) Samples(packet []byte) (int, error) { return Samples(packet) }

// IsComfort is the function of that name.
func (*Decoder) IsComfort(packet []byte) bool { return IsComfort(packet) }

// Redundancy is the function of that name.
func (*Decoder) Redundancy(packet []byte) int { return Redundancy(packet) }

// Decode returns ErrNoCodec.
func (*Decoder) Decode([]byte, []int16) (int, error) { return 0, ErrNoCodec }

// Recover returns ErrNoCodec.
func (*Decoder) Recover([]byte, []int16) (int, error) { return 0, ErrNoCodec }

// Conceal returns ErrNoCodec.
func (*Decoder) Conceal([]int16) error { return ErrNoCodec }

// Reset returns ErrNoCodec.
func (*Decoder) Reset() error { return ErrNoCodec }
