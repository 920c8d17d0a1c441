package signal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hailpoint/callagent/signal"
)

func TestIDsAreKeptForTheCallAndTwoMinutes(t *testing.T) {
	for name, tt := range map[string]struct {
		after time.Duration
		keep  bool
		want  []string
	}{
		"within two minutes of the end": {2*time.Minute - time.Second, false, []string{"kiosk-17 received k1"}},
		"later":                         {2 * time.Minute, false, []string{"kiosk-17 invite 0", "kiosk-17 received k1"}},
		"later, of a call still in use": {3 * time.Minute, true, []string{"kiosk-17 received k1"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := signal.NewExchange(ids("d"))
			take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
			take(x, 0, "kiosk-17", from("k2", 1, signal.Hangup{Reason: signal.HangupHungUp}), "")
			if tt.keep {
				x.Keep(start.Add(tt.after-time.Minute), "kiosk-17", "c1")
				x.Keep(start, "nobody", "c1")
			}
			x.Expire(start.Add(tt.after))
			got, out := take(x, tt.after, "kiosk-17", from("k1", 0, invite()), "")
			want(t, "the invite again", append(got, out...), tt.want)
		})
	}
}

func TestACallThatRingsForLongKeepsItsNumbers(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), 10*time.Minute)
	take(x, 0, "desk-1", signal.Message{ID: "d0", CallID: "c1", Body: signal.Received{Ref: "k1"}}, "")
	take(x, 0, "desk-1", from("d1", 0, signal.Ringing{}), "")
	x.Expire(start.Add(9 * time.Minute))
	out := x.Send(start.Add(9*time.Minute), "desk-1", "c1", signal.Cancel{Reason: signal.CancelCanceled}, signal.GiveUp)
	want(t, "cancel", said(out), []string{"desk-1 cancel 1"})
}

func TestALongCallIsHeardToItsEnd(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	for n := range uint64(5000) {
		got, _ := take(x, 0, "kiosk-17", from(fmt.Sprintf("k%d", n), n, signal.State{Audio: n%2 == 0}), "")
		if len(got) != 1 {
			t.Fatalf("message %d: delivered %v", n, got)
		}
	}
	got, out := take(x, 0, "kiosk-17", from("k4999", 4999, signal.State{}), "")
	want(t, "the last again", append(got, out...), []string{"kiosk-17 received k4999"})
	got, out = take(x, 0, "kiosk-17", from("k0", 0, signal.State{}), "")
	want(t, "the first again, whose id is no longer kept", append(got, out...), []string{"kiosk-17 error k0 out_of_order"})
}

func TestMessagesTooFarAheadAreNotTaken(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	for n := uint64(1); n <= 100; n++ {
		take(x, 0, "kiosk-17", from(fmt.Sprintf("k%d", n), n, candidate(int(n))), "")
	}
	got, out := take(x, 0, "kiosk-17", from("last", ^uint64(0), candidate(0)), "")
	want(t, "the farthest number", append(got, out...), nil)
	if c := x.Counters(); c.Overflow != 37 {
		t.Errorf("counters %+v, want 37 dropped", c)
	}
	got, _ = take(x, 0, "kiosk-17", from("k0", 0, invite()), "")
	if len(got) != 65 {
		t.Errorf("%d delivered, want the invite and the 64 held", len(got))
	}
	got, _ = take(x, 0, "kiosk-17", from("k65", 65, candidate(65)), "") // repeated by the peer
	want(t, "the first that was dropped", got, []string{"kiosk-17 candidate 65"})
}

func TestAPeerThatConfirmsNothingIsNoLongerHeard(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	heard := 0
	for n := range uint64(10_000) {
		got, _ := take(x, 0, "kiosk-17", from(fmt.Sprintf("k%d", n), n, signal.Text{Scope: "one"}), "")
		if len(got) > 0 {
			heard++
			x.Send(start, "kiosk-17", "c1", signal.TextAck{Ref: "k", OK: true}, signal.GiveUp)
		}
	}
	if heard != 256 {
		t.Errorf("%d of 10000 texts were answered, want 256", heard)
	}
}

func TestAFloodOfInvitesDoesNotTouchARunningCall(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	take(x, 0, "desk-1", signal.Message{ID: "d0", CallID: "c1", Body: signal.Received{Ref: "k1"}}, "")
	take(x, 0, "desk-1", from("d1", 0, signal.Ringing{}), "")
	for i := range 3000 {
		peer, at := fmt.Sprintf("eve-%d", i), start.Add(time.Duration(i)*time.Millisecond)
		id := fmt.Sprintf("e%d", i)
		got, _ := x.Take(at, peer, signal.Message{ID: id, CallID: id, Body: invite()}, "")
		if len(got) > 0 {
			x.Send(at, peer, id, signal.Reject{Reason: signal.RejectBusy}, signal.GiveUp)
		}
	}
	if c := x.Counters(); c.Overflow == 0 {
		t.Errorf("counters %+v, want an overflow", c)
	}
	got, _ := take(x, 4*time.Second, "desk-1", from("d2", 1, signal.Accept{}), "")
	want(t, "accept", got, []string{"desk-1 accept 1"})
	out := said(x.Send(start.Add(4*time.Second), "desk-1", "c1", signal.Joined{}, signal.GiveUp))
	want(t, "joined", out, []string{"desk-1 joined 1"})
}

func TestWithoutAnythingOverNewPeersWait(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	for i := range 1024 {
		id := fmt.Sprintf("e%d", i)
		x.Take(start, "eve", signal.Message{ID: id, CallID: id, Body: invite()}, "")
	}
	got, out := take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	want(t, "one more", append(got, out...), nil)
	want(t, "our own call", said(x.Send(start, "desk-1", "c2", invite(), time.Minute)), []string{"desk-1 invite 0"})
	got, out = take(x, 2*time.Minute, "kiosk-17", from("k1", 0, invite()), "")
	want(t, "two minutes later", append(got, out...), []string{"kiosk-17 invite 0", "kiosk-17 received k1"})
}

func TestTheLatestWithdrawalsAreRemembered(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	cancel := signal.Cancel{Reason: signal.CancelCanceled}
	for i := range 1100 {
		id := fmt.Sprintf("e%d", i)
		x.Take(start.Add(time.Duration(i)*time.Millisecond), "eve", signal.Message{ID: id, CallID: id, N: 1, Body: cancel}, signal.CodeUnknownCall)
	}
	take(x, 2*time.Second, "kiosk-17", from("k2", 1, cancel), signal.CodeUnknownCall)
	got, _ := take(x, 2*time.Second, "kiosk-17", from("k1", 0, invite()), "")
	want(t, "its invite", got, nil)
	if c := x.Counters(); c.WithdrawnNow != 1 || c.Overflow != 77 {
		t.Errorf("counters %+v", c)
	}
}

func TestAbandonedConversationsAreForgotten(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	take(x, 0, "kiosk-18", signal.Message{ID: "k2", CallID: "c2", Body: signal.Cancel{Reason: signal.CancelCanceled}}, signal.CodeUnknownCall)
	var at []time.Duration
	for {
		next, ok := x.Next()
		if !ok {
			break
		}
		x.Expire(next)
		at = append(at, next.Sub(start))
	}
	if !slices.Equal(at, []time.Duration{signal.Remember, time.Hour}) {
		t.Errorf("forgot after %v", at)
	}
}
