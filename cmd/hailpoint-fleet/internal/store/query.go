package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hailpoint/cmd/hailpoint-fleet/internal/registry"
)

// MaxCalls bounds the result of Calls.
const MaxCalls = 1000

// ErrNoCall says that there is no call of that id.
var ErrNoCall = errors.New("no such call")

// Call returns the record of one call and its events in the order of
// registry.Timeline. The error wraps ErrNoCall if nothing of it is stored.
func (s *Store) Call(ctx context.Context, id string) (registry.Call, []registry.Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT device_id, dated_at, raw FROM events WHERE call_id = ? AND call_id <> '' ORDER BY rowid`, id)
	if err != nil {
		return registry.Call{}, nil, fmt.Errorf("read call %s: %w", id, err)
	}
	entries, err := scan(rows)
	if err != nil {
		return registry.Call{}, nil, fmt.Errorf("read call %s: %w", id, err)
	}
	if len(entries) == 0 {
		return registry.Call{}, nil, fmt.Errorf("read call %.130q: %w", id, ErrNoCall)
	}
	entries = registry.Timeline(entries)
	return registry.Fold(id, entries), entries, nil
}

// Calls returns the latest calls, newest first, at most limit and MaxCalls.
// With before, only those that began earlier (ms since the epoch).
func (s *Store) Calls(ctx context.Context, limit int, before int64) ([]registry.Call, error) {
	if before <= 0 {
		before = 1 << 62
	}
	rows, err := s.db.QueryContext(ctx, `SELECT call_id FROM calls WHERE began_at < ?
		ORDER BY began_at DESC, call_id DESC LIMIT ?`, before, min(max(limit, 0), MaxCalls))
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	ids, err := collect(rows, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	calls := make([]registry.Call, 0, len(ids))
	for _, id := range ids {
		c, _, err := s.Call(ctx, id)
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, nil
}

// Journals returns the progress of every journal, by terminal.
func (s *Store) Journals(ctx context.Context) ([]Journal, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT device_id, journal, base, proven, stored, highest FROM journals ORDER BY device_id, journal`)
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	all, err := collect(rows, func(r *sql.Rows) (j Journal, err error) {
		return j, r.Scan(&j.Device, &j.Journal, &j.Base, &j.Proven, &j.Stored, &j.Highest)
	})
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	return all, nil
}

// Translations returns the vocabulary records of one call's events exactly as
// they were published, in the order in which the terminal device made them.
func (s *Store) Translations(ctx context.Context, device, callID, system string) ([][]byte, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT t.raw FROM translations t JOIN events e ON e.id = t.event_id
		WHERE e.call_id = ? AND t.device_id = ? AND t.system = ? ORDER BY e.journal, e.seq, t.n`, callID, device, system)
	if err != nil {
		return nil, fmt.Errorf("read %s records of call %s: %w", system, callID, err)
	}
	all, err := collect(rows, func(r *sql.Rows) (raw []byte, err error) { return raw, r.Scan(&raw) })
	if err != nil {
		return nil, fmt.Errorf("read %s records of call %s: %w", system, callID, err)
	}
	return all, nil
}

// scan reads events back from what was published.
func scan(rows *sql.Rows) ([]registry.Entry, error) {
	return collect(rows, func(r *sql.Rows) (registry.Entry, error) {
		var device string
		var dated sql.NullInt64
		var raw []byte
		if err := r.Scan(&device, &dated, &raw); err != nil {
			return registry.Entry{}, err
		}
		e, err := registry.ParseEntry(device, raw)
		if err == nil && dated.Valid {
			e.At, e.Dated = dated.Int64, true
		}
		return e, err
	})
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, read func(*sql.Rows) (T, error)) (all []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
