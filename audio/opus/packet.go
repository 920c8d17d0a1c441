package opus

import (
	"fmt"

	"hailpoint/audio"
)

// Samples is the number of samples per channel that packet holds at 48 kHz, 120
// (2.5 ms) to MaxSamples. It reads the packet's framing whole and returns
// ErrMalformed, with the rule that was broken, for anything that RFC 6716,
// section 3.4, forbids. It needs no codec.
func Samples(packet []byte) (int, error) {
	frames, _, err := parse(packet)
	if err != nil {
		return 0, err
	}
	return frames * frameSamples(packet[0]), nil
}

// Redundancy is the number of samples before packet of which it holds a coarse
// copy (low bit-rate redundancy, RFC 6716, section 4.2.4), from which
// Decoder.Recover can rebuild what a lost packet held. It is 0 when packet holds
// none or is malformed. It needs no codec.
func Redundancy(packet []byte) int {
	_, first, err := parse(packet)
	if err != nil || len(first) == 0 {
		return 0
	}
	toc := packet[0]
	if toc>>3 >= 16 { // CELT only (section 3.1, table 2)
		return 0
	}
	// The header has a voice activity flag for each SILK frame of 20 ms, then
	// the redundancy flag; in stereo the same again for the side channel
	// (section 4.2.3).
	silk := max(1, frameSamples(toc)/audio.PacketSamples)
	redundant := first[0]>>(7-silk)&1 == 1
	if toc&4 != 0 {
		redundant = redundant || first[0]>>(6-2*silk)&1 == 1
	}
	if !redundant {
		return 0
	}
	return frameSamples(toc)
}

// IsComfort says whether packet is one that an encoder sends while it hears
// nothing worth sending (discontinuous transmission): frames of at most one
// byte.
func IsComfort(packet []byte) bool { return len(packet) > 0 && len(packet) <= 2 }

// frameSamples is the length of one frame of a packet with this first byte
// (RFC 6716, section 3.1, table 2).
func frameSamples(toc byte) int {
	config := toc >> 3
	switch {
	case config < 12: // SILK only: 10, 20, 40, 60 ms
		return [...]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return [...]int{480, 960}[config&1]
	default: // CELT only: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}

// parse reads the framing of packet and returns the number of frames and the
// bytes of the first. The rules [R1] to [R7] are those of RFC 6716, section
// 3.4.
func parse(packet []byte) (frames int, first []byte, err error) {
	if len(packet) == 0 {
		return 0, nil, fmt.Errorf("%w: it is empty [R1]", ErrMalformed)
	}
	toc, rest := packet[0], packet[1:]
	switch toc & 3 {
	case 0: // one frame
		if len(rest) > maxFrame {
			return 0, nil, fmt.Errorf("%w: a frame of %d bytes [R2]", ErrMalformed, len(rest))
		}
		return 1, rest, nil
	case 1: // two frames of one size
		if len(rest)%2 != 0 || len(rest)/2 > maxFrame {
			return 0, nil, fmt.Errorf("%w: %d bytes for two equal frames [R3]", ErrMalformed, len(rest))
		}
		return 2, rest[:len(rest)/2], nil
	case 2: // two frames of two sizes
		size, rest, ok := frameSize(rest)
		if !ok || size > len(rest) || len(rest)-size > maxFrame {
			return 0, nil, fmt.Errorf("%w: no room for the first of two frames [R4]", ErrMalformed)
		}
		return 2, rest[:size], nil
	default:
		return parseMany(toc, rest)
	}
}

// maxFrame is the largest size of a frame in bytes (section 3.2.1).
const maxFrame = 1275

// parseMany reads a packet with a signalled number of frames (section 3.2.5).
func parseMany(toc byte, rest []byte) (frames int, first []byte, err error) {
	if len(rest) == 0 {
		return 0, nil, fmt.Errorf("%w: no frame count [R6]", ErrMalformed)
	}
	count := rest[0]
	rest = rest[1:]
	frames = int(count & 63)
	if frames == 0 || frames*frameSamples(toc) > MaxSamples {
		return 0, nil, fmt.Errorf("%w: %d frames of %d samples [R5]", ErrMalformed, frames, frameSamples(toc))
	}
	if count&64 != 0 { // padding
		padding := 0
		for {
			if len(rest) == 0 {
				return 0, nil, fmt.Errorf("%w: padding without an end [R6, R7]", ErrMalformed)
			}
			n := int(rest[0])
			rest = rest[1:]
			if n < 255 {
				padding += n
				break
			}
			padding += 254
		}
		if padding > len(rest) {
			return 0, nil, fmt.Errorf("%w: more padding than packet [R6, R7]", ErrMalformed)
		}
		rest = rest[:len(rest)-padding]
	}
	if count&128 == 0 { // frames of one size
		if len(rest)%frames != 0 || len(rest)/frames > maxFrame {
			return 0, nil, fmt.Errorf("%w: %d bytes for %d equal frames [R6]", ErrMalformed, len(rest), frames)
		}
		return frames, rest[:len(rest)/frames], nil
	}
	total, firstSize := 0, 0
	for i := range frames - 1 {
		size, after, ok := frameSize(rest)
		if !ok {
			return 0, nil, fmt.Errorf("%w: no size for frame %d [R7]", ErrMalformed, i+1)
		}
		rest = after
		total += size
		if i == 0 {
			firstSize = size
		}
	}
	if total > len(rest) || len(rest)-total > maxFrame {
		return 0, nil, fmt.Errorf("%w: %d bytes for frames of %d and one more [R7]", ErrMalformed, len(rest), total)
	}
	if frames == 1 {
		firstSize = len(rest)
	}
	return frames, rest[:firstSize], nil
}

// frameSize reads the size of a frame (section 3.2.1).
func frameSize(b []byte) (size int, rest []byte, ok bool) {
	switch {
	case len(b) == 0:
		return 0, nil, false
	case b[0] < 252:
		return int(b[0]), b[1:], true
	case len(b) < 2:
		return 0, nil, false
	}
	return 4*int(b[1]) + int(b[0]), b[2:], true
}
