package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Kind is whose credential it is.
type Kind string

// The kinds of credential.
const (
	Operator Kind = "operator" // a person at the console; the hash is bcrypt's
	Terminal Kind = "terminal" // a terminal at the broker; SHA-256 of a generated password
	Token    Kind = "token"    // a program at the API; SHA-256 of a generated token
)

// ErrNoCredential says that there is none of that name.
var ErrNoCredential = errors.New("no such credential")

// SetCredential stores the hash of a credential, in place of an earlier one.
func (s *Store) SetCredential(ctx context.Context, now time.Time, kind Kind, name, hash string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO credentials (kind, name, hash, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at`, string(kind), name, hash, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("store credential of %s %s: %w", kind, name, err)
	}
	return nil
}

// Credential returns the stored hash. The error wraps ErrNoCredential if there
// is none.
func (s *Store) Credential(ctx context.Context, kind Kind, name string) (hash string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT hash FROM credentials WHERE kind = ? AND name = ?`, string(kind), name).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCredential
	}
	if err != nil {
		return "", fmt.Errorf("read credential of %s %.70q: %w", kind, name, err)
	}
	return hash, nil
}

// CredentialNames returns the names that have a credential of this kind, sorted.
func (s *Store) CredentialNames(ctx context.Context, kind Kind) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM credentials WHERE kind = ? ORDER BY name`, string(kind))
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	names, err := collect(rows, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) })
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return names, nil
}

// CredentialByHash returns whose credential has this hash: only for kinds whose
// hash is unsalted. The error wraps ErrNoCredential if nobody's has.
func (s *Store) CredentialByHash(ctx context.Context, kind Kind, hash string) (name string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT name FROM credentials WHERE kind = ? AND hash = ?`, string(kind), hash).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCredential
	}
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", kind, err)
	}
	return name, nil
}

// RemoveCredential forgets a credential, and ends the sessions of an operator.
// The error wraps ErrNoCredential if there was none.
func (s *Store) RemoveCredential(ctx context.Context, kind Kind, name string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM credentials WHERE kind = ? AND name = ?`, string(kind), name)
		if err != nil {
			return fmt.Errorf("remove credential of %s %s: %w", kind, name, err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("remove credential of %s %q: %w", kind, name, ErrNoCredential))
		}
		if kind != Operator {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE operator = ?`, name); err != nil {
			return fmt.Errorf("end sessions of %s: %w", name, err)
		}
		return nil
	})
}

// AddSession stores a login: the hash of its token, whose it is, and its end.
// Sessions that are over are forgotten.
func (s *Store) AddSession(ctx context.Context, now time.Time, tokenHash, operator string, expires time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= ?`, now.UnixMilli()); err != nil {
			return fmt.Errorf("forget old sessions: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (token_hash, operator, expires_at) VALUES (?, ?, ?)`,
			tokenHash, operator, expires.UnixMilli())
		if err != nil {
			return fmt.Errorf("store session of %s: %w", operator, err)
		}
		return nil
	})
}

// Session returns whose login the token with this hash is. The error wraps
// ErrNoCredential if it is nobody's, or is over.
func (s *Store) Session(ctx context.Context, now time.Time, tokenHash string) (operator string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT operator FROM sessions WHERE token_hash = ? AND expires_at > ?`,
		tokenHash, now.UnixMilli()).Scan(&operator)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCredential
	}
	if err != nil {
		return "", fmt.Errorf("look up session: %w", err)
	}
	return operator, nil
}

// RemoveSession ends a login; none is ended if the hash is unknown.
func (s *Store) RemoveSession(ctx context.Context, tokenHash string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = ?`, tokenHash); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Setting returns the JSON text stored under key, or "" if none is.
func (s *Store) Setting(ctx context.Context, key string) (value string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = ?`, key).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", key, err)
	}
	return value, nil
}

// SetSetting stores a JSON text under key.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO settings (key, value) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("store setting %s: %w", key, err)
	}
	return nil
}
