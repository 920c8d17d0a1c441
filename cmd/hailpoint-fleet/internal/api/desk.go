package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/mqtt"
)

// The bounds of what pages may take up.
const (
	maxDesks = 256
	// queueLen is how many messages may wait for a page; one that is slower is
	// disconnected, and starts anew from the state as it is then.
	queueLen = 512
	// restFor is how long a page may come back to its address.
	restFor = time.Minute
)

var errFull = errors.New("too many console pages are open: close some")

// desk is one open page: an endpoint of calls.
type desk struct {
	address  string
	secret   string // proves that a page had this address before
	operator string
	out      chan []byte
	slow     context.CancelCauseFunc
}

// rest is an address whose page is gone for a moment.
type rest struct {
	secret, operator string
	until            time.Time
}

// seat gives a page an address: the one it had before, if it proves that, or
// a new one. slow ends the page's connection.
func (s *Server) seat(operator string, want greeting, slow context.CancelCauseFunc) (*desk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.resting, func(_ string, r rest) bool { return now.After(r.until) })
	switch {
	case s.stopping:
		return nil, errors.New("the service is stopping")
	case len(s.desks) >= maxDesks:
		return nil, errFull
	}
	d := &desk{secret: login.Generate(), operator: operator, out: make(chan []byte, queueLen), slow: slow}
	if r, ok := s.resting[want.Address]; ok && r.operator == operator &&
		subtle.ConstantTimeCompare([]byte(r.secret), []byte(want.Secret)) == 1 {
		d.address = want.Address
	} else if old := s.desks[want.Address]; old != nil && old.operator == operator &&
		subtle.ConstantTimeCompare([]byte(old.secret), []byte(want.Secret)) == 1 {
		old.slow(errors.New("the page connected again")) // its old line is dead, it knows
		d.address = want.Address
	}
	for d.address == "" {
		a := login.DeskPrefix + suffix()
		_, used := s.desks[a]
		_, resting := s.resting[a]
		if !used && !resting {
			d.address = a
		}
	}
	delete(s.resting, d.address)
	s.desks[d.address] = d
	s.open.Add(1)
	s.regroup()
	return d, nil
}

// leave takes a page's connection back; its address rests for a while.
func (s *Server) leave(d *desk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.desks[d.address] == d { // else the page has a new connection already
		delete(s.desks, d.address)
		s.resting[d.address] = rest{d.secret, d.operator, time.Now().Add(restFor)}
		s.regroup()
	}
	s.open.Done()
}

// suffix returns four random letters and digits.
func suffix() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567" // 32 of them: a byte has no favourites
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	for i, v := range b {
		b[i] = letters[int(v)%len(letters)]
	}
	return string(b[:])
}

// regroup has Run publish the ring group.
func (s *Server) regroup() {
	select {
	case s.groupChanged <- struct{}{}:
	default:
	}
}

// publishGroup publishes who is in the ring group now.
func (s *Server) publishGroup(ctx context.Context) error {
	s.mu.Lock()
	members := slices.Sorted(maps.Keys(s.desks))
	s.mu.Unlock()
	if members == nil {
		members = []string{}
	}
	payload, err := json.Marshal(struct {
		Members  []string `json:"members"`
		Strategy string   `json:"strategy"`
		RingMs   int64    `json:"ring_ms"`
	}{members, s.Group.Strategy, s.Group.RingMs})
	if err != nil {
		return err
	}
	return s.Broker.Publish(ctx, mqtt.Message{Topic: s.Topics.Group(s.Group.Name), Payload: payload, QoS: 1, Retained: true})
}

// send queues a message for the page.
func (d *desk) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		d.slow(fmt.Errorf("encode for the page: %w", err))
		return
	}
	select {
	case d.out <- b:
	default:
		d.slow(errors.New("the page is too slow"))
	}
}
