package call

import (
	"encoding/json"
	"slices"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// Phase is what a terminal is doing.
type Phase int

// The phases.
const (
	Idle       Phase = iota
	Dialing          // made a call; nobody rings yet
	RingingOut       // the callee rings
	RingingIn        // rings here
	Connecting       // answered; waits until both sides are joined
	Talking
)

var phaseNames = [...]string{"idle", "dialing", "ringing_out", "ringing_in", "connecting", "talking"}

// String is the phase's name in the status (section 3 of the outside contract).
func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return "unknown"
	}
	return phaseNames[p]
}

const (
	// grace is how much longer the side that does not own a timeout waits.
	grace = 2 * time.Second
	// joinGrace is how much longer the caller waits for the join: the callee's
	// time began when it answered, the caller's when it heard of it.
	joinGrace = 500 * time.Millisecond
	// talkTolerance is how far a peer's talk time may be from our own to be
	// adopted.
	talkTolerance = int64(1000)
	// maxTime bounds the times that a peer may ask for.
	maxTime = 365 * 24 * time.Hour
	// MaxLegs bounds the members of a ring group that are rung at once.
	MaxLegs = 32
)

// Leg is the way to one party.
type Leg struct {
	User       event.User
	RingFor    time.Duration // caller: how long it is rung, as the invite says
	Invited    bool          // caller: the invite went out
	Rang       bool          // caller: the callee rings; callee: ringing went out
	Described  bool          // caller: the peer's answer is set; callee: our answer is made
	Broken     string        // callee: why we cannot take part
	Up         bool          // the transport can carry sound
	Accepted   bool          // callee: accept went out
	Joined     bool          // we said so
	PeerJoined bool          // they said so
	Silent     bool          // they said that they send no audio
	Early      []json.RawMessage
}

// State is a terminal's call. The zero State is idle.
type State struct {
	Phase       Phase
	Call        event.Call
	Rules       Rules
	Caller      event.User
	Callees     []event.User
	Group       event.User // the ring group that was dialled, if one was
	Media       event.Media
	UserData    string
	Priority    signal.Priority
	Business    int
	Legs        []Leg
	Tried       []string // ring group: all members that were invited so far
	Peer        string   // the party of the answered call
	InviteOp    int64
	Delivered   bool // op.result(invite) is recorded
	InRoom      bool // room.joined is recorded
	Muted       bool
	Start       time.Duration // Mono of call.created or call.incoming
	RingUntil   time.Duration
	ConnectedAt Instant
	Ticked      int64         // TalkMs of the last call.tick
	PeerLimit   time.Duration // callee: the caller's limit
	Crossed     *Invited      // glare: the peer's own invitation, which gave way to ours
}

// On returns the state after in and the effects to perform, in order. An input
// with no meaning in s changes nothing.
func (s State) On(now Instant, in Input) (State, []Effect) {
	s.Legs = slices.Clone(s.Legs)
	st := &step{State: s, now: now}
	st.on(in)
	return st.State, st.do
}

// Live tells whether the call of this id is the current one.
func (s State) Live(callID string) bool { return s.Phase != Idle && s.Call.CallID == callID }

// Judge says what the call thinks of a message of a party before it is
// delivered: empty when it may be said now.
func (s State) Judge(from, callID string, t signal.Type) signal.Code {
	l := s.leg(from)
	if !s.Live(callID) || l == nil || (s.Call.Role == event.Caller && !l.Invited) {
		return signal.CodeUnknownCall // also before our invite: from cannot know of the call
	}
	answered := s.Phase == Connecting || s.Phase == Talking
	caller := s.Call.Role == event.Callee // from is the caller
	ok := true
	switch t {
	case signal.TypeRinging, signal.TypeAccept, signal.TypeReject:
		ok = !caller && !answered
	case signal.TypeCancel:
		ok = caller && s.Phase != Talking
	case signal.TypeHangup, signal.TypeJoined, signal.TypeState, signal.TypeProperty, signal.TypeRecording, signal.TypeMessage:
		ok = answered
	case signal.TypeInvite, signal.TypeKick, signal.TypeRoster, signal.TypeUpdate, signal.TypeUpdated:
		ok = false // for group calls and renegotiation
	case signal.TypeCandidate, signal.TypeMessageAck, signal.TypeReceived, signal.TypeError:
	}
	if !ok {
		return signal.CodeNotAllowed
	}
	return ""
}

// TalkMs is the talk time at now in milliseconds, 0 before the call is
// connected.
func (s State) TalkMs(now time.Duration) int64 {
	if s.Phase != Talking || now < s.ConnectedAt.Mono {
		return 0
	}
	return (now - s.ConnectedAt.Mono).Milliseconds()
}

// Parties returns the addresses of the legs.
func (s State) Parties() []string {
	ids := make([]string, len(s.Legs))
	for i, l := range s.Legs {
		ids[i] = l.User.ID
	}
	return ids
}

// millis is a peer's time as a duration that can be calculated with.
func millis(ms int64) time.Duration {
	return time.Duration(min(max(ms, 0), maxTime.Milliseconds())) * time.Millisecond
}

func (s *State) leg(id string) *Leg {
	for i := range s.Legs {
		if s.Legs[i].User.ID == id {
			return &s.Legs[i]
		}
	}
	return nil
}

// callee is the user who was called, as call.ended names it.
func (s *State) callee() event.User {
	switch {
	case s.Call.Role == event.Callee:
		return s.Rules.Self
	case s.Peer != "":
		if l := s.leg(s.Peer); l != nil {
			return l.User
		}
	case s.Group.ID != "":
		return s.Group
	}
	if len(s.Callees) > 0 {
		return s.Callees[0]
	}
	return s.Group
}

// limit returns the talk time at which this side ends the call, 0 for never.
// The smaller limit's owner ends the call, the caller when they are equal; the
// other side waits for grace longer.
func (s *State) limit() time.Duration {
	own, peer := s.Rules.TimeLimit, s.PeerLimit
	if peer == 0 || (own != 0 && own < peer) {
		return own
	}
	return peer + grace
}
