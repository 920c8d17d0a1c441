package call_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hailpoint/callagent/call"
	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
)

// epoch is the wall clock when a world begins, in ms.
const epoch = 1767225600000

// world joins the machines of several terminals by real exchanges, over a
// transport and with media of its own, on a clock of its own.
type world struct {
	t       *testing.T
	now     time.Duration
	parties map[string]*terminal
	ids     int
	later   []later
	seq     int

	// The transport.
	delay  func() time.Duration
	lose   func(from, to string, m signal.Message) bool
	noPath bool // media do not come up
}

type later struct {
	at  time.Duration
	seq int
	do  func()
}

// terminal is one party: what package callagent is around the machine, without
// the hardware.
type terminal struct {
	w        *world
	user     event.User
	rules    call.Rules
	dnd      bool
	state    call.State
	exchange *signal.Exchange
	timers   map[timer]time.Duration
	legs     map[string]*leg // by call and peer
	muted    bool
	over     []call.Over
	wmpf     dialect.Encoder

	badDevice string   // why no leg can be opened
	slow      bool     // no answer is made before finish
	events    []string // what was recorded, by describe
	records   []event.Record
	callbacks []string // what a wmpf listener hears
	sent      []string // messages that went out, without repeats
}

type timer struct {
	callID string
	timer  call.Timer
}

type leg struct {
	described, closed, open bool
	up                      bool
}

func newWorld(t *testing.T, names ...string) *world {
	w := &world{
		t: t, parties: map[string]*terminal{},
		delay: func() time.Duration { return 10 * time.Millisecond },
		lose:  func(string, string, signal.Message) bool { return false },
	}
	for _, name := range names {
		enc, err := dialect.New("wmpf")
		if err != nil {
			t.Fatal(err)
		}
		u := event.User{ID: name, Name: strings.ToUpper(name)}
		w.parties[name] = &terminal{
			w: w, user: u, exchange: signal.NewExchange(w.newID), timers: map[timer]time.Duration{}, legs: map[string]*leg{}, wmpf: enc,
			rules: call.Rules{
				Self: u, RingTimeout: 60 * time.Second, JoinTimeout: 20 * time.Second, AutoAnswer: -1, BusinessType: 1,
			},
		}
	}
	return w
}

// lossy lets the transport lose, delay and reorder, but no message for ever.
func (w *world) lossy(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	lost := map[string]int{}
	w.delay = func() time.Duration { return time.Duration(rng.IntN(120)) * time.Millisecond }
	w.lose = func(_, _ string, m signal.Message) bool {
		what := m.ID
		switch b := m.Body.(type) {
		case signal.Received:
			what = "re " + b.Ref
		case signal.Error:
			what = "re " + b.Ref
		}
		if rng.IntN(4) == 0 && lost[what] < 2 {
			lost[what]++
			return true
		}
		return false
	}
}

// noBroker cuts a terminal off from the broker.
func (w *world) noBroker(name string) {
	w.lose = func(from, to string, _ signal.Message) bool { return from == name || to == name }
}

func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("id-%d", w.ids)
}

func (w *world) instant() call.Instant {
	return call.Instant{Mono: w.now, Wall: epoch + w.now.Milliseconds()}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	w.later = append(w.later, later{w.now + d, w.seq, do})
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	end := w.now + d
	for range 100_000 {
		at, do := w.next()
		if do == nil || at > end {
			w.now = end
			return
		}
		w.now = max(w.now, at)
		do()
	}
	w.t.Fatal("the world does not come to rest")
}

// next finds what happens first.
func (w *world) next() (at time.Duration, do func()) {
	sooner := func(t time.Duration) bool { return do == nil || t < at }
	first := -1
	for i, l := range w.later {
		if first < 0 || l.at < w.later[first].at || (l.at == w.later[first].at && l.seq < w.later[first].seq) {
			first = i
		}
	}
	if first >= 0 {
		at, do = w.later[first].at, func() {
			l := w.later[first]
			w.later = slices.Delete(w.later, first, first+1)
			l.do()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.parties)) {
		p := w.parties[name]
		if next, ok := p.exchange.Next(); ok {
			if t := next.Sub(time.UnixMilli(epoch)); sooner(t) {
				at, do = t, func() { p.deliver(p.exchange.Expire(p.time())) }
			}
		}
		keys := slices.SortedFunc(maps.Keys(p.timers), func(a, b timer) int { return int(a.timer) - int(b.timer) })
		for _, k := range keys {
			if sooner(p.timers[k]) {
				at, do = p.timers[k], func() {
					delete(p.timers, k)
					p.on(call.Expired{CallID: k.callID, Timer: k.timer})
				}
			}
		}
	}
	return at, do
}

func (p *terminal) time() time.Time { return time.UnixMilli(epoch).Add(p.w.now) }

// on feeds the machine and performs what it asks for.
func (p *terminal) on(in call.Input) {
	next, do := p.state.On(p.w.instant(), in)
	p.state = next
	for _, e := range do {
		p.perform(e)
	}
}

func (p *terminal) perform(e call.Effect) {
	w := p.w
	switch e := e.(type) {
	case call.Send:
		p.sent = append(p.sent, e.To+" "+string(e.Body.Type()))
		p.put(p.exchange.Send(p.time(), e.To, e.CallID, e.Body, e.Patience))
	case call.Withdraw:
		p.exchange.Forget(e.To, e.CallID, signal.TypeInvite)
	case call.Record:
		p.record(e)
	case call.StartTimer:
		p.timers[timer{e.CallID, e.Timer}] = w.now + e.After
	case call.StopTimer:
		delete(p.timers, timer{e.CallID, e.Timer})
	case call.MakeOffer:
		p.make(e.CallID, e.Peer, func() call.Input { return call.OfferMade{CallID: e.CallID, Peer: e.Peer, SDP: "offer"} })
	case call.MakeAnswer:
		p.make(e.CallID, e.Peer, func() call.Input {
			p.leg(e.CallID, e.Peer).described = true
			return call.AnswerMade{CallID: e.CallID, Peer: e.Peer, SDP: "answer"}
		})
	case call.SetAnswer:
		p.leg(e.CallID, e.Peer).described = true
		w.connect(e.CallID, p, w.parties[e.Peer])
	case call.AddCandidate:
	case call.OpenMicrophone:
		l := p.leg(e.CallID, e.Peer)
		if p.state.Phase != call.Connecting && p.state.Phase != call.Talking && p.state.Phase != call.Idle {
			w.t.Errorf("%s opens the microphone while %v", p.user.ID, p.state.Phase)
		}
		l.open = true
	case call.SetMute:
		p.muted = e.On
	case call.CloseMedia:
		p.leg(e.CallID, e.Peer).closed = true
	case call.Over:
		p.over = append(p.over, e)
	}
}

func (p *terminal) leg(callID, peer string) *leg {
	key := callID + " " + peer
	if p.legs[key] == nil {
		p.legs[key] = &leg{}
	}
	return p.legs[key]
}

// make opens a leg's media; some milliseconds later there is a description.
func (p *terminal) make(callID, peer string, made func() call.Input) {
	l := p.leg(callID, peer)
	if p.badDevice != "" {
		p.w.after(2*time.Millisecond, func() { p.on(call.MediaFailed{CallID: callID, Peer: peer, Detail: p.badDevice}) })
		return
	}
	if p.slow {
		return
	}
	for _, c := range []string{`{"candidate":"1"}`, `null`} {
		p.w.after(3*time.Millisecond, func() {
			if !l.closed {
				p.on(call.LocalCandidate{CallID: callID, Peer: peer, Candidate: json.RawMessage(c)})
			}
		})
	}
	p.w.after(4*time.Millisecond, func() {
		if !l.closed {
			p.on(made())
		}
	})
}

// connect brings a path up that both ends have described.
func (w *world) connect(callID string, a, b *terminal) {
	if w.noPath || b == nil || !b.leg(callID, a.user.ID).described {
		return
	}
	w.after(30*time.Millisecond, func() {
		for _, side := range [][2]*terminal{{a, b}, {b, a}} {
			l := side[0].leg(callID, side[1].user.ID)
			if !l.closed {
				l.up = true
				side[0].on(call.TransportUp{CallID: callID, Peer: side[1].user.ID})
			}
		}
	})
}

// silence cuts the media of the running call: both ends notice 8 s later.
func (w *world) silence(linkUp map[string]bool) {
	heard := w.now
	for name, p := range w.parties {
		callID, peer := p.state.Call.CallID, p.state.Peer
		w.after(8*time.Second, func() {
			p.on(call.TransportLost{CallID: callID, Peer: peer, Heard: heard, LinkUp: linkUp[name]})
		})
	}
}

// put gives messages to the transport, as bytes.
func (p *terminal) put(out []signal.Outgoing) {
	for _, o := range out {
		if p.w.lose(p.user.ID, o.To, o.Message) {
			continue
		}
		b, err := signal.Encode(o.Message)
		if err != nil {
			p.w.t.Fatal(err)
		}
		p.w.after(p.w.delay(), func() {
			if to := p.w.parties[o.To]; to != nil {
				to.hear(p.user.ID, b)
			}
		})
	}
}

// hear takes a message off the transport.
func (p *terminal) hear(from string, b []byte) {
	m, err := signal.Decode(b)
	if err != nil {
		p.w.t.Fatal(err)
	}
	verdict := p.state.Judge(from, m.CallID, m.Type())
	if m.Type() == signal.TypeInvite {
		verdict = ""
		if p.state.Live(m.CallID) {
			verdict = signal.CodeNotAllowed
		}
	}
	p.deliver(p.exchange.Take(p.time(), from, m, verdict))
}

func (p *terminal) deliver(got []signal.Delivery, out []signal.Outgoing) {
	p.put(out)
	for _, d := range got {
		switch d := d.(type) {
		case signal.Arrived:
			if inv, ok := d.Message.Body.(signal.Invite); ok {
				p.on(call.Invited{From: d.From, CallID: d.Message.CallID, Invite: inv, Rules: p.rules, DoNotDisturb: p.dnd})
				continue
			}
			p.on(call.Got{From: d.From, CallID: d.Message.CallID, ID: d.Message.ID, Body: d.Message.Body})
		case signal.Confirmed:
			p.on(call.Confirmed{Peer: d.By, CallID: d.CallID, Type: d.Type})
		case signal.Refused:
			p.on(call.Refused{Peer: d.By, CallID: d.CallID, Type: d.Type, Code: d.Error.Code})
		case signal.Unanswered:
			p.on(call.Unanswered{Peer: d.By, CallID: d.CallID, Type: d.Type})
		}
	}
}

// dial calls a terminal.
func (p *terminal) dial(to string) {
	id := p.w.newID()
	p.on(call.Dial{
		Call:    event.Call{CallID: "call-" + id, RoomID: "room-" + id, RoomNum: 7},
		Callees: []event.User{p.w.parties[to].user}, Media: event.Audio, Priority: signal.Normal, OpID: 1, Rules: p.rules,
	})
}

// dialGroup calls the members of a ring group.
func (p *terminal) dialGroup(members ...string) {
	id := p.w.newID()
	var users []event.User
	for _, m := range members {
		users = append(users, p.w.parties[m].user)
	}
	p.on(call.Dial{
		Call: event.Call{CallID: "call-" + id, RoomID: "room-" + id, RoomNum: 7}, Callees: users, Ring: true,
		Group: event.User{ID: "@desks"}, Media: event.Audio, Priority: signal.Normal, OpID: 1, Rules: p.rules,
	})
}

func (p *terminal) answer() { p.on(call.Answer{Origin: event.Manual, OpID: 2}) }
func (p *terminal) hangUp() { p.on(call.HangUp{Origin: event.Manual, OpID: 3}) }

// rest lets everything come to its end and checks that it did.
func (w *world) rest() {
	w.t.Helper()
	w.run(3 * time.Minute)
	for _, name := range slices.Sorted(maps.Keys(w.parties)) {
		p := w.parties[name]
		if p.state.Phase != call.Idle || len(p.timers) > 0 || p.exchange.Pending() || p.muted {
			w.t.Errorf("%s is %v, timers %v, pending %v, muted %v", name, p.state.Phase, p.timers, p.exchange.Pending(), p.muted)
		}
		for key, l := range p.legs {
			if !l.closed {
				w.t.Errorf("%s: leg %s is still open", name, key)
			}
		}
	}
}

// record notes an event and what a wmpf listener hears of it.
func (p *terminal) record(r call.Record) {
	p.events = append(p.events, describe(r.Event))
	rec := event.Record{
		ID: p.w.newID(), Call: r.Call, At: r.At.Wall, SinceStartMs: (r.At.Mono - r.Start).Milliseconds(), Data: r.Event,
	}
	p.records = append(p.records, rec)
	for _, c := range p.wmpf.Encode(rec) {
		p.callbacks = append(p.callbacks, describeCallback(p.w.t, c))
	}
}
