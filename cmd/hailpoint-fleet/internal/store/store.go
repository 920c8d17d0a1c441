package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/ncruces/go-sqlite3/driver" // registers the driver "sqlite3"
)

// File is the name of the database in the data directory.
const File = "fleet.db"

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	db *sql.DB
}

// Open opens the database in dir, and makes it, and dir, where missing. Another
// process may have it open too: a command that adds a password while the
// service runs.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w (name a directory this user may write, with --data)", err)
	}
	path := filepath.Join(dir, File)
	// Opened once by hand, so that the file with the password hashes is ours alone.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open database: %w (name a directory this user may write, with --data)", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	query := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(4) // one writes, a few read
	db.SetMaxIdleConns(4)
	s := &Store{db: db}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// migrations lead from each version of the schema to the next. A released one
// is never changed; new ones go to the end.
var migrations = []string{schema1}

// ErrTooNew says that the database was written by a later version of the
// service.
var ErrTooNew = errors.New("the database belongs to a later version of this program")

// migrate brings the schema up to date, each step whole or not at all.
func (s *Store) migrate(ctx context.Context) error {
	for {
		done, err := s.step(ctx)
		if err != nil || done {
			return err
		}
	}
}

func (s *Store) step(ctx context.Context) (done bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		switch {
		case version == len(migrations):
			done = true
			return nil
		case version > len(migrations):
			return fmt.Errorf("%w (schema %d, this one knows %d): install that one", ErrTooNew, version, len(migrations))
		}
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return fmt.Errorf("make schema %d: %w", version+1, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
			return fmt.Errorf("note schema %d: %w", version+1, err)
		}
		return nil
	})
	return done, err
}

// write runs f in a transaction that is committed if f returns nil.
func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	if err := f(tx); err != nil {
		if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, rollback)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

const schema1 = `
CREATE TABLE events (
	id             TEXT PRIMARY KEY,
	device_id      TEXT NOT NULL,
	journal        TEXT NOT NULL,
	seq            INTEGER NOT NULL,
	name           TEXT NOT NULL,
	call_id        TEXT NOT NULL,
	boot_id        TEXT NOT NULL,
	at             INTEGER NOT NULL, -- ms since the epoch, by the terminal's clock
	dated_at       INTEGER,          -- the same, worked out after its clock was set
	uptime_ms      INTEGER NOT NULL,
	clock_unsynced INTEGER NOT NULL,
	received_at    INTEGER NOT NULL, -- ms since the epoch, by ours
	raw            BLOB NOT NULL,    -- as published
	UNIQUE (device_id, journal, seq)
) STRICT;
CREATE INDEX events_by_call ON events (call_id, at) WHERE call_id <> '';
CREATE INDEX events_by_boot ON events (device_id, boot_id) WHERE clock_unsynced = 1;

-- When each call began, to list them without reading every event.
CREATE TABLE calls (
	call_id  TEXT PRIMARY KEY,
	began_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_by_time ON calls (began_at);

CREATE TABLE disputed (
	id          TEXT PRIMARY KEY,
	device_id   TEXT NOT NULL,
	journal     TEXT NOT NULL,
	seq         INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	raw         BLOB NOT NULL
) STRICT;

CREATE TABLE translations (
	event_id    TEXT NOT NULL,
	system      TEXT NOT NULL,
	n           INTEGER NOT NULL,
	device_id   TEXT NOT NULL,
	seq         INTEGER NOT NULL,
	name        TEXT NOT NULL,
	at          INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	raw         BLOB NOT NULL,
	PRIMARY KEY (event_id, system, n)
) STRICT, WITHOUT ROWID;

-- One row for each journal of each terminal.
CREATE TABLE journals (
	device_id TEXT NOT NULL,
	journal   TEXT NOT NULL,
	base      INTEGER NOT NULL, -- the lowest number ever received
	proven    INTEGER NOT NULL, -- the terminal holds nothing lower
	stored    INTEGER NOT NULL, -- everything from base to here is stored
	highest   INTEGER NOT NULL, -- the highest number ever received
	PRIMARY KEY (device_id, journal)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
	kind       TEXT NOT NULL,
	name       TEXT NOT NULL,
	hash       TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
	token_hash TEXT PRIMARY KEY,
	operator   TEXT NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`
