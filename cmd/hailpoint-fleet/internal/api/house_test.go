package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"hailpoint/callagent/signal"
	"hailpoint/cmd/hailpoint-fleet/internal/api"
	"hailpoint/cmd/hailpoint-fleet/internal/fleet"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt"
	"hailpoint/mqtt/broker"
	"hailpoint/mqtt/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is no measure.
const patience = 30 * time.Second

// recovery is the command that the login page names.
const recovery = "hailpoint-fleet operator add admin --data /srv/fleet"

var topics = topic.Default()

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

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// house is the service over a real broker.
type house struct {
	t        *testing.T
	url      string // of the console
	broker   *broker.Broker
	keys     *login.Keys
	password string
	client   *http.Client // keeps cookies
	log      *logBuffer
}

func newHouse(t *testing.T, sims ...api.Simulated) *house {
	t.Helper()
	buffer := &logBuffer{}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), buffer), nil))
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{t: t, log: buffer, keys: login.New(s, bcrypt.MinCost)}
	if _, h.password, err = h.keys.FirstOperator(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := broker.Default()
	c.MQTT, c.Dir, c.Sync = "127.0.0.1:0", t.TempDir(), false
	c.Authenticate = func(broker.Login) bool { return true }
	if h.broker, err = broker.New(c, log); err != nil {
		t.Fatal(err)
	}
	h.background("broker", h.broker.Run)
	if err := h.broker.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	fl := fleet.New(fleet.Default(), h.broker, s, log)
	h.background("fleet", fl.Run)
	server := api.New(api.Parts{
		Topics: topics, Broker: h.broker, Fleet: fl, Store: s, Keys: h.keys, Group: api.DefaultGroup(), Simulated: sims, Recovery: recovery, Log: log,
	})
	pages, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	web := httptest.NewUnstartedServer(server.Handler())
	web.Config.BaseContext = func(net.Listener) context.Context { return pages }
	web.Start()
	h.background("api", server.Run)
	t.Cleanup(func() {
		stop()
		web.Close()
	})
	h.url = web.URL
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.client = &http.Client{Jar: jar, Transport: web.Client().Transport}
	return h
}

// background runs a part until the test ends.
func (h *house) background(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("%s: %v", name, err)
		}
	})
}

// request does one request and returns the status and the body.
func (h *house) request(method, path string, form url.Values, header ...string) (int, string) {
	h.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (h *house) logIn() {
	h.t.Helper()
	code, body := h.request(http.MethodPost, "/login", url.Values{"name": {"admin"}, "password": {h.password}})
	if code != http.StatusOK || !strings.Contains(body, "main.js") {
		h.t.Fatalf("log in: %d\n%s", code, body)
	}
}

// page is a console page.
type page struct {
	t       *testing.T
	conn    *websocket.Conn
	address string
	secret  string
	got     chan map[string]json.RawMessage
}

// open opens a page. want is the address to resume, with its secret.
func (h *house) open(want ...string) *page {
	h.t.Helper()
	conn, _, err := websocket.Dial(h.t.Context(), h.url+"/ws", &websocket.DialOptions{HTTPClient: h.client}) //nolint:bodyclose // the connection owns it
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	p := &page{t: h.t, conn: conn, got: make(chan map[string]json.RawMessage, 1024)}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(p.got)
		for {
			_, b, err := conn.Read(context.WithoutCancel(h.t.Context()))
			if err != nil {
				return
			}
			var m map[string]json.RawMessage
			if err := json.Unmarshal(b, &m); err != nil {
				h.t.Errorf("the page got %s", b)
			}
			p.got <- m
		}
	})
	h.t.Cleanup(func() {
		_ = conn.CloseNow() // some tests did already
		wg.Wait()
	})
	want = append(want, "", "")
	p.send(map[string]any{"hello": map[string]string{"address": want[0], "secret": want[1]}})
	var hello struct{ Address, Secret, Name, Group string }
	p.next("hello", &hello)
	p.address, p.secret = hello.Address, hello.Secret
	if hello.Name != "admin" || hello.Group != "@frontdesk" {
		h.t.Errorf("hello: %+v", hello)
	}
	return p
}

func (p *page) send(v any) {
	p.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, b); err != nil {
		p.t.Fatal(err)
	}
}

// next waits for the next message with a key, and reads what stands there.
func (p *page) next(key string, into any) map[string]json.RawMessage {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m, ok := <-p.got:
			if !ok {
				p.t.Fatalf("the connection ended before %q came", key)
			}
			raw, ok := m[key]
			if !ok {
				continue
			}
			if err := json.Unmarshal(raw, into); err != nil {
				p.t.Fatalf("%s: %v", raw, err)
			}
			return m
		case <-late:
			p.t.Fatalf("%q did not come", key)
		}
	}
}

// kiosk is a terminal's MQTT client.
type kiosk struct {
	t   *testing.T
	id  string
	s   *mqtt.Session
	got chan mqtt.Message
}

func (h *house) kiosk() *kiosk {
	h.t.Helper()
	const id = "kiosk-1"
	k := &kiosk{t: h.t, id: id, got: make(chan mqtt.Message, 1024)}
	up := make(chan *mqtt.Session, 16)
	c := mqtt.Default()
	c.Brokers, c.ClientID, c.Username = []string{h.broker.URL()}, id, id
	client, err := mqtt.New(c, slog.New(slog.DiscardHandler), mqtt.Handlers{
		Up: func(ctx context.Context, s *mqtt.Session) error {
			if err := s.Subscribe(ctx, topics.SignalsTo(id), topics.Ack(id), topics.Group("@frontdesk")); err != nil {
				return err
			}
			up <- s
			return nil
		},
		Message: func(_ context.Context, _ *mqtt.Session, m mqtt.Message) { k.got <- m },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.background("kiosk", client.Run)
	select {
	case k.s = <-up:
	case <-time.After(patience):
		h.t.Fatal("the kiosk did not connect")
	}
	return k
}

func (k *kiosk) publish(topic string, qos byte, payload string) {
	k.t.Helper()
	if err := k.s.Send(k.t.Context(), mqtt.Message{Topic: topic, Payload: []byte(payload), QoS: qos, Retained: topic == topics.Status(k.id)}); err != nil {
		k.t.Fatal(err)
	}
}

// until waits for a message for which ok is true.
func (k *kiosk) until(what string, ok func(mqtt.Message) bool) mqtt.Message {
	k.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m := <-k.got:
			if ok(m) {
				return m
			}
		case <-late:
			k.t.Fatalf("%s did not come", what)
		}
	}
}

// members waits until the ring group has these members.
func (k *kiosk) members(want ...string) {
	k.t.Helper()
	slices.Sort(want)
	k.until(fmt.Sprintf("the group %v", want), func(m mqtt.Message) bool {
		var g struct {
			Members  []string
			Strategy string
			RingMs   int64 `json:"ring_ms"`
		}
		return m.Topic == topics.Group("@frontdesk") && json.Unmarshal(m.Payload, &g) == nil && g.Members != nil &&
			slices.Equal(g.Members, want) && g.Strategy == "all" && g.RingMs == 60_000
	})
}

func message(t *testing.T, body signal.Body) json.RawMessage {
	t.Helper()
	b, err := signal.Encode(signal.Message{ID: "m-" + string(body.Type()), CallID: "call", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
