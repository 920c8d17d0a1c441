package terminal_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"hailpoint/mqtt"
)

// TestWhatStrangersSendChangesNothing throws bad signalling at a talking
// terminal: it answers with errors, counts, and talks on.
func TestWhatStrangersSendChangesNothing(t *testing.T) {
	h := ownBroker(t)
	door := newBox(t, "door", h, nil)
	desk := newBox(t, "desk", h, nil)
	door.online()
	desk.online()
	watch := newBackend(t, h)
	send := func(topic, text string) {
		t.Helper()
		if err := h.Publish(t.Context(), mqtt.Message{Topic: "hailpoint/v1/" + topic, Payload: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var errors []map[string]any
	end, err := h.Subscribe(t.Context(), "hailpoint/v1/sig/rogue/door", func(m mqtt.Message) {
		mu.Lock()
		defer mu.Unlock()
		var e map[string]any
		if json.Unmarshal(m.Payload, &e) == nil && e["type"] == "error" {
			errors = append(errors, e)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	send("t/door/cmd", `{"v":1,"id":"dial","name":"call.dial","args":{"to":"desk"}}`)
	desk.becomes("ringing_in")
	desk.press("call")
	door.becomes("talking")
	desk.becomes("talking")
	report, err := door.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{
		`{"v":1,"id":"r1","type":"hangup","call_id":"` + report.CallID + `","n":0,"at":1,"reason":"hung_up"}`,
		`{"v":1,"id":"r2","type":"dance","call_id":"x","n":0,"at":1}`,
		`{"v":1,"id":"r3","type":"invite","call_id":"y","n":0,"at":1,"caller":{"id":"rogue"},"media":"audio"}`,
		`{"v":7,"id":"r4","type":"joined","call_id":"x","n":0,"at":1}`,
		`{"v":1,"id":"r5","type":"candidate","call_id":"x","n":0,"at":1,"candidate":"` + strings.Repeat("x", 1000) + `"}`,
		`hello`, ``, `[]`, `{"v":1}`, strings.Repeat("x", 70<<10),
	}
	for _, text := range bad {
		send("sig/door/rogue", text)
	}
	eventually(t, "errors", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(errors) >= 5
	})
	mu.Lock()
	for _, e := range errors {
		if e["ref"] == "" || e["code"] == "" {
			t.Errorf("an error without ref or code: %v", e)
		}
	}
	mu.Unlock()
	for _, text := range []string{`{}`, `nonsense`, `{"journal":"x","seq":99999}`, `{"v":1,"id":"q","name":"call.hangup","args":{"call_id":"no"}}`} {
		send("t/door/ack", text)
		send("t/door/cmd", text)
		send("t/door/config/desired", text)
		send("group/@frontdesk", text)
	}
	// Still talking, in the same call, a second later.
	watch.has("door", "call.tick")
	now, err := door.Report(t.Context())
	if err != nil || now.State != "talking" || now.CallID != report.CallID {
		t.Errorf("after the attack: %+v, %v", now, err)
	}
	if now.Counters.UnknownCall == 0 {
		t.Errorf("nothing was counted: %+v", now.Counters)
	}
	desk.hears(hz["door"])
	door.press("hangup")
	watch.has("desk", "call.ended")
	watch.chain("door")
}
