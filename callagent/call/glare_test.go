package call_test

import (
	"slices"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
)

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

func TestACrossingCallIsNotAmongWhatDies(t *testing.T) {
	w := newWorld(t, "alpha", "beta")
	alpha, beta := w.parties["alpha"], w.parties["beta"]
	alpha.dial("beta")
	beta.dial("alpha")
	w.run(14 * time.Millisecond)
	if alpha.state.Crossed == nil {
		t.Fatal("the calls have not crossed")
	}
	var got []string
	for _, e := range alpha.state.Died(w.instant()) {
		got = append(got, describe(e))
	}
	wantLines(t, "events", got, `
		call.aborted local internal 0
		call.ended aborted local unconnected alpha beta 7`)
	w.run(time.Second)
	beta.hangUp()
	w.rest()
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
