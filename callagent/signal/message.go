package signal

import (
	"encoding/json"
	"errors"
	"fmt"

	"hailpoint/callagent/event"
)

// MaxBytes is the size of the largest message that is read, in bytes.
const MaxBytes = 64 << 10

// Type names a message on the wire.
type Type string

// The message types.
const (
	TypeInvite     Type = "invite"
	TypeRinging    Type = "ringing"
	TypeAccept     Type = "accept"
	TypeReject     Type = "reject"
	TypeCancel     Type = "cancel"
	TypeJoined     Type = "joined"
	TypeHangup     Type = "hangup"
	TypeKick       Type = "kick"
	TypeProperty   Type = "property"
	TypeRecording  Type = "recording"
	TypeCandidate  Type = "candidate"
	TypeUpdate     Type = "update"
	TypeUpdated    Type = "updated"
	TypeState      Type = "state"
	TypeRoster     Type = "roster"
	TypeMessage    Type = "message"
	TypeMessageAck Type = "message_ack"
	TypeReceived   Type = "received"
	TypeError      Type = "error"
)

// Message is one signalling message: the envelope and its body.
type Message struct {
	ID     string // UUIDv7, the same in repeats
	CallID string
	N      uint64 // counts this sender's messages of this call to this receiver, from 0; none in received and error
	At     int64  // ms since the epoch, by the sender's clock; for people only
	Body   Body
}

// Type is the type of the message's body.
func (m Message) Type() Type { return m.Body.Type() }

// Reply tells whether m is an answer of the exchange itself: it carries no N,
// and is neither answered nor repeated.
func (m Message) Reply() bool {
	t := m.Type()
	return t == TypeReceived || t == TypeError
}

// Body is what one type of message says.
//
//sumtype:decl
type Body interface {
	Type() Type
	check() error
}

// Invite asks the receiver into a call.
type Invite struct {
	Caller        event.User   `json:"caller"` // its ID is the sender's address
	Callees       []event.User `json:"callees"`
	RoomID        string       `json:"room_id"`
	RoomNum       int64        `json:"room_num"`
	GroupID       string       `json:"group_id"`
	Media         event.Media  `json:"media"`
	SDP           string       `json:"sdp"` // offer
	RingTimeoutMs int64        `json:"ring_timeout_ms"`
	TimeLimitMs   int64        `json:"time_limit_ms"` // 0: none
	UserData      string       `json:"user_data"`
	BusinessType  int          `json:"business_type"`
	Priority      Priority     `json:"priority"`
}

// Priority is the urgency of a call.
type Priority string

// The priorities. An emergency counts only from addresses that may claim it.
const (
	Normal    Priority = "normal"
	Emergency Priority = "emergency"
)

// Ringing says that the callee rings. With SDP, the answer, the transport may
// come up before anyone answers.
type Ringing struct {
	SDP string `json:"sdp,omitempty"`
}

// Accept says that the callee answered. SDP is the answer, unless Ringing
// carried it.
type Accept struct {
	SDP string `json:"sdp,omitempty"`
}

// RejectReason says why a callee refuses. A reason that is not known here is a
// plain refusal with that reason as its detail.
type RejectReason string

// The reject reasons.
const (
	RejectRejected     RejectReason = "rejected"
	RejectBusy         RejectReason = "busy"
	RejectDoNotDisturb RejectReason = "do_not_disturb"
	RejectForbidden    RejectReason = "forbidden"
	RejectUnsupported  RejectReason = "unsupported"
	RejectJoinFailed   RejectReason = "join_failed"
)

// Reject refuses an invitation.
type Reject struct {
	Reason RejectReason `json:"reason"`
}

// CancelReason says why a caller withdraws. An unknown one is a plain
// withdrawal.
type CancelReason string

// The cancel reasons.
const (
	CancelCanceled          CancelReason = "canceled"
	CancelNoAnswer          CancelReason = "no_answer"
	CancelAnsweredElsewhere CancelReason = "answered_elsewhere"
	CancelRejectedElsewhere CancelReason = "rejected_elsewhere"
	CancelJoinFailed        CancelReason = "join_failed"
)

// Cancel withdraws an invitation.
type Cancel struct {
	Reason CancelReason `json:"reason"`
}

// Joined says that the sender's transport is up and audio can flow. It is sent
// only after Accept.
type Joined struct{}

// HangupReason says why a side leaves. An unknown one is a plain hang-up.
type HangupReason string

// The hangup reasons.
const (
	HangupHungUp     HangupReason = "hung_up"
	HangupTimeLimit  HangupReason = "time_limit"
	HangupAborted    HangupReason = "aborted"
	HangupKicked     HangupReason = "kicked"
	HangupRoomClosed HangupReason = "room_closed"
	HangupJoinFailed HangupReason = "join_failed"
)

// Hangup ends an answered call.
type Hangup struct {
	Reason HangupReason     `json:"reason"`
	Cause  event.AbortCause `json:"cause,omitempty"` // for HangupAborted
	TalkMs int64            `json:"talk_ms"`
}

// Kick removes a member; only the host may send it.
type Kick struct {
	Reason string `json:"reason"`
}

// Property announces changed properties of the call.
type Property struct {
	Changed   []string   `json:"changed"`
	ShareUser event.User `json:"share_user"`
}

// Recording announces that the sender's recording started, stopped or broke.
type Recording struct {
	State  string `json:"state"` // started, stopped, aborted
	Detail string `json:"detail,omitempty"`
}

// Candidate is one trickled ICE candidate (RFC 8838): an RTCIceCandidateInit
// object of the WebRTC API, or null at the end.
type Candidate struct {
	Candidate json.RawMessage `json:"candidate"`
}

// Update offers a renegotiation or an ICE restart.
type Update struct {
	SDP   string      `json:"sdp"` // offer
	Media event.Media `json:"media"`
}

// Updated answers an Update.
type Updated struct {
	SDP   string      `json:"sdp"` // answer
	Media event.Media `json:"media"`
}

// State says what the sender sends now, e.g. no audio while muted.
type State struct {
	Audio  bool   `json:"audio"`
	Video  bool   `json:"video"`
	Reason string `json:"reason,omitempty"`
}

// Roster is the host's list of the members of a group call, whole.
type Roster struct {
	Rev     uint64         `json:"rev"` // rising, over changes of host too
	Host    string         `json:"host"`
	Members []RosterMember `json:"members"`
}

// RosterMember is one line of a Roster.
type RosterMember struct {
	User  event.User `json:"user"`
	State string     `json:"state"` // invited, ringing, joined, left
	Order int        `json:"order"`
}

// Text is a text message inside the call, at most MaxText bytes.
type Text struct {
	Scope       string `json:"scope"` // one, group
	ContentType string `json:"content_type"`
	Content     string `json:"content"`
}

// MaxText is the size of the longest Text content in bytes.
const MaxText = 4096

// TextAck answers a Text.
type TextAck struct {
	Ref   string `json:"ref"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Received answers every message but Received and Error, at once.
type Received struct {
	Ref string `json:"ref"` // the ID of the message
}

// Code says what was wrong with a message.
type Code string

// The error codes.
const (
	CodeUnknownCall Code = "unknown_call" // no such call here, or the sender is no party to it
	CodeUnknownType Code = "unknown_type"
	CodeMalformed   Code = "malformed" // not a message, or one with impossible fields
	CodeOutOfOrder  Code = "out_of_order"
	CodeNotAllowed  Code = "not_allowed" // not for this role or in this state of the call
)

// Error refuses a message.
type Error struct {
	Ref    string `json:"ref"`
	Code   Code   `json:"code"`
	Detail string `json:"detail,omitempty"`
}

// Type implements Body.
func (Invite) Type() Type { return TypeInvite }

// Type implements Body.
func (Ringing) Type() Type { return TypeRinging }

// Type implements Body.
func (Accept) Type() Type { return TypeAccept }

// Type implements Body.
func (Reject) Type() Type { return TypeReject }

// Type implements Body.
func (Cancel) Type() Type { return TypeCancel }

// Type implements Body.
func (Joined) Type() Type { return TypeJoined }

// Type implements Body.
func (Hangup) Type() Type { return TypeHangup }

// Type implements Body.
func (Kick) Type() Type { return TypeKick }

// Type implements Body.
func (Property) Type() Type { return TypeProperty }

// Type implements Body.
func (Recording) Type() Type { return TypeRecording }

// Type implements Body.
func (Candidate) Type() Type { return TypeCandidate }

// Type implements Body.
func (Update) Type() Type { return TypeUpdate }

// Type implements Body.
func (Updated) Type() Type { return TypeUpdated }

// Type implements Body.
func (State) Type() Type { return TypeState }

// Type implements Body.
func (Roster) Type() Type { return TypeRoster }

// Type implements Body.
func (Text) Type() Type { return TypeMessage }

// Type implements Body.
func (TextAck) Type() Type { return TypeMessageAck }

// Type implements Body.
func (Received) Type() Type { return TypeReceived }

// Type implements Body.
func (Error) Type() Type { return TypeError }

func (b Invite) check() error {
	switch {
	case b.Caller.ID == "":
		return errors.New("invite without caller.id")
	case b.SDP == "":
		return errors.New("invite without sdp")
	case b.Media != event.Audio && b.Media != event.Video:
		return fmt.Errorf("invite with media %q, want audio or video", b.Media)
	case b.RingTimeoutMs < 0 || b.TimeLimitMs < 0:
		return errors.New("invite with a negative time")
	case b.Priority != Normal && b.Priority != Emergency && b.Priority != "":
		return fmt.Errorf("invite with priority %q, want normal or emergency", b.Priority)
	}
	return nil
}

func (b Reject) check() error {
	if b.Reason == "" {
		return errors.New("reject without reason")
	}
	return nil
}

func (b Cancel) check() error {
	if b.Reason == "" {
		return errors.New("cancel without reason")
	}
	return nil
}

func (b Hangup) check() error {
	switch {
	case b.Reason == "":
		return errors.New("hangup without reason")
	case b.TalkMs < 0:
		return errors.New("hangup with negative talk_ms")
	}
	return nil
}

func (b Candidate) check() error {
	if len(b.Candidate) == 0 {
		return errors.New("candidate without candidate")
	}
	return nil
}

func (b Update) check() error {
	if b.SDP == "" {
		return errors.New("update without sdp")
	}
	return nil
}

func (b Updated) check() error {
	if b.SDP == "" {
		return errors.New("updated without sdp")
	}
	return nil
}

func (b Text) check() error {
	if len(b.Content) > MaxText {
		return fmt.Errorf("message of %d bytes, at most %d are allowed", len(b.Content), MaxText)
	}
	return nil
}

func (Ringing) check() error   { return nil }
func (Accept) check() error    { return nil }
func (Joined) check() error    { return nil }
func (Kick) check() error      { return nil }
func (Property) check() error  { return nil }
func (Recording) check() error { return nil }
func (State) check() error     { return nil }
func (Roster) check() error    { return nil }
func (TextAck) check() error   { return nil }
func (Received) check() error  { return nil }
func (Error) check() error     { return nil }
