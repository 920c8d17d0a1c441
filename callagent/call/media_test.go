package call_test

import (
	"slices"
	"testing"
	"time"

	"hailpoint/callagent/call"
)

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
