// Package audio has the words and the arithmetic of sound: frames, the queue
// they travel in, gain, mixing, level, tones, WAV files and sample rates. It is
// pure: no sound card, no codec, no clock.
//
// # Why
//
// All sound inside a terminal has one format, mono at 48 kHz, which is what Opus
// and sound cards work at. Nothing is resampled on the way of a call; the price
// is three times the samples that speech would need.
//
// What works on single frames (Queue, Mix, Player, Level) neither allocates nor
// waits. What works on whole recordings (ReadWAV, Resample, ToneLevel) is for
// tests, demonstrations and measurements, and does as it likes.
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
