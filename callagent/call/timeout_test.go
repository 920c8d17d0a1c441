package call_test

import (
	"slices"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

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
	w.run(60 * time.Second)
	if kiosk.state.Phase != call.Idle || desk.state.Phase != call.RingingIn {
		t.Errorf("after 61 s: %v, %v", kiosk.state.Phase, desk.state.Phase)
	}
	w.run(1*time.Second + 20*time.Millisecond)
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
