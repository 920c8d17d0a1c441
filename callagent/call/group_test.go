package call_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

func quartet(t *testing.T) (w *world, kiosk, a, b, c *terminal) {
	w = newWorld(t, "kiosk", "a", "b", "c")
	return w, w.parties["kiosk"], w.parties["a"], w.parties["b"], w.parties["c"]
}

func TestTheFirstMemberThatAnswersGetsTheCall(t *testing.T) {
	w, kiosk, a, b, c := quartet(t)
	kiosk.dialGroup("a", "b", "c")
	w.run(time.Second)
	c.hangUp()
	w.run(time.Second)
	b.answer()
	w.run(1500 * time.Millisecond)
	kiosk.hangUp()
	w.rest()
	wantLines(t, "caller's events", kiosk.events, `
		call.created
		room.joined
		op.result invite 1 ok
		call.ringing a
		call.ringing b
		call.ringing c
		call.accepted b remote remote
		call.connected
		member.joined b
		call.tick 1000
		call.hung_up caller kiosk local manual 1490
		call.ended hung_up local connected 1490 kiosk b 3`)
	wantLines(t, "caller's wmpf callbacks", kiosk.callbacks, `
		joinedRoomByCaller
		startVoip
		calling 1
		hangUpVoip 1 endByCaller manual
		endVoip 1 caller`)
	wantLines(t, "loser's events", a.events, `
		call.incoming
		call.canceled remote remote
		call.ended answered_elsewhere remote unconnected kiosk a 101`)
	wantLines(t, "events of the one that refused", c.events, `
		call.incoming
		op.result reject 3 ok
		call.rejected c local manual
		call.ended rejected local unconnected kiosk c 2`)
	for _, p := range []*terminal{kiosk, a, b, c} {
		for _, r := range p.records {
			if r.CallID != kiosk.records[0].CallID || r.GroupID != "" {
				t.Errorf("%s: %s is of call %q and group %q", p.user.ID, r.Data.Name(), r.CallID, r.GroupID)
			}
		}
	}
}

func TestTwoMembersAnswerAtOnce(t *testing.T) {
	w, kiosk, a, b, _ := quartet(t)
	kiosk.dialGroup("a", "b")
	w.run(time.Second)
	a.answer()
	b.answer()
	w.run(time.Second)
	if kiosk.state.Peer != "a" || a.state.Phase != call.Talking {
		t.Errorf("the caller talks to %q, a is %v", kiosk.state.Peer, a.state.Phase)
	}
	wantLines(t, "loser's events", b.events, `
		call.incoming
		call.accepted b local manual
		op.result accept 2 ok
		room.joined
		call.canceled remote remote
		call.ended answered_elsewhere remote unconnected kiosk b 101`)
	kiosk.hangUp()
	w.rest()
}

func TestTheLastMemberDecidesHowAGroupCallFails(t *testing.T) {
	for name, tt := range map[string]struct {
		play func(w *world, kiosk, a, b *terminal)
		want string
	}{
		"all refuse": {func(w *world, _, a, b *terminal) { a.hangUp(); w.run(time.Second); b.hangUp() }, `
			call.rejected b remote remote
			call.ended rejected remote unconnected kiosk @desks 12`},
		"nobody answers": {func(_ *world, _, _, _ *terminal) {}, `
			call.no_answer @desks remote
			call.ended no_answer remote unconnected kiosk @desks 15`},
		"one refuses, the other does not answer": {func(_ *world, _, a, _ *terminal) { a.hangUp() }, `
			call.no_answer @desks remote
			call.ended no_answer remote unconnected kiosk @desks 15`},
		"the caller gives up": {func(_ *world, kiosk, _, _ *terminal) { kiosk.hangUp() }, `
			op.result cancel 3 ok
			call.canceled local manual
			call.ended canceled local unconnected kiosk @desks 1`},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, a, b, _ := quartet(t)
			kiosk.dialGroup("a", "b")
			w.run(time.Second)
			tt.play(w, kiosk, a, b)
			w.rest()
			wantLines(t, "caller's last events", last(kiosk, len(lines(tt.want))), tt.want)
			ended := 0
			for _, e := range kiosk.events {
				if strings.HasPrefix(e, "call.ended") {
					ended++
				}
			}
			if ended != 1 {
				t.Errorf("%d call.ended: %v", ended, kiosk.events)
			}
		})
	}
}

func TestMembersAppearWhileItRings(t *testing.T) {
	w, kiosk, a, b, _ := quartet(t)
	kiosk.dialGroup() // not known yet
	if kiosk.state.Phase != call.Dialing {
		t.Fatalf("phase %v", kiosk.state.Phase)
	}
	w.run(time.Second)
	members := func(users ...event.User) {
		kiosk.on(call.MembersChanged{CallID: kiosk.state.Call.CallID, Members: users})
	}
	members(a.user, kiosk.user)
	w.run(time.Second)
	a.hangUp() // alone, so this ends the call
	w.run(time.Second)
	if kiosk.state.Phase != call.Idle {
		t.Fatalf("phase %v", kiosk.state.Phase)
	}

	kiosk.dialGroup("a")
	w.run(time.Second)
	members(a.user, b.user)
	members(a.user, b.user)
	w.run(time.Second)
	if got := kiosk.state.Parties(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("rings %v", got)
	}
	a.hangUp()
	w.run(time.Second)
	members(a.user, b.user) // one that refused is not rung again
	w.run(time.Second)
	b.answer()
	w.run(time.Second)
	members(a.user, b.user, event.User{ID: "c"}) // too late
	w.run(time.Second)
	if kiosk.state.Phase != call.Talking || kiosk.state.Peer != "b" || len(kiosk.state.Legs) != 1 {
		t.Errorf("%v with %v", kiosk.state.Phase, kiosk.state.Parties())
	}
	kiosk.hangUp()
	w.rest()
}

func TestAGroupWithoutMembersIsNotAnswered(t *testing.T) {
	w, kiosk, _, _, _ := quartet(t)
	kiosk.dialGroup()
	w.rest()
	wantLines(t, "caller's events", kiosk.events, `
		call.created
		op.result invite 1 failed
		call.no_answer @desks remote
		call.ended no_answer remote unconnected kiosk @desks 15`)
}

func TestALegThatFailsIsCancelledAndTheOthersRing(t *testing.T) {
	w, kiosk, a, b, _ := quartet(t)
	kiosk.dialGroup("a", "b")
	w.run(time.Second)
	kiosk.on(call.MediaFailed{CallID: kiosk.state.Call.CallID, Peer: "a", Detail: "bad answer"})
	w.run(time.Second)
	wantLines(t, "its events", a.events, `
		call.incoming
		call.aborted remote peer_abort 0
		call.ended join_failed remote unconnected kiosk a 17`)
	b.answer()
	w.run(time.Second)
	if kiosk.state.Phase != call.Talking {
		t.Errorf("phase %v", kiosk.state.Phase)
	}
	kiosk.hangUp()
	w.rest()
}

func TestAMemberThatCannotBeReachedDoesNotMatter(t *testing.T) {
	w, kiosk, _, b, _ := quartet(t)
	w.noBroker("a")
	kiosk.dialGroup("a", "b")
	w.run(30 * time.Second)
	b.answer()
	w.run(time.Second)
	if kiosk.state.Phase != call.Talking {
		t.Errorf("phase %v", kiosk.state.Phase)
	}
	kiosk.hangUp()
	w.rest()
}

func TestTheLegsOfAGroupAreBounded(t *testing.T) {
	var users []event.User
	for i := range 100 {
		users = append(users, event.User{ID: fmt.Sprintf("desk-%d", i)})
	}
	s, do := call.State{}.On(call.Instant{}, call.Dial{
		Call: event.Call{CallID: "c"}, Callees: users, Ring: true, Group: event.User{ID: "@desks"}, Rules: call.Rules{RingTimeout: time.Minute},
	})
	offers := 0
	for _, e := range do {
		if _, ok := e.(call.MakeOffer); ok {
			offers++
		}
	}
	if len(s.Legs) != call.MaxLegs || offers != call.MaxLegs {
		t.Errorf("%d legs, %d offers", len(s.Legs), offers)
	}
}

func TestNobodySpeaksBeforeItIsInvited(t *testing.T) {
	w, kiosk, _, _, _ := quartet(t)
	kiosk.dialGroup("a") // the offer is still being made
	if got := kiosk.state.Judge("a", kiosk.state.Call.CallID, signal.TypeAccept); got != signal.CodeUnknownCall {
		t.Errorf("Judge = %q", got)
	}
	w.run(time.Second)
	if got := kiosk.state.Judge("a", kiosk.state.Call.CallID, signal.TypeAccept); got != "" {
		t.Errorf("Judge = %q", got)
	}
	if got := kiosk.state.Judge("b", kiosk.state.Call.CallID, signal.TypeAccept); got != signal.CodeUnknownCall {
		t.Errorf("Judge of a stranger = %q", got)
	}
	kiosk.hangUp()
	w.rest()
}

// TestBothSidesAgreeOverABadTransport lets people press buttons at random times
// while the transport loses, delays and reorders, and compares what the two
// sides report.
func TestBothSidesAgreeOverABadTransport(t *testing.T) {
	reasons := map[event.EndReason]int{}
	for seed := range uint64(300) {
		w, kiosk, desk := pair(t)
		w.lossy(seed)
		rng := rand.New(rand.NewPCG(seed, 3))
		kiosk.rules.RingTimeout = time.Duration(1+rng.IntN(20)) * time.Second
		soon := func() time.Duration { return time.Duration(rng.IntN(8000)) * time.Millisecond }
		kiosk.dial("desk")
		for _, act := range []func(){desk.answer, desk.hangUp, kiosk.hangUp} {
			if rng.IntN(3) > 0 {
				w.after(soon(), act)
			}
		}
		w.after(30*time.Second, kiosk.hangUp)
		w.rest()
		if len(desk.records) == 0 { // the invite never got through, or came after its cancel
			continue
		}
		a := kiosk.records[len(kiosk.records)-1].Data.(event.CallEnded)
		b := desk.records[len(desk.records)-1].Data.(event.CallEnded)
		reasons[a.Reason]++
		crossed := b.Local && (a.Local || a.Reason == event.EndNoAnswer) // both sides ended it before they heard of the other
		same := a.Reason == b.Reason && a.Local != b.Local
		// Joined may still be on its way when the call ends again.
		connected := a.Connected == b.Connected || a.TalkMs+b.TalkMs < 2000
		if !same && !crossed || !connected || a.Reason == event.EndAborted || b.Reason == event.EndAborted {
			t.Errorf("seed %d:\n%s\n%s", seed, strings.Join(kiosk.events, "\n"), strings.Join(desk.events, "\n"))
		}
	}
	if len(reasons) < 4 {
		t.Errorf("only %v was tried", reasons)
	}
}
