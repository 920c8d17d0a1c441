// Package command has the words with which a backend, or a technician at the
// box, tells a terminal what to do, and with which it answers (section 7 of the
// outside contract). It is pure.
package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxBytes is the size of the largest command that is read, in bytes.
const MaxBytes = 64 << 10

// maxID bounds the ids that are kept, in bytes.
const maxID = 128

// Command asks for something.
type Command struct {
	V    int             `json:"v"`  // 1
	ID   string          `json:"id"` // a repeat of the same id is not done twice
	Name string          `json:"name"`
	Args json.RawMessage `json:"args,omitempty"`
}

// Reply answers a Command.
type Reply struct {
	V      int    `json:"v"` // 1
	ID     string `json:"id"`
	OK     bool   `json:"ok"`
	Result any    `json:"result,omitempty"`
	Error  *Error `json:"error,omitempty"`
}

// Error says why a command was not done.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Code is an error's name for programs.
type Code string

// The error codes.
const (
	Malformed      Code = "malformed"       // not a command
	UnknownCommand Code = "unknown_command" // no such name
	BadArgs        Code = "bad_args"        // args that make no sense; the message names the key
	NoSuchCall     Code = "no_such_call"    // there is no call that this could be done to
	Busy           Code = "busy"            // there is a call already
	Unsupported    Code = "unsupported"     // known, but not by this terminal
	Unavailable    Code = "unavailable"     // not now: the terminal stops, or is overloaded
)

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// OK makes the reply to a command that was done.
func OK(id string, result any) Reply {
	if result == nil {
		result = struct{}{}
	}
	return Reply{V: 1, ID: id, OK: true, Result: result}
}

// Fail makes the reply to a command that was not done.
func Fail(id string, err *Error) Reply { return Reply{V: 1, ID: id, Error: err} }

// Decode reads one command. The error is always an *Error; where the id could
// be read, it is in the returned command.
func Decode(b []byte) (Command, error) {
	if len(b) > MaxBytes {
		return Command{}, Errorf(Malformed, "%d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	var c Command
	if err := json.Unmarshal(b, &c); err != nil {
		return Command{ID: bounded(c.ID)}, Errorf(Malformed, "not a command object: %v", err)
	}
	switch {
	case c.V != 1:
		return Command{ID: bounded(c.ID)}, Errorf(Malformed, "version %d, want 1", c.V)
	case c.ID == "" || len(c.ID) > maxID:
		return Command{}, Errorf(Malformed, "id of %d bytes, want 1 to %d", len(c.ID), maxID)
	case c.Name == "":
		return Command{ID: c.ID}, Errorf(Malformed, "name is missing")
	}
	return c, nil
}

func bounded(id string) string {
	if len(id) > maxID {
		return ""
	}
	return id
}

// Bind reads args into v, strictly: an unknown key is an error, so that a
// misspelt one is not taken for its default.
func (c Command) Bind(v any) error {
	if len(c.Args) == 0 || bytes.Equal(c.Args, []byte("null")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(c.Args))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return Errorf(BadArgs, "args: %v", err)
	}
	return nil
}

// AsError returns err as an *Error, with code Unavailable if it is another kind.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(Unavailable, "%v", err)
}
