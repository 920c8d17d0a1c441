package signal_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hailpoint/callagent/signal"
)

// pipe joins exchanges by a transport that loses, repeats and reorders, on a
// clock of its own. It loses at most maxLost copies of one message, so all of
// them arrive in the end.
type pipe struct {
	rng   *rand.Rand
	now   time.Time
	ends  map[string]*signal.Exchange
	queue queue
	seq   int
	lost  map[string]int
	got   map[string][]signal.Delivery // by who it was delivered to
	hear  func(to string, d signal.Delivery)
}

const maxLost = 2

type packet struct {
	at       time.Time
	seq      int // breaks ties
	from, to string
	m        signal.Message
}

type queue []packet

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(p any)   { *q = append(*q, p.(packet)) }
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	*q = old[:len(old)-1]
	return p
}

func newPipe(seed uint64, names ...string) *pipe {
	p := &pipe{
		rng: rand.New(rand.NewPCG(seed, 1)), now: start, ends: map[string]*signal.Exchange{},
		lost: map[string]int{}, got: map[string][]signal.Delivery{}, hear: func(string, signal.Delivery) {},
	}
	for _, name := range names {
		p.ends[name] = signal.NewExchange(ids(name + "-"))
	}
	return p
}

// put gives messages to the transport.
func (p *pipe) put(from string, out []signal.Outgoing) {
	for _, o := range out {
		copies := 1 + p.rng.IntN(2)
		what := o.Message.ID
		if r, ok := o.Message.Body.(signal.Received); ok {
			what = "received " + r.Ref // each has an id of its own
		}
		if p.rng.IntN(3) == 0 && p.lost[what] < maxLost {
			p.lost[what]++
			copies = 0
		}
		for range copies {
			p.seq++
			delay := time.Duration(p.rng.IntN(700)) * time.Millisecond
			heap.Push(&p.queue, packet{p.now.Add(delay), p.seq, from, o.To, o.Message})
		}
	}
}

func (p *pipe) delivered(to string, got []signal.Delivery) {
	for _, d := range got {
		p.got[to] = append(p.got[to], d)
		p.hear(to, d)
	}
}

// step does what comes next; false when nothing is under way any more.
func (p *pipe) step() bool {
	var due string
	var at time.Time
	busy := len(p.queue) > 0
	for _, name := range []string{"a", "b"} {
		x := p.ends[name]
		busy = busy || x.Pending()
		if next, ok := x.Next(); ok && (at.IsZero() || next.Before(at)) {
			due, at = name, next
		}
	}
	if !busy {
		return false
	}
	if len(p.queue) > 0 && (at.IsZero() || p.queue[0].at.Before(at)) {
		k := heap.Pop(&p.queue).(packet)
		p.now = k.at
		got, out := p.ends[k.to].Take(p.now, k.from, k.m, "")
		p.put(k.to, out)
		p.delivered(k.to, got)
		return true
	}
	if at.After(p.now) {
		p.now = at
	}
	got, out := p.ends[due].Expire(p.now)
	p.put(due, out)
	p.delivered(due, got)
	return true
}

// TestEverythingArrivesOnceAndInOrder lets two endpoints talk over a bad
// transport: an invite and what follows it one way, answers the other way.
func TestEverythingArrivesOnceAndInOrder(t *testing.T) {
	const each = 25
	for seed := range uint64(150) {
		p := newPipe(seed, "a", "b")
		say := func(from, to string, n int) {
			p.put(from, p.ends[from].Send(p.now, to, "c1", candidate(n), signal.GiveUp))
		}
		p.hear = func(to string, d signal.Delivery) {
			if m, ok := d.(signal.Arrived); ok && to == "b" && m.Message.N < each {
				say("b", "a", int(m.Message.N))
			}
		}
		p.put("a", p.ends["a"].Send(p.now, "b", "c1", invite(), time.Minute))
		for n := 1; n < each; n++ {
			say("a", "b", n)
			for range p.rng.IntN(6) {
				p.step()
			}
		}
		for n := 0; p.step(); n++ {
			if n > 100_000 {
				t.Fatalf("seed %d: no end", seed)
			}
		}
		for name, got := range p.got {
			arrived, confirmed := uint64(0), 0
			for _, d := range got {
				switch d := d.(type) {
				case signal.Arrived:
					if d.Message.N != arrived {
						t.Fatalf("seed %d: %s got number %d, want %d", seed, name, d.Message.N, arrived)
					}
					arrived++
				case signal.Confirmed:
					confirmed++
				case signal.Refused, signal.Unanswered:
					t.Fatalf("seed %d: %s: %+v", seed, name, d)
				}
			}
			if arrived != each || confirmed != each {
				t.Fatalf("seed %d: %s got %d messages and %d confirmations, want %d", seed, name, arrived, confirmed, each)
			}
		}
	}
}

// FuzzExchange feeds an exchange arbitrary messages and checks what must hold
// whatever a peer says.
func FuzzExchange(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 10, 1, 0, 2, 0, 0, 0, 3, 9, 9, 9})
	f.Add([]byte("an invite, what follows, and then the same again"))
	f.Fuzz(func(t *testing.T, in []byte) {
		x := signal.NewExchange(ids("x"))
		now := start
		var mine []string
		next := map[string]uint64{}
		delivered := map[string]bool{}
		check := func(got []signal.Delivery, out []signal.Outgoing) {
			for _, d := range got {
				a, ok := d.(signal.Arrived)
				if !ok {
					continue
				}
				key := a.From + "/" + a.Message.CallID
				if a.Message.N < next[key] { // a gap is a message that was refused
					t.Fatalf("%s: number %d delivered, want %d or more", key, a.Message.N, next[key])
				}
				next[key] = a.Message.N + 1
				id := key + "/" + a.Message.ID
				if delivered[id] {
					t.Fatalf("%s delivered twice", id)
				}
				delivered[id] = true
			}
			for _, o := range out {
				if _, err := signal.Encode(o.Message); err != nil {
					t.Fatalf("%+v: %v", o.Message, err)
				}
				if !o.Message.Reply() {
					mine = append(mine, o.Message.ID)
				}
			}
		}
		for range 400 { // of at most 255 ms: nothing is forgotten yet
			if len(in) < 4 {
				return
			}
			op, who, what, n := in[0], in[1], in[2], in[3]
			in = in[4:]
			peer, callID := fmt.Sprintf("p%d", who%3), fmt.Sprintf("c%d", who/3%3)
			body := bodies[int(what)%len(bodies)]
			switch op % 5 {
			case 0, 1:
				m := signal.Message{ID: fmt.Sprintf("m%d", n), CallID: callID, N: uint64(n % 16), Body: body}
				if len(mine) > 0 {
					ref := mine[int(n)%len(mine)]
					switch body.(type) {
					case signal.Received:
						m.Body = signal.Received{Ref: ref}
					case signal.Error:
						m.Body = signal.Error{Ref: ref, Code: signal.CodeUnknownCall}
					}
				}
				verdicts := []signal.Code{"", "", "", signal.CodeUnknownCall, signal.CodeNotAllowed}
				before := x.Counters().Overflow
				got, out := x.Take(now, peer, m, verdicts[int(op/5)%len(verdicts)])
				check(got, out)
				replies := 0
				for _, o := range out {
					if o.Message.Reply() {
						replies++
					}
				}
				if m.Reply() && replies > 0 || !m.Reply() && replies != 1 && x.Counters().Overflow == before {
					t.Fatalf("%d replies to %s: %v", replies, m.Type(), said(out))
				}
			case 2:
				if m := (signal.Message{Body: body}); !m.Reply() {
					check(nil, x.Send(now, peer, callID, body, signal.GiveUp))
				}
			case 3:
				now = now.Add(time.Duration(n) * time.Millisecond)
				check(x.Expire(now))
				if at, ok := x.Next(); ok && !at.After(now) {
					t.Fatalf("Next = %v after Expire(%v)", at, now)
				}
			case 4:
				x.Forget(peer, callID, signal.TypeInvite)
			}
		}
	})
}
