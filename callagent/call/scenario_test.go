package call_test

import (
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
)

// What both sides report until the callee rings, and until they talk; and what
// a listener of the wmpf vocabulary hears until then.
const (
	callerRings = `
		call.created
		room.joined
		op.result invite 1 ok
		call.ringing desk`
	callerAnswered = callerRings + `
		call.accepted desk remote remote`
	callerTalks = callerAnswered + `
		call.connected
		member.joined desk
		call.tick 1000
		call.tick 2000
		call.tick 3000`
	calleeRings = `
		call.incoming`
	calleeAnswered = calleeRings + `
		call.accepted desk local manual
		op.result accept 2 ok`
	calleeTalks = calleeAnswered + `
		room.joined
		call.connected
		member.joined kiosk
		call.tick 1000
		call.tick 2000
		call.tick 3000`

	wmpfCallerRings = `
		joinedRoomByCaller`
	wmpfCallerTalks = wmpfCallerRings + `
		startVoip
		calling 1
		calling 2
		calling 3`
	wmpfCalleeAnswered = `
		hangOnVoip`
	wmpfCalleeTalks = wmpfCalleeAnswered + `
		startVoip
		calling 1
		calling 2
		calling 3`
)

// talk brings kiosk and desk to talk for 3490 ms.
func talk(w *world, kiosk, desk *terminal) {
	kiosk.dial("desk")
	w.run(2 * time.Second)
	desk.answer()
	w.run(3500 * time.Millisecond)
}

// TestScenarios plays the flows that every vocabulary must tell, kiosk calling
// desk, and checks our own events and the wmpf callbacks of both sides.
func TestScenarios(t *testing.T) {
	for name, tt := range map[string]struct {
		play                   func(w *world, kiosk, desk *terminal)
		caller, callee         string
		wmpfCaller, wmpfCallee string
	}{
		"1 answered, the caller hangs up": {
			play: func(w *world, kiosk, desk *terminal) {
				talk(w, kiosk, desk)
				kiosk.hangUp()
			},
			caller: callerTalks + `
				call.hung_up caller kiosk local manual 3490
				call.ended hung_up local connected 3490 kiosk desk 3`,
			callee: calleeTalks + `
				call.hung_up caller kiosk remote remote 3490
				member.left kiosk quit
				call.ended hung_up remote connected 3490 kiosk desk 13`,
			wmpfCaller: wmpfCallerTalks + `
				hangUpVoip 3 endByCaller manual
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				hangUpVoip 3 endByCaller other
				endVoip 3 receiver`,
		},
		"2 answered, the backend makes the receiver hang up": {
			play: func(w *world, kiosk, desk *terminal) {
				talk(w, kiosk, desk)
				desk.on(call.HangUp{Origin: event.AppForce, OpID: 3})
			},
			caller: callerTalks + `
				call.hung_up callee desk remote remote 3480
				member.left desk quit
				call.ended hung_up remote connected 3480 kiosk desk 13`,
			callee: calleeTalks + `
				call.hung_up callee desk local app_force 3480
				call.ended hung_up local connected 3480 kiosk desk 3`,
			wmpfCaller: wmpfCallerTalks + `
				hangUpVoip 3 endByListener other
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				hangUpVoip 3 endByListener forceFromApp
				endVoip 3 receiver`,
		},
		"3 the receiver rejects": {
			play: func(w *world, kiosk, desk *terminal) {
				kiosk.dial("desk")
				w.run(2 * time.Second)
				desk.hangUp()
			},
			caller: callerRings + `
				call.rejected desk remote remote
				call.ended rejected remote unconnected kiosk desk 12`,
			callee: calleeRings + `
				op.result reject 3 ok
				call.rejected desk local manual
				call.ended rejected local unconnected kiosk desk 2`,
			wmpfCaller: wmpfCallerRings + `
				rejectVoip other
				endVoip 0 caller`,
			wmpfCallee: `
				rejectVoip manual
				endVoip 0 receiver`,
		},
		"4 the caller cancels": {
			play: func(w *world, kiosk, _ *terminal) {
				kiosk.dial("desk")
				w.run(2 * time.Second)
				kiosk.hangUp()
			},
			caller: callerRings + `
				op.result cancel 3 ok
				call.canceled local manual
				call.ended canceled local unconnected kiosk desk 1`,
			callee: calleeRings + `
				call.canceled remote remote
				call.ended canceled remote unconnected kiosk desk 11`,
			wmpfCaller: wmpfCallerRings + `
				cancelVoip manual
				endVoip 0 caller`,
			wmpfCallee: `
				cancelVoip other
				endVoip 0 receiver`,
		},
		"5 nobody answers": {
			play: func(_ *world, kiosk, _ *terminal) { kiosk.dial("desk") },
			caller: callerRings + `
				call.no_answer desk remote
				call.ended no_answer remote unconnected kiosk desk 15`,
			callee: calleeRings + `
				call.no_answer desk local
				call.ended no_answer local unconnected kiosk desk 5`,
			wmpfCaller: wmpfCallerRings + `
				timeout
				endVoip 0 caller`,
			wmpfCallee: `
				timeout
				endVoip 0 receiver`,
		},
		"7 the caller cannot enter the room": {
			play: func(_ *world, kiosk, _ *terminal) {
				kiosk.badDevice = "no microphone"
				kiosk.dial("desk")
			},
			caller: `
				call.created
				room.join_failed no microphone
				call.ended join_failed local unconnected kiosk desk 7`,
			wmpfCaller: `
				joinFailCaller no microphone
				endVoip 0 caller`,
		},
		"8 the receiver answers but cannot enter the room": {
			play: func(w *world, kiosk, desk *terminal) {
				desk.badDevice = "no microphone"
				kiosk.dial("desk")
				w.run(2 * time.Second)
				desk.answer()
			},
			caller: callerAnswered + `
				call.aborted remote peer_abort 0
				call.ended join_failed remote unconnected kiosk desk 17`,
			callee: calleeAnswered + `
				room.join_failed no microphone
				call.ended join_failed local unconnected kiosk desk 7`,
			wmpfCaller: wmpfCallerRings + `
				abortVoip 0 unknown room status is abort
				endVoip 0 caller`,
			wmpfCallee: wmpfCalleeAnswered + `
				joinFailListener no microphone
				endVoip 0 receiver`,
		},
		"9 answered, but the caller's transport does not come up within 20 s": {
			play: func(w *world, kiosk, desk *terminal) {
				w.noPath = true
				kiosk.dial("desk")
				w.run(2 * time.Second)
				desk.answer()
				desk.on(call.TransportUp{CallID: desk.state.Call.CallID, Peer: "kiosk"})
				w.run(19*time.Second + 999*time.Millisecond)
				if kiosk.state.Phase != call.Connecting || desk.state.Phase != call.Connecting {
					w.t.Errorf("before 20 s: %v, %v", kiosk.state.Phase, desk.state.Phase)
				}
			},
			caller: callerAnswered + `
				call.aborted remote wait_peer_timeout 0
				call.ended aborted remote unconnected kiosk desk 17`,
			callee: calleeAnswered + `
				room.joined
				call.aborted local wait_peer_timeout 0
				call.ended aborted local unconnected kiosk desk 7`,
			wmpfCaller: wmpfCallerRings + `
				abortVoip 0 unknown room status is abort
				endVoip 0 caller`,
			wmpfCallee: wmpfCalleeAnswered + `
				abortVoip 0 abortByListener listener waitOtherToJoin timeout
				endVoip 0 receiver`,
		},
		"10 network lost at the caller": {
			play: func(w *world, kiosk, desk *terminal) {
				talk(w, kiosk, desk)
				w.noBroker("kiosk")
				w.silence(map[string]bool{"desk": true})
			},
			caller: callerTalks + `
				call.tick 4000
				call.tick 5000
				call.tick 6000
				call.tick 7000
				call.tick 8000
				call.tick 9000
				call.tick 10000
				call.tick 11000
				call.aborted local media_lost 3490
				call.ended aborted local connected 3490 kiosk desk 7`,
			callee: calleeTalks + `
				call.tick 4000
				call.tick 5000
				call.tick 6000
				call.tick 7000
				call.tick 8000
				call.tick 9000
				call.tick 10000
				call.tick 11000
				call.aborted remote media_lost 3480
				member.left kiosk offline
				call.ended aborted remote connected 3480 kiosk desk 17`,
			wmpfCaller: wmpfCallerTalks + `
				calling 4
				calling 5
				calling 6
				calling 7
				calling 8
				calling 9
				calling 10
				calling 11
				abortVoip 3 abortByCaller call interrupted due to native reason
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				calling 4
				calling 5
				calling 6
				calling 7
				calling 8
				calling 9
				calling 10
				calling 11
				abortVoip 3 unknown room status is abort
				endVoip 3 receiver`,
		},
		"11 the caller's time limit": {
			play: func(w *world, kiosk, desk *terminal) {
				kiosk.rules.TimeLimit = 3 * time.Second
				talk(w, kiosk, desk)
			},
			caller: callerTalks + `
				call.hung_up caller kiosk local time_limit 3000
				call.ended time_limit local connected 3000 kiosk desk 3`,
			callee: calleeTalks + `
				call.hung_up caller kiosk remote time_limit 3000
				member.left kiosk quit
				call.ended time_limit remote connected 3000 kiosk desk 13`,
			wmpfCaller: wmpfCallerTalks + `
				hangUpVoip 3 endByCaller timeLimit
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				hangUpVoip 3 endByCaller timeLimit
				endVoip 3 receiver`,
		},
		"11 the caller's time limit, which the receiver knows beside its own": {
			play: func(w *world, kiosk, desk *terminal) {
				kiosk.rules.TimeLimit, desk.rules.TimeLimit = 3*time.Second, time.Minute
				talk(w, kiosk, desk)
			},
			caller: callerTalks + `
				call.hung_up caller kiosk local time_limit 3000
				call.ended time_limit local connected 3000 kiosk desk 3`,
			callee: calleeTalks + `
				call.hung_up caller kiosk remote time_limit 3000
				member.left kiosk quit
				call.ended time_limit remote connected 3000 kiosk desk 13`,
			wmpfCaller: wmpfCallerTalks + `
				hangUpVoip 3 endByCaller timeLimit
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				hangUpVoip 3 endByCaller timeLimit
				endVoip 3 receiver`,
		},
		"11 the receiver's time limit, which the caller does not know": {
			play: func(w *world, kiosk, desk *terminal) {
				kiosk.rules.TimeLimit, desk.rules.TimeLimit = time.Minute, 3*time.Second
				talk(w, kiosk, desk)
			},
			caller: callerTalks + `
				call.hung_up callee desk remote remote 3000
				member.left desk quit
				call.ended time_limit remote connected 3000 kiosk desk 13`,
			callee: calleeTalks + `
				call.hung_up callee desk local time_limit 3000
				call.ended time_limit local connected 3000 kiosk desk 3`,
			wmpfCaller: wmpfCallerTalks + `
				hangUpVoip 3 endByListener other
				endVoip 3 caller`,
			wmpfCallee: wmpfCalleeTalks + `
				hangUpVoip 3 endByListener timeLimit
				endVoip 3 receiver`,
		},
		"hung up by the receiver before both sides are joined": {
			play: func(w *world, kiosk, desk *terminal) {
				w.noPath = true
				kiosk.dial("desk")
				w.run(2 * time.Second)
				desk.answer()
				w.run(time.Second)
				desk.hangUp()
			},
			caller: callerAnswered + `
				call.hung_up callee desk remote remote 0
				call.ended hung_up remote unconnected kiosk desk 13`,
			callee: calleeAnswered + `
				room.joined
				call.hung_up callee desk local manual 0
				call.ended hung_up local unconnected kiosk desk 3`,
			wmpfCaller: wmpfCallerRings + `
				rejectVoip other
				endVoip 0 caller`,
			wmpfCallee: wmpfCalleeAnswered + `
				rejectVoip manual
				endVoip 0 receiver`,
		},
		"hung up by the caller before both sides are joined": {
			play: func(w *world, kiosk, desk *terminal) {
				w.noPath = true
				kiosk.dial("desk")
				w.run(2 * time.Second)
				desk.answer()
				w.run(time.Second)
				kiosk.hangUp()
			},
			caller: callerAnswered + `
				call.hung_up caller kiosk local manual 0
				call.ended hung_up local unconnected kiosk desk 3`,
			callee: calleeAnswered + `
				room.joined
				call.hung_up caller kiosk remote remote 0
				call.ended hung_up remote unconnected kiosk desk 13`,
			wmpfCaller: wmpfCallerRings + `
				cancelVoip manual
				endVoip 0 caller`,
			wmpfCallee: wmpfCalleeAnswered + `
				cancelVoip other
				endVoip 0 receiver`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "kiosk", "desk")
			kiosk, desk := w.parties["kiosk"], w.parties["desk"]
			tt.play(w, kiosk, desk)
			w.rest()
			wantLines(t, "caller's events", kiosk.events, tt.caller)
			wantLines(t, "callee's events", desk.events, tt.callee)
			wantLines(t, "caller's wmpf callbacks", kiosk.callbacks, tt.wmpfCaller)
			wantLines(t, "callee's wmpf callbacks", desk.callbacks, tt.wmpfCallee)
		})
	}
}

func TestSecondCallersWhileTalking(t *testing.T) {
	w := newWorld(t, "kiosk", "desk", "door")
	kiosk, desk, door := w.parties["kiosk"], w.parties["desk"], w.parties["door"]
	talk(w, kiosk, desk)
	door.dial("desk")
	w.run(100 * time.Millisecond)
	kiosk.hangUp()
	w.rest()
	// 6: busy, and no call.ringing.
	wantLines(t, "second caller's events", door.events, `
		call.created
		room.joined
		op.result invite 1 ok
		call.busy desk remote
		call.ended busy remote unconnected door desk 14`)
	wantLines(t, "second caller's wmpf callbacks", door.callbacks, `
		joinedRoomByCaller
		busy
		endVoip 0 caller`)
	// 12a: the running call shows nothing, the callee one call.busy.
	wantLines(t, "callee's events", desk.events, calleeTalks+`
		call.busy desk local
		call.hung_up caller kiosk remote remote 3590
		member.left kiosk quit
		call.ended hung_up remote connected 3590 kiosk desk 13`)
	wantLines(t, "callee's wmpf callbacks", desk.callbacks, wmpfCalleeTalks+`
		hangUpVoip 3 endByCaller other
		endVoip 3 receiver`)
	for _, r := range desk.records {
		if _, ok := r.Data.(event.CallBusy); ok && (r.CallID != door.records[0].CallID || r.SinceStartMs != 0 || r.Role != event.Callee) {
			t.Errorf("call.busy is of the wrong call: %+v", r)
		}
	}
}
