package call

import (
	"encoding/json"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// Timer names one of a call's timers.
type Timer int

// The timers.
const (
	RingTimer   Timer = iota // nobody answers
	JoinTimer                // answered, but not connected
	LimitTimer               // maximum talk time
	TickTimer                // one second of talk
	AnswerTimer              // automatic answer
)

// Effect is something to do.
//
//sumtype:decl
type Effect interface{ isEffect() }

// Send sends a message to a party. Patience is how long it is repeated.
type Send struct {
	To, CallID string
	Body       signal.Body
	Patience   time.Duration
}

// Record reports an event.
type Record struct {
	Call  event.Call
	Start time.Duration // Mono of call.created or call.incoming
	At    Instant
	Event event.Event
}

// StartTimer starts a timer, or starts it anew.
type StartTimer struct {
	CallID string
	Timer  Timer
	After  time.Duration
}

// StopTimer stops a timer; it may not be running.
type StopTimer struct {
	CallID string
	Timer  Timer
}

// MakeOffer opens a leg's transport and asks for OfferMade or MediaFailed.
type MakeOffer struct{ CallID, Peer string }

// MakeAnswer opens a leg's transport for an offer and asks for AnswerMade or
// MediaFailed.
type MakeAnswer struct{ CallID, Peer, Offer string }

// SetAnswer gives a leg the peer's answer.
type SetAnswer struct{ CallID, Peer, SDP string }

// AddCandidate gives a leg a candidate of the peer.
type AddCandidate struct {
	CallID, Peer string
	Candidate    json.RawMessage
}

// OpenMicrophone lets a leg's sound out. Until then nothing is sent.
type OpenMicrophone struct{ CallID, Peer string }

// SetMute closes or opens the microphone for all legs.
type SetMute struct{ On bool }

// CloseMedia takes a leg's transport down; it may not exist.
type CloseMedia struct{ CallID, Peer string }

// Withdraw stops repeating an invite.
type Withdraw struct{ To, CallID string }

// Over says that the call is over, for tones and for what is dialled next.
type Over struct {
	CallID    string
	Reason    event.EndReason
	Local     bool
	Connected bool
}

func (Send) isEffect()           {}
func (Record) isEffect()         {}
func (StartTimer) isEffect()     {}
func (StopTimer) isEffect()      {}
func (MakeOffer) isEffect()      {}
func (MakeAnswer) isEffect()     {}
func (SetAnswer) isEffect()      {}
func (AddCandidate) isEffect()   {}
func (OpenMicrophone) isEffect() {}
func (SetMute) isEffect()        {}
func (CloseMedia) isEffect()     {}
func (Withdraw) isEffect()       {}
func (Over) isEffect()           {}
