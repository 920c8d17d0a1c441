package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/cmd/hailpoint-fleet/internal/api"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

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
