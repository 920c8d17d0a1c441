package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hailpoint/cmd/hailpoint-fleet/internal/registry"
)

// Batch is what is stored in one commit, in the order of its arrival.
type Batch struct {
	Events       []Event
	Translations []Translation
}

// Event is one durable event record.
type Event struct {
	registry.Entry
	Raw []byte // as published
}

// Translation is one vocabulary record of the terminal Device.
type Translation struct {
	Device string
	registry.Translation
	Raw []byte // as published
}

// Saved says what a commit changed.
type Saved struct {
	Fresh    int      // events and vocabulary records stored
	Repeats  int      // dropped: stored before
	Disputed int      // events whose number another event had already
	Calls    []string // ids of the calls that have new events, each once
	Journals []Journal
}

// Journal is how much of one terminal's journal is stored.
type Journal struct {
	Device  string `json:"device_id"`
	Journal string `json:"journal"`
	Base    uint64 `json:"base"`    // the lowest number received
	Proven  bool   `json:"proven"`  // the terminal holds nothing below Base
	Stored  uint64 `json:"stored"`  // everything from Base to here is stored
	Highest uint64 `json:"highest"` // the highest number received
}

// Acknowledgeable is the number up to which the terminal may forget: 0 means
// nothing.
func (j Journal) Acknowledgeable() uint64 {
	if !j.Proven {
		return 0
	}
	return j.Stored
}

// Save stores a batch that arrived at now: all of it, synced, or nothing.
func (s *Store) Save(ctx context.Context, now time.Time, b Batch) (Saved, error) {
	var saved Saved
	err := s.write(ctx, func(tx *sql.Tx) error {
		w := writing{ctx: ctx, tx: tx, now: now.UnixMilli(), journals: map[[2]string]*Journal{}, calls: map[string]bool{}}
		for _, e := range b.Events {
			if err := w.event(e); err != nil {
				return fmt.Errorf("store event %s of %s: %w", e.ID, e.DeviceID, err)
			}
		}
		for _, t := range b.Translations {
			if err := w.translation(t); err != nil {
				return fmt.Errorf("store %s record of event %s: %w", t.System, t.ID, err)
			}
		}
		if err := w.settle(); err != nil {
			return fmt.Errorf("store progress of journals: %w", err)
		}
		saved = w.saved
		return nil
	})
	if err != nil {
		return Saved{}, err
	}
	return saved, nil
}

// writing is a Save under way.
type writing struct {
	ctx      context.Context //nolint:containedctx // lives for one call of Save
	tx       *sql.Tx
	now      int64
	saved    Saved
	journals map[[2]string]*Journal
	order    []*Journal
	calls    map[string]bool
}

func (w *writing) event(e Event) error {
	inserted, err := w.exec(`INSERT INTO events
		(id, device_id, journal, seq, name, call_id, boot_id, at, uptime_ms, clock_unsynced, received_at, raw)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		e.ID, e.DeviceID, e.Journal, int64(e.Seq), e.Name, e.CallID, e.BootID, e.At, e.UptimeMs, //nolint:gosec // ParseEntry bounds it
		e.Clock == "unsynced", w.now, e.Raw)
	if err != nil {
		return err
	}
	j, err := w.journal(e)
	if err != nil {
		return err
	}
	switch {
	case inserted:
		w.saved.Fresh++
		if err := w.call(e); err != nil {
			return err
		}
		if e.Seq < j.Base { // its terminal does hold older ones
			j.Base, j.Stored, j.Proven = e.Seq, e.Seq, false
		}
		j.Proven = j.Proven || e.Seq == 1
	default:
		same, err := w.same(e)
		if err != nil {
			return err
		}
		if !same {
			w.saved.Disputed++
			_, err := w.exec(`INSERT INTO disputed (id, device_id, journal, seq, received_at, raw)
				VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				e.ID, e.DeviceID, e.Journal, int64(e.Seq), w.now, e.Raw) //nolint:gosec // ParseEntry bounds it
			return err
		}
		w.saved.Repeats++
		j.Proven = j.Proven || e.Seq == j.Base // repeats begin with the oldest
	}
	j.Highest = max(j.Highest, e.Seq)
	if uptime, at, ok := e.SyncedAt(); ok && inserted {
		return w.date(e, uptime, at)
	}
	return nil
}

// call notes that the call of e has news.
func (w *writing) call(e Event) error {
	if e.CallID == "" {
		return nil
	}
	if !w.calls[e.CallID] {
		w.calls[e.CallID] = true
		w.saved.Calls = append(w.saved.Calls, e.CallID)
	}
	_, err := w.exec(`INSERT INTO calls (call_id, began_at) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET began_at = min(began_at, excluded.began_at)`, e.CallID, e.At)
	return err
}

// same tells whether the stored record with e's id is e.
func (w *writing) same(e Event) (bool, error) {
	var device, journal string
	var seq int64
	err := w.tx.QueryRowContext(w.ctx, `SELECT device_id, journal, seq FROM events WHERE id = ?`, e.ID).Scan(&device, &journal, &seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil // the number is taken, by another id
	case err != nil:
		return false, err
	}
	return device == e.DeviceID && journal == e.Journal && seq == int64(e.Seq), nil //nolint:gosec // ParseEntry bounds it
}

// date works out when the earlier events of this boot happened, from the time
// at which the terminal's clock was set (the outside contract, section 4).
func (w *writing) date(e Event, uptimeMs, atMs int64) error {
	_, err := w.exec(`UPDATE events SET dated_at = ? - (? - uptime_ms)
		WHERE device_id = ? AND boot_id = ? AND clock_unsynced = 1`, atMs, uptimeMs, e.DeviceID, e.BootID)
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE calls SET began_at =
			(SELECT min(coalesce(dated_at, at)) FROM events WHERE events.call_id = calls.call_id)
		WHERE call_id IN (SELECT call_id FROM events
			WHERE device_id = ? AND boot_id = ? AND clock_unsynced = 1 AND call_id <> '')`, e.DeviceID, e.BootID)
	return err
}

func (w *writing) translation(t Translation) error {
	inserted, err := w.exec(`INSERT INTO translations
		(event_id, system, n, device_id, seq, name, at, received_at, raw)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		t.ID, t.System, t.N, t.Device, int64(t.Seq), t.Name, t.At, w.now, t.Raw) //nolint:gosec // ParseTranslation bounds it
	if err != nil {
		return err
	}
	if inserted {
		w.saved.Fresh++
	} else {
		w.saved.Repeats++
	}
	return nil
}

// journal reads, once in a Save, how far the journal of e is.
func (w *writing) journal(e Event) (*Journal, error) {
	key := [2]string{e.DeviceID, e.Journal}
	if j := w.journals[key]; j != nil {
		return j, nil
	}
	j := &Journal{Device: e.DeviceID, Journal: e.Journal}
	err := w.tx.QueryRowContext(w.ctx, `SELECT base, proven, stored, highest FROM journals WHERE device_id = ? AND journal = ?`,
		e.DeviceID, e.Journal).Scan(&j.Base, &j.Proven, &j.Stored, &j.Highest)
	if errors.Is(err, sql.ErrNoRows) {
		j.Base, j.Stored, err = e.Seq, e.Seq, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read progress of journal: %w", err)
	}
	w.journals[key] = j
	w.order = append(w.order, j)
	return j, nil
}

// settle moves each touched journal's Stored over what is there without a gap.
func (w *writing) settle() error {
	for _, j := range w.order {
		if err := w.advance(j); err != nil {
			return err
		}
		_, err := w.exec(`INSERT INTO journals (device_id, journal, base, proven, stored, highest) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET base = excluded.base, proven = excluded.proven,
				stored = excluded.stored, highest = excluded.highest`,
			j.Device, j.Journal, int64(j.Base), j.Proven, int64(j.Stored), int64(j.Highest)) //nolint:gosec // as the numbers they come from
		if err != nil {
			return err
		}
		w.saved.Journals = append(w.saved.Journals, *j)
	}
	return nil
}

func (w *writing) advance(j *Journal) (err error) {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT seq FROM events WHERE device_id = ? AND journal = ? AND seq > ? ORDER BY seq`,
		j.Device, j.Journal, int64(j.Stored)) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return err
		}
		if seq != j.Stored+1 {
			return nil // a gap
		}
		j.Stored = seq
	}
	return rows.Err()
}

// exec runs a statement on one row or none and tells whether it did something.
func (w *writing) exec(query string, args ...any) (bool, error) {
	r, err := w.tx.ExecContext(w.ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
