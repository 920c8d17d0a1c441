// Package audio has the words and the arithmetic of sound: frames, rings,
// gain, level and tones. It is pure: no sound card, no codec, no clock.
package audio

import "time"

const (
	// SampleRate is the rate of all sound inside a terminal, in hertz.
	SampleRate = 48000
	// FrameSamples is the number of samples in one Frame.
	FrameSamples = 480
	// FrameTime is the duration of one Frame.
	FrameTime = 10 * time.Millisecond
	// PacketSamples is the number of samples in one Opus packet (20 ms).
	PacketSamples = 2 * FrameSamples
	// PacketTime is the duration of one Opus packet.
	PacketTime = 20 * time.Millisecond
)

// Frame is 10 ms of mono sound: signed 16 bit samples at SampleRate.
type Frame [FrameSamples]int16
