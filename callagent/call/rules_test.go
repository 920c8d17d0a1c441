package call_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

func pair(t *testing.T) (w *world, kiosk, desk *terminal) {
	w = newWorld(t, "kiosk", "desk")
	return w, w.parties["kiosk"], w.parties["desk"]
}

// last returns the last n events.
func last(p *terminal, n int) []string { return p.events[max(len(p.events)-n, 0):] }

func TestAPeerThatForgotTheCall(t *testing.T) {
	for name, tt := range map[string]struct {
		play func(w *world, kiosk, desk *terminal)
		want string
	}{
		"while it rings": {
			func(w *world, kiosk, _ *terminal) { kiosk.dial("desk"); w.run(time.Second) },
			`
			call.aborted remote peer_abort 0
			call.ended aborted remote unconnected kiosk desk 17`,
		},
		"while talking": {talk, `
			call.aborted remote peer_abort 3490
			member.left desk quit
			call.ended aborted remote connected 3490 kiosk desk 17`},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			tt.play(w, kiosk, desk)
			kiosk.on(call.Refused{Peer: "desk", CallID: kiosk.state.Call.CallID, Type: signal.TypeCandidate, Code: signal.CodeNotAllowed})
			kiosk.on(call.Refused{Peer: "eve", CallID: kiosk.state.Call.CallID, Code: signal.CodeUnknownCall})
			kiosk.on(call.Refused{Peer: "desk", CallID: "another", Code: signal.CodeUnknownCall})
			before := len(kiosk.events)
			kiosk.on(call.Refused{Peer: "desk", CallID: kiosk.state.Call.CallID, Code: signal.CodeUnknownCall})
			wantLines(t, "caller's events then", kiosk.events[before:], tt.want)
		})
	}
}

func TestDoNotDisturb(t *testing.T) {
	w, kiosk, desk := pair(t)
	desk.dnd = true
	kiosk.dial("desk")
	w.rest()
	wantLines(t, "callee's events", desk.events, ``)
	wantLines(t, "caller's last events", last(kiosk, 2), `
		call.rejected desk remote remote do_not_disturb
		call.ended rejected remote unconnected kiosk desk 12`)
}

func TestAutomaticAnswer(t *testing.T) {
	w, kiosk, desk := pair(t)
	desk.rules.AutoAnswer = 3 * time.Second
	kiosk.dial("desk")
	w.run(3 * time.Second)
	if desk.state.Phase != call.RingingIn {
		t.Errorf("before its delay: %v", desk.state.Phase)
	}
	w.run(time.Second)
	if kiosk.state.Phase != call.Talking || desk.state.Phase != call.Talking {
		t.Errorf("phases %v, %v", kiosk.state.Phase, desk.state.Phase)
	}
	if !slices.Contains(desk.events, "call.accepted desk local system") {
		t.Errorf("callee's events %v", desk.events)
	}
}

func TestAnAnswerWithinTheSameMoment(t *testing.T) {
	// Answered before there is a description: accept carries it.
	w, kiosk, desk := pair(t)
	desk.rules.AutoAnswer = 0
	kiosk.dial("desk")
	w.run(time.Second)
	wantLines(t, "callee's events", desk.events, calleeRings+`
		call.accepted desk local system
		op.result accept 0 ok
		room.joined
		call.connected
		member.joined kiosk`)
	if got := strings.Join(desk.sent, ","); strings.Contains(got, "ringing") || !strings.Contains(got, "kiosk accept,kiosk joined") {
		t.Errorf("sent %s", got)
	}
}

func TestWhatAPeerSaysWhileTalking(t *testing.T) {
	w, kiosk, desk := pair(t)
	talk(w, kiosk, desk)
	before := len(kiosk.events)
	for _, b := range []signal.Body{
		signal.Text{Scope: "one", ContentType: "text/plain", Content: "hello"},
		signal.Text{Scope: "room", ContentType: "text/plain", Content: "hello"},
		signal.Property{Changed: []string{"screenShare"}, ShareUser: desk.user},
		signal.Recording{State: "started"},
		signal.Recording{State: "aborted", Detail: "disk full"},
		signal.State{Audio: true},
		signal.TextAck{Ref: "x", OK: true},
		signal.Candidate{Candidate: json.RawMessage("null")},
		signal.Kick{},
		signal.Roster{},
		signal.Update{SDP: "x"},
		signal.Updated{SDP: "x"},
		signal.Ringing{},
		signal.Accept{},
		signal.Joined{},
	} {
		desk.put(desk.exchange.Send(desk.time(), "kiosk", kiosk.state.Call.CallID, b, signal.GiveUp))
	}
	w.run(100 * time.Millisecond)
	wantLines(t, "caller's events then", kiosk.events[before:], `
		message.received desk one text/plain hello
		message.received desk unknown text/plain hello
		call.property screenShare desk
		recording.aborted desk disk full`)
	if got := slices.Compact(slices.DeleteFunc(slices.Clone(kiosk.sent), func(s string) bool { return s != "desk message_ack" })); len(got) != 1 {
		t.Errorf("sent %v", kiosk.sent)
	}
	if kiosk.state.Phase != call.Talking {
		t.Errorf("phase %v", kiosk.state.Phase)
	}
}

func TestDiedTellsTheEndOfACall(t *testing.T) {
	w, kiosk, desk := pair(t)
	if got := kiosk.state.Died(w.instant()); got != nil {
		t.Errorf("idle: %v", got)
	}
	talk(w, kiosk, desk)
	var got []string
	for _, e := range kiosk.state.Died(w.instant()) {
		got = append(got, describe(e))
	}
	wantLines(t, "events", got, `
		call.aborted local internal 3490
		call.ended aborted local connected 3490 kiosk desk 7`)
	if kiosk.state.Phase != call.Talking {
		t.Errorf("phase %v", kiosk.state.Phase)
	}
}

func TestAnInviteCarriesTheCall(t *testing.T) {
	kiosk := event.User{ID: "kiosk", Name: "Platform 2"}
	desk := event.User{ID: "desk", Name: "Desk"}
	s, _ := call.State{}.On(call.Instant{Mono: time.Second, Wall: 5}, call.Dial{
		Call: event.Call{CallID: "c", RoomID: "r", RoomNum: 9}, Callees: []event.User{desk}, Media: event.Audio,
		UserData: "u", Priority: signal.Emergency, OpID: 4,
		Rules: call.Rules{Self: kiosk, RingTimeout: time.Minute, TimeLimit: time.Hour, BusinessType: 3},
	})
	s, do := s.On(call.Instant{Mono: 3 * time.Second, Wall: 7}, call.LocalCandidate{CallID: "c", Peer: "desk", Candidate: json.RawMessage(`{}`)})
	if len(do) > 0 {
		t.Errorf("a candidate overtakes its invite: %v", do)
	}
	_, do = s.On(call.Instant{Mono: 3 * time.Second, Wall: 7}, call.OfferMade{CallID: "c", Peer: "desk", SDP: "offer"})
	want := []call.Effect{
		call.Send{To: "desk", CallID: "c", Body: signal.Invite{
			Caller: kiosk, Callees: []event.User{desk}, RoomID: "r", RoomNum: 9, Media: event.Audio, SDP: "offer", RingTimeoutMs: 60000,
			TimeLimitMs: 3600000, UserData: "u", BusinessType: 3, Priority: signal.Emergency,
		}, Patience: 58 * time.Second},
		call.Send{To: "desk", CallID: "c", Body: signal.Candidate{Candidate: json.RawMessage(`{}`)}, Patience: signal.GiveUp},
		call.Record{
			Call: event.Call{CallID: "c", RoomID: "r", RoomNum: 9, Role: event.Caller}, Start: time.Second,
			At: call.Instant{Mono: 3 * time.Second, Wall: 7}, Event: event.RoomJoined{},
		},
	}
	if diff := cmp.Diff(want, do); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestOnChangesNoEarlierState(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.dialGroup("desk")
	s := kiosk.state
	add := func(s call.State, c string) call.State {
		s, _ = s.On(w.instant(), call.LocalCandidate{CallID: s.Call.CallID, Peer: "desk", Candidate: json.RawMessage(c)})
		return s
	}
	for range 5 {
		s = add(s, "0")
	}
	one := add(s, "1")
	two := add(s, "2")
	if got := string(one.Legs[0].Early[5]) + string(two.Legs[0].Early[5]); got != "12" {
		t.Errorf("candidates %s, want 12", got)
	}
	_ = desk
}

func TestPhasesHaveTheNamesOfTheStatus(t *testing.T) {
	var got []string
	for p := call.Idle; p <= call.Talking+1; p++ {
		got = append(got, p.String())
	}
	want := []string{"idle", "dialing", "ringing_out", "ringing_in", "connecting", "talking", "unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestWhoMaySayWhatAndWhen(t *testing.T) {
	// For each phase: the types that the other side may say, beside candidates
	// and the replies, which it always may.
	talking := "hangup joined state property recording message"
	want := map[string]string{
		"caller dialing": "ringing accept reject", "caller ringing_out": "ringing accept reject",
		"caller connecting": talking, "caller talking": talking,
		"callee ringing_in": "cancel", "callee connecting": "cancel " + talking, "callee talking": talking,
	}
	types := []signal.Type{
		signal.TypeInvite, signal.TypeRinging, signal.TypeAccept, signal.TypeReject, signal.TypeCancel, signal.TypeJoined, signal.TypeHangup,
		signal.TypeKick, signal.TypeProperty, signal.TypeRecording, signal.TypeUpdate, signal.TypeUpdated, signal.TypeState,
		signal.TypeRoster, signal.TypeMessage,
	}
	seen := 0
	check := func(role string, s call.State, peer string) {
		allowed, ok := want[role+" "+s.Phase.String()]
		if !ok {
			t.Fatalf("%s is %v", role, s.Phase)
		}
		seen++
		for _, typ := range types {
			expect := signal.CodeNotAllowed
			if slices.Contains(strings.Fields(allowed), string(typ)) {
				expect = ""
			}
			if got := s.Judge(peer, s.Call.CallID, typ); got != expect {
				t.Errorf("%s %v, %s: %q, want %q", role, s.Phase, typ, got, expect)
			}
			for _, of := range [][2]string{{"eve", s.Call.CallID}, {peer, "another"}, {peer, ""}} {
				if got := s.Judge(of[0], of[1], typ); got != signal.CodeUnknownCall {
					t.Errorf("%s %v, %s of %v: %q", role, s.Phase, typ, of, got)
				}
			}
		}
		for _, typ := range []signal.Type{signal.TypeCandidate, signal.TypeMessageAck} {
			if got := s.Judge(peer, s.Call.CallID, typ); got != "" {
				t.Errorf("%s %v, %s: %q", role, s.Phase, typ, got)
			}
		}
	}
	w, kiosk, desk := pair(t)
	w.noPath = true
	kiosk.dial("desk")
	w.run(5 * time.Millisecond)
	check("caller", kiosk.state, "desk")
	w.run(time.Second)
	check("caller", kiosk.state, "desk")
	check("callee", desk.state, "kiosk")
	desk.answer()
	w.run(time.Second)
	check("caller", kiosk.state, "desk")
	check("callee", desk.state, "kiosk")
	w.noPath = false
	w.connect(kiosk.state.Call.CallID, kiosk, desk)
	w.run(time.Second)
	check("caller", kiosk.state, "desk")
	check("callee", desk.state, "kiosk")
	if seen != len(want) {
		t.Errorf("%d of %d phases were seen", seen, len(want))
	}
	if got := (call.State{}).Judge("desk", "", signal.TypeCandidate); got != signal.CodeUnknownCall {
		t.Errorf("idle: %q", got)
	}
}

func TestMicrophonesOpenAtTheAnswer(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.dial("desk")
	w.run(time.Second)
	callID := kiosk.state.Call.CallID
	mine, theirs := kiosk.leg(callID, "desk"), desk.leg(callID, "kiosk")
	if !mine.up || !theirs.up || mine.open || theirs.open {
		t.Errorf("while it rings: %+v, %+v", mine, theirs)
	}
	desk.answer()
	if !theirs.open {
		t.Error("the callee's is closed after its answer")
	}
	w.run(10 * time.Millisecond)
	if !mine.open {
		t.Error("the caller's is closed when the answer has come")
	}
	kiosk.hangUp()
	w.rest()
}

func TestAnInviteIsWithdrawnBeforeItsCancelGoesOut(t *testing.T) {
	w, kiosk, _ := pair(t)
	kiosk.dial("desk")
	w.run(5 * time.Millisecond)
	_, do := kiosk.state.On(w.instant(), call.HangUp{Origin: event.Manual})
	callID := kiosk.state.Call.CallID
	want := []call.Effect{
		call.Withdraw{To: "desk", CallID: callID},
		call.Send{To: "desk", CallID: callID, Body: signal.Cancel{Reason: signal.CancelCanceled}, Patience: signal.GiveUp},
		call.CloseMedia{CallID: callID, Peer: "desk"},
	}
	if diff := cmp.Diff(want, do[:3]); diff != "" {
		t.Errorf("first effects (-want +got):\n%s", diff)
	}
	kiosk.hangUp()
	w.rest()
}
