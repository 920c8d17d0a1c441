package login_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

func newKeys(t *testing.T) (*login.Keys, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return login.New(s, bcrypt.MinCost), s
}

func TestTheFirstOperatorIsMadeOnce(t *testing.T) {
	k, _ := newKeys(t)
	name, password, err := k.FirstOperator(t.Context())
	if err != nil || name != "admin" || len(password) < 20 {
		t.Fatalf("%q, %q, %v", name, password, err)
	}
	if name, again, err := k.FirstOperator(t.Context()); name != "admin" || again != "" || err != nil {
		t.Errorf("the second time: %q, %q, %v", name, again, err)
	}
	for what, tt := range map[string]struct {
		name, password string
		ok             bool
	}{
		"the right one":       {"admin", password, true},
		"a wrong password":    {"admin", password + "x", false},
		"none":                {"admin", "", false},
		"an endless one":      {"admin", strings.Repeat("x", 10_000), false},
		"an unknown person":   {"nobody", password, false},
		"nobody, no password": {"", "", false},
	} {
		err := k.Password(t.Context(), tt.name, tt.password)
		if (err == nil) != tt.ok || (err != nil && !errors.Is(err, login.ErrRefused)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestASessionLastsUntilItIsEnded(t *testing.T) {
	k, s := newKeys(t)
	token, expires, err := k.Begin(t.Context(), "admin")
	if err != nil || time.Until(expires) < time.Hour {
		t.Fatal(expires, err)
	}
	if who, err := k.Session(t.Context(), token); who != "admin" || err != nil {
		t.Errorf("%q, %v", who, err)
	}
	if _, err := s.Session(t.Context(), time.Now(), token); err == nil {
		t.Error("the store holds the token itself, not a hash")
	}
	if err := k.End(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Session(t.Context(), token); !errors.Is(err, login.ErrRefused) {
		t.Errorf("after its end: %v", err)
	}
}

func TestALinkLogsInOnce(t *testing.T) {
	k, _ := newKeys(t)
	token := k.Link("admin")
	if who, err := k.Follow(token); who != "admin" || err != nil {
		t.Errorf("%q, %v", who, err)
	}
	if _, err := k.Follow(token); !errors.Is(err, login.ErrLinkOver) {
		t.Errorf("the second time: %v", err)
	}
	if _, err := k.Follow(""); !errors.Is(err, login.ErrLinkOver) {
		t.Errorf("without a token: %v", err)
	}
}

func TestTerminals(t *testing.T) {
	k, _ := newKeys(t)
	secret, err := k.Add(t.Context(), store.Terminal, "door")
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		address, password string
		open, want        bool
	}{
		"its password": {"door", secret, false, true},
		"another":      {"door", "x", false, false},
		"a password that is set counts everywhere": {"door", "x", true, false},
		"an unknown one where all may come":        {"gate", "", true, true},
		"an unknown one elsewhere":                 {"gate", "x", false, false},
		"the address of a console page":            {"desk-abcd", "", true, false},
	} {
		if ok, err := k.Terminal(t.Context(), tt.address, tt.password, tt.open); ok != tt.want || err != nil {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
	for _, bad := range []string{"", "Door", "a b", "desk-1"} {
		if _, err := k.Add(t.Context(), store.Terminal, bad); err == nil {
			t.Errorf("%q was added", bad)
		}
	}
}

func TestTokensAreForPrograms(t *testing.T) {
	k, s := newKeys(t)
	token, err := k.Add(t.Context(), store.Token, "report")
	if err != nil {
		t.Fatal(err)
	}
	if who, err := k.Token(t.Context(), token); who != "report" || err != nil {
		t.Errorf("%q, %v", who, err)
	}
	if err := s.RemoveCredential(t.Context(), store.Token, "report"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Token(t.Context(), token); !errors.Is(err, login.ErrRefused) {
		t.Errorf("after its removal: %v", err)
	}
}

func TestGuessingBecomesSlow(t *testing.T) {
	var l login.Limit
	now := time.Unix(1_700_000_000, 0)
	for range 4 {
		l.Failed(now, "a")
	}
	if w := l.Wait(now, "a"); w != 0 {
		t.Errorf("after four failures wait %v", w)
	}
	var waits []string
	for range 9 {
		l.Failed(now, "a")
		waits = append(waits, l.Wait(now, "a").String())
	}
	if got, want := strings.Join(waits, " "), "2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s"; got != want {
		t.Errorf("waits %s, want %s", got, want)
	}
	if w := l.Wait(now, "b"); w != 0 {
		t.Errorf("somebody else waits %v", w)
	}
	if w := l.Wait(now.Add(5*time.Minute), "a"); w != 0 {
		t.Errorf("after the wait: %v", w)
	}
	l.Succeeded("a")
	if w := l.Wait(now, "a"); w != 0 {
		t.Errorf("after the right password: %v", w)
	}
	for i := range 10_000 {
		l.Failed(now, fmt.Sprint(i)) // must not grow for ever
	}
}
