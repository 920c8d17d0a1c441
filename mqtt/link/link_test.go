package link_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
	"hailpoint/mqtt/link"
)

func TestStatusIsTrueAtAllTimes(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		c := config(t, w.url())
		x := run(t, c)
		status := topics.Status("kiosk-1")
		v := on(t, w, status)
		if v["online"] != true || v["boot_id"] != c.BootID || v["state"] != "idle" || v["at"] == 0 || v["version"] != "1.2.3" {
			t.Errorf("at connect: %v", v)
		}
		x.Status(command.Status{State: "talking", CallID: "a"})
		if v := on(t, w, status); v["state"] != "talking" || v["call_id"] != "a" {
			t.Errorf("after a change: %v", v)
		}
		_ = next(t, x.conns).Close() // the cable is pulled
		if v := on(t, w, status); v["online"] != false || v["reason"] != "lost" || v["boot_id"] != c.BootID {
			t.Errorf("last will: %v", v)
		}
		if v := on(t, w, status); v["online"] != true || v["state"] != "talking" {
			t.Errorf("after coming back: %v", v)
		}
		x.end()
		if v := on(t, w, status); v["online"] != false || v["reason"] != "shutdown" {
			t.Errorf("at an orderly stop: %v", v)
		}
	})
}

func TestTakeoverIsNotFought(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		foreign := mqtt.Message{Topic: topics.Status("kiosk-1"), QoS: 1, Retained: true, Payload: []byte(`{"online":true,"boot_id":"b007"}`)}
		w.publish(t, foreign)
		on(t, w, foreign.Topic)
		c := config(t, w.url())
		retainedBy(t, w, foreign)
		x := run(t, c)
		var f fault
		for f.source != "link" || f.err == nil {
			f = next(t, x.faults)
		}
		want := `another device uses the address "kiosk-1": give one of them another id, then run hailpoint ctl reconnect`
		if !errors.Is(f.err, link.ErrTakenOver) || f.err.Error() != want {
			t.Errorf("fault: %v, want: %s", f.err, want)
		}
		soon(t, func() error {
			if x.Connected() || x.Backlog() != 1 {
				return fmt.Errorf("connected %v, backlog %d, want the one event of it", x.Connected(), x.Backlog())
			}
			return nil
		})
		for len(w.seen()) > 0 {
			if m := <-w.seen(); m.Topic == foreign.Topic && string(m.Payload) != string(foreign.Payload) {
				t.Errorf("the status was overwritten: %s", m.Payload)
			}
		}
		// The other one leaves, and somebody presses "try again".
		gone := foreign
		gone.Payload = []byte(`{"online":false,"boot_id":"b007"}`)
		w.publish(t, gone)
		on(t, w, gone.Topic)
		retainedBy(t, w, gone)
		x.Resume()
		if v := on(t, w, topics.Event("kiosk-1")); v["name"] != "session.kicked" || !strings.Contains(string(encode(t, v)), "b007") {
			t.Errorf("first event: %v", v)
		}
	})
}

// retainedBy waits until the broker has m for later subscribers: it keeps it a
// moment after it has passed it on.
func retainedBy(t *testing.T, w wire, m mqtt.Message) {
	t.Helper()
	if _, ok := w.(*embedded); !ok {
		return
	}
	e := w.(*embedded)
	got := make(chan mqtt.Message, 64)
	soon(t, func() error {
		cancel, err := e.b.Subscribe(t.Context(), m.Topic, func(m mqtt.Message) { got <- m })
		if err != nil {
			return err
		}
		defer cancel()
		select {
		case g := <-got:
			if g.Retained && string(g.Payload) == string(m.Payload) {
				return nil
			}
		default:
		}
		return errors.New("the broker does not retain it yet")
	})
}

// TestTwoOfOneAddressDoNotFight: one of two devices with one address finds that
// and stays away, the other is left alone. Which one it is depends on what the
// broker says of a connection that it closes for another.
func TestTwoOfOneAddressDoNotFight(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		first := run(t, config(t, w.url()))
		first.online(t)
		second := run(t, config(t, w.url())) // another state directory: a stranger
		var left *terminal
		for left == nil {
			select {
			case f := <-first.faults:
				if errors.Is(f.err, link.ErrTakenOver) {
					left = second
				}
			case f := <-second.faults:
				if errors.Is(f.err, link.ErrTakenOver) {
					left = first
				}
			case <-t.Context().Done():
				t.Fatal("they fight on")
			case <-time.After(patience):
				t.Fatal("neither gave up")
			}
		}
		soon(t, func() error {
			if !left.Connected() || (first.Connected() && second.Connected()) {
				return errors.New("not just one is connected")
			}
			return nil
		})
	})
}

func TestOwnEarlierRunIsNoTakeover(t *testing.T) {
	w := newEmbedded(t)
	w.start(t)
	c := config(t, w.url())
	x := run(t, c)
	x.online(t)
	x.end()
	// The broker died with the last run: its status stayed behind.
	stale := mqtt.Message{Topic: topics.Status("kiosk-1"), QoS: 1, Retained: true, Payload: encode(t, map[string]any{"online": true, "boot_id": c.BootID})}
	w.publish(t, stale)
	retainedBy(t, w, stale)
	c.BootID = newID()
	x = run(t, c)
	x.online(t)
}

func TestSignalling(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		stale := mqtt.Message{Topic: topics.Signal("kiosk-1", "desk-2"), QoS: 1, Retained: true, Payload: []byte(`{"v":1,"id":"m0","call_id":"c0","n":0,"type":"joined"}`)}
		w.publish(t, stale)
		on(t, w, stale.Topic)
		retainedBy(t, w, stale)
		x := run(t, config(t, w.url()))
		x.online(t)
		in, out := topics.Signal("kiosk-1", "desk-1"), topics.Signal("desk-1", "kiosk-1")
		m := signal.Message{ID: "m1", CallID: "c1", N: 3, Body: signal.Hangup{Reason: signal.HangupHungUp, TalkMs: 7}}
		b, err := signal.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		w.publish(t, mqtt.Message{Topic: in, Payload: b})
		if diff := cmp.Diff(received{"desk-1", m}, next(t, x.messages), cmp.AllowUnexported(received{})); diff != "" {
			t.Errorf("message in (-want +got):\n%s", diff)
		}
		x.Signal("desk-1", m)
		if v := on(t, w, out); v["id"] != "m1" || v["type"] != "hangup" {
			t.Errorf("message out: %v", v)
		}
		// What cannot be read is handed on as such, for the agent to answer.
		w.publish(t, mqtt.Message{Topic: in, Payload: make([]byte, signal.MaxBytes+1)})
		w.publish(t, mqtt.Message{Topic: in, Payload: []byte(`{"v":1,"type":"received"`)})
		w.publish(t, mqtt.Message{Topic: in, Payload: []byte(`{"v":1,"id":"r","call_id":"c1","type":"error","ref":3}`)})
		w.publish(t, mqtt.Message{Topic: in, Payload: []byte(`{"v":1,"id":"m2","call_id":"c1","n":0,"type":"dance"}`)})
		if cut := next(t, x.bad); cut.ID != "" {
			t.Errorf("a message cut short: %+v", cut)
		}
		if reply := next(t, x.bad); !reply.Reply || reply.ID != "r" {
			t.Errorf("a reply that is none: %+v", reply)
		}
		if dance := next(t, x.bad); dance.Reply || dance.ID != "m2" || dance.CallID != "c1" || *dance.N != 0 || dance.Code != signal.CodeUnknownType {
			t.Errorf("an unknown type: %+v", dance)
		}
		if l, m := x.Counters().TooLarge.Load(), x.Counters().Malformed.Load(); l != 1 || m != 4 || len(x.messages) != 0 {
			t.Errorf("%d too large, %d malformed, %d handed on; want 1, 4, 0", l, m, len(x.messages))
		}
	})
}

func TestBacklogDoesNotHoldSignallingUp(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		c := config(t, w.url())
		var there atomic.Bool
		c.Client.Dial = gate(&there)
		x := run(t, c)
		const events = 3000
		for range events {
			x.Record(record("a", event.CallRinging{}))
		}
		soon(t, func() error {
			if n := x.Backlog(); n != events {
				return fmt.Errorf("backlog %d, want %d", n, events)
			}
			return nil
		})
		w.start(t)
		there.Store(true)
		x.online(t)
		x.Signal("desk-1", signal.Message{ID: "m1", CallID: "c1", Body: signal.Joined{}})
		before := 0
		for {
			m := next(t, w.seen())
			if m.Topic == topics.Signal("desk-1", "kiosk-1") {
				break
			}
			if m.Topic == topics.Event("kiosk-1") {
				before++
			}
		}
		if before > events/2 {
			t.Errorf("%d of %d events went before the message", before, events)
		}
		x.delivered(t)
	})
}

func TestCommandsAreDoneOnce(t *testing.T) {
	w := newEmbedded(t)
	w.start(t)
	c := config(t, w.url())
	x := run(t, c)
	x.online(t)
	send := func(payload string) {
		w.publish(t, mqtt.Message{Topic: topics.Cmd("kiosk-1"), QoS: 1, Payload: []byte(payload)})
	}
	reply := func() map[string]any { return on(t, w, topics.Reply("kiosk-1")) }
	ask := `{"v":1,"id":"q1","name":"agent.status"}`
	send(ask)
	first := reply()
	if first["ok"] != true || first["id"] != "q1" || next(t, x.commands).ID != "q1" {
		t.Errorf("reply: %v", first)
	}
	send(ask)
	if diff := cmp.Diff(first, reply()); diff != "" || len(x.commands) != 0 {
		t.Errorf("done %d times more; reply to the repeat (-first +repeat):\n%s", len(x.commands), diff)
	}
	for payload, code := range map[string]string{
		`{"v":1,"id":"q2","name":"make.coffee"}`:  "unknown_command",
		`{"v":1,"id":"q3"}`:                       "malformed",
		`{"v":9,"id":"q4","name":"agent.status"}`: "malformed",
		`not JSON`: "malformed",
		`{"v":1,"id":"q5","x":"` + strings.Repeat("x", 65536) + `"}`: "malformed",
	} {
		send(payload)
		v := reply()
		if e, _ := v["error"].(map[string]any); v["ok"] != false || e["code"] != code {
			t.Errorf("%.60s: reply %v, want code %s", payload, v, code)
		}
	}
	x.end()
	c.BootID = newID()
	x = run(t, c)
	x.online(t)
	send(ask)
	if diff := cmp.Diff(first, reply()); diff != "" || len(x.commands) != 0 {
		t.Errorf("after a restart done %d times more (-first +repeat):\n%s", len(x.commands), diff)
	}
}

func TestGroupsAndPeersAreFollowed(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		x := run(t, config(t, w.url()))
		x.Follow([]string{"@desk"}, []string{"desk-1"})
		group := func(name, payload string) {
			w.publish(t, mqtt.Message{Topic: topics.Group(name), QoS: 1, Retained: true, Payload: []byte(payload)})
		}
		group("@desk", `{"members":["desk-1","desk-2","NOT AN ADDRESS"],"strategy":"all"}`)
		group("@other", `{"members":["desk-9"]}`)
		x.online(t)
		want := []event.User{{ID: "desk-1"}, {ID: "desk-2"}}
		soon(t, func() error { // retained, or live when the subscription is made
			group("@desk", `{"members":["desk-1","desk-2","NOT AN ADDRESS"],"strategy":"all"}`)
			select {
			case got := <-x.groups:
				if diff := cmp.Diff(want, got); diff != "" {
					return fmt.Errorf("members (-want +got):\n%s", diff)
				}
				return nil
			default:
				return errNotYet
			}
		})
		w.publish(t, mqtt.Message{Topic: topics.Status("desk-1"), QoS: 1, Retained: true, Payload: []byte(`{"online":true,"name":"Front desk"}`)})
		if got := next(t, x.names); got != "desk-1 is Front desk" {
			t.Errorf("peer: %s", got)
		}
		x.Follow([]string{"@other"}, nil)
		for {
			if got := next(t, x.groups); len(got) == 1 && got[0].ID == "desk-9" {
				break
			}
		}
	})
}

func TestDesiredConfigurationIsAnsweredHonestly(t *testing.T) {
	w := newEmbedded(t)
	w.start(t)
	x := run(t, config(t, w.url()))
	x.online(t)
	w.publish(t, mqtt.Message{Topic: topics.ConfigDesired("kiosk-1"), QoS: 1, Retained: true, Payload: []byte(`{"version":4,"config":{"name":"x"}}`)})
	v := on(t, w, topics.ConfigReported("kiosk-1"))
	if errs, _ := v["errors"].([]any); v["version"] != 4.0 || v["ok"] != false || len(errs) != 1 {
		t.Errorf("reported: %v", v)
	}
}

func TestTelemetry(t *testing.T) {
	w := newEmbedded(t)
	w.start(t)
	c := config(t, w.url())
	c.Figures = func() map[string]any { return map[string]any{"audio": map[string]int{"underruns": 3}} }
	x := run(t, c)
	v := on(t, w, topics.Telemetry("kiosk-1"))
	for _, key := range []string{"at", "uptime_ms", "rss_bytes", "goroutines", "journal", "link", "audio", "clock"} {
		if v[key] == nil {
			t.Errorf("no %s in %v", key, v)
		}
	}
	if j := v["journal"].(map[string]any); j["id"] != x.JournalID() || j["backlog"] != 0.0 {
		t.Errorf("journal: %v", j)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	err := link.Config{Self: "A", Delivery: "post", Vocabularies: []string{"klingon"}}.Validate()
	for _, key := range []string{"id:", "base:", "broker:", "state_dir:", "delivery:", "vocabularies:", "telemetry interval:", "repeat:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no word on %s in %v", key, err)
		}
	}
	if err := config(t, "mqtt://localhost").Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzReceive(f *testing.F) {
	for i, payload := range []string{
		`{"members":["a","B"]}`, `{"online":true,"name":"x","boot_id":"y"}`, `{"journal":"j","seq":1}`,
		`{"v":1,"id":"q","name":"agent.status","args":{}}`, `{"version":1}`, `{"v":1,"id":"m","call_id":"c","n":0,"type":"hangup","reason":"x"}`, ``,
	} {
		f.Add(uint8(i), []byte(payload))
	}
	l, err := link.Open(config(f, "mqtt://localhost"), logger(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	all := []string{
		topics.Group("@g"), topics.Status("kiosk-1"), topics.Status("desk-1"), topics.Ack("kiosk-1"),
		topics.Cmd("kiosk-1"), topics.ConfigDesired("kiosk-1"), topics.Signal("kiosk-1", "desk-1"), topics.Signal("kiosk-1", "kiosk-1"), "x",
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		l.Receive(t.Context(), newAgent(), mqtt.Message{Topic: all[int(which)%len(all)], Payload: payload})
	})
}
