package call_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// walker feeds a machine with whatever choose comes to, sense or nonsense, and
// audits what the machine does.
type walker struct {
	choose func(n int) int // 0 to n-1
	state  call.State
	now    call.Instant
	calls  int
	trace  []any // inputs and effects, the latest

	audits map[string]*audit // by call
	timers map[timer]bool
	legs   map[string]bool // by call and peer: there
	open   int             // calls that have not ended
}

// audit is what one call has done so far.
type audit struct {
	role                        event.Role
	accepted, joined, connected bool
	results                     int // op.result(invite)
	terminal                    string
	ended                       bool
	tick                        int64
}

func newWalker(choose func(n int) int) *walker {
	return &walker{choose: choose, audits: map[string]*audit{}, timers: map[timer]bool{}, legs: map[string]bool{}}
}

var (
	self  = event.User{ID: "me", Name: "Me"}
	peers = []string{"ann", "zoe", "bob", "me", "eve"} // ann and bob are below me, zoe above; eve is nobody
)

func (w *walker) user() event.User { return event.User{ID: peers[w.choose(len(peers)-1)]} }

// peer is mostly a party of the call.
func (w *walker) peer() string {
	if p := w.state.Parties(); len(p) > 0 && w.choose(8) > 0 {
		return p[w.choose(len(p))]
	}
	return peers[w.choose(len(peers))]
}

// callID is mostly that of the current call.
func (w *walker) callID() string {
	if w.choose(8) > 0 {
		return w.state.Call.CallID
	}
	return fmt.Sprintf("call-%d", w.choose(w.calls+1))
}

func (w *walker) newCallID() string {
	w.calls++
	return fmt.Sprintf("call-%d", w.calls)
}

func (w *walker) millis() int64 {
	return []int64{0, 1, 999, 5000, 60000, 1 << 40, 1<<63 - 1}[w.choose(7)]
}

func (w *walker) rules() call.Rules {
	return call.Rules{
		Self: self, RingTimeout: time.Minute, JoinTimeout: 20 * time.Second, BusinessType: 1,
		TimeLimit:  []time.Duration{0, 5 * time.Second, time.Hour}[w.choose(3)],
		AutoAnswer: []time.Duration{-1, -1, 0, time.Second}[w.choose(4)],
	}
}

func (w *walker) body() signal.Body {
	sdp := []string{"", "answer"}[w.choose(2)]
	switch w.choose(20) {
	case 0, 1, 2:
		return signal.Ringing{SDP: sdp}
	case 3, 4, 5:
		return signal.Accept{SDP: sdp}
	case 6:
		return signal.Reject{Reason: []signal.RejectReason{"rejected", "busy", "unsupported", "join_failed", "?"}[w.choose(5)]}
	case 7:
		return signal.Cancel{Reason: []signal.CancelReason{"canceled", "no_answer", "answered_elsewhere", "join_failed", "?"}[w.choose(5)]}
	case 8, 9, 10:
		return signal.Joined{}
	case 11:
		return signal.Hangup{
			Reason: []signal.HangupReason{"hung_up", "time_limit", "aborted", "kicked", "room_closed", "join_failed", "?"}[w.choose(7)],
			Cause:  []event.AbortCause{"", event.MediaLost, event.WaitPeerTimeout}[w.choose(3)], TalkMs: w.millis(),
		}
	case 12:
		return signal.Candidate{Candidate: json.RawMessage("null")}
	case 13:
		return signal.State{Audio: w.choose(2) == 0}
	case 14:
		return signal.Text{Scope: "one", Content: "hello"}
	case 15:
		return signal.Property{}
	case 16:
		return signal.Recording{State: "aborted"}
	case 17:
		return []signal.Body{signal.Kick{}, signal.Roster{}, signal.TextAck{}}[w.choose(3)]
	case 18:
		return []signal.Body{signal.Update{}, signal.Updated{}, signal.Invite{}}[w.choose(3)]
	default:
		return []signal.Body{signal.Received{}, signal.Error{Code: signal.CodeUnknownCall}}[w.choose(2)]
	}
}

// input comes to an input.
func (w *walker) input() call.Input {
	origins := []event.Origin{event.Manual, event.AppForce, event.System, event.PageClosed}
	types := []signal.Type{signal.TypeInvite, signal.TypeCandidate, signal.TypeJoined, ""}
	switch w.choose(26) {
	case 0, 1:
		in := call.Dial{
			Call: event.Call{CallID: w.newCallID(), RoomID: "room"}, Media: event.Audio, Priority: signal.Normal, OpID: 1, Rules: w.rules(),
			Ring: w.choose(3) == 0,
		}
		for range w.choose(4) {
			in.Callees = append(in.Callees, w.user())
		}
		if in.Ring {
			in.Group = event.User{ID: "@desks"}
		}
		return in
	case 2:
		return call.MembersChanged{CallID: w.callID(), Members: []event.User{w.user(), w.user()}}
	case 3, 4:
		from, id := w.peer(), w.newCallID()
		if w.state.Phase != call.Idle && w.choose(8) == 0 {
			id = w.state.Call.CallID
		}
		return call.Invited{
			From: from, CallID: id, Rules: w.rules(), DoNotDisturb: w.choose(10) == 0,
			Invite: signal.Invite{Caller: event.User{ID: from}, SDP: "offer", RingTimeoutMs: w.millis(), TimeLimitMs: w.millis()},
		}
	case 5, 6:
		return call.Answer{CallID: w.callID(), Origin: event.Manual, OpID: 2}
	case 7:
		return call.HangUp{CallID: w.callID(), Origin: origins[w.choose(len(origins))], OpID: 3}
	case 8:
		return call.Mute{On: w.choose(2) == 0}
	case 9, 10, 11, 12, 13, 14:
		return call.Got{From: w.peer(), CallID: w.callID(), ID: "m", Body: w.body()}
	case 15:
		return call.Confirmed{Peer: w.peer(), CallID: w.callID(), Type: types[w.choose(len(types))]}
	case 16:
		codes := []signal.Code{signal.CodeUnknownCall, signal.CodeNotAllowed, signal.CodeMalformed}
		return call.Refused{Peer: w.peer(), CallID: w.callID(), Type: types[w.choose(len(types))], Code: codes[w.choose(len(codes))]}
	case 17:
		return call.Unanswered{Peer: w.peer(), CallID: w.callID(), Type: types[w.choose(len(types))]}
	case 18:
		return call.OfferMade{CallID: w.callID(), Peer: w.peer(), SDP: "offer"}
	case 19:
		return call.AnswerMade{CallID: w.callID(), Peer: w.peer(), SDP: "answer"}
	case 20:
		return call.MediaFailed{CallID: w.callID(), Peer: w.peer(), Detail: "broken"}
	case 21, 22:
		return call.TransportUp{CallID: w.callID(), Peer: w.peer()}
	case 23:
		return call.TransportLost{CallID: w.callID(), Peer: w.peer(), Heard: w.now.Mono - time.Duration(w.millis()), LinkUp: w.choose(2) == 0}
	case 24:
		return call.LocalCandidate{CallID: w.callID(), Peer: w.peer(), Candidate: json.RawMessage("null")}
	default:
		return call.Expired{CallID: w.callID(), Timer: call.Timer(w.choose(5))}
	}
}

// step lets some time pass and one thing happen.
func (w *walker) step() error {
	d := time.Duration(w.choose(3000)) * time.Millisecond
	w.now.Mono += d
	w.now.Wall += d.Milliseconds()
	return w.feed(w.input())
}

// feed gives the machine one input and audits the effects.
func (w *walker) feed(in call.Input) error {
	if e, ok := in.(call.Expired); ok {
		delete(w.timers, timer{e.CallID, e.Timer})
	}
	w.trace = append(w.trace, in)
	next, do := w.state.On(w.now, in)
	w.state = next
	var mikes []string
	for _, e := range do {
		w.trace = append(w.trace, e)
		if err := w.check(e, &mikes); err != nil {
			return err
		}
	}
	for _, callID := range mikes {
		if !w.audits[callID].accepted {
			return fmt.Errorf("the microphone is open before the answer")
		}
	}
	return w.atRest()
}

// timersOf are the timers that may run in a phase.
var timersOf = map[call.Phase][]call.Timer{
	call.Dialing: {call.RingTimer}, call.RingingOut: {call.RingTimer}, call.RingingIn: {call.RingTimer, call.AnswerTimer},
	call.Connecting: {call.JoinTimer}, call.Talking: {call.LimitTimer, call.TickTimer},
}

// atRest checks what must hold between inputs.
func (w *walker) atRest() error {
	if w.state.Phase == call.Idle && !reflect.DeepEqual(w.state, call.State{}) {
		return fmt.Errorf("idle, but not zero: %+v", w.state)
	}
	if live := w.state.Phase != call.Idle; live != (w.open == 1) || (live && w.audits[w.state.Call.CallID] == nil) {
		return fmt.Errorf("%v, and %d calls began that have not ended", w.state.Phase, w.open)
	}
	for t := range w.timers {
		if !w.state.Live(t.callID) || !slices.Contains(timersOf[w.state.Phase], t.timer) {
			return fmt.Errorf("timer %v runs while %v", t, w.state.Phase)
		}
	}
	for key := range w.legs {
		if !strings.HasPrefix(key, w.state.Call.CallID+" ") {
			return fmt.Errorf("leg %s is open after its call", key)
		}
	}
	return nil
}

// check audits one effect.
func (w *walker) check(e call.Effect, mikes *[]string) error {
	switch e := e.(type) {
	case call.Record:
		return w.checkRecord(e)
	case call.Send:
		a := w.audits[e.CallID]
		switch e.Body.(type) {
		case signal.Joined:
			if !a.accepted {
				return fmt.Errorf("joined is sent before the answer")
			}
		case signal.Invite, signal.Cancel:
			if a.role != event.Caller {
				return fmt.Errorf("the callee sends %s", e.Body.Type())
			}
		case signal.Ringing, signal.Accept:
			if a.role != event.Callee {
				return fmt.Errorf("the caller sends %s", e.Body.Type())
			}
		case signal.Hangup:
			if !a.accepted {
				return fmt.Errorf("hangup is sent before the answer")
			}
		}
		if e.Patience <= 0 {
			return fmt.Errorf("%s is never repeated", e.Body.Type())
		}
	case call.StartTimer:
		if e.After < 0 {
			return fmt.Errorf("timer %v of %v", e.Timer, e.After)
		}
		w.timers[timer{e.CallID, e.Timer}] = true
	case call.StopTimer:
		delete(w.timers, timer{e.CallID, e.Timer})
	case call.MakeOffer:
		return w.openLeg(e.CallID, e.Peer)
	case call.MakeAnswer:
		return w.openLeg(e.CallID, e.Peer)
	case call.OpenMicrophone:
		*mikes = append(*mikes, e.CallID)
	case call.CloseMedia:
		delete(w.legs, e.CallID+" "+e.Peer)
	case call.SetAnswer, call.AddCandidate:
		if len(w.legs) == 0 {
			return fmt.Errorf("%T without a leg", e)
		}
	case call.SetMute, call.Withdraw, call.Over:
	}
	return nil
}

func (w *walker) openLeg(callID, peer string) error {
	key := callID + " " + peer
	if w.legs[key] {
		return fmt.Errorf("leg %s is opened twice", key)
	}
	w.legs[key] = true
	return nil
}

// checkRecord audits one event of a call.
func (w *walker) checkRecord(r call.Record) error {
	id := r.Call.CallID
	a := w.audits[id]
	switch e := r.Event.(type) {
	case event.CallCreated, event.CallIncoming:
		if a != nil {
			return fmt.Errorf("%s begins twice", id)
		}
		w.audits[id] = &audit{role: r.Call.Role}
		w.open++
		return nil
	case event.CallBusy:
		if e.Local { // of a call that never begins here
			if a != nil {
				return fmt.Errorf("%s is refused as busy, and is a call of ours", id)
			}
			return nil
		}
	}
	if a == nil || a.ended {
		return fmt.Errorf("%s outside its call %s", r.Event.Name(), id)
	}
	if a.role != r.Call.Role {
		return fmt.Errorf("the role changes to %s", r.Call.Role)
	}
	if a.terminal != "" && r.Event.Name() != "member.left" && r.Event.Name() != "call.ended" {
		return fmt.Errorf("%s after %s", r.Event.Name(), a.terminal)
	}
	switch e := r.Event.(type) {
	case event.CallAccepted:
		if a.accepted {
			return fmt.Errorf("answered twice")
		}
		a.accepted = true
	case event.OpResult:
		if e.Op == event.OpInvite {
			if a.results++; a.results > 1 {
				return fmt.Errorf("two results of one invitation")
			}
		}
	case event.RoomJoined:
		if a.joined {
			return fmt.Errorf("room.joined twice")
		}
		a.joined = true
	case event.CallConnected:
		if a.connected || !a.joined || !a.accepted {
			return fmt.Errorf("connected: before %v, joined %v, accepted %v", a.connected, a.joined, a.accepted)
		}
		a.connected = true
	case event.CallTick:
		if e.TalkMs <= a.tick || !a.connected {
			return fmt.Errorf("tick of %d ms after one of %d ms", e.TalkMs, a.tick)
		}
		a.tick = e.TalkMs
	case event.MemberLeft:
		if a.terminal == "" || !a.connected {
			return fmt.Errorf("member.left outside its place")
		}
	case event.RoomJoinFailed:
		if a.joined {
			return fmt.Errorf("room.join_failed after room.joined")
		}
		a.terminal = e.Name()
	case event.CallCanceled, event.CallRejected, event.CallBusy, event.CallNoAnswer, event.CallHungUp, event.CallAborted:
		a.terminal = e.Name()
	case event.CallEnded:
		if a.terminal == "" {
			return fmt.Errorf("call.ended without a terminal event")
		}
		if e.Connected != a.connected || e.TalkMs < 0 || (!e.Connected && e.TalkMs+e.BeginAt != 0) || (e.Connected && e.EndAt != e.BeginAt+e.TalkMs) {
			return fmt.Errorf("call.ended does not add up: %+v", e)
		}
		a.ended = true
		w.open--
	}
	return nil
}

// finish hangs up; that ends any call.
func (w *walker) finish() error {
	if err := w.feed(call.HangUp{Origin: event.System}); err != nil {
		return err
	}
	if w.state.Phase != call.Idle {
		return fmt.Errorf("%v after hanging up", w.state.Phase)
	}
	return nil
}

// run lets a walker go and shows its way when it finds something.
func (w *walker) run(t *testing.T, more func() bool) {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		var way strings.Builder
		for _, step := range w.trace[max(len(w.trace)-40, 0):] {
			if _, effect := step.(call.Effect); effect {
				way.WriteString("    ")
			}
			fmt.Fprintf(&way, "%T%+v\n", step, step)
		}
		t.Fatalf("%v; the last of the way there:\n%s", err, &way)
	}
	for more() {
		if err := w.step(); err != nil {
			fail(err)
		}
		if len(w.trace) > 200 {
			w.trace = append(w.trace[:0], w.trace[100:]...)
		}
	}
	if err := w.finish(); err != nil {
		fail(err)
	}
}

// TestRandomWalks feeds machines with everything that may happen, in any order.
func TestRandomWalks(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(1000) {
		w := newWalker(rand.New(rand.NewPCG(seed, 4)).IntN)
		steps := 0
		w.run(t, func() bool { steps++; return steps <= 200 })
		for _, a := range w.audits {
			how := a.terminal
			if a.connected {
				how += " while talking"
			}
			reached[how]++
		}
	}
	for _, how := range []string{
		"call.canceled", "call.rejected", "call.busy", "call.no_answer", "room.join_failed", "call.aborted", "call.aborted while talking",
		"call.hung_up", "call.hung_up while talking",
	} {
		if reached[how] < 10 {
			t.Errorf("only %d calls ended with %s", reached[how], how)
		}
	}
}

// FuzzMachine lets the fuzzer choose the way.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25})
	f.Add([]byte("a button, a call, a voice, and then the end of it"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4096 {
			return
		}
		w := newWalker(func(n int) int {
			if len(in) == 0 {
				return 0
			}
			b := int(in[0])
			in = in[1:]
			return b * n / 256
		})
		w.run(t, func() bool { return len(in) > 0 })
	})
}
