package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"hailpoint/mqtt"
	"hailpoint/mqtt/broker"
	"hailpoint/mqtt/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var topics = topic.Default()

// patience is how long a test waits for what must come; it is never reached in
// a test that passes.
const patience = 30 * time.Second

func config(t *testing.T) broker.Config {
	c := broker.Default()
	c.MQTT, c.Dir, c.Sync = "127.0.0.1:0", t.TempDir(), false
	c.Authenticate = func(l broker.Login) bool { return l.Password == "pw-"+l.User }
	return c
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex // guards b
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since it was called last.
func (l *logBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// start runs a broker until stop is called or the test ends. It logs to the
// test, and to others.
func start(t *testing.T, c broker.Config, others ...io.Writer) (b *broker.Broker, stop func()) {
	t.Helper()
	b, err := broker.New(c, slog.New(slog.NewTextHandler(io.MultiWriter(append(others, t.Output())...), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, stop
}

// terminal is a client under test.
type terminal struct {
	*mqtt.Client
	up   chan *mqtt.Session
	down chan error
	got  chan mqtt.Message
	log  logBuffer
	stop func()
}

func connect(t *testing.T, url, id string, change ...func(*mqtt.Config, *mqtt.Handlers)) *terminal {
	t.Helper()
	x := &terminal{up: make(chan *mqtt.Session, 64), down: make(chan error, 64), got: make(chan mqtt.Message, 1024)}
	c := mqtt.Default()
	c.Brokers, c.ClientID, c.Username, c.Password = []string{url}, id, id, mqtt.Secret("pw-"+id)
	h := mqtt.Handlers{
		Up:      func(_ context.Context, s *mqtt.Session) error { x.up <- s; return nil },
		Down:    func(err error) { x.down <- err },
		Message: func(_ context.Context, _ *mqtt.Session, m mqtt.Message) { x.got <- m },
	}
	for _, f := range change {
		f(&c, &h)
	}
	var err error
	if x.Client, err = mqtt.New(c, slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &x.log), nil)), h); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := x.Run(ctx); err != nil {
			t.Errorf("Run of %s: %v", id, err)
		}
	}()
	x.stop = func() { cancel(); <-done }
	t.Cleanup(x.stop)
	return x
}

// next waits for one value.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// retained subscribes until the retained message is there: the broker keeps
// it a moment after its PUBACK.
func retained(t *testing.T, got <-chan mqtt.Message, subscribe func()) mqtt.Message {
	t.Helper()
	for range 100 {
		subscribe()
		select {
		case m := <-got:
			return m
		case <-time.After(patience / 100):
		}
	}
	t.Fatal("no retained message came")
	panic("unreachable")
}

func send(t *testing.T, s *mqtt.Session, m mqtt.Message) {
	t.Helper()
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatalf("publish %s: %v", m.Topic, err)
	}
}

func TestRetainedStatusReachesTheServiceAndLaterTerminals(t *testing.T) {
	b, _ := start(t, config(t))
	a := next(t, connect(t, b.URL(), "kiosk-1").up)
	send(t, a, mqtt.Message{Topic: topics.Status("kiosk-1"), Payload: []byte(`1`), QoS: 1, Retained: true})

	seen := make(chan mqtt.Message, 16)
	m := retained(t, seen, func() {
		cancel, err := b.Subscribe(t.Context(), topics.Everyone(topic.Status), func(m mqtt.Message) { seen <- m })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cancel)
	})
	if m.Topic != topics.Status("kiosk-1") || string(m.Payload) != "1" || !m.Retained {
		t.Errorf("the service got %+v", m)
	}
	other := connect(t, b.URL(), "kiosk-2")
	o := next(t, other.up)
	m = retained(t, other.got, func() {
		if err := o.Subscribe(t.Context(), topics.Status("kiosk-1")); err != nil {
			t.Fatal(err)
		}
	})
	if string(m.Payload) != "1" || !m.Retained {
		t.Errorf("the other terminal got %+v", m)
	}
}

func TestServicePublishes(t *testing.T) {
	b, _ := start(t, config(t))
	group := mqtt.Message{Topic: topics.Group("@desk"), Payload: []byte(`{}`), QoS: 1, Retained: true}
	if err := b.Publish(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	a := connect(t, b.URL(), "kiosk-1")
	s := next(t, a.up)
	m := retained(t, a.got, func() {
		if err := s.Subscribe(t.Context(), topics.Group("@desk")); err != nil {
			t.Fatal(err)
		}
	})
	if m.Topic != group.Topic || !m.Retained {
		t.Errorf("retained by the service: got %+v", m)
	}
	a = connect(t, b.URL(), "kiosk-2")
	if err := next(t, a.up).Subscribe(t.Context(), topics.Cmd("kiosk-2"), topics.SignalsTo("kiosk-2")); err != nil {
		t.Fatal(err)
	}
	for _, m := range []mqtt.Message{
		{Topic: topics.Cmd("kiosk-2"), Payload: []byte("c"), QoS: 1},
		{Topic: topics.Signal("kiosk-2", "desk-1"), Payload: []byte("s")}, // as an operator
	} {
		if err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := next(t, a.got); got.Topic != m.Topic || string(got.Payload) != string(m.Payload) {
			t.Errorf("got %+v, want %+v", got, m)
		}
	}
}

func TestConnectIsRefused(t *testing.T) {
	log := &logBuffer{}
	b, _ := start(t, config(t), log)
	good := connect(t, b.URL(), "kiosk-1")
	next(t, good.up)
	log.take()
	for name, change := range map[string]func(*mqtt.Config, *mqtt.Handlers){
		"with a wrong password":           func(c *mqtt.Config, _ *mqtt.Handlers) { c.Password = "x" },
		"with another's client id":        func(c *mqtt.Config, _ *mqtt.Handlers) { c.ClientID = "kiosk-1" },
		"with no user":                    func(c *mqtt.Config, _ *mqtt.Handlers) { c.Username, c.Password = "", "" },
		"with a user that is no address":  func(c *mqtt.Config, _ *mqtt.Handlers) { c.Username, c.ClientID = "Kiosk", "Kiosk" },
		"as the service, with a guess":    func(c *mqtt.Config, _ *mqtt.Handlers) { c.Username, c.ClientID = "_service", "_service" },
		"with a client id of another cut": func(c *mqtt.Config, _ *mqtt.Handlers) { c.ClientID = "kiosk-22" },
	} {
		t.Run(name, func(t *testing.T) {
			tried := make(chan struct{}, 64)
			x := connect(t, b.URL(), "kiosk-2", change, func(_ *mqtt.Config, h *mqtt.Handlers) {
				h.Will = func() mqtt.Message { tried <- struct{}{}; return mqtt.Message{} }
			})
			for range 3 { // the third attempt shows that two have failed
				next(t, tried)
			}
			if len(x.up) != 0 {
				t.Error("was let in")
			}
			x.stop()
			refused, all := 0, strings.TrimSpace(log.take())
			for line := range strings.Lines(all) {
				if !strings.Contains(line, "client refused") {
					t.Errorf("the broker logs %s", line)
				}
				refused++
			}
			if attempts := 3 + len(tried); refused > attempts || refused < 2 {
				t.Errorf("%d attempts make %d lines:\n%s", attempts, refused, all)
			}
		})
	}
	if len(good.down) != 0 {
		t.Error("a refused client evicted another")
	}
}

func TestTerminalsThatComeWhileTheBrokerStartsAreNotRefused(t *testing.T) {
	c := config(t)
	b, stop := start(t, c)
	c.MQTT = strings.TrimPrefix(b.URL(), "mqtt://")
	var terminals []*terminal
	for i := range 20 {
		x := connect(t, b.URL(), fmt.Sprintf("kiosk-%d", i), func(c *mqtt.Config, _ *mqtt.Handlers) {
			c.Backoff = mqtt.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}
		})
		next(t, x.up)
		terminals = append(terminals, x)
	}
	stop()
	start(t, c)
	for _, x := range terminals {
		next(t, x.up)
		if all := x.log.take(); strings.Contains(all, "username") {
			t.Errorf("a terminal believes that its password is wrong:\n%s", all)
		}
	}
}

func TestAccessList(t *testing.T) {
	b, _ := start(t, config(t))
	a := connect(t, b.URL(), "kiosk-1")
	s := next(t, a.up)
	for filter, allowed := range map[string]bool{
		topics.Status("kiosk-1"):        true,
		topics.Cmd("kiosk-1"):           true,
		topics.Ack("kiosk-1"):           true,
		topics.ConfigDesired("kiosk-1"): true,
		topics.Below("kiosk-1"):         true,
		topics.SignalsTo("kiosk-1"):     true,
		topics.Group("@desk"):           true,
		topics.Everyone(topic.Group):    true,
		topics.Status("kiosk-2"):        true,
		topics.Everyone(topic.Status):   true,
		topics.Cmd("kiosk-2"):           false,
		topics.Event("kiosk-2"):         false,
		topics.SignalsTo("kiosk-2"):     false,
		topics.Everyone(topic.Signal):   false,
		"#":                             false,
		"$MQTT/#":                       false,
	} {
		t.Run("subscribe "+filter, func(t *testing.T) {
			err := s.Subscribe(t.Context(), filter)
			var refused *mqtt.RefusedError
			if allowed && err != nil || !allowed && !errors.As(err, &refused) {
				t.Errorf("got %v, want allowed = %v", err, allowed)
			}
		})
	}
	seen := make(chan mqtt.Message, 64)
	cancel, err := b.Subscribe(t.Context(), topics.Base+"/#", func(m mqtt.Message) { seen <- m })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	for _, forbidden := range []string{
		topics.Status("kiosk-2"), topics.Event("kiosk-2"), topics.Signal("kiosk-2", "kiosk-3"),
		topics.Group("@desk"), topics.Base + "/x",
	} {
		send(t, s, mqtt.Message{Topic: forbidden, Payload: []byte("forged"), QoS: 1})
	}
	for _, allowed := range []string{
		topics.Status("kiosk-1"), topics.EventOf("kiosk-1", "wmpf"), topics.Signal("kiosk-2", "kiosk-1"),
	} {
		send(t, s, mqtt.Message{Topic: allowed, Payload: []byte("true"), QoS: 1})
		if m := next(t, seen); m.Topic != allowed {
			t.Errorf("got %s, want %s and nothing forbidden", m.Topic, allowed)
		}
	}
}

func TestNativeClientsAreRefused(t *testing.T) {
	c := config(t)
	c.WebSocket = "127.0.0.1:0"
	b, _ := start(t, c)
	url := strings.TrimSuffix(b.WebSocketURL(), "/mqtt")
	nc, err := nats.Connect(url, nats.UserInfo("kiosk-1", "pw-kiosk-1"), nats.MaxReconnects(0))
	if err == nil {
		nc.Close()
		t.Error("a client of the engine's own protocol got in with a terminal's password")
	}
	next(t, connect(t, b.WebSocketURL(), "kiosk-1").up) // while MQTT does
}

func TestLastWill(t *testing.T) {
	b, _ := start(t, config(t))
	seen := make(chan mqtt.Message, 16)
	cancel, err := b.Subscribe(t.Context(), topics.Everyone(topic.Status), func(m mqtt.Message) { seen <- m })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	conns := make(chan net.Conn, 4)
	withWill := func(c *mqtt.Config, h *mqtt.Handlers) {
		status := mqtt.Message{Topic: topics.Status(c.ClientID), QoS: 1, Retained: true}
		h.Will = func() mqtt.Message { m := status; m.Payload = []byte("lost"); return m }
		h.Bye = func() mqtt.Message { m := status; m.Payload = []byte("shutdown"); return m }
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(b.URL(), "mqtt://"))
			if err == nil {
				conns <- conn
			}
			return conn, err
		}
	}
	a := connect(t, b.URL(), "kiosk-1", withWill)
	next(t, a.up)
	_ = next(t, conns).Close()
	if m := next(t, seen); string(m.Payload) != "lost" {
		t.Errorf("after a cut line the status is %s", m.Payload)
	}
	if err := next(t, a.down); err == nil {
		t.Error("a cut line is told as an orderly end")
	}
	next(t, a.up) // it came back by itself
	a.stop()
	if m := next(t, seen); string(m.Payload) != "shutdown" {
		t.Errorf("after an orderly stop the status is %s", m.Payload)
	}
	if len(seen) != 0 {
		t.Errorf("the will came after an orderly stop: %s", (<-seen).Payload)
	}
}

func TestKick(t *testing.T) {
	b, _ := start(t, config(t))
	a := connect(t, b.URL(), "kiosk-1")
	next(t, a.up)
	if !b.Kick("kiosk-1") {
		t.Error("Kick of a connected terminal says it was not there")
	}
	if err := next(t, a.down); err == nil {
		t.Error("the terminal saw an orderly end")
	}
	if b.Kick("kiosk-9") {
		t.Error("Kick of an unknown terminal says it was there")
	}
}

func TestEventsComeUntilTheyAreStored(t *testing.T) {
	c := config(t)
	b, stop := start(t, c)
	s := next(t, connect(t, b.URL(), "kiosk-1").up)
	var want []string
	for i := range 300 {
		m := mqtt.Message{Topic: topics.Event("kiosk-1"), Payload: fmt.Appendf(nil, "%d", i), QoS: 1}
		if i%3 == 2 {
			m.Topic = topics.EventOf("kiosk-1", "wmpf")
		}
		send(t, s, m)
		want = append(want, m.Topic+" "+string(m.Payload))
	}
	stop() // with nobody reading: they are kept
	b, _ = start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	calls := 0
	err := b.Events(ctx, func(_ context.Context, batch []mqtt.Message) error {
		if calls++; calls <= 2 {
			return errors.New("the store is full")
		}
		for _, m := range batch {
			got = append(got, m.Topic+" "+string(m.Payload))
		}
		if len(got) >= len(want) {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-published +stored):\n%s", diff)
	}
}

func TestEventsNotStoredComeAgainToTheNextReader(t *testing.T) {
	b, _ := start(t, config(t))
	s := next(t, connect(t, b.URL(), "kiosk-1").up)
	send(t, s, mqtt.Message{Topic: topics.Event("kiosk-1"), Payload: []byte("x"), QoS: 1})
	ctx, cancel := context.WithCancel(t.Context())
	if err := b.Events(ctx, func(context.Context, []mqtt.Message) error {
		cancel()
		return errors.New("killed before the commit")
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	stored := 0
	if err := b.Events(ctx, func(_ context.Context, batch []mqtt.Message) error {
		stored += len(batch)
		cancel()
		return nil
	}); err != nil || stored != 1 {
		t.Errorf("stored %d, %v", stored, err)
	}
}

func TestPortTakenIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c := config(t)
	c.MQTT = l.Addr().String()
	b, err := broker.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Run: %v", err)
	}
	if err := b.Wait(t.Context()); !errors.Is(err, broker.ErrNotRunning) {
		t.Errorf("Wait: %v", err)
	}
	if err := b.Publish(t.Context(), mqtt.Message{Topic: "x"}); !errors.Is(err, broker.ErrNotRunning) {
		t.Errorf("Publish: %v", err)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	err := broker.Config{MQTT: "x", WebSocket: "y:z"}.Validate()
	for _, key := range []string{"mqtt:", "websocket:", "dir:", "max_payload:", "base:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no word on %s in %v", key, err)
		}
	}
	c := config(t)
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
