package callagent

import (
	"context"
	"encoding/json"
	"time"

	"hailpoint/audio"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// Link is the way to the fleet backend and to other endpoints. None of its
// methods blocks; each may be called while the link is down.
type Link interface {
	// Signal sends one message to an endpoint, once; it is lost while the link
	// is down.
	Signal(to string, m signal.Message)
	// Record reports an event. Durable kinds are numbered, kept and delivered
	// in the order of the calls.
	Record(r event.Record)
	// Running leaves a mark on disk of what is to be recorded at the next start
	// if the process dies now; nil takes it away. It is called about once a
	// second during a call.
	Running(died []event.Record)
	// Status says what the terminal does now; Online and At are the link's.
	Status(s command.Status)
	// Follow asks for the members of ring groups and the status of peers that
	// are being dialled, in place of those asked for before.
	Follow(groups, peers []string)
}

// Media makes the sound of calls.
type Media interface {
	// Open begins a leg. It returns at once; what the leg needs is made by its
	// methods.
	Open(callID, peer string, on LegEvents) Leg
	// Ready is nil while the sound device works, else it says what is wrong. It
	// waits, for a bounded time, while the device is being opened after the
	// start; ctx ends the wait.
	Ready(ctx context.Context) error
	// Play plays a tone until it ends or another is played; audio.NoTone is
	// silence.
	Play(t audio.Tone)
	// Volume and SetVolume are the loudspeaker's volume in percent, kept over
	// restarts.
	Volume() int
	SetVolume(percent int)
	// SetMute closes the microphone for all legs.
	SetMute(on bool)
}

// LegEvents are what a leg reports, from goroutines of its own.
type LegEvents struct {
	// Candidate is an ICE candidate of our own, null at the end.
	Candidate func(json.RawMessage)
	// Up is called when the transport can carry sound.
	Up func()
	// Down is called when nothing was heard for the media timeout, or when the
	// transport could not be made; heard is then zero.
	Down func(heard time.Time)
}

// Leg is the transport to one party. Its methods are called one at a time, in
// the order given here, and may block; OpenMicrophone may come at any time and
// does not block.
type Leg interface {
	Offer(ctx context.Context) (sdp string, err error)
	Answer(ctx context.Context, offer string) (sdp string, err error)
	SetAnswer(sdp string) error
	AddCandidate(c json.RawMessage) error
	// OpenMicrophone lets the microphone's sound out and the other side's sound
	// in; before, there is none either way, but that a caller hears what comes.
	OpenMicrophone()
	Close(ctx context.Context) error
}
