package signal

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// envelope is the part that all messages share.
type envelope struct {
	V      int     `json:"v"`
	ID     string  `json:"id"`
	Type   Type    `json:"type"`
	CallID string  `json:"call_id"`
	N      *uint64 `json:"n,omitempty"`
	At     int64   `json:"at"`
}

// DecodeError says why a message could not be read, and as much of its envelope
// as could, so that the sender can be told.
type DecodeError struct {
	ID     string // empty when not even that could be read
	CallID string
	N      *uint64 // nil when there was none
	Reply  bool    // the message was a received or an error: never answer it
	Code   Code
	Err    error
}

// Error implements error.
func (e *DecodeError) Error() string { return "decode signalling message: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Encode returns m as published.
func Encode(m Message) ([]byte, error) {
	env := envelope{V: 1, ID: m.ID, Type: m.Type(), CallID: m.CallID, At: m.At}
	if !m.Reply() {
		env.N = &m.N
	}
	head, err := json.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("encode %s message: %w", env.Type, err)
	}
	body, err := json.Marshal(m.Body)
	if err != nil {
		return nil, fmt.Errorf("encode %s message: %w", env.Type, err)
	}
	if len(body) > len("{}") {
		head[len(head)-1] = ','
		head = append(head, body[1:]...)
	}
	if len(head) > MaxBytes {
		return nil, fmt.Errorf("encode %s message: %d bytes, at most %d are allowed", env.Type, len(head), MaxBytes)
	}
	return head, nil
}

// maxID bounds the ids that are kept in memory, in bytes.
const maxID = 128

// Decode reads one message. Unknown fields are ignored. Every error is a
// *DecodeError.
func Decode(b []byte) (Message, error) {
	if len(b) > MaxBytes {
		return Message{}, &DecodeError{Code: CodeMalformed, Err: fmt.Errorf("%d bytes, at most %d are allowed", len(b), MaxBytes)}
	}
	var env envelope
	err := json.Unmarshal(b, &env)
	refuse := func(code Code, err error) (Message, error) {
		return Message{}, &DecodeError{
			ID: bounded(env.ID), CallID: bounded(env.CallID), N: env.N, Code: code, Err: err,
			Reply: env.Type == TypeReceived || env.Type == TypeError,
		}
	}
	if err != nil { // what could be read of the envelope is there all the same
		var number struct{ N *uint64 }
		if json.Unmarshal(b, &number) != nil {
			env.N = nil
		}
		return refuse(CodeMalformed, err)
	}
	switch {
	case env.V != 1:
		return refuse(CodeMalformed, fmt.Errorf("version %d, want 1", env.V))
	case env.ID == "" || len(env.ID) > maxID:
		return refuse(CodeMalformed, fmt.Errorf("id of %d bytes, want 1 to %d", len(env.ID), maxID))
	case env.CallID == "" || len(env.CallID) > maxID:
		return refuse(CodeMalformed, fmt.Errorf("call_id of %d bytes, want 1 to %d", len(env.CallID), maxID))
	}
	dec, ok := decoders[env.Type]
	if !ok {
		return refuse(CodeUnknownType, fmt.Errorf("unknown type %q", bounded(string(env.Type))))
	}
	body, err := dec(b)
	if err != nil {
		return refuse(CodeMalformed, err)
	}
	m := Message{ID: env.ID, CallID: env.CallID, At: env.At, Body: body}
	if !m.Reply() {
		if env.N == nil {
			return refuse(CodeMalformed, fmt.Errorf("%s without n", env.Type))
		}
		m.N = *env.N
	}
	return m, nil
}

func bounded(s string) string {
	if len(s) > maxID {
		return ""
	}
	return s
}

var decoders = map[Type]func([]byte) (Body, error){
	TypeInvite:     decode[Invite],
	TypeRinging:    decode[Ringing],
	TypeAccept:     decode[Accept],
	TypeReject:     decode[Reject],
	TypeCancel:     decode[Cancel],
	TypeJoined:     decode[Joined],
	TypeHangup:     decode[Hangup],
	TypeKick:       decode[Kick],
	TypeProperty:   decode[Property],
	TypeRecording:  decode[Recording],
	TypeCandidate:  decode[Candidate],
	TypeUpdate:     decode[Update],
	TypeUpdated:    decode[Updated],
	TypeState:      decode[State],
	TypeRoster:     decode[Roster],
	TypeMessage:    decode[Text],
	TypeMessageAck: decode[TextAck],
	TypeReceived:   decode[Received],
	TypeError:      decode[Error],
}

func decode[B Body](b []byte) (Body, error) {
	var body B
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	if c, ok := any(&body).(*Candidate); ok {
		c.Candidate = bytes.Clone(c.Candidate)
	}
	return body, body.check()
}
