// Package login decides who may in: operators at the console, programs at the
// API and terminals at the broker.
//
// # Why
//
// A password that a person chose is hashed with bcrypt, slow on purpose. What
// this program generates (terminals' passwords, tokens, the cookies of sessions)
// has 128 random bits or more, which nobody guesses however fast the hash is: there SHA-256 does,
// and a thousand terminals that reconnect at once do not cost a minute of
// computing. Every hash is of no use to who steals it.
package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt/topic"
)

// DeskPrefix begins the addresses of console pages. No terminal may have such
// an address.
const DeskPrefix = "desk-"

// sessionFor is how long a login lasts.
const sessionFor = 7 * 24 * time.Hour

// maxPassword is the longest password that bcrypt takes, in bytes.
const maxPassword = 72

// ErrRefused says that a name and its password do not fit. It does not say
// which of the two was wrong.
var ErrRefused = errors.New("wrong name or password")

// Generate returns a new secret: 26 letters and digits, 130 random bits.
func Generate() string { return strings.ToLower(rand.Text()) }

// Hash is the hash of a generated secret.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Keys checks and makes credentials. Its methods may be called from any
// goroutine.
type Keys struct {
	store *store.Store
	cost  int
	slots chan struct{}          // bounds the password checks that run at once
	dummy func() ([]byte, error) // hash to compare with where there is no such operator
	links links
}

// New returns the Keys of a store. cost is bcrypt's; 0 is a sensible one.
func New(s *store.Store, cost int) *Keys {
	if cost == 0 {
		cost = 11 // about 0.15 s
	}
	return &Keys{
		store: s, cost: cost, slots: make(chan struct{}, 2),
		dummy: sync.OnceValues(func() ([]byte, error) { return bcrypt.GenerateFromPassword([]byte(Generate()), cost) }),
	}
}

// FirstOperator makes the first operator if there is none yet, and returns the
// name and the generated password; the password is "" if there was one already.
func (k *Keys) FirstOperator(ctx context.Context) (name, password string, err error) {
	names, err := k.store.CredentialNames(ctx, store.Operator)
	if err != nil {
		return "", "", err
	}
	if len(names) > 0 {
		return names[0], "", nil
	}
	password, err = k.Add(ctx, store.Operator, "admin")
	return "admin", password, err
}

// Add generates a secret for name, stores its hash in place of an earlier one
// and returns it: it cannot be read again. Terminals are named by their address; the
// others too have names of that form.
func (k *Keys) Add(ctx context.Context, kind store.Kind, name string) (secret string, err error) {
	if err := topic.CheckAddress(name); err != nil {
		return "", fmt.Errorf("add %s: %w", kind, err)
	}
	if kind == store.Terminal && strings.HasPrefix(name, DeskPrefix) {
		return "", fmt.Errorf("add %s %q: addresses that begin with %s belong to console pages", kind, name, DeskPrefix)
	}
	secret = Generate()
	hash := Hash(secret)
	if kind == store.Operator {
		slow, err := bcrypt.GenerateFromPassword([]byte(secret), k.cost)
		if err != nil {
			return "", fmt.Errorf("hash password of %q: %w", name, err)
		}
		hash = string(slow)
	}
	return secret, k.store.SetCredential(ctx, time.Now(), kind, name, hash)
}

// Password checks an operator's password. The error wraps ErrRefused if it does
// not fit, which takes as long as if it did.
func (k *Keys) Password(ctx context.Context, name, password string) error {
	hash, err := k.store.Credential(ctx, store.Operator, name)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNoCredential) {
		return err
	}
	against := []byte(hash)
	if !known || len(password) > maxPassword {
		password, known = "", false
		if against, err = k.dummy(); err != nil {
			return fmt.Errorf("prepare password checks: %w", err)
		}
	}
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if bcrypt.CompareHashAndPassword(against, []byte(password)) != nil || !known {
		return fmt.Errorf("log in %.70q: %w", name, ErrRefused)
	}
	return nil
}

// Begin makes a session for an operator and returns the token that proves it,
// and when it ends.
func (k *Keys) Begin(ctx context.Context, operator string) (token string, expires time.Time, err error) {
	token, now := Generate(), time.Now()
	expires = now.Add(sessionFor)
	return token, expires, k.store.AddSession(ctx, now, Hash(token), operator, expires)
}

// Session returns whose session a token proves. The error wraps ErrRefused if
// it proves none.
func (k *Keys) Session(ctx context.Context, token string) (operator string, err error) {
	operator, err = k.store.Session(ctx, time.Now(), Hash(token))
	return operator, refused(err)
}

// End ends a session.
func (k *Keys) End(ctx context.Context, token string) error {
	return k.store.RemoveSession(ctx, Hash(token))
}

// Token returns the name of the program that has this token. The error wraps
// ErrRefused if none has.
func (k *Keys) Token(ctx context.Context, token string) (name string, err error) {
	name, err = k.store.CredentialByHash(ctx, store.Token, Hash(token))
	return name, refused(err)
}

func refused(err error) error {
	if errors.Is(err, store.ErrNoCredential) {
		return ErrRefused
	}
	return err
}

// Terminal reports whether a terminal may connect: with the password stored for
// it, or, where none is stored, if open.
func (k *Keys) Terminal(ctx context.Context, address, password string, open bool) (bool, error) {
	if strings.HasPrefix(address, DeskPrefix) {
		return false, nil
	}
	hash, err := k.store.Credential(ctx, store.Terminal, address)
	switch {
	case errors.Is(err, store.ErrNoCredential):
		return open, nil
	case err != nil:
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(hash), []byte(Hash(password))) == 1, nil
}
