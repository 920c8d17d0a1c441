package api_test

import (
	"context"
	"encoding/json"
	"errors"
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

	"hailpoint/callagent/event"
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

var topics = topic.Default()

// house is the service over a real broker.
type house struct {
	t        *testing.T
	url      string // of the console
	broker   *broker.Broker
	keys     *login.Keys
	password string
	client   *http.Client // keeps cookies
}

func newHouse(t *testing.T, sims ...api.Simulated) *house {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{t: t, keys: login.New(s, bcrypt.MinCost)}
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
		Topics: topics, Broker: h.broker, Fleet: fl, Store: s, Keys: h.keys, Group: api.DefaultGroup(), Simulated: sims, Log: log,
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

func TestAPageIsAnEndpointOfCalls(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	k := h.kiosk()
	k.members()
	p := h.open()
	if !strings.HasPrefix(p.address, login.DeskPrefix) || !topic.ValidAddress(p.address) {
		t.Errorf("address %q", p.address)
	}
	k.members(p.address)

	hangup := message(t, signal.Hangup{Reason: signal.HangupHungUp})
	p.send(map[string]any{"to": "kiosk-1", "message": hangup})
	m := k.until("the page's message", func(m mqtt.Message) bool { return m.Topic == topics.Signal("kiosk-1", p.address) })
	if string(m.Payload) != string(hangup) {
		t.Errorf("carried %s, want it as it was: %s", m.Payload, hangup)
	}
	k.publish(topics.Signal(p.address, "kiosk-1"), 0, string(hangup))
	var got json.RawMessage
	if m := p.next("message", &got); string(m["from"]) != `"kiosk-1"` || string(got) != string(hangup) {
		t.Errorf("the page got %s from %s", got, m["from"])
	}

	q := h.open()
	k.members(p.address, q.address)
	p.send(map[string]any{"to": q.address, "message": hangup})
	if m := q.next("message", &got); string(m["from"]) != `"`+p.address+`"` {
		t.Errorf("the other page got %s", m)
	}
	if err := p.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	k.members(q.address)
}

func TestAPageSpeaksInNobodyElsesName(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	k := h.kiosk()
	p := h.open()
	invite := signal.Invite{Caller: event.User{ID: "chief"}, Media: event.Audio, SDP: "v=0"}
	var refused struct{ ID, Detail string }
	for name, m := range map[string]any{
		"an invite in another's name":   map[string]any{"to": "kiosk-1", "message": message(t, invite)},
		"a topic instead of an address": map[string]any{"to": "kiosk-1/x", "message": message(t, signal.Joined{})},
		"everybody":                     map[string]any{"to": "+", "message": message(t, signal.Joined{})},
		"half a message":                map[string]any{"to": "kiosk-1", "message": map[string]any{"v": 1, "id": "x", "type": "hangup", "call_id": "c", "n": 0}},
	} {
		p.send(m)
		p.next("refused", &refused)
		if refused.Detail == "" {
			t.Errorf("%s: refused without a word", name)
		}
	}
	invite.Caller.ID = p.address
	p.send(map[string]any{"to": "kiosk-1", "message": message(t, invite)})
	later := json.RawMessage(`{"v":1,"id":"x","type":"teleport","call_id":"c","n":1}`)
	p.send(map[string]any{"to": "kiosk-1", "message": later})
	var types []string
	k.until("the honest ones", func(m mqtt.Message) bool {
		var b struct{ Type string }
		if p, err := topics.Parse(m.Topic); err != nil || p.Kind != topic.Signal || json.Unmarshal(m.Payload, &b) != nil {
			return false
		}
		types = append(types, b.Type)
		return b.Type == "teleport"
	})
	if s := strings.Join(types, " "); s != "invite teleport" {
		t.Errorf("the kiosk got %s; want the honest invite and the unknown type only", s)
	}
}

func TestAPageMayTakeUpItsAddressAgain(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	k := h.kiosk()
	p := h.open()
	_ = p.conn.CloseNow() // the network broke
	k.members(p.address)
	k.members()
	if thief := h.open(p.address, "guess"); thief.address == p.address {
		t.Error("an address was given away without its secret")
	}
	again := h.open(p.address, p.secret)
	if again.address != p.address || again.secret == p.secret {
		t.Errorf("came back as %s, was %s; the secret is new: %v", again.address, p.address, again.secret != p.secret)
	}
	// And while the service has not seen yet that the old connection is dead.
	third := h.open(again.address, again.secret)
	if third.address != p.address {
		t.Errorf("came back as %s, was %s", third.address, p.address)
	}
	k.publish(topics.Signal(p.address, "kiosk-1"), 0, string(message(t, signal.Joined{})))
	var got json.RawMessage
	third.next("message", &got)
}

func TestPagesSeeTerminalsAndCallsLive(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	p := h.open()
	k := h.kiosk()
	k.publish(topics.Status("kiosk-1"), 1, `{"online":true,"at":1,"state":"idle","name":"Door"}`)
	var terminal struct{ ID, Name, Presence string }
	if p.next("terminal", &terminal); terminal.ID != "kiosk-1" || terminal.Presence != "online" || terminal.Name != "Door" {
		t.Errorf("terminal: %+v", terminal)
	}
	report := func(seq uint64, e event.Event) {
		t.Helper()
		raw, err := event.Record{
			Journal: "j", Seq: seq, ID: fmt.Sprintf("id-%d", seq), DeviceID: "kiosk-1", BootID: "b",
			Call: event.Call{CallID: "call", Role: event.Caller}, At: 1000 + int64(seq), Data: e,
		}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		k.publish(topics.Event("kiosk-1"), 1, string(raw))
	}
	report(1, event.CallCreated{Caller: event.User{ID: "kiosk-1"}, Callees: []event.User{{ID: "desk-1"}}, Media: event.Audio})
	var call struct {
		ID, State string
		Callee    event.User
	}
	if p.next("call", &call); call.ID != "call" || call.State != "calling" || call.Callee.ID != "desk-1" {
		t.Errorf("call: %+v", call)
	}
	p.send(map[string]any{"watch": "call"})
	var line struct{ Events []struct{ Name string } }
	p.next("timeline", &line)
	report(2, event.CallRinging{})
	for len(line.Events) < 2 {
		p.next("timeline", &line)
	}
	if line.Events[1].Name != "call.ringing" {
		t.Errorf("timeline: %+v", line)
	}
	m := k.until("the acknowledgement", func(m mqtt.Message) bool {
		return m.Topic == topics.Ack("kiosk-1") && strings.Contains(string(m.Payload), `"seq":2`)
	})
	if string(m.Payload) != `{"journal":"j","seq":2}` {
		t.Errorf("acknowledged %s", m.Payload)
	}
	late := h.open()
	var calls []struct{ ID, State string }
	if late.next("calls", &calls); len(calls) != 1 || calls[0].State != "ringing" {
		t.Errorf("a later page gets the calls %+v", calls)
	}

	for path, want := range map[string]string{
		"/api/terminals":         `"name":"Door"`,
		"/api/calls":             `"state":"ringing"`,
		"/api/calls/call/events": `"name":"call.ringing"`,
	} {
		if code, body := h.request(http.MethodGet, path, nil); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %s; want %s in it", path, code, body, want)
		}
	}
	for path, want := range map[string]int{
		"/api/calls/none/events": http.StatusNotFound, "/api/calls?limit=x": http.StatusBadRequest, "/api/calls?limit=0": http.StatusBadRequest,
		"/api/calls?before=-1": http.StatusBadRequest, "/api/none": http.StatusNotFound,
	} {
		if code, _ := h.request(http.MethodGet, path, nil); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

func TestNobodyGetsInWithoutALogin(t *testing.T) {
	h := newHouse(t)
	if code, body := h.request(http.MethodGet, "/", nil); code != http.StatusOK || !strings.Contains(body, `name="password"`) {
		t.Errorf("the console: %d\n%s", code, body)
	}
	for _, path := range []string{"/api/terminals", "/api/calls", "/api/calls/x/events", "/ws"} {
		if code, body := h.request(http.MethodGet, path, nil); code != http.StatusUnauthorized {
			t.Errorf("%s: %d, %s", path, code, body)
		}
	}
	if code, _ := h.request(http.MethodGet, "/api/terminals", nil, "Authorization", "Bearer guess"); code != http.StatusUnauthorized {
		t.Errorf("with a guessed token: %d", code)
	}
	token, err := h.keys.Add(t.Context(), store.Token, "report")
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := h.request(http.MethodGet, "/api/terminals", nil, "Authorization", "Bearer "+token); code != http.StatusOK {
		t.Errorf("with a token: %d", code)
	}
	if code, _ := h.request(http.MethodGet, "/healthz", nil); code != http.StatusNoContent {
		t.Errorf("healthz: %d", code)
	}
}

func TestLoggingInAndOut(t *testing.T) {
	h := newHouse(t)
	form := url.Values{"name": {"admin"}, "password": {"wrong"}}
	if code, body := h.request(http.MethodPost, "/login", form); code != http.StatusUnauthorized || !strings.Contains(body, "Wrong name") {
		t.Errorf("a wrong password: %d\n%s", code, body)
	}
	form.Set("password", h.password)
	if code, _ := h.request(http.MethodPost, "/login", form, "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
		t.Errorf("another site's form: %d", code)
	}
	h.logIn()
	at, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.client.Jar.Cookies(at)) != 1 {
		t.Errorf("cookies: %v", h.client.Jar.Cookies(at))
	}
	if code, _ := h.request(http.MethodPost, "/logout", url.Values{}); code != http.StatusOK {
		t.Errorf("log out: %d", code)
	}
	if code, _ := h.request(http.MethodGet, "/api/calls", nil); code != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", code)
	}
	form.Set("password", "wrong")
	for range 10 {
		if code, _ := h.request(http.MethodPost, "/login", form); code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("ten wrong passwords in a row were all tried")
}

func TestTheSessionsCookieIsOutOfReach(t *testing.T) {
	h := newHouse(t)
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name, tt := range map[string]struct {
		origin string
		secure bool
	}{
		"plain":                             {"", false},
		"behind a proxy with a certificate": {"https://" + strings.TrimPrefix(h.url, "http://"), true},
	} {
		form := url.Values{"name": {"admin"}, "password": {h.password}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		resp, err := h.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		c := resp.Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Secure != tt.secure {
			t.Errorf("%s: %d, cookies %+v", name, resp.StatusCode, c)
		}
	}
}

func TestTheLinkLogsInOnce(t *testing.T) {
	h := newHouse(t)
	path := "/?token=" + h.keys.Link("admin")
	if code, body := h.request(http.MethodGet, path, nil); code != http.StatusOK || !strings.Contains(body, "main.js") {
		t.Errorf("first: %d\n%s", code, body)
	}
	h.request(http.MethodPost, "/logout", url.Values{})
	if _, body := h.request(http.MethodGet, path, nil); !strings.Contains(body, `name="password"`) {
		t.Errorf("the second time it shows\n%s", body)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	h := newHouse(t)
	h.logIn()
	_, resp, err := websocket.Dial(t.Context(), h.url+"/ws", &websocket.DialOptions{ //nolint:bodyclose // refused
		HTTPClient: h.client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}},
	})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", resp, err)
	}
}

// toy is a simulated terminal.
type toy struct {
	mu    sync.Mutex // guards the fields below
	holds []string
	down  bool
	level int
}

func (*toy) ID() string        { return "sim-1" }
func (*toy) Buttons() []string { return []string{"call"} }
func (s *toy) Hold(button string, down bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if button != "call" {
		return errors.New("no such button")
	}
	s.down, s.level = down, 40
	s.holds = append(s.holds, fmt.Sprint(down))
	return nil
}

func (s *toy) Lamps() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]bool{"ring": s.down}
}

func (s *toy) Level() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.level
}

func TestPanelsOfSimulatedTerminals(t *testing.T) {
	sim := &toy{}
	h := newHouse(t, sim)
	h.logIn()
	p := h.open()
	var sims []struct {
		ID      string
		Buttons []string
		Lamps   map[string]bool
	}
	if p.next("sims", &sims); len(sims) != 1 || sims[0].ID != "sim-1" || sims[0].Lamps["ring"] {
		t.Errorf("sims: %+v", sims)
	}
	press := func(id, button string, down bool) {
		p.send(map[string]any{"hold": map[string]any{"id": id, "button": button, "down": down}})
	}
	press("sim-1", "call", true)
	var one struct{ Lamps map[string]bool }
	if p.next("sim", &one); !one.Lamps["ring"] {
		t.Errorf("after the press: %+v", one)
	}
	press("sim-1", "none", true)
	press("sim-9", "call", true)
	var refused struct{ Detail string }
	p.next("refused", &refused)
	p.next("refused", &refused)
	_ = p.conn.CloseNow() // with a finger on the button
	late := time.After(patience)
	for sim.Lamps()["ring"] {
		select {
		case <-late:
			t.Fatal("a page that is gone holds a button")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestGroupSettings(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing to lose
	if g, err := api.LoadGroup(t.Context(), s); g != api.DefaultGroup() || err != nil {
		t.Errorf("none set: %+v, %v", g, err)
	}
	for text, ok := range map[string]bool{
		`{"name":"@night","ring_ms":20000}`: true, `{"name":"night"}`: false, `{"ring_ms":1}`: false, `{"strategy":"none"}`: false, `{`: false,
	} {
		if err := s.SetSetting(t.Context(), api.GroupSetting, text); err != nil {
			t.Fatal(err)
		}
		if g, err := api.LoadGroup(t.Context(), s); (err == nil) != ok || (ok && g.Strategy != "all") {
			t.Errorf("%s: %+v, %v", text, g, err)
		}
	}
}
