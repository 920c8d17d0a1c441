package registry

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// DefaultInterval is how often a terminal that does not say otherwise sends
// telemetry (the outside contract, section 9).
const DefaultInterval = 30 * time.Second

// missedIntervals is how many telemetry intervals may pass in silence before
// a terminal is gone (the outside contract, section 2).
const missedIntervals = 3

// maxInterval bounds what a terminal can claim, so that none is believed to be
// there for ever.
const maxInterval = time.Hour

// Presence says whether a terminal is there.
type Presence string

// The values of Presence.
const (
	Online  Presence = "online"  // heard, and not said to be gone
	Offline Presence = "offline" // it, or its last will, said goodbye
	Lost    Presence = "lost"    // silent for three telemetry intervals
	Unheard Presence = "unheard" // left a status from before this service started, not heard since
)

// Terminal is what is known of one terminal.
type Terminal struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"` // shown to people; empty if it has none
	Presence Presence `json:"presence"`
	// Reason is why it is offline: lost or shutdown.
	Reason   string `json:"reason,omitempty"`
	State    string `json:"state,omitempty"` // of its call; only while online
	CallID   string `json:"call_id,omitempty"`
	Peer     string `json:"peer,omitempty"` // address at the other end of its call
	Muted    bool   `json:"muted,omitempty"`
	Volume   int    `json:"volume"` // percent
	Version  string `json:"version,omitempty"`
	BootID   string `json:"boot_id,omitempty"`
	LastSeen int64  `json:"last_seen"` // ms since the epoch; by the service's clock once heard
	// Labels are free words of the operator of the fleet.
	Labels       map[string]string `json:"labels,omitempty"`
	Capabilities []string          `json:"capabilities,omitempty"`
	Faults       []string          `json:"faults,omitempty"` // what does not work, in words for people
}

// status is the payload of section 3 of the outside contract.
type status struct {
	Online       *bool             `json:"online"`
	Reason       string            `json:"reason"`
	At           int64             `json:"at"`
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	BootID       string            `json:"boot_id"`
	State        string            `json:"state"`
	CallID       string            `json:"call_id"`
	Peer         string            `json:"peer"`
	Muted        bool              `json:"muted"`
	Volume       int               `json:"volume"`
	Labels       map[string]string `json:"labels"`
	Capabilities []string          `json:"capabilities"`
	Faults       []string          `json:"faults"`
	IntervalMs   int64             `json:"interval_ms"`
}

// Terminals keeps what is known of each terminal. It is used from one
// goroutine.
type Terminals struct {
	byID map[string]*entry
}

type entry struct {
	Terminal
	interval time.Duration
	reported time.Time // when telemetry last came, in this presence
	deadline time.Time // when silence means that it is gone; zero: never
}

// NewTerminals returns an empty list.
func NewTerminals() *Terminals { return &Terminals{byID: map[string]*entry{}} }

// Status takes a status that terminal id published; retained says that the
// broker had kept it. It returns the terminal as it is now. An empty payload, which
// clears a retained status, makes the terminal offline. The error says why the
// payload is none; then nothing changes.
func (t *Terminals) Status(now time.Time, id string, payload []byte, retained bool) (Terminal, error) {
	var s status
	if len(payload) == 0 {
		s.Online = new(bool)
	} else if err := json.Unmarshal(payload, &s); err != nil {
		return Terminal{}, fmt.Errorf("read status of %s: %w", id, err)
	}
	if s.Online == nil {
		return Terminal{}, fmt.Errorf("read status of %s: it does not say whether it is online", id)
	}
	e := t.entry(id)
	if !*s.Online {
		e.away(now, s, retained)
		return e.Terminal, nil
	}
	// The broker may send again what it kept, to a subscription that was made
	// anew: that a terminal was heard meanwhile stays true.
	heard, seen, deadline := e.Presence == Online, e.LastSeen, e.deadline
	e.Terminal = Terminal{
		ID: id, Name: s.Name, Presence: Online, State: s.State, CallID: s.CallID, Peer: s.Peer, Muted: s.Muted,
		Volume: s.Volume, Version: s.Version, BootID: s.BootID, LastSeen: now.UnixMilli(),
		Labels: s.Labels, Capabilities: s.Capabilities, Faults: s.Faults,
	}
	e.learn(s.IntervalMs)
	e.deadline = now.Add(missedIntervals * e.interval)
	switch {
	case retained && heard:
		e.LastSeen, e.deadline = seen, deadline
	case retained:
		e.Presence, e.State, e.CallID, e.Peer, e.LastSeen = Unheard, "", "", "", s.At
	}
	return e.Terminal, nil
}

// away notes a goodbye. What the terminal said of itself before stays known.
func (e *entry) away(now time.Time, s status, retained bool) {
	e.Presence, e.Reason, e.deadline, e.reported = Offline, s.Reason, time.Time{}, time.Time{}
	e.State, e.CallID, e.Peer, e.Muted = "", "", "", false
	if s.Name != "" {
		e.Name = s.Name
	}
	switch {
	case !retained && s.Reason == "shutdown":
		e.LastSeen = now.UnixMilli() // its own last words
	case e.LastSeen == 0:
		e.LastSeen = s.At // the will was written when it connected
	}
}

// Heard notes telemetry of terminal id. It may name its interval; if it does
// not, a longer one is learnt from its pace. Heard reports whether the
// terminal's presence changed by that. A terminal that never sent a status is
// not known yet, and not made known.
func (t *Terminals) Heard(now time.Time, id string, payload []byte) (Terminal, bool) {
	e := t.byID[id]
	if e == nil || e.Presence == Offline {
		return Terminal{}, false // what it sent before it left came late
	}
	var s status
	if json.Unmarshal(payload, &s) == nil && s.IntervalMs > 0 {
		e.learn(s.IntervalMs)
	} else if !e.reported.IsZero() && now.Sub(e.reported) > e.interval {
		e.learn(now.Sub(e.reported).Milliseconds()) // it reports more seldom than we thought
	}
	e.reported = now
	changed := e.Presence != Online
	e.Presence, e.LastSeen = Online, now.UnixMilli()
	e.deadline = now.Add(missedIntervals * e.interval)
	return e.Terminal, changed
}

// Expire returns the terminals that have now been silent for too long.
func (t *Terminals) Expire(now time.Time) []Terminal {
	var gone []Terminal
	for _, e := range t.byID {
		if e.deadline.IsZero() || now.Before(e.deadline) {
			continue
		}
		e.Presence, e.deadline = Lost, time.Time{}
		e.State, e.CallID, e.Peer, e.Muted = "", "", "", false
		gone = append(gone, e.Terminal)
	}
	slices.SortFunc(gone, byID)
	return gone
}

// Next returns when Expire has something to do; false means never.
func (t *Terminals) Next() (time.Time, bool) {
	var next time.Time
	for _, e := range t.byID {
		if !e.deadline.IsZero() && (next.IsZero() || e.deadline.Before(next)) {
			next = e.deadline
		}
	}
	return next, !next.IsZero()
}

// All returns every terminal known, by address.
func (t *Terminals) All() []Terminal {
	all := make([]Terminal, 0, len(t.byID))
	for _, e := range t.byID {
		all = append(all, e.Terminal)
	}
	slices.SortFunc(all, byID)
	return all
}

func byID(a, b Terminal) int { return strings.Compare(a.ID, b.ID) }

func (t *Terminals) entry(id string) *entry {
	e := t.byID[id]
	if e == nil {
		e = &entry{Terminal: Terminal{ID: id}, interval: DefaultInterval}
		t.byID[id] = e
	}
	return e
}

// learn takes the telemetry interval that a terminal names.
func (e *entry) learn(ms int64) {
	if ms > 0 {
		e.interval = min(time.Duration(ms)*time.Millisecond, maxInterval)
	}
}

// Clone returns t with its own copies of what it refers to.
func (t Terminal) Clone() Terminal {
	t.Labels = maps.Clone(t.Labels)
	t.Capabilities = slices.Clone(t.Capabilities)
	t.Faults = slices.Clone(t.Faults)
	return t
}
