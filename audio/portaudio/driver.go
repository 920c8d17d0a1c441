package portaudio

import (
	"time"

	"hailpoint/audio"
)

// exchange is called for every 10 ms of an open connection.
type exchange func(in, out *audio.Frame, note note)

// note is what the sound system says about a block.
type note struct {
	// overflow and underflow say that sound from the microphone was lost, or
	// that the speaker ran out of it, since the block before.
	overflow, underflow bool
	// delay is the time from when the first sample of in was heard to when
	// the first of out is played, as the sound system believes.
	delay time.Duration
}

// driver opens sound cards. Its calls go to C libraries and drivers below
// them, and any of them may take for ever: the caller puts a bound on them.
type driver interface {
	// open opens the devices that config names as one stream, on a fresh list
	// of the devices if no other connection is open, and starts it.
	open(config Config, exchange exchange) (connection, error)
}

// connection is an open stream.
type connection interface {
	// latency is how long sound takes from the microphone to exchange, and
	// from there to the speaker, as the sound system reports it.
	latency() (in, out time.Duration)
	// close ends the stream; exchange is not called after it has returned.
	// With abort it does not wait for what is still to be played.
	close(abort bool) error
}
