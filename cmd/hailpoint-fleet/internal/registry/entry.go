package registry

import (
	"encoding/json"
	"errors"
	"fmt"

	"hailpoint/callagent/event"
)

// maxID bounds the ids of a record, in bytes.
const maxID = 128

// Entry is one event record as it was published, with what the service needs
// of it. Events of a kind that this version does not know are entries too.
type Entry struct {
	ID           string      `json:"id"`
	DeviceID     string      `json:"device_id"`
	Journal      string      `json:"journal,omitempty"`
	Seq          uint64      `json:"seq,omitempty"` // 0: a transient kind
	Name         string      `json:"name"`
	BootID       string      `json:"boot_id"`
	CallID       string      `json:"call_id"`
	RoomID       string      `json:"room_id"`
	GroupID      string      `json:"group_id"`
	Role         event.Role  `json:"role"`
	At           int64       `json:"at"` // ms since the epoch
	Clock        event.Clock `json:"clock"`
	UptimeMs     int64       `json:"uptime_ms"`
	SinceStartMs int64       `json:"since_start_ms"`
	// Dated tells that At was worked out later, from the time at which the
	// terminal's clock was set.
	Dated bool            `json:"dated,omitempty"`
	Data  json.RawMessage `json:"data"`
}

// ParseEntry reads a record that the terminal device published. It refuses one
// that names another device: the topic proves who sent it, the payload does
// not (the outside contract, section 1).
func ParseEntry(device string, raw []byte) (Entry, error) {
	var w struct {
		V int `json:"v"`
		Entry
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Entry{}, fmt.Errorf("read event record of %s: %w", device, err)
	}
	e := w.Entry
	problem := ""
	switch {
	case w.V != 1:
		problem = fmt.Sprintf("version %d, want 1", w.V)
	case e.ID == "" || len(e.ID) > maxID:
		problem = fmt.Sprintf("id of %d bytes, want 1 to %d", len(e.ID), maxID)
	case e.DeviceID != device:
		problem = fmt.Sprintf("it names device %.70q", e.DeviceID)
	case e.Name == "" || len(e.Name) > maxID:
		problem = fmt.Sprintf("name of %d bytes, want 1 to %d", len(e.Name), maxID)
	case len(e.CallID) > maxID, len(e.Journal) > maxID, len(e.BootID) > maxID:
		problem = fmt.Sprintf("an id is longer than %d bytes", maxID)
	case e.Seq != 0 && e.Journal == "":
		problem = "it is numbered but names no journal"
	case e.Seq > 1<<62:
		problem = "its number is impossible"
	}
	if problem != "" {
		return Entry{}, fmt.Errorf("read event record of %s: %w", device, errors.New(problem))
	}
	e.Dated = false // ours to say
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("{}")
	}
	return e, nil
}

// SyncedAt returns what a clock.synced event says: that at monotonic uptimeMs
// of its boot it was atMs. It reports false for other events.
func (e Entry) SyncedAt() (uptimeMs, atMs int64, ok bool) {
	var d event.ClockSynced
	if e.Name != d.Name() || json.Unmarshal(e.Data, &d) != nil {
		return 0, 0, false
	}
	return d.UptimeMs, d.At, true
}

// Translation is one record of an outside vocabulary (the outside contract, section 5).
type Translation struct {
	System string `json:"system"`
	Name   string `json:"name"`
	ID     string `json:"id"` // of the event record it was made from
	N      int    `json:"n"`
	Seq    uint64 `json:"seq"`
	At     int64  `json:"at"` // ms since the epoch
}

// ParseTranslation reads a vocabulary record that the terminal device published
// for system. It refuses one that contradicts its topic.
func ParseTranslation(device, system string, raw []byte) (Translation, error) {
	var w struct {
		V        int    `json:"v"`
		DeviceID string `json:"device_id"`
		Translation
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Translation{}, fmt.Errorf("read %s record of %s: %w", system, device, err)
	}
	problem := ""
	switch {
	case w.V != 1:
		problem = fmt.Sprintf("version %d, want 1", w.V)
	case w.ID == "" || len(w.ID) > maxID:
		problem = fmt.Sprintf("id of %d bytes, want 1 to %d", len(w.ID), maxID)
	case w.DeviceID != device || w.System != system:
		problem = fmt.Sprintf("it names device %.70q and system %.70q", w.DeviceID, w.System)
	case w.N < 0 || w.Seq > 1<<62:
		problem = "its numbers are impossible"
	}
	if problem != "" {
		return Translation{}, fmt.Errorf("read %s record of %s: %w", system, device, errors.New(problem))
	}
	return w.Translation, nil
}
