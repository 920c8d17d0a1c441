package call

import (
	"encoding/json"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// Instant is one reading of both clocks. Durations come from Mono alone; Wall
// only dates things.
type Instant struct {
	Mono time.Duration // since the process started
	Wall int64         // ms since the epoch
}

// Rules are the settings that govern one call.
type Rules struct {
	Self         event.User
	RingTimeout  time.Duration // caller: until no answer
	JoinTimeout  time.Duration // from answer to connected
	TimeLimit    time.Duration // of talk, 0 for none
	AutoAnswer   time.Duration // callee: delay before the agent answers itself, negative for never
	BusinessType int
}

// Input is something that happened.
//
//sumtype:decl
type Input interface{ isInput() }

// Dial asks for a call. It is ignored unless idle.
type Dial struct {
	Call     event.Call // CallID, RoomID and RoomNum made by the caller; Role is set here
	Callees  []event.User
	Ring     bool // Callees are a ring group's members, which may change, and may be none yet
	Group    event.User
	Media    event.Media
	UserData string
	Priority signal.Priority
	OpID     int64
	Rules    Rules
}

// MembersChanged gives the members of the ring group that is being dialled.
type MembersChanged struct {
	CallID  string
	Members []event.User
}

// Invited is an invitation from a party that may call in.
type Invited struct {
	From   string
	CallID string
	Invite signal.Invite
	Rules  Rules
	// DoNotDisturb refuses the call quietly.
	DoNotDisturb bool
}

// Answer accepts a ringing call.
type Answer struct {
	CallID string // empty: whichever there is
	Origin event.Origin
	OpID   int64
}

// HangUp ends the call in whatever state it is: it withdraws, refuses or hangs
// up.
type HangUp struct {
	CallID string // empty: whichever there is
	Origin event.Origin
	OpID   int64
}

// Mute closes or opens the microphone of a running call.
type Mute struct{ On bool }

// Got is a message of a party to the current call.
type Got struct {
	From   string
	CallID string
	ID     string // of the message
	Body   signal.Body
}

// Confirmed says that a peer has our message.
type Confirmed struct {
	Peer, CallID string
	Type         signal.Type
}

// Refused says that a peer refused our message.
type Refused struct {
	Peer, CallID string
	Type         signal.Type
	Code         signal.Code
}

// Unanswered says that our message was repeated in vain.
type Unanswered struct {
	Peer, CallID string
	Type         signal.Type
}

// OfferMade gives the own offer for a leg; the sound device is open.
type OfferMade struct{ CallID, Peer, SDP string }

// AnswerMade gives the own answer for a leg; the sound device is open.
type AnswerMade struct{ CallID, Peer, SDP string }

// MediaFailed says that a leg's sound device or session description could not
// be made or used. Without a Peer it is said of the sound device of a call that
// has no leg yet.
type MediaFailed struct {
	CallID, Peer string
	Detail       string
}

// TransportUp says that a leg's transport can carry sound.
type TransportUp struct{ CallID, Peer string }

// TransportLost says that a leg heard nothing for the media timeout.
type TransportLost struct {
	CallID, Peer string
	Heard        time.Duration // Mono of the last packet heard
	LinkUp       bool          // the own broker link is up: the fault is the peer's
}

// LocalCandidate is an ICE candidate of our own for a leg.
type LocalCandidate struct {
	CallID, Peer string
	Candidate    json.RawMessage
}

// Expired says that a timer ran off.
type Expired struct {
	CallID string
	Timer  Timer
}

func (Dial) isInput()           {}
func (MembersChanged) isInput() {}
func (Invited) isInput()        {}
func (Answer) isInput()         {}
func (HangUp) isInput()         {}
func (Mute) isInput()           {}
func (Got) isInput()            {}
func (Confirmed) isInput()      {}
func (Refused) isInput()        {}
func (Unanswered) isInput()     {}
func (OfferMade) isInput()      {}
func (AnswerMade) isInput()     {}
func (MediaFailed) isInput()    {}
func (TransportUp) isInput()    {}
func (TransportLost) isInput()  {}
func (LocalCandidate) isInput() {}
func (Expired) isInput()        {}
