package call_test

import (
	"fmt"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

func TestReasonsOfARejection(t *testing.T) {
	for reason, want := range map[signal.RejectReason]string{
		signal.RejectRejected: `
			call.rejected desk remote remote
			call.ended rejected remote unconnected kiosk desk 12`,
		signal.RejectBusy: `
			call.busy desk remote
			call.ended busy remote unconnected kiosk desk 14`,
		signal.RejectDoNotDisturb: `
			call.rejected desk remote remote do_not_disturb
			call.ended rejected remote unconnected kiosk desk 12`,
		signal.RejectForbidden: `
			call.rejected desk remote remote forbidden
			call.ended rejected remote unconnected kiosk desk 12`,
		signal.RejectUnsupported: `
			call.rejected desk remote remote unsupported
			call.ended rejected remote unconnected kiosk desk 16`,
		signal.RejectJoinFailed: `
			call.aborted remote peer_abort 0
			call.ended join_failed remote unconnected kiosk desk 17`,
		"asleep": `
			call.rejected desk remote remote asleep
			call.ended rejected remote unconnected kiosk desk 12`,
	} {
		t.Run(string(reason), func(t *testing.T) {
			w, kiosk, _ := pair(t)
			kiosk.dial("desk")
			w.run(time.Second)
			kiosk.on(call.Got{From: "desk", CallID: kiosk.state.Call.CallID, ID: "x", Body: signal.Reject{Reason: reason}})
			wantLines(t, "caller's last events", last(kiosk, 2), want)
			if kiosk.state.Phase != call.Idle {
				t.Errorf("phase %v", kiosk.state.Phase)
			}
		})
	}
}

func TestReasonsOfACancellation(t *testing.T) {
	for reason, want := range map[signal.CancelReason]string{
		signal.CancelCanceled: `
			call.canceled remote remote
			call.ended canceled remote unconnected kiosk desk 11`,
		signal.CancelNoAnswer: `
			call.no_answer desk local
			call.ended no_answer local unconnected kiosk desk 5`,
		signal.CancelAnsweredElsewhere: `
			call.canceled remote remote
			call.ended answered_elsewhere remote unconnected kiosk desk 101`,
		signal.CancelRejectedElsewhere: `
			call.canceled remote remote
			call.ended rejected_elsewhere remote unconnected kiosk desk 102`,
		signal.CancelJoinFailed: `
			call.aborted remote peer_abort 0
			call.ended join_failed remote unconnected kiosk desk 17`,
		"bored": `
			call.canceled remote remote
			call.ended canceled remote unconnected kiosk desk 11`,
	} {
		for _, answered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answered %v", reason, answered), func(t *testing.T) {
				w, kiosk, desk := pair(t)
				w.noPath = true
				kiosk.dial("desk")
				w.run(time.Second)
				if answered {
					desk.answer()
				}
				desk.on(call.Got{From: "kiosk", CallID: desk.state.Call.CallID, ID: "x", Body: signal.Cancel{Reason: reason}})
				wantLines(t, "callee's last events", last(desk, 2), want)
			})
		}
	}
}

func TestReasonsOfAHangUp(t *testing.T) {
	for name, tt := range map[string]struct {
		with signal.Hangup
		want string
	}{
		"hung up": {signal.Hangup{Reason: signal.HangupHungUp, TalkMs: 3000}, `
			call.hung_up callee desk remote remote 3000
			member.left desk quit
			call.ended hung_up remote connected 3000 kiosk desk 13`},
		"a reason of a later version": {signal.Hangup{Reason: "tired", TalkMs: 3000}, `
			call.hung_up callee desk remote remote 3000
			member.left desk quit
			call.ended hung_up remote connected 3000 kiosk desk 13`},
		"the talk time is 1000 ms from ours": {signal.Hangup{Reason: signal.HangupHungUp, TalkMs: 2490}, `
			call.hung_up callee desk remote remote 2490
			member.left desk quit
			call.ended hung_up remote connected 2490 kiosk desk 13`},
		"the talk time is too far from ours": {signal.Hangup{Reason: signal.HangupHungUp, TalkMs: 2489}, `
			call.hung_up callee desk remote remote 3490
			member.left desk quit
			call.ended hung_up remote connected 3490 kiosk desk 13`},
		"the talk time is absurd": {signal.Hangup{Reason: signal.HangupHungUp, TalkMs: 1<<63 - 1}, `
			call.hung_up callee desk remote remote 3490
			member.left desk quit
			call.ended hung_up remote connected 3490 kiosk desk 13`},
		"their time limit": {signal.Hangup{Reason: signal.HangupTimeLimit, TalkMs: 3000}, `
			call.hung_up callee desk remote remote 3000
			member.left desk quit
			call.ended time_limit remote connected 3000 kiosk desk 13`},
		"their media are lost": {signal.Hangup{Reason: signal.HangupAborted, Cause: event.MediaLost, TalkMs: 3000}, `
			call.aborted remote media_lost 3000
			member.left desk offline
			call.ended aborted remote connected 3000 kiosk desk 17`},
		"another call took over": {signal.Hangup{Reason: signal.HangupAborted, Cause: event.OtherIncomingCall, TalkMs: 3000}, `
			call.aborted remote other_incoming_call 3000
			member.left desk quit
			call.ended aborted remote connected 3000 kiosk desk 34`},
		"they waited in vain": {signal.Hangup{Reason: signal.HangupAborted, Cause: event.WaitPeerTimeout, TalkMs: 3000}, `
			call.aborted remote wait_peer_timeout 3000
			member.left desk timeout
			call.ended aborted remote connected 3000 kiosk desk 17`},
		"aborted without a cause": {signal.Hangup{Reason: signal.HangupAborted, TalkMs: 3000}, `
			call.aborted remote peer_abort 3000
			member.left desk quit
			call.ended aborted remote connected 3000 kiosk desk 17`},
		"they could not join": {signal.Hangup{Reason: signal.HangupJoinFailed, TalkMs: 3000}, `
			call.aborted remote peer_abort 3000
			member.left desk quit
			call.ended join_failed remote connected 3000 kiosk desk 17`},
		"kicked": {signal.Hangup{Reason: signal.HangupKicked, TalkMs: 3000}, `
			call.aborted remote kicked 3000
			member.left desk quit
			call.ended kicked remote connected 3000 kiosk desk 33`},
		"the room was closed": {signal.Hangup{Reason: signal.HangupRoomClosed, TalkMs: 3000}, `
			call.hung_up callee desk remote remote 3000
			member.left desk room_closed
			call.ended room_closed remote connected 3000 kiosk desk 13`},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			talk(w, kiosk, desk)
			kiosk.on(call.Got{From: "desk", CallID: kiosk.state.Call.CallID, ID: "x", Body: tt.with})
			wantLines(t, "caller's last events", last(kiosk, 3), tt.want)
		})
	}
}

func TestAnEndedCallIsDatedByItsTalkTime(t *testing.T) {
	w, kiosk, desk := pair(t)
	talk(w, kiosk, desk)
	kiosk.hangUp()
	w.rest()
	for _, p := range []*terminal{kiosk, desk} {
		end := p.records[len(p.records)-1].Data.(event.CallEnded)
		if end.EndAt != end.BeginAt+end.TalkMs || end.BeginAt == 0 {
			t.Errorf("%s: begin %d, end %d, talk %d", p.user.ID, end.BeginAt, end.EndAt, end.TalkMs)
		}
	}
}
