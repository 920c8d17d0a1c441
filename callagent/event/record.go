package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// FirstPrev is the Prev of a journal's first record: 64 zeros.
var FirstPrev = strings.Repeat("0", 64)

// Clock says whether the wall clock could be trusted when a record was made.
type Clock string

// The clock states.
const (
	Synced   Clock = "synced"
	Unsynced Clock = "unsynced" // no time source since boot
)

// Call identifies the call that an event belongs to. The zero value belongs to
// no call.
type Call struct {
	CallID  string `json:"call_id"`
	RoomID  string `json:"room_id"`
	RoomNum int64  `json:"room_num"` // 31 bit, positive, bound to RoomID
	GroupID string `json:"group_id"` // set for a group call, empty for a ring group
	Role    Role   `json:"role"`
}

// Record is one event on its way out: the envelope of section 4 of the outside
// contract. Seq, Prev and Journal belong to the journal, which sets them for
// durable kinds; transient kinds have neither Seq nor Prev.
type Record struct {
	V        int    `json:"v"` // 1
	Journal  string `json:"journal,omitempty"`
	Seq      uint64 `json:"seq,omitempty"`
	ID       string `json:"id"` // UUIDv7, the same in repeats
	Name     string `json:"name"`
	DeviceID string `json:"device_id"`
	SelfID   string `json:"self_id"`
	BootID   string `json:"boot_id"`
	Call
	At           int64  `json:"at"` // ms since the epoch
	Clock        Clock  `json:"clock"`
	UptimeMs     int64  `json:"uptime_ms"`      // monotonic since boot_id
	SinceStartMs int64  `json:"since_start_ms"` // monotonic since call.created or call.incoming
	Prev         string `json:"prev,omitempty"` // SHA-256, hex, of the bytes of the durable record before it
	Unsynced     bool   `json:"unsynced,omitempty"`
	Data         Event  `json:"data"`
}

// ErrUnknown is wrapped by Decode's error for an event name this version does
// not know.
var ErrUnknown = errors.New("unknown event name")

// Encode returns the record's bytes as published and as hashed by the next one.
func (r Record) Encode() ([]byte, error) {
	if r.Data == nil {
		return nil, fmt.Errorf("encode event record %s: it has no data", r.ID)
	}
	r.V, r.Name = 1, r.Data.Name()
	if r.Role == "" {
		r.Role = NoRole
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode event record %s: %w", r.ID, err)
	}
	return b, nil
}

// Decode reads one record. Unknown fields are ignored; an unknown name is an
// error that wraps ErrUnknown.
func Decode(b []byte) (Record, error) {
	type plain Record // without the methods
	var w struct {
		plain
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return Record{}, fmt.Errorf("decode event record: %w", err)
	}
	r := Record(w.plain)
	if r.V != 1 {
		return Record{}, fmt.Errorf("decode event record %q: version %d, want 1", r.ID, r.V)
	}
	if r.ID == "" {
		return Record{}, errors.New("decode event record: it has no id")
	}
	dec, ok := decoders[r.Name]
	if !ok {
		return Record{}, fmt.Errorf("decode event record %q: %w %q", r.ID, ErrUnknown, r.Name)
	}
	if len(w.Data) == 0 {
		w.Data = []byte("{}")
	}
	e, err := dec(w.Data)
	if err != nil {
		return Record{}, fmt.Errorf("decode event record %q (%s): %w", r.ID, r.Name, err)
	}
	r.Data = e
	return r, nil
}
