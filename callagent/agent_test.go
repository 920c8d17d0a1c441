package callagent_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/audio"
	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/device/led"
)

// in runs a story in virtual time.
func in(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		story(t, w)
		w.end()
	})
}

// dials makes an agent dial targets with its call button.
func dials(targets ...string) func(*callagent.Config) {
	return func(c *callagent.Config) { c.Target = targets }
}

func want(t *testing.T, s *station, names ...string) {
	t.Helper()
	if diff := cmp.Diff(names, s.names()); diff != "" {
		t.Errorf("events of %s (-want +got):\n%s", s.id, diff)
	}
}

func TestAPressBecomesACall(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", dials("desk")), w.add("desk", nil)
		door.press("call")
		if got, rings := door.state(), desk.state(); got != "ringing_out" || rings != "ringing_in" {
			t.Fatalf("after the press: door %s, desk %s", got, rings)
		}
		if !slices.Equal(door.heard(), []audio.Tone{audio.NoTone, audio.Ringback}) || !slices.Equal(desk.heard(), []audio.Tone{audio.Ring}) {
			t.Errorf("tones: door %v, desk %v", door.heard(), desk.heard())
		}
		if door.isOpen() || desk.isOpen() {
			t.Error("a microphone is open before anyone answered")
		}
		desk.press("call")
		if got, answers := door.state(), desk.state(); got != "talking" || answers != "talking" {
			t.Fatalf("after the answer: door %s, desk %s", got, answers)
		}
		if !door.isOpen() || !desk.isOpen() {
			t.Error("a microphone is closed while talking")
		}
		time.Sleep(3 * time.Second)
		door.press("hangup")
		time.Sleep(time.Second)
		synctest.Wait()
		want(t, door, "call.created", "room.joined", "op.result", "call.ringing", "call.accepted", "call.connected", "member.joined",
			"call.tick", "call.hung_up", "call.ended")
		want(t, desk, "call.incoming", "call.accepted", "op.result", "room.joined", "call.connected", "member.joined",
			"call.tick", "call.hung_up", "member.left", "call.ended")
		ours, _ := last[event.CallEnded](door)
		theirs, _ := last[event.CallEnded](desk)
		if !ours.Connected || ours.TalkMs < 3000 || ours.TalkMs != theirs.TalkMs || ours.EndAt != ours.BeginAt+ours.TalkMs {
			t.Errorf("ends: door %+v, desk %+v", ours, theirs)
		}
		if got := door.state(); got != "idle" || door.mark() != nil {
			t.Errorf("after the call: %s, mark %v", got, door.mark())
		}
		for _, l := range append(door.transports(), desk.transports()...) {
			if !l.isClosed() {
				t.Errorf("%s's transport to %s is still there", l.station.id, l.peer)
			}
		}
	})
}

func TestEveryWayToEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		act          func(w *world, door, desk *station)
		door, desk   event.EndReason
		doorIs       bool // local
		tone         audio.Tone
		doorConnects bool
	}{
		"the caller cancels":            {func(_ *world, door, _ *station) { door.press("hangup") }, event.EndCanceled, event.EndCanceled, true, audio.NoTone, false},
		"the callee rejects":            {func(_ *world, _, desk *station) { desk.press("hangup") }, event.EndRejected, event.EndRejected, false, audio.Error, false},
		"nobody answers":                {func(*world, *station, *station) { time.Sleep(63 * time.Second) }, event.EndNoAnswer, event.EndNoAnswer, false, audio.Error, false},
		"the callee hangs up":           {func(_ *world, _, desk *station) { desk.press("call"); desk.press("hangup") }, event.EndHungUp, event.EndHungUp, false, audio.Busy, true},
		"the backend makes them end it": {func(_ *world, door, desk *station) { desk.order("call.answer", "{}"); door.order("call.hangup", "{}") }, event.EndHungUp, event.EndHungUp, true, audio.NoTone, true},
		"one button answers and ends":   {func(_ *world, _, desk *station) { desk.press("one"); desk.press("one") }, event.EndHungUp, event.EndHungUp, false, audio.Busy, true},
		"the peer falls silent while the link is up": {func(_ *world, door, desk *station) {
			desk.press("call")
			door.transports()[0].on.Down(time.Now())
			time.Sleep(time.Second)
		}, event.EndAborted, event.EndAborted, false, audio.Error, true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				door, desk := w.add("door", dials("desk")), w.add("desk", nil)
				door.press("call")
				tt.act(w, door, desk)
				time.Sleep(time.Second)
				synctest.Wait()
				ours, ok := last[event.CallEnded](door)
				theirs, ok2 := last[event.CallEnded](desk)
				if !ok || !ok2 || ours.Reason != tt.door || theirs.Reason != tt.desk || ours.Local != tt.doorIs || ours.Connected != tt.doorConnects {
					t.Errorf("ends: door %+v, desk %+v", ours, theirs)
				}
				if got := door.heard()[len(door.heard())-1]; got != tt.tone {
					t.Errorf("the caller hears %v at the end, want %v", got, tt.tone)
				}
			})
		})
	}
}

func TestASecondCallerIsRefused(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk, gate := w.add("door", dials("desk")), w.add("desk", nil), w.add("gate", dials("desk"))
		door.press("call")
		desk.press("call")
		gate.press("call")
		end, _ := last[event.CallEnded](gate)
		if end.Reason != event.EndBusy || gate.heard()[len(gate.heard())-1] != audio.Busy {
			t.Errorf("the second caller: %+v, tones %v", end, gate.heard())
		}
		if busy, ok := last[event.CallBusy](desk); !ok || !busy.Local || desk.state() != "talking" {
			t.Errorf("the desk: %+v, %s", busy, desk.state())
		}
	})
}

func TestTargetsAreTriedInTurn(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk, cellar := w.add("door", dials("desk", "cellar")), w.add("desk", nil), w.add("cellar", nil)
		door.press("call")
		desk.press("hangup")
		if got := cellar.state(); got != "ringing_in" {
			t.Errorf("the second target is %s after the first refused", got)
		}
		cellar.press("call")
		if got := door.state(); got != "talking" {
			t.Errorf("the caller is %s", got)
		}
	})
}

func TestARingGroupRingsAllAndTheFirstWins(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, a, b := w.add("door", dials("@desks")), w.add("desk-a", nil), w.add("desk-b", nil)
		door.press("call") // nobody is there yet
		if got := door.state(); got != "dialing" || !slices.Equal(door.groups(), []string{"@desks"}) {
			t.Fatalf("with an empty group: %s, follows %v", got, door.groups())
		}
		door.Group("@desks", []event.User{{ID: "desk-a"}, {ID: "desk-b"}})
		time.Sleep(time.Second)
		if x, y := a.state(), b.state(); x != "ringing_in" || y != "ringing_in" {
			t.Fatalf("members are %s and %s", x, y)
		}
		b.press("call")
		if got := door.state(); got != "talking" {
			t.Errorf("the caller is %s", got)
		}
		end, _ := last[event.CallEnded](a)
		if end.Reason != event.EndAnsweredElsewhere || a.state() != "idle" {
			t.Errorf("the loser: %+v", end)
		}
	})
}

func TestLampsShowTheCall(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", dials("desk")), w.add("desk", nil)
		if !door.lamps[string(led.ShowOnline)].On() {
			t.Error("online, but dark")
		}
		door.press("call")
		lit := 0
		for range 40 {
			time.Sleep(50 * time.Millisecond)
			if desk.lamps[string(led.ShowRinging)].On() {
				lit++
			}
		}
		if lit < 10 || lit > 30 {
			t.Errorf("the ring lamp was lit in %d of 40 looks, want a blink", lit)
		}
		desk.press("call")
		if !door.lamps[string(led.ShowTalking)].On() || desk.lamps[string(led.ShowRinging)].On() {
			t.Error("talking, but the lamps say otherwise")
		}
		door.press("mute")
		if !door.lamps[string(led.ShowMuted)].On() || !door.isMuted() {
			t.Error("muted, but the lamp says otherwise")
		}
		if m, ok := last[event.MediaState](desk); !ok || m.Sending || m.Local {
			t.Errorf("the desk was told %+v", m)
		}
	})
}

func TestAFaultIsShownAndGoesAway(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door := w.add("door", dials("desk"))
		door.mu.Lock()
		door.fault = errors.New("no microphone")
		door.mu.Unlock()
		door.Fault("sound", door.fault)
		synctest.Wait()
		if !door.lamps[string(led.ShowFault)].On() || len(door.faults()) != 1 {
			t.Errorf("fault lamp %v, status %+v", door.lamps[string(led.ShowFault)].On(), door.faults())
		}
		door.press("call")
		want(t, door, "device.error", "call.created", "room.join_failed", "call.ended")
		door.Fault("sound", nil)
		synctest.Wait()
		if door.lamps[string(led.ShowFault)].On() || len(door.faults()) != 0 {
			t.Errorf("the fault stays: %+v", door.faults())
		}
	})
}

func TestACallToAnEmptyGroupWithoutSoundFailsAtOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door := w.add("door", dials("@desks"))
		door.mu.Lock()
		door.fault = errors.New("no microphone")
		door.mu.Unlock()
		door.press("call")
		want(t, door, "call.created", "room.join_failed", "call.ended")
		if got := door.heard(); got[len(got)-1] != audio.Error {
			t.Errorf("the person hears %v", got)
		}
	})
}

func TestAStuckButtonIsAFault(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door := w.add("door", nil)
		door.buttons["call"].Set(true)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if len(door.faults()) != 1 {
			t.Errorf("held for a minute: %+v", door.faults())
		}
		door.buttons["call"].Set(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(door.faults()) != 0 {
			t.Errorf("let go: %+v", door.faults())
		}
	})
}

func TestAButtonThatFailsIsReadAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", dials("desk")), w.add("desk", nil)
		door.buttons["call"].Fail(errors.New("unplugged"))
		synctest.Wait()
		if len(door.faults()) != 1 {
			t.Errorf("status %+v", door.faults())
		}
		time.Sleep(4 * time.Second)
		door.press("call")
		if got := desk.state(); got != "ringing_in" || len(door.faults()) != 0 {
			t.Errorf("after the repair: desk %s, status %+v", got, door.faults())
		}
	})
}

func TestOnlyTheAllowedMayCall(t *testing.T) {
	for name, tt := range map[string]struct {
		allow []string
		want  event.EndReason
	}{
		"an address in the list":          {[]string{"door"}, ""},
		"a member of a group in the list": {[]string{"@doors"}, ""},
		"anyone":                          {[]string{"*"}, ""},
		"another address":                 {[]string{"gate", "@gates"}, event.EndRejected},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				door := w.add("door", dials("desk"))
				desk := w.add("desk", func(c *callagent.Config) { c.Allow = tt.allow })
				desk.Group("@doors", []event.User{{ID: "door"}})
				door.press("call")
				end, _ := last[event.CallEnded](door)
				if end.Reason != tt.want {
					t.Errorf("the call ended with %q, want %q", end.Reason, tt.want)
				}
				if tt.want == "" != (desk.state() == "ringing_in") || (tt.want != "" && len(desk.names()) > 0) {
					t.Errorf("desk %s, events %v", desk.state(), desk.names())
				}
			})
		})
	}
}

func TestForeignMessagesChangeNothing(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk, rogue := w.add("door", dials("desk")), w.add("desk", nil), w.add("rogue", nil)
		door.press("call")
		desk.press("call")
		r, err := door.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := len(door.names())
		for n, body := range []signal.Body{signal.Hangup{Reason: signal.HangupHungUp}, signal.Cancel{Reason: signal.CancelCanceled}, signal.Accept{}, signal.Joined{}} {
			door.Message("rogue", signal.Message{ID: w.newID(), CallID: r.CallID, N: uint64(n), Body: body})
		}
		door.Message("desk", signal.Message{ID: w.newID(), CallID: r.CallID, N: 7000, Body: signal.Hangup{Reason: signal.HangupHungUp}})
		door.Message("rogue", signal.Message{ID: w.newID(), CallID: w.newID(), Body: signal.Invite{Caller: event.User{ID: "desk"}, SDP: "x", Media: event.Audio}})
		synctest.Wait()
		after, err := door.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after.State != "talking" || after.CallID != r.CallID || len(door.names()) != before {
			t.Errorf("after the attack: %+v, events %v", after, door.names())
		}
		if after.Counters.UnknownCall == 0 || after.Counters.Forbidden != 1 {
			t.Errorf("counted: %+v", after.Counters)
		}
		_ = rogue
	})
}

func TestCommands(t *testing.T) {
	for name, tt := range map[string]struct {
		name, args string
		code       command.Code // empty: done
	}{
		"dial":                           {"call.dial", `{"to":"desk"}`, ""},
		"dial nobody":                    {"call.dial", `{}`, command.BadArgs},
		"dial an impossible address":     {"call.dial", `{"to":"A B"}`, command.BadArgs},
		"dial oneself":                   {"call.dial", `{"to":"door"}`, command.BadArgs},
		"dial with a misspelt key":       {"call.dial", `{"to":"desk","limit":1}`, command.BadArgs},
		"dial several":                   {"call.dial", `{"members":["desk","gate"]}`, command.Unsupported},
		"answer nothing":                 {"call.answer", `{}`, command.NoSuchCall},
		"reject nothing":                 {"call.reject", ``, command.NoSuchCall},
		"hang up nothing":                {"call.hangup", `null`, command.NoSuchCall},
		"mute nothing":                   {"call.mute", `{"on":true}`, command.NoSuchCall},
		"mute without a word":            {"call.mute", `{}`, command.BadArgs},
		"volume":                         {"audio.volume", `{"percent":30}`, ""},
		"a volume that is too loud":      {"audio.volume", `{"percent":130}`, command.BadArgs},
		"a volume that is no number":     {"audio.volume", `{"percent":"loud"}`, command.BadArgs},
		"status":                         {"agent.status", ``, ""},
		"something that does not exist":  {"agent.fly", ``, command.UnknownCommand},
		"hang up another call than this": {"call.hangup", `{"call_id":"x"}`, command.NoSuchCall},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				door := w.add("door", nil)
				w.add("desk", nil)
				r := door.order(tt.name, tt.args)
				if r.OK != (tt.code == "") || (r.Error != nil && r.Error.Code != tt.code) {
					t.Errorf("reply %+v %v, want code %q", r, r.Error, tt.code)
				}
				if tt.name == "audio.volume" && r.OK && door.Volume() != 30 {
					t.Errorf("volume is %d", door.Volume())
				}
			})
		})
	}
}

func TestASecondDialIsRefused(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door := w.add("door", nil)
		w.add("desk", nil)
		door.order("call.dial", `{"to":"desk","time_limit_ms":2000}`)
		if r := door.order("call.dial", `{"to":"desk"}`); r.OK || r.Error.Code != command.Busy {
			t.Errorf("reply %+v", r)
		}
	})
}

func TestTheTimeLimitEndsTheCall(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", nil), w.add("desk", nil)
		door.order("call.dial", `{"to":"desk","time_limit_ms":5000}`)
		desk.press("call")
		time.Sleep(6 * time.Second)
		ours, _ := last[event.CallHungUp](door)
		theirs, _ := last[event.CallHungUp](desk)
		if ours.Origin != event.TimeLimit || !ours.Local || theirs.Origin != event.TimeLimit || theirs.Local || ours.TalkMs/1000 != 5 {
			t.Errorf("door %+v, desk %+v", ours, theirs)
		}
	})
}

func TestAStoppedTerminalEndsItsCall(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", dials("desk")), w.add("desk", nil)
		door.press("call")
		desk.press("call")
		if len(door.mark()) != 2 {
			t.Errorf("a power cut would leave %v", door.mark())
		}
		time.Sleep(time.Second)
		door.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		ours, _ := last[event.CallHungUp](door)
		theirs, _ := last[event.CallEnded](desk)
		if ours.Origin != event.System || theirs.Reason != event.EndHungUp || door.mark() != nil {
			t.Errorf("door %+v, desk %+v", ours, theirs)
		}
		if r := door.order("agent.status", ""); r.OK {
			t.Error("a stopped agent takes a command")
		}
	})
}

func TestAutoAnswer(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		auto := func(from ...string) func(*callagent.Config) {
			return func(c *callagent.Config) { c.AutoAnswer, c.AutoFrom = 2*time.Second, from }
		}
		door, desk, gate := w.add("door", dials("desk")), w.add("desk", auto("door")), w.add("gate", auto("desk"))
		door.press("call")
		time.Sleep(time.Second)
		if got := desk.state(); got != "ringing_in" {
			t.Errorf("before the delay: %s", got)
		}
		time.Sleep(time.Second)
		if got := desk.state(); got != "talking" {
			t.Errorf("after the delay: %s", got)
		}
		door.press("hangup")
		door.order("call.dial", `{"to":"gate"}`)
		time.Sleep(3 * time.Second)
		if got := gate.state(); got != "ringing_in" {
			t.Errorf("a caller who is not listed: %s", got)
		}
	})
}

func TestALostPeerIsNoticed(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		door, desk := w.add("door", dials("desk")), w.add("desk", nil)
		w.mu.Lock()
		w.cut["desk"] = true
		w.mu.Unlock()
		door.press("call")
		time.Sleep(61 * time.Second)
		want(t, door, "call.created", "room.joined", "op.result", "call.no_answer", "call.ended")
		if r, _ := last[event.OpResult](door); r.OK {
			t.Errorf("the invitation reached nobody, but %+v", r)
		}
		_ = desk
	})
}
