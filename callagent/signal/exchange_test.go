package signal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

var start = time.UnixMilli(1767225600000)

// ids returns a maker of short ids that begin with prefix.
func ids(prefix string) func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("%s%d", prefix, n)
	}
}

func invite() signal.Invite {
	return signal.Invite{Caller: kiosk, Callees: []event.User{desk}, Media: event.Audio, SDP: "offer", RingTimeoutMs: 60000}
}

func candidate(n int) signal.Candidate {
	return signal.Candidate{Candidate: json.RawMessage(fmt.Sprintf(`{"candidate":"%d"}`, n))}
}

// said shortens what was put on the wire to "to type n" or "to received ref".
func said(out []signal.Outgoing) []string {
	var s []string
	for _, o := range out {
		switch b := o.Message.Body.(type) {
		case signal.Received:
			s = append(s, fmt.Sprintf("%s received %s", o.To, b.Ref))
		case signal.Error:
			s = append(s, fmt.Sprintf("%s error %s %s", o.To, b.Ref, b.Code))
		default:
			s = append(s, fmt.Sprintf("%s %s %d", o.To, o.Message.Type(), o.Message.N))
		}
	}
	return s
}

// heard shortens what was delivered.
func heard(got []signal.Delivery) []string {
	var s []string
	for _, d := range got {
		switch d := d.(type) {
		case signal.Arrived:
			s = append(s, fmt.Sprintf("%s %s %d", d.From, d.Message.Type(), d.Message.N))
		case signal.Confirmed:
			s = append(s, fmt.Sprintf("%s confirmed %s", d.By, d.Type))
		case signal.Refused:
			s = append(s, fmt.Sprintf("%s refused %s %s", d.By, d.Type, d.Error.Code))
		case signal.Unanswered:
			s = append(s, fmt.Sprintf("%s unanswered %s", d.By, d.Type))
		}
	}
	return s
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// from makes a message of a peer about call c1.
func from(id string, n uint64, b signal.Body) signal.Message {
	return signal.Message{ID: id, CallID: "c1", N: n, At: 1, Body: b}
}

func take(x *signal.Exchange, at time.Duration, peer string, m signal.Message, verdict signal.Code) (got, out []string) {
	d, o := x.Take(start.Add(at), peer, m, verdict)
	return heard(d), said(o)
}

func TestAMessageIsRepeatedUntilItIsConfirmed(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	want(t, "Send", said(x.Send(start, "desk-1", "c1", signal.Joined{}, signal.GiveUp)), []string{"desk-1 joined 0"})
	for _, after := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
		next, ok := x.Next()
		if !ok || !next.Equal(start.Add(after)) {
			t.Fatalf("Next = %v, %v, want %v", next.Sub(start), ok, after)
		}
		got, out := x.Expire(next.Add(-time.Millisecond))
		want(t, "Expire too early", append(heard(got), said(out)...), nil)
		got, out = x.Expire(next)
		want(t, "Expire", append(heard(got), said(out)...), []string{"desk-1 joined 0"})
	}
	got, out := take(x, 4*time.Second, "desk-1", signal.Message{ID: "d1", CallID: "c1", Body: signal.Received{Ref: "k1"}}, "")
	want(t, "received", append(got, out...), []string{"desk-1 confirmed joined"})
	if x.Pending() {
		t.Error("Pending after the confirmation")
	}
	d, o := x.Expire(start.Add(9 * time.Second))
	want(t, "Expire after the confirmation", append(heard(d), said(o)...), nil)
	if c := x.Counters(); c.Retransmits != 3 || c.Unanswered != 0 {
		t.Errorf("counters %+v", c)
	}
}

func TestRepeatsBearTheSameIDAndNumber(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	first := x.Send(start, "desk-1", "c1", signal.Joined{}, signal.GiveUp)
	_, again := x.Expire(start.Add(500 * time.Millisecond))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("repeat (-first +again):\n%s", diff)
	}
}

// run lets time pass by Next until nothing is left to repeat or to notice.
func run(x *signal.Exchange, until time.Duration) (repeats []time.Duration, got []string, end time.Duration) {
	for {
		next, ok := x.Next()
		if !ok || next.After(start.Add(until)) {
			return repeats, got, end
		}
		d, out := x.Expire(next)
		for range out {
			repeats = append(repeats, next.Sub(start))
		}
		if len(d) > 0 {
			got, end = append(got, heard(d)...), next.Sub(start)
		}
	}
}

func TestAnUnansweredMessageIsGivenUpAfterTenSeconds(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", signal.Hangup{Reason: signal.HangupHungUp}, signal.GiveUp)
	repeats, got, end := run(x, time.Minute)
	var wantRepeats []time.Duration
	for _, ms := range []int{500, 1500, 3500, 5500, 7500, 9500} {
		wantRepeats = append(wantRepeats, time.Duration(ms)*time.Millisecond)
	}
	if diff := cmp.Diff(wantRepeats, repeats); diff != "" {
		t.Errorf("repeats (-want +got):\n%s", diff)
	}
	want(t, "deliveries", got, []string{"desk-1 unanswered hangup"})
	if end != signal.GiveUp || x.Pending() {
		t.Errorf("given up after %v, pending %v", end, x.Pending())
	}
}

func TestAnInviteIsRepeatedForItsPatience(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	repeats, got, end := run(x, 2*time.Minute)
	if len(repeats) != 31 { // 0.5, 1.5, 3.5 … 59.5 s
		t.Errorf("%d repeats: %v", len(repeats), repeats)
	}
	want(t, "deliveries", got, []string{"desk-1 unanswered invite"})
	if end != time.Minute {
		t.Errorf("given up after %v, want 1m", end)
	}
}

func TestMessagesBehindAnInviteWaitForItsConfirmation(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	want(t, "invite", said(x.Send(start, "desk-1", "c1", invite(), time.Minute)), []string{"desk-1 invite 0"})
	want(t, "candidate", said(x.Send(start, "desk-1", "c1", candidate(1), signal.GiveUp)), nil)
	want(t, "candidate", said(x.Send(start, "desk-1", "c1", candidate(2), signal.GiveUp)), nil)
	_, out := x.Expire(start.Add(30 * time.Second))
	want(t, "repeats", said(out), []string{"desk-1 invite 0"})
	got, sent := take(x, 31*time.Second, "desk-1", signal.Message{ID: "d1", CallID: "c1", Body: signal.Received{Ref: "k1"}}, "")
	want(t, "deliveries", got, []string{"desk-1 confirmed invite"})
	want(t, "released", sent, []string{"desk-1 candidate 1", "desk-1 candidate 2"})
	repeats, got, end := run(x, time.Hour)
	want(t, "their ten seconds begin when they are sent", got, []string{"desk-1 unanswered candidate", "desk-1 unanswered candidate"})
	if end != 41*time.Second || len(repeats) != 12 {
		t.Errorf("given up after %v and %d repeats", end, len(repeats))
	}
}

func TestARefusedInviteReleasesWhatWaitedBehindIt(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	x.Send(start, "desk-1", "c1", candidate(1), signal.GiveUp)
	got, out := take(x, 0, "desk-1", signal.Message{ID: "d1", CallID: "c1", Body: signal.Error{Ref: "k1", Code: signal.CodeMalformed}}, "")
	want(t, "deliveries", got, []string{"desk-1 refused invite malformed"})
	want(t, "released", out, []string{"desk-1 candidate 1"})
}

func TestAWithdrawnInviteLeavesNoGap(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	x.Send(start, "desk-1", "c1", candidate(1), signal.GiveUp)
	x.Forget("desk-1", "c1", signal.TypeInvite)
	if x.Pending() {
		t.Error("candidates that were never sent are still pending")
	}
	want(t, "cancel", said(x.Send(start, "desk-1", "c1", signal.Cancel{Reason: signal.CancelCanceled}, signal.GiveUp)), []string{"desk-1 cancel 1"})
	_, out := x.Expire(start.Add(5 * time.Second))
	want(t, "repeats", said(out), []string{"desk-1 cancel 1"})
}

func TestAConfirmedInviteThatIsWithdrawnKeepsItsNumbers(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	take(x, 0, "desk-1", signal.Message{ID: "d1", CallID: "c1", Body: signal.Received{Ref: "k1"}}, "")
	x.Send(start, "desk-1", "c1", candidate(1), signal.GiveUp)
	x.Forget("desk-1", "c1", signal.TypeInvite)
	x.Forget("nobody", "c1", signal.TypeInvite)
	want(t, "cancel", said(x.Send(start, "desk-1", "c1", signal.Cancel{Reason: signal.CancelCanceled}, signal.GiveUp)), []string{"desk-1 cancel 2"})
}

func TestMessagesAreDeliveredOnceAndInOrder(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	got, out := take(x, 0, "kiosk-17", from("k3", 2, candidate(2)), "")
	want(t, "n 2, ahead of its turn", append(got, out...), []string{"kiosk-17 received k3"})
	got, out = take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	want(t, "n 0", append(got, out...), []string{"kiosk-17 invite 0", "kiosk-17 received k1"})
	got, out = take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	want(t, "n 0 again", append(got, out...), []string{"kiosk-17 received k1"})
	got, out = take(x, 0, "kiosk-17", from("k3", 2, candidate(2)), "")
	want(t, "n 2 again", append(got, out...), []string{"kiosk-17 received k3"})
	got, out = take(x, 0, "kiosk-17", from("k2", 1, candidate(1)), "")
	want(t, "n 1", append(got, out...), []string{"kiosk-17 candidate 1", "kiosk-17 candidate 2", "kiosk-17 received k2"})
	if c := x.Counters(); c.Repeats != 2 {
		t.Errorf("counters %+v", c)
	}
}

func TestARepeatIsAnsweredAsTheFirstTime(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	for range 2 { // the second time although it might be said by now
		got, out := take(x, 0, "kiosk-17", from("k2", 1, signal.Joined{}), signal.CodeNotAllowed)
		want(t, "answer", append(got, out...), []string{"kiosk-17 error k2 not_allowed"})
	}
	got, out := take(x, 0, "kiosk-17", from("k2", 1, signal.Joined{}), "")
	want(t, "answer", append(got, out...), []string{"kiosk-17 error k2 not_allowed"})
}

func TestWhatIsNotAllowedUsesUpItsNumber(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	got, out := take(x, 0, "kiosk-17", from("k2", 1, signal.Kick{}), signal.CodeNotAllowed)
	want(t, "kick", append(got, out...), []string{"kiosk-17 error k2 not_allowed"})
	got, out = take(x, 0, "kiosk-17", from("k3", 2, candidate(1)), "")
	want(t, "candidate", append(got, out...), []string{"kiosk-17 candidate 2", "kiosk-17 received k3"})
	if c := x.Counters(); c.NotAllowed != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestAMessageAheadOfItsTurnIsNotJudgedYet(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	x.Send(start, "desk-1", "c1", invite(), time.Minute)
	got, out := take(x, 0, "desk-1", from("d3", 2, signal.Joined{}), signal.CodeNotAllowed) // not before accept
	want(t, "joined", append(got, out...), []string{"desk-1 received d3"})
	take(x, 0, "desk-1", from("d1", 0, signal.Ringing{}), "")
	got, _ = take(x, 0, "desk-1", from("d2", 1, signal.Accept{}), "")
	want(t, "accept", got, []string{"desk-1 accept 1", "desk-1 joined 2"})
}

func TestANumberIsUsedOnce(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	got, out := take(x, 0, "kiosk-17", from("k9", 0, candidate(1)), "")
	want(t, "a number of the past", append(got, out...), []string{"kiosk-17 error k9 out_of_order"})
	take(x, 0, "kiosk-17", from("k3", 2, candidate(1)), "")
	got, out = take(x, 0, "kiosk-17", from("k8", 2, candidate(2)), "")
	want(t, "a number that is held", append(got, out...), []string{"kiosk-17 error k8 out_of_order"})
	got, _ = take(x, 0, "kiosk-17", from("k2", 1, candidate(3)), "")
	want(t, "in order", got, []string{"kiosk-17 candidate 1", "kiosk-17 candidate 2"})
}

func TestAMessageForAnUnknownCallIsRefusedAndForgotten(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	for range 2 {
		got, out := take(x, 0, "kiosk-17", from("k2", 1, candidate(1)), signal.CodeUnknownCall)
		want(t, "candidate", append(got, out...), []string{"kiosk-17 error k2 unknown_call"})
	}
	if c := x.Counters(); c.UnknownCall != 2 {
		t.Errorf("counters %+v", c)
	}
	if next, ok := x.Next(); ok {
		t.Errorf("Next = %v, want nothing to do", next)
	}
}

func TestACallIsNotUnknownUntilThePeerKnowsItsEnd(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	x.Send(start, "kiosk-17", "c1", signal.Hangup{Reason: signal.HangupHungUp}, signal.GiveUp) // and it is lost
	got, out := take(x, 0, "kiosk-17", from("k2", 1, candidate(1)), signal.CodeUnknownCall)
	want(t, "candidate", append(got, out...), []string{"kiosk-17 received k2"})
	got, out = take(x, 0, "eve", from("k2", 1, candidate(1)), signal.CodeUnknownCall)
	want(t, "another's candidate", append(got, out...), []string{"eve error k2 unknown_call"})
	take(x, time.Second, "kiosk-17", signal.Message{ID: "k3", CallID: "c1", Body: signal.Received{Ref: "d2"}}, "")
	got, out = take(x, time.Second, "kiosk-17", from("k4", 2, candidate(1)), signal.CodeUnknownCall)
	want(t, "candidate after the confirmation", append(got, out...), []string{"kiosk-17 error k4 unknown_call"})
}

func TestACancelBeforeItsInviteIsRememberedForTwoMinutes(t *testing.T) {
	for name, tt := range map[string]struct {
		by    string
		after time.Duration
		want  []string
	}{
		"the invite comes late":             {"kiosk-17", 119 * time.Second, []string{"kiosk-17 received k1"}},
		"the invite comes after all":        {"kiosk-17", 121 * time.Second, []string{"kiosk-17 invite 0", "kiosk-17 received k1"}},
		"another's call has the same id":    {"desk-2", time.Second, []string{"desk-2 invite 0", "desk-2 received k1"}},
		"the invite comes at once, as late": {"kiosk-17", 0, []string{"kiosk-17 received k1"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := signal.NewExchange(ids("d"))
			got, out := take(x, 0, "kiosk-17", from("k2", 1, signal.Cancel{Reason: signal.CancelCanceled}), signal.CodeUnknownCall)
			want(t, "cancel", append(got, out...), []string{"kiosk-17 received k2"})
			x.Expire(start.Add(tt.after))
			got, out = take(x, tt.after, tt.by, from("k1", 0, invite()), "")
			want(t, "invite", append(got, out...), tt.want)
		})
	}
}

func TestRepliesAreNeitherAnsweredNorRepeated(t *testing.T) {
	x := signal.NewExchange(ids("k"))
	for _, b := range []signal.Body{signal.Received{Ref: "x"}, signal.Error{Ref: "x", Code: signal.CodeUnknownCall}} {
		got, out := take(x, 0, "desk-1", from("d1", 0, b), signal.CodeUnknownCall)
		want(t, string(b.Type()), append(got, out...), nil)
	}
	x.Send(start, "desk-1", "c1", signal.Joined{}, signal.GiveUp)
	got, out := take(x, 0, "desk-1", from("d1", 0, signal.Received{Ref: "x"}), "")
	want(t, "received for another message", append(got, out...), nil)
	got, out = take(x, 0, "desk-1", from("d1", 0, signal.Error{Ref: "x", Code: signal.CodeUnknownCall}), "")
	want(t, "error for another message of the call", append(got, out...), []string{"desk-1 refused  unknown_call"})
	got, out = take(x, 0, "eve", from("d1", 0, signal.Error{Ref: "k1", Code: signal.CodeUnknownCall}), "")
	want(t, "error by another", append(got, out...), nil)
	got, out = take(x, 0, "eve", from("d1", 0, signal.Received{Ref: "k1"}), "")
	want(t, "received by another", append(got, out...), nil)
	if !x.Pending() {
		t.Error("the message is no longer pending")
	}
}

func TestWhatCannotBeReadUsesUpItsNumber(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	bad := func(text string) (got, out []string) {
		_, err := signal.Decode([]byte(text))
		bad, ok := errors.AsType[*signal.DecodeError](err)
		if !ok {
			t.Fatalf("Decode(%s): %v", text, err)
		}
		d, o := x.Bad(start, "kiosk-17", bad)
		return heard(d), said(o)
	}
	got, out := take(x, 0, "kiosk-17", from("k3", 2, candidate(1)), "")
	want(t, "n 2", append(got, out...), []string{"kiosk-17 received k3"})
	for range 2 {
		got, out = bad(`{"v":1,"id":"k2","type":"hold","call_id":"c1","n":1}`)
		want(t, "n 1, of a type of a later version", out, []string{"kiosk-17 error k2 unknown_type"})
		if len(got) > 0 { // the first time
			want(t, "what it held up", got, []string{"kiosk-17 candidate 2"})
		}
	}
	got, _ = take(x, 0, "kiosk-17", from("k4", 3, candidate(2)), "")
	want(t, "n 3", got, []string{"kiosk-17 candidate 3"})
	for name, text := range map[string]string{
		"no JSON":     `hello`,
		"a bad reply": `{"v":1,"id":"k9","type":"received","call_id":"c1","ref":7}`,
	} {
		got, out = bad(text)
		want(t, name, append(got, out...), nil)
	}
	got, out = bad(`{"v":1,"id":"k9","type":"hold","call_id":"c9","n":0}`)
	want(t, "of another call", append(got, out...), []string{"kiosk-17 error k9 unknown_type"})
	got, out = bad(`{"v":1,"id":"k8","type":"joined","call_id":"c1"}`)
	want(t, "without a number", append(got, out...), []string{"kiosk-17 error k8 malformed"})
}

func TestNoCallBeginsTwice(t *testing.T) {
	x := signal.NewExchange(ids("d"))
	got, out := take(x, 0, "kiosk-17", from("k9", 1, invite()), "")
	want(t, "an invite with a number before it", append(got, out...), []string{"kiosk-17 error k9 out_of_order"})
	take(x, 0, "kiosk-17", from("k1", 0, invite()), "")
	x.Send(start, "kiosk-17", "c1", signal.Reject{Reason: signal.RejectBusy}, signal.GiveUp)
	got, out = take(x, 0, "kiosk-17", from("k2", 1, invite()), "")
	want(t, "a second invite", append(got, out...), []string{"kiosk-17 error k2 not_allowed"})
	got, out = take(x, 0, "kiosk-17", from("k4", 3, invite()), "")
	want(t, "a second invite ahead of its turn", append(got, out...), []string{"kiosk-17 error k4 not_allowed"})
	if _, ok := x.Next(); !ok {
		t.Error("the conversation is forgotten")
	}
}
