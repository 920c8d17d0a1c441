package terminal_test

import (
	"encoding/json"
	"testing"

	"hailpoint/callagent/event"
	"hailpoint/cmd/internal/config"
	"hailpoint/mqtt"
)

// aCall is a whole call between two terminals over a broker: a press, a voice
// both ways, a record.
func aCall(t *testing.T, h house) {
	watch := newBackend(t, h)
	desk := newBox(t, "desk", h, nil)
	door := newBox(t, "door", h, func(c *config.Config) { c.Call.Target = config.List{"desk"} })
	desk.online()
	door.online()

	door.press("call")
	desk.becomes("ringing_in")
	door.becomes("ringing_out")
	desk.press("call")
	door.becomes("talking")
	desk.becomes("talking")
	desk.hears(hz["door"])
	door.hears(hz["desk"])
	watch.has("door", "call.tick")
	door.press("hangup")
	watch.has("door", "call.ended")
	watch.has("desk", "call.ended")

	for id, want := range map[string]struct{ canonical, wmpf string }{
		"door": {
			"call.created room.joined op.result call.ringing call.accepted call.connected member.joined call.tick call.hung_up call.ended",
			"joinedRoomByCaller startVoip calling hangUpVoip endVoip",
		},
		"desk": {
			"call.incoming call.accepted op.result room.joined call.connected member.joined call.tick call.hung_up member.left call.ended",
			"hangOnVoip startVoip calling hangUpVoip endVoip",
		},
	} {
		if got := watch.list(watch.names, id); got != want.canonical {
			t.Errorf("%s reports\n %s, want\n %s", id, got, want.canonical)
		}
		eventually(t, id+" ends in wmpf", func() bool { return watch.list(watch.wmpf, id) == want.wmpf })
	}
	ours, theirs := watch.chain("door"), watch.chain("desk")
	a := ours[len(ours)-1].Data.(event.CallEnded)
	b := theirs[len(theirs)-1].Data.(event.CallEnded)
	if !a.Connected || a.TalkMs != b.TalkMs || a.TalkMs < 1000 {
		t.Errorf("ends: %+v and %+v", a, b)
	}
	if a.Callee.ID != "desk" || b.Caller.Name != "The door" {
		t.Errorf("parties: %+v and %+v", a, b)
	}
}

func TestACallOverTheEmbeddedBroker(t *testing.T) { aCall(t, ownBroker(t)) }

func TestACallOverMosquitto(t *testing.T) {
	m := newMosquitto(t)
	m.start()
	aCall(t, m)
}

func TestATerminalStaysUpWithoutABroker(t *testing.T) {
	m := newMosquitto(t)
	door := newBox(t, "door", m, func(c *config.Config) {
		c.Call.Target, c.Call.RingTimeout = config.List{"desk"}, 1e9
	})
	door.press("call") // nobody can hear of it
	door.becomes("dialing")
	door.becomes("idle")
	m.start()
	watch := newBackend(t, m)
	door.online()
	eventually(t, "status", func() bool {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		return watch.status["door"]["online"] == true
	})
	watch.has("door", "call.ended")
	if got, want := watch.list(watch.names, "door"), "call.created room.joined op.result call.no_answer call.ended"; got != want {
		t.Errorf("reported late:\n %s, want\n %s", got, want)
	}
	watch.chain("door")
	if err := door.stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "shutdown", func() bool {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		return watch.status["door"]["reason"] == "shutdown"
	})
}

func TestCommandsOverMQTT(t *testing.T) {
	h := ownBroker(t)
	watch := newBackend(t, h)
	desk, door := newBox(t, "desk", h, nil), newBox(t, "door", h, nil)
	desk.online()
	door.online()
	order := func(to, text string) map[string]any {
		t.Helper()
		watch.mu.Lock()
		n := len(watch.replies)
		watch.mu.Unlock()
		if err := h.Publish(t.Context(), mqtt.Message{Topic: "hailpoint/v1/t/" + to + "/cmd", Payload: []byte(text), QoS: 1}); err != nil {
			t.Fatal(err)
		}
		var reply map[string]any
		eventually(t, "reply to "+text, func() bool {
			watch.mu.Lock()
			defer watch.mu.Unlock()
			if len(watch.replies) > n {
				reply = watch.replies[n]
			}
			return reply != nil
		})
		return reply
	}
	first := order("door", `{"v":1,"id":"c1","name":"call.dial","args":{"to":"desk"}}`)
	if first["ok"] != true || first["id"] != "c1" {
		t.Fatalf("dial: %v", first)
	}
	desk.becomes("ringing_in")
	again := order("door", `{"v":1,"id":"c1","name":"call.dial","args":{"to":"desk"}}`)
	if a, _ := json.Marshal(first); string(a) != func() string { b, _ := json.Marshal(again); return string(b) }() {
		t.Errorf("the same command again: %v, at first %v", again, first)
	}
	if r := order("desk", `{"v":1,"id":"c2","name":"call.answer"}`); r["ok"] != true {
		t.Errorf("answer: %v", r)
	}
	door.becomes("talking")
	if r := order("desk", `{"v":1,"id":"c3","name":"call.mute","args":{"on":true}}`); r["ok"] != true {
		t.Errorf("mute: %v", r)
	}
	watch.has("door", "media.state")
	if r := order("desk", `{"v":1,"id":"c4","name":"call.fly"}`); r["ok"] != false {
		t.Errorf("an unknown command: %v", r)
	}
	if r := order("desk", `{"v":1,"id":"c5"`); r["ok"] != false {
		t.Errorf("half a command: %v", r)
	}
	if r := order("desk", `{"v":1,"id":"c6","name":"call.hangup"}`); r["ok"] != true {
		t.Errorf("hangup: %v", r)
	}
	watch.has("door", "call.ended")
	if got := door.state(); got != "idle" {
		t.Errorf("after the hang-up: %s", got)
	}
}
