package led

import (
	"fmt"
	"strings"
)

// Show is the thing that a lamp shows, as the configuration names it.
type Show string

// What a lamp can show.
const (
	ShowRinging Show = "ringing"
	ShowTalking Show = "talking"
	ShowCalling Show = "calling"
	ShowOnline  Show = "online"
	ShowFault   Show = "fault"
	ShowMuted   Show = "muted"
	// ShowStatus shows everything on one lamp.
	ShowStatus Show = "status"
)

// Shows returns every Show, in the order of the reference table.
func Shows() []Show {
	return []Show{ShowRinging, ShowTalking, ShowCalling, ShowOnline, ShowFault, ShowMuted, ShowStatus}
}

// Validate returns an error that lists what a lamp can show if s is none of it.
func (s Show) Validate() error {
	names := make([]string, 0, len(Shows()))
	for _, known := range Shows() {
		if s == known {
			return nil
		}
		names = append(names, string(known))
	}
	return fmt.Errorf("show: a lamp cannot show %q; use one of %s", string(s), strings.Join(names, ", "))
}

// Phase is how far the terminal's call is. The zero Phase is Idle.
type Phase int

// The phases.
const (
	// Idle means that there is no call.
	Idle Phase = iota
	// Calling means that a call goes out and nobody has answered yet.
	Calling
	// Ringing means that a call comes in and waits to be answered.
	Ringing
	// Connecting means that a call was answered and sound is not up yet.
	Connecting
	// Talking means that there is sound both ways.
	Talking
)

// Indication is everything a lamp can show at one moment.
type Indication struct {
	// Phase is how far the call is.
	Phase Phase
	// Online is true while the broker is connected.
	Online bool
	// Fault is true while something the terminal needs is broken, for example
	// the microphone, a stuck button or a full disk.
	Fault bool
	// Muted is true while the microphone is muted.
	Muted bool
}

// For returns how a lamp that shows s looks for i. An unknown s is Off.
func For(s Show, i Indication) Pattern {
	switch s {
	case ShowRinging:
		return when(i.Phase == Ringing, QuickBlink)
	case ShowCalling:
		return when(i.Phase == Calling, SlowBlink)
	case ShowTalking:
		if i.Phase == Connecting {
			return Blink
		}
		return when(i.Phase == Talking, Steady)
	case ShowOnline:
		if !i.Online {
			return Flash // dark would look like no power
		}
		return Steady
	case ShowFault:
		return when(i.Fault, Steady)
	case ShowMuted:
		return when(i.Muted, Steady)
	case ShowStatus:
		return status(i)
	}
	return Off
}

// status returns how a lamp looks that shows everything.
func status(i Indication) Pattern {
	switch i.Phase {
	case Calling:
		return SlowBlink
	case Ringing:
		return QuickBlink
	case Connecting:
		return Blink
	case Talking:
		if i.Muted {
			return Wink
		}
		return Steady
	case Idle:
	}
	switch {
	case i.Fault:
		return TwoFlashes
	case !i.Online:
		return Flash
	}
	return Steady
}

func when(shown bool, p Pattern) Pattern {
	if shown {
		return p
	}
	return Off
}
