package call_test

import (
	"encoding/json"
	"fmt"
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

func TestWhoOwnsTheTimeLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		caller, callee time.Duration
		gone           string // does not act, so that the other must
		owner          string
		talkMs         int64
	}{
		"the caller's alone":                       {5 * time.Second, 0, "", "kiosk", 5000},
		"the caller's, smaller":                    {5 * time.Second, 6 * time.Second, "", "kiosk", 5000},
		"the same":                                 {5 * time.Second, 5 * time.Second, "", "kiosk", 5000},
		"the callee's, smaller":                    {6 * time.Second, 5 * time.Second, "", "desk", 5000},
		"the callee's alone":                       {0, 5 * time.Second, "", "desk", 5000},
		"the caller's, who is gone":                {5 * time.Second, 0, "kiosk", "desk", 7000},
		"the same, and the caller is gone":         {5 * time.Second, 5 * time.Second, "kiosk", "desk", 7000},
		"the callee's, who is gone":                {6 * time.Second, 5 * time.Second, "desk", "kiosk", 6000},
		"no limit at all":                          {0, 0, "", "", 0},
		"the callee's is larger, the caller gone ": {5 * time.Second, 6 * time.Second, "kiosk", "desk", 7000},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			kiosk.rules.TimeLimit, desk.rules.TimeLimit = tt.caller, tt.callee
			talk(w, kiosk, desk)
			if tt.gone != "" {
				w.parties[tt.gone].timers = map[timer]time.Duration{}
			}
			w.run(time.Minute)
			if tt.owner == "" {
				if kiosk.state.Phase != call.Talking {
					t.Errorf("phase %v", kiosk.state.Phase)
				}
				return
			}
			for _, p := range []*terminal{kiosk, desk} {
				end, ok := p.records[len(p.records)-1].Data.(event.CallEnded)
				if !ok || end.Reason != event.EndTimeLimit || end.Local != (p.user.ID == tt.owner) || end.TalkMs != tt.talkMs {
					t.Errorf("%s: %v", p.user.ID, last(p, 3))
				}
			}
		})
	}
}

func TestTheCallerOwnsTheRingTimeout(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.dial("desk")
	w.run(time.Second)
	w.noBroker("kiosk") // its cancel does not arrive
	w.run(59 * time.Second)
	if kiosk.state.Phase != call.Idle || desk.state.Phase != call.RingingIn {
		t.Errorf("after 60 s: %v, %v", kiosk.state.Phase, desk.state.Phase)
	}
	w.run(2*time.Second + 20*time.Millisecond)
	wantLines(t, "callee's events", desk.events, calleeRings+`
		call.no_answer desk local
		call.ended no_answer local unconnected kiosk desk 5`)
}

func TestAnInvitationThatNobodyReceives(t *testing.T) {
	w, kiosk, desk := pair(t)
	w.noBroker("desk")
	kiosk.dial("desk")
	w.rest()
	wantLines(t, "caller's events", kiosk.events, `
		call.created
		room.joined
		op.result invite 1 failed
		call.no_answer desk remote
		call.ended no_answer remote unconnected kiosk desk 15`)
	wantLines(t, "callee's events", desk.events, ``)
}

func TestACallerThatVanishesWhileItRings(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.dial("desk")
	w.run(14 * time.Millisecond) // the invite arrives
	w.noBroker("kiosk")
	w.run(11 * time.Second)
	wantLines(t, "callee's events", desk.events, calleeRings+`
		call.aborted local wait_peer_timeout 0
		call.ended aborted local unconnected kiosk desk 7`)
}

func TestAPeerThatConfirmsNothingWhileTalking(t *testing.T) {
	w, kiosk, desk := pair(t)
	talk(w, kiosk, desk)
	w.noBroker("desk")
	kiosk.on(call.Mute{On: true})
	w.run(10 * time.Second)
	wantLines(t, "caller's last events", last(kiosk, 3), `
		call.tick 13000
		call.aborted local wait_peer_timeout 13490
		call.ended aborted local connected 13490 kiosk desk 7`)
	if !slices.Contains(kiosk.sent, "desk hangup") {
		t.Errorf("sent %v", kiosk.sent)
	}
}

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

func TestAcceptAgainstCancel(t *testing.T) {
	for name, play := range map[string]func(w *world, kiosk, desk *terminal){
		"the caller cancels while accept is on its way": func(_ *world, kiosk, desk *terminal) {
			desk.answer()
			kiosk.hangUp()
		},
		"the ring timeout runs off while accept is on its way": func(_ *world, kiosk, desk *terminal) {
			desk.answer()
			kiosk.on(call.Expired{CallID: kiosk.state.Call.CallID, Timer: call.RingTimer})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			kiosk.dial("desk")
			w.run(time.Second)
			play(w, kiosk, desk)
			w.rest()
			// The caller's first outcome stands, and the callee records it.
			for _, p := range []*terminal{kiosk, desk} {
				end := p.records[len(p.records)-1].Data.(event.CallEnded)
				if end.Connected || (end.Reason != event.EndCanceled && end.Reason != event.EndNoAnswer) {
					t.Errorf("%s: %v", p.user.ID, p.events)
				}
			}
			if !slices.Contains(desk.events, "call.accepted desk local manual") {
				t.Errorf("desk: %v", desk.events)
			}
		})
	}
}

func TestGlare(t *testing.T) {
	w := newWorld(t, "alpha", "beta")
	alpha, beta := w.parties["alpha"], w.parties["beta"]
	alpha.dial("beta")
	beta.dial("alpha")
	w.run(2 * time.Second)
	beta.hangUp()
	w.rest()
	wantLines(t, "the lower address's events", alpha.events, `
		call.created
		room.joined
		op.result invite 1 ok
		call.accepted beta remote remote
		call.connected
		member.joined beta
		call.tick 1000
		call.hung_up callee beta remote remote 1932
		member.left beta quit
		call.ended hung_up remote connected 1932 alpha beta 13`)
	wantLines(t, "the higher address's events", beta.events, `
		call.created
		room.joined
		call.canceled local system
		call.ended canceled local unconnected beta alpha 1
		call.incoming
		call.accepted beta local system
		op.result accept 0 ok
		room.joined
		call.connected
		member.joined alpha
		call.tick 1000
		call.hung_up callee beta local manual 1932
		call.ended hung_up local connected 1932 alpha beta 3`)
}

func TestGlareWithACallToMany(t *testing.T) {
	// alpha calls beta while beta calls a ring group that alpha is in: beta is
	// busy for alpha, and alpha must not leave beta waiting for it.
	w := newWorld(t, "alpha", "beta", "gamma")
	alpha, beta, gamma := w.parties["alpha"], w.parties["beta"], w.parties["gamma"]
	alpha.dial("beta")
	beta.dialGroup("alpha", "gamma")
	w.run(time.Second)
	wantLines(t, "alpha's events", alpha.events, `
		call.created
		room.joined
		op.result invite 1 ok
		call.busy beta remote
		call.ended busy remote unconnected alpha beta 14
		call.busy alpha local`)
	if got := beta.state.Parties(); !slices.Equal(got, []string{"gamma"}) {
		t.Errorf("beta still rings %v", got)
	}
	gamma.hangUp()
	w.rest()
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

func TestNoDescriptionInTime(t *testing.T) {
	w, kiosk, desk := pair(t)
	desk.slow = true
	kiosk.dial("desk")
	w.run(time.Second)
	desk.answer()
	w.run(21 * time.Second)
	wantLines(t, "callee's events", desk.events, calleeAnswered+`
		call.aborted local wait_peer_timeout 0
		call.ended aborted local unconnected kiosk desk 7`)
	wantLines(t, "caller's last events", last(kiosk, 2), `
		call.aborted remote wait_peer_timeout 0
		call.ended aborted remote unconnected kiosk desk 17`)
}

func TestMediaThatFail(t *testing.T) {
	fail := func(p *terminal, peer string) {
		p.on(call.MediaFailed{CallID: p.state.Call.CallID, Peer: peer, Detail: "unplugged"})
	}
	for name, tt := range map[string]struct {
		play           func(w *world, kiosk, desk *terminal)
		caller, callee string
	}{
		"at the caller while it rings": {
			func(w *world, kiosk, _ *terminal) {
				kiosk.dial("desk")
				w.run(time.Second)
				fail(kiosk, "desk")
			},
			callerRings + `
				call.aborted local media_device 0
				call.ended aborted local unconnected kiosk desk 8`,
			calleeRings + `
				call.aborted remote peer_abort 0
				call.ended join_failed remote unconnected kiosk desk 17`,
		},
		"at the callee between its answer and its description": {
			func(w *world, kiosk, desk *terminal) {
				desk.slow = true
				kiosk.dial("desk")
				w.run(time.Second)
				desk.answer()
				fail(desk, "kiosk")
			},
			`
				call.created
				room.joined
				op.result invite 1 ok
				call.accepted desk remote remote
				call.aborted remote peer_abort 0
				call.ended join_failed remote unconnected kiosk desk 17`,
			calleeAnswered + `
				room.join_failed unplugged
				call.ended join_failed local unconnected kiosk desk 7`,
		},
		"at the callee while it rings, its description made": {
			func(w *world, kiosk, desk *terminal) {
				kiosk.dial("desk")
				w.run(time.Second)
				fail(desk, "kiosk")
				fail(desk, "kiosk")
				desk.answer()
				if desk.leg(desk.records[0].CallID, "kiosk").open {
					w.t.Error("the microphone is open")
				}
			},
			callerAnswered + `
				call.aborted remote peer_abort 0
				call.ended join_failed remote unconnected kiosk desk 17`,
			calleeAnswered + `
				room.join_failed unplugged
				call.ended join_failed local unconnected kiosk desk 7`,
		},
		"at the caller while connecting": {
			func(w *world, kiosk, desk *terminal) {
				w.noPath = true
				kiosk.dial("desk")
				w.run(time.Second)
				desk.answer()
				w.run(time.Second)
				fail(kiosk, "desk")
			},
			callerAnswered + `
				call.aborted local media_device 0
				call.ended aborted local unconnected kiosk desk 8`,
			calleeAnswered + `
				room.joined
				call.aborted remote media_device 0
				call.ended aborted remote unconnected kiosk desk 18`,
		},
		"at the callee while talking": {
			func(w *world, kiosk, desk *terminal) {
				talk(w, kiosk, desk)
				fail(desk, "kiosk")
			},
			callerTalks + `
				call.aborted remote media_device 3480
				member.left desk quit
				call.ended aborted remote connected 3480 kiosk desk 18`,
			calleeTalks + `
				call.aborted local media_device 3480
				call.ended aborted local connected 3480 kiosk desk 8`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			tt.play(w, kiosk, desk)
			w.rest()
			wantLines(t, "caller's events", kiosk.events, tt.caller)
			wantLines(t, "callee's events", desk.events, tt.callee)
		})
	}
}

func TestMute(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.on(call.Mute{On: true}) // no call: nothing
	kiosk.dial("desk")
	w.run(time.Second)
	kiosk.on(call.Mute{On: true})
	kiosk.on(call.Mute{On: true})
	if slices.Contains(kiosk.sent, "desk state") {
		t.Error("the callee was told before it answered")
	}
	desk.answer()
	w.run(500 * time.Millisecond)
	kiosk.on(call.Mute{On: false})
	w.run(200 * time.Millisecond)
	desk.on(call.Mute{On: true})
	w.run(200 * time.Millisecond)
	if !desk.muted {
		t.Error("the callee's microphone is open")
	}
	desk.hangUp()
	w.rest()
	wantLines(t, "caller's events", kiosk.events, callerRings+`
		media.state kiosk local audio false
		call.accepted desk remote remote
		call.connected
		member.joined desk
		media.state kiosk local audio true
		media.state desk remote audio false
		call.hung_up callee desk remote remote 880
		member.left desk quit
		call.ended hung_up remote connected 880 kiosk desk 13`)
	wantLines(t, "callee's events", desk.events, calleeAnswered+`
		room.joined
		call.connected
		member.joined kiosk
		media.state kiosk remote audio false
		media.state kiosk remote audio true
		media.state desk local audio false
		call.hung_up callee desk local manual 880
		call.ended hung_up local connected 880 kiosk desk 3`)
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

func TestMediaLost(t *testing.T) {
	for name, tt := range map[string]struct {
		linkUp, beforeConnect bool
		want                  string
	}{
		"with the own link up it is the peer's fault": {true, false, `
			call.aborted remote media_lost 3490
			member.left desk offline
			call.ended aborted remote connected 3490 kiosk desk 17`},
		"with the own link down it is the own fault": {false, false, `
			call.tick 11000
			call.aborted local media_lost 3490
			call.ended aborted local connected 3490 kiosk desk 7`},
		"of a packet from before the call was connected no talk is left": {true, true, `
			call.aborted remote media_lost 0
			member.left desk offline
			call.ended aborted remote connected 0 kiosk desk 17`},
	} {
		t.Run(name, func(t *testing.T) {
			w, kiosk, desk := pair(t)
			talk(w, kiosk, desk)
			heard := w.now
			if tt.beforeConnect {
				heard = time.Second
			}
			w.run(8 * time.Second)
			kiosk.on(call.TransportLost{CallID: kiosk.state.Call.CallID, Peer: "desk", Heard: heard, LinkUp: tt.linkUp})
			wantLines(t, "caller's last events", last(kiosk, 3), tt.want)
		})
	}
}

func TestATransportLostWhileConnectingIsTheJoinTimersToJudge(t *testing.T) {
	w, kiosk, desk := pair(t)
	kiosk.dial("desk")
	w.run(time.Second)
	before := len(kiosk.events)
	kiosk.on(call.TransportLost{CallID: kiosk.state.Call.CallID, Peer: "desk", Heard: w.now})
	desk.answer()
	w.run(time.Second)
	wantLines(t, "caller's events", kiosk.events[before:], `call.accepted desk remote remote`)
	kiosk.on(call.TransportUp{CallID: kiosk.state.Call.CallID, Peer: "desk"})
	w.run(100 * time.Millisecond)
	if kiosk.state.Phase != call.Talking || desk.state.Phase != call.Talking {
		t.Errorf("phases %v, %v", kiosk.state.Phase, desk.state.Phase)
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
			Caller: kiosk, Callees: []event.User{desk}, RoomID: "r", RoomNum: 9, Media: event.Audio, SDP: "offer", RingTimeoutMs: 58000,
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

func TestTimesOfAPeerAreBounded(t *testing.T) {
	for name, ms := range map[string]int64{"none": 0, "the largest": 1<<63 - 1, "one that overflows": 1 << 50} {
		t.Run(name, func(t *testing.T) {
			_, do := call.State{}.On(call.Instant{}, call.Invited{
				From: "kiosk", CallID: "c", Rules: call.Rules{RingTimeout: time.Minute, AutoAnswer: -1},
				Invite: signal.Invite{Caller: event.User{ID: "kiosk"}, RingTimeoutMs: ms, TimeLimitMs: ms},
			})
			for _, e := range do {
				if s, ok := e.(call.StartTimer); ok && (s.After < time.Minute || s.After > 366*24*time.Hour) {
					t.Errorf("timer of %v", s.After)
				}
			}
		})
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
