package config

import (
	"errors"
	"fmt"
	"time"
)

// List is a list of words; in the file a single word may stand for a list of
// one.
type List []string

// Delay is a duration that may be switched off.
type Delay time.Duration

// Off is the Delay that never comes.
const Off Delay = -1

// UnmarshalText reads "off" or a duration.
func (d *Delay) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*d = Off
		return nil
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return errors.New(`use "off" or a delay such as "3s"`)
	}
	*d = Delay(v)
	return nil
}

// String is the form in the file.
func (d Delay) String() string {
	if d == Off {
		return "off"
	}
	return time.Duration(d).String()
}

// ProblemError is one mistake in a file.
type ProblemError struct {
	File string
	Line int    // from 1; 0 where the key is not in the file
	Key  string // dotted, e.g. call.ring_timeout or button[1].line
	Text string // what is wrong and what to do
}

// Error is file:line: key: text.
func (p ProblemError) Error() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key == "" {
		return where + ": " + p.Text
	}
	return where + ": " + p.Key + ": " + p.Text
}
