package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
	"hailpoint/mqtt/broker"
	"hailpoint/mqtt/link"
	"hailpoint/mqtt/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ callagent.Link = (*link.Link)(nil)
	_ link.Agent     = (*callagent.Agent)(nil)

	topics = topic.Default()
)

// patience is how long a test waits for what must come; a passing test never
// waits for it.
const patience = 30 * time.Second

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func logger(t testing.TB) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// wire is a broker under test, with a backend that sees everything.
type wire interface {
	start(t testing.TB)
	stop(t testing.TB)
	url() string
	publish(t *testing.T, m mqtt.Message)
	seen() <-chan mqtt.Message
}

// overBoth runs a test against the embedded broker and against Mosquitto.
func overBoth(t *testing.T, test func(t *testing.T, w wire)) {
	t.Run("the embedded broker", func(t *testing.T) { test(t, newEmbedded(t)) })
	t.Run("mosquitto", func(t *testing.T) { test(t, newMosquitto(t)) })
}

// freePort returns a port that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

type embedded struct {
	config   broker.Config
	log      *slog.Logger
	b        *broker.Broker
	cancel   func()
	messages chan mqtt.Message
}

func newEmbedded(t *testing.T) *embedded {
	c := broker.Default()
	c.MQTT, c.Dir, c.Sync = freePort(t), t.TempDir(), false
	c.Authenticate = func(l broker.Login) bool { return true }
	e := &embedded{config: c, log: logger(t).With("side", "broker"), messages: make(chan mqtt.Message, 1<<16)}
	t.Cleanup(func() { e.stop(t) })
	return e
}

func (e *embedded) url() string               { return "mqtt://" + e.config.MQTT }
func (e *embedded) seen() <-chan mqtt.Message { return e.messages }

func (e *embedded) start(t testing.TB) {
	t.Helper()
	var err error
	if e.b, err = broker.New(e.config, e.log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	b := e.b
	go func() {
		defer close(done)
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	e.cancel = sync.OnceFunc(func() { cancel(); <-done })
	if err := e.b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.b.Subscribe(t.Context(), topics.Base+"/#", func(m mqtt.Message) { e.messages <- m }); err != nil {
		t.Fatal(err)
	}
}

func (e *embedded) stop(testing.TB) {
	if e.cancel != nil {
		e.cancel()
	}
}

func (e *embedded) publish(t *testing.T, m mqtt.Message) {
	t.Helper()
	if err := e.b.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// mosquitto is Debian's broker as a process of its own.
type mosquitto struct {
	addr, conf string
	log        *slog.Logger
	process    *exec.Cmd
	client     *mqtt.Client
	cancel     func()
	messages   chan mqtt.Message
}

func newMosquitto(t testing.TB) *mosquitto {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("mosquitto is missing: apt install mosquitto")
			}
			t.Skip("mosquitto is not installed (apt install mosquitto)")
		}
	}
	m := &mosquitto{addr: freePort(t), log: logger(t).With("side", "backend"), messages: make(chan mqtt.Message, 1<<16)}
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(m.addr)
	m.conf = filepath.Join(dir, "mosquitto.conf")
	user := "user root\n" // else it drops to a user who may not read the test's files
	if os.Getuid() != 0 {
		user = ""
	}
	conf := "listener " + port + " 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n" + user
	if err := os.WriteFile(m.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	m.conf = path + " -c " + m.conf
	t.Cleanup(func() { m.stop(t) })
	return m
}

func (m *mosquitto) url() string               { return "mqtt://" + m.addr }
func (m *mosquitto) seen() <-chan mqtt.Message { return m.messages }

func (m *mosquitto) start(t testing.TB) {
	t.Helper()
	args := strings.Fields(m.conf)
	m.process = exec.Command(args[0], args[1:]...)
	m.process.Stderr = t.Output()
	if err := m.process.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan *mqtt.Session, 64)
	c := mqtt.Default()
	c.Brokers, c.ClientID = []string{m.url()}, "backend"
	c.Backoff.Max = 300 * time.Millisecond
	var err error
	m.client, err = mqtt.New(c, m.log, mqtt.Handlers{
		Up: func(ctx context.Context, s *mqtt.Session) error {
			err := s.SubscribeQoS(ctx, 1, topics.Base+"/#")
			up <- s
			return err
		},
		Message: func(_ context.Context, _ *mqtt.Session, x mqtt.Message) { m.messages <- x },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	client := m.client
	go func() {
		defer close(done)
		_ = client.Run(ctx)
	}()
	process := m.process
	m.cancel = sync.OnceFunc(func() {
		cancel()
		<-done
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	next(t, up)
}

func (m *mosquitto) stop(testing.TB) {
	if m.cancel != nil {
		m.cancel()
	}
}

func (m *mosquitto) publish(t *testing.T, x mqtt.Message) {
	t.Helper()
	s := m.client.Session()
	if s == nil {
		t.Fatal("the backend has no session")
	}
	if err := s.Send(t.Context(), x); err != nil {
		t.Fatal(err)
	}
}

// agent is the other side of a Link.
type agent struct {
	messages chan received
	groups   chan []event.User
	names    chan string
	links    chan bool
	faults   chan fault
	commands chan command.Command
	bad      chan *signal.DecodeError
}

type received struct {
	from string
	m    signal.Message
}

type fault struct {
	source string
	err    error
}

func newAgent() *agent {
	return &agent{
		make(chan received, 256), make(chan []event.User, 256), make(chan string, 256),
		make(chan bool, 256), make(chan fault, 1024), make(chan command.Command, 256), make(chan *signal.DecodeError, 256),
	}
}

func (a *agent) Message(from string, m signal.Message)        { a.messages <- received{from, m} }
func (a *agent) Unreadable(_ string, err *signal.DecodeError) { a.bad <- err }

func (a *agent) Group(_ string, members []event.User) { a.groups <- members }
func (a *agent) PeerName(address, name string)        { a.names <- address + " is " + name }
func (a *agent) LinkChanged(up bool)                  { a.links <- up }
func (a *agent) Fault(source string, err error)       { a.faults <- fault{source, err} }
func (a *agent) Command(_ context.Context, c command.Command) command.Reply {
	a.commands <- c
	if c.Name != "agent.status" {
		return command.Fail(c.ID, command.Errorf(command.UnknownCommand, "there is no %q", c.Name))
	}
	return command.OK(c.ID, map[string]int{"asked": len(a.commands)})
}

// terminal is a running Link with its agent.
type terminal struct {
	*link.Link
	*agent
	cfg   link.Config
	conns chan net.Conn // each connection made
	end   func()
}

func config(t testing.TB, url string) link.Config {
	t.Helper()
	c := link.Default()
	c.Self, c.BootID, c.Boot, c.NewID = "kiosk-1", newID(), time.Now(), newID
	c.Client.Brokers = []string{url}
	c.Client.Backoff.Min, c.Client.Backoff.Max = 10*time.Millisecond, 300*time.Millisecond
	c.StateDir = t.TempDir()
	c.Telemetry = time.Hour
	return c
}

// run opens and runs a Link until end is called or the test ends.
func run(t *testing.T, c link.Config) *terminal {
	t.Helper()
	x := &terminal{agent: newAgent(), cfg: c, conns: make(chan net.Conn, 256)}
	addr := strings.TrimPrefix(c.Client.Brokers[0], "mqtt://")
	allowed := c.Client.Dial
	c.Client.Dial = func(ctx context.Context) (net.Conn, error) {
		if allowed != nil {
			if _, err := allowed(ctx); err != nil {
				return nil, err
			}
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			x.conns <- conn
		}
		return conn, err
	}
	var err error
	if x.Link, err = link.Open(c, logger(t).With("side", c.Self)); err != nil {
		t.Fatal(err)
	}
	x.Status(command.Status{State: "idle", Version: "1.2.3", Labels: map[string]string{"site": "north"}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := x.Run(ctx, x.agent); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	x.end = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(x.end)
	return x
}

// online waits until the link is up.
func (x *terminal) online(t *testing.T) {
	t.Helper()
	for !next(t, x.links) {
	}
}

func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// on waits for the next message on a topic that is not a repeat from the
// broker's memory.
func on(t *testing.T, w wire, topic string) map[string]any {
	t.Helper()
	for {
		m := next(t, w.seen())
		if m.Topic != topic {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal(m.Payload, &v); err != nil {
			t.Fatalf("%s: %v: %s", topic, err, m.Payload)
		}
		return v
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// record makes an event record of a call.
func record(callID string, e event.Event) event.Record {
	return event.Record{
		ID: newID(), DeviceID: "kiosk-1", SelfID: "kiosk-1", BootID: "b",
		Call: event.Call{CallID: callID, RoomID: "room-" + callID, RoomNum: 7, Role: event.Caller},
		At:   time.Now().UnixMilli(), Clock: event.Synced, Data: e,
	}
}

// call records a whole connected call.
func (x *terminal) call(id string) {
	for _, e := range []event.Event{
		event.CallCreated{},
		event.RoomJoined{},
		event.CallConnected{Media: event.Audio},
		event.CallHungUp{ByRole: event.Caller, Local: true, Origin: event.Manual, TalkMs: 2500},
		event.CallEnded{Reason: event.EndHungUp, Local: true, Connected: true, TalkMs: 2500},
	} {
		x.Record(record(id, e))
	}
}

var errNotYet = errors.New("not yet")

// soon repeats check until it returns nil.
func soon(t *testing.T, check func() error) {
	t.Helper()
	err := errNotYet
	for deadline := time.Now().Add(patience); err != nil; err = check() {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (x *terminal) delivered(t *testing.T) {
	t.Helper()
	soon(t, func() error {
		if n := x.Backlog(); n > 0 {
			return fmt.Errorf("%d events are not acknowledged", n)
		}
		return nil
	})
}
