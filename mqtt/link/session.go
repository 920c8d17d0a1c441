package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
)

// takeoverWait bounds the wait for the own retained status at a connect.
const takeoverWait = 3 * time.Second

// ErrTakenOver says that another holder of this address is online.
var ErrTakenOver = errors.New("another holder of this address is online")

// takenOverError is ErrTakenOver, and ends the client with mqtt.ErrStop.
type takenOverError struct{ address string }

// Error tells whoever looks after the terminal what to do.
func (e *takenOverError) Error() string {
	return fmt.Sprintf("another device uses the address %q: give one of them another id, then run hailpoint ctl reconnect", e.address)
}

// Unwrap returns what it stands for.
func (e *takenOverError) Unwrap() []error { return []error{ErrTakenOver, mqtt.ErrStop} }

// session is what is known of one connection.
type session struct {
	marker string        // payload of the message to ourselves
	ready  atomic.Bool   // everything is subscribed and said
	read   chan struct{} // closed when the own retained status has been read
	holder atomic.Pointer[string]
	over   atomic.Bool // read is closed
}

// done closes read; it is called by the one goroutine that handles messages.
func (s *session) done() {
	if !s.over.Swap(true) {
		close(s.read)
	}
}

// up works on a new connection until it ends.
func (l *Link) up(ctx context.Context, s *mqtt.Session) error {
	l.counters.Connects.Add(1)
	marker, err := l.marker()
	if err != nil {
		return err
	}
	now := &session{marker: marker, read: make(chan struct{})}
	l.session.Store(now)
	l.agent.Fault("subscription", nil)
	if err := l.checkTakeover(ctx, s, now); err != nil {
		return err
	}
	t, self := l.cfg.Topics, l.cfg.Self
	if err := l.subscribe(ctx, s, t.Cmd(self), t.Ack(self), t.ConfigDesired(self)); err != nil {
		return err
	}
	for len(l.outbox) > 0 { // meant for an earlier connection
		<-l.outbox
	}
	now.ready.Store(true)
	l.been = true
	l.agent.LinkChanged(true)
	l.status.poke()
	l.follow.poke()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.deliver.run(ctx, s) })
	g.Go(func() error { return l.send(ctx, s) })
	g.Go(func() error { return l.sayStatus(ctx, s) })
	g.Go(func() error { return l.keepFollowing(ctx, s) })
	g.Go(func() error { return l.telemetry(ctx) })
	return g.Wait()
}

// down is called when a connection has ended.
func (l *Link) down(error) {
	l.session.Store(nil)
	l.agent.LinkChanged(false)
}

// subscribe subscribes filters. What the broker refuses is a fault to be told,
// not a reason to disconnect: the rest still works.
func (l *Link) subscribe(ctx context.Context, s *mqtt.Session, filters ...string) error {
	err := s.Subscribe(ctx, filters...)
	if refused, ok := errors.AsType[*mqtt.RefusedError](err); ok {
		l.log.Error("subscription refused", "filters", refused.Filters)
		l.agent.Fault("subscription", err)
		return nil
	}
	return err
}

// marker is a message to ourselves. It is one that whoever listens understands
// and need not heed: a confirmation of itself, for a call that is none.
func (l *Link) marker() (string, error) {
	id := l.cfg.NewID()
	b, err := signal.Encode(signal.Message{ID: id, CallID: l.cfg.BootID, At: time.Now().UnixMilli(), Body: signal.Received{Ref: id}})
	return string(b), err
}

// checkTakeover reads the own retained status before anything is published
// (the outside contract, section 3). A message to ourselves, sent after the subscription,
// comes back when what was retained has come.
func (l *Link) checkTakeover(ctx context.Context, s *mqtt.Session, now *session) error {
	t, self := l.cfg.Topics, l.cfg.Self
	if err := l.subscribe(ctx, s, t.Status(self), t.SignalsTo(self)); err != nil {
		return err
	}
	if err := s.Send(ctx, mqtt.Message{Topic: t.Signal(self, self), Payload: []byte(now.marker)}); err != nil {
		return err
	}
	wait := time.NewTimer(takeoverWait)
	defer wait.Stop()
	select {
	case <-now.read:
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		l.log.Warn("own status not read in time; going on")
	}
	holder := now.holder.Load()
	if holder == nil {
		return nil
	}
	l.Record(event.Record{
		ID: l.cfg.NewID(), DeviceID: self, SelfID: self, BootID: l.cfg.BootID,
		Call: event.Call{Role: event.NoRole}, At: time.Now().UnixMilli(), Clock: l.cfg.Clock(),
		UptimeMs: time.Since(l.cfg.Boot).Milliseconds(),
		Data:     event.SessionKicked{Detail: "online elsewhere with boot id " + *holder},
	})
	l.log.Warn("address taken over", "device_id", self, "holder_boot_id", *holder)
	return &takenOverError{self}
}

// ownStatus looks at a status under the own address.
func (l *Link) ownStatus(now *session, payload []byte) {
	if now.over.Load() {
		return // our own, coming back
	}
	var s struct {
		Online bool   `json:"online"`
		BootID string `json:"boot_id"`
	}
	if len(payload) > 0 {
		if err := json.Unmarshal(payload, &s); err != nil {
			l.counters.Malformed.Add(1)
		} else if s.BootID != "" && (s.Online || l.been) && !slices.Contains(l.boots, s.BootID) {
			// Online is the contract's rule. A broker that publishes the will of
			// the connection it closes leaves "offline" instead: but that a
			// stranger said anything here while we were away says it, too.
			now.holder.Store(&s.BootID)
		}
	}
	now.done()
}

// send publishes what is queued.
func (l *Link) send(ctx context.Context, s *mqtt.Session) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-l.outbox:
			s.Publish(m) // QoS 0, or a reply whose command is repeated if it is lost
		}
	}
}

// sayStatus publishes the status at the connect and at each change.
func (l *Link) sayStatus(ctx context.Context, s *mqtt.Session) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.status.changed:
		}
		st, known := l.status.get()
		if !known {
			continue // the agent has not begun
		}
		st.Online, st.At, st.BootID = true, time.Now().UnixMilli(), l.cfg.BootID
		b, err := json.Marshal(st)
		if err != nil {
			return fmt.Errorf("encode the status: %w", err)
		}
		m := mqtt.Message{Topic: l.cfg.Topics.Status(l.cfg.Self), Payload: b, QoS: 1, Retained: true}
		if err := waitFor(ctx, s.Publish(m)); err != nil {
			return err
		}
	}
}

// keepFollowing keeps the subscriptions as the agent wants them.
func (l *Link) keepFollowing(ctx context.Context, s *mqtt.Session) error {
	var have []string
	own := l.cfg.Topics.Status(l.cfg.Self)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.follow.changed:
		}
		all, _ := l.follow.get()
		want := slices.DeleteFunc(slices.Clone(all), func(f string) bool { return f == own }) // subscribed already
		var add, drop []string
		for _, f := range want {
			if !slices.Contains(have, f) {
				add = append(add, f)
			}
		}
		for _, f := range have {
			if !slices.Contains(want, f) {
				drop = append(drop, f)
			}
		}
		if err := l.subscribe(ctx, s, add...); err != nil {
			return err
		}
		if err := s.Unsubscribe(ctx, drop...); err != nil {
			return err
		}
		have = want
		if len(add)+len(drop) > 0 {
			l.log.Debug("following", "filters", strings.Join(want, " "))
		}
	}
}
