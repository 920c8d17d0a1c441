package dialect

import (
	"fmt"
	"slices"
	"strings"

	"hailpoint/callagent/event"
)

// Record is one callback that another SDK would have made. (ID, N) is unique.
type Record struct {
	V        int    `json:"v"` // 1
	System   string `json:"system"`
	Name     string `json:"name"`
	Args     []any  `json:"args"`          // the callback's arguments, in order
	ID       string `json:"id"`            // of the event record
	N        int    `json:"n"`             // from 0 within one event record
	Seq      uint64 `json:"seq,omitempty"` // of the event record, none for transient kinds
	DeviceID string `json:"device_id"`
	At       int64  `json:"at"` // ms since the epoch
}

// Encoder makes the records of one vocabulary. It is used from one goroutine.
type Encoder interface {
	// System is the vocabulary's name, e.g. "wmpf".
	System() string
	// Encode returns the callbacks that r makes, in order; none where the
	// vocabulary has no word for it. Events must be given once each, in the
	// order in which they happened.
	Encode(r event.Record) []Record
}

var makers = map[string]func() Encoder{
	"wmpf": func() Encoder { return &wmpf{connected: map[string]bool{}} },
}

// Systems returns the vocabularies that New knows, sorted.
func Systems() []string {
	names := make([]string, 0, len(makers))
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New returns an encoder that has seen no event yet. An unknown system is an
// error that names the known ones.
func New(system string) (Encoder, error) {
	mk, ok := makers[system]
	if !ok {
		return nil, fmt.Errorf("vocabulary %q is not known; use one of: %s", system, strings.Join(Systems(), ", "))
	}
	return mk(), nil
}

// sec converts milliseconds to whole seconds, rounded down (function sec of the
// vocabulary).
func sec(ms int64) int64 {
	if ms < 0 {
		return 0
	}
	return ms / 1000
}
