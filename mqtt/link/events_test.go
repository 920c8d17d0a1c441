package link_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/mqtt"
	"hailpoint/mqtt/link"
)

// reader is a backend that checks what it is sent: numbers without a gap, the
// chain of hashes, repeats with the same bytes.
type reader struct {
	journal string
	patient bool              // waits for what a dying broker lost, instead of failing
	records map[uint64]string // own bytes by number
	last    uint64            // all up to it are there
	vocab   map[string]string // by id/n
	words   []string          // eventName of each new wmpf record, in order
	repeats int
}

func newReader() *reader { return &reader{records: map[uint64]string{}, vocab: map[string]string{}} }

// take reads one message; others than events are ignored.
func (r *reader) take(t *testing.T, m mqtt.Message) {
	t.Helper()
	switch m.Topic {
	case topics.Event("kiosk-1"):
		var rec struct {
			Journal string
			Seq     uint64
		}
		if err := json.Unmarshal(m.Payload, &rec); err != nil {
			t.Fatalf("%v: %s", err, m.Payload)
		}
		if rec.Seq == 0 {
			return // transient
		}
		if r.journal == "" {
			r.journal = rec.Journal
		}
		if rec.Journal != r.journal {
			t.Fatalf("journal %s, was %s", rec.Journal, r.journal)
		}
		if old, ok := r.records[rec.Seq]; ok {
			r.repeats++
			if old != string(m.Payload) {
				t.Fatalf("record %d was %s and is %s", rec.Seq, old, m.Payload)
			}
			return
		}
		if rec.Seq != r.last+1 && !r.patient {
			t.Fatalf("record %d follows %d", rec.Seq, r.last)
		}
		r.records[rec.Seq] = string(m.Payload)
		for r.records[r.last+1] != "" {
			r.last++
			r.chained(t)
		}
	case topics.EventOf("kiosk-1", "wmpf"):
		var rec struct {
			ID   string
			N    int
			Args []struct{ EventName string }
		}
		if err := json.Unmarshal(m.Payload, &rec); err != nil || len(rec.Args) != 1 {
			t.Fatalf("%v: %s", err, m.Payload)
		}
		key := fmt.Sprintf("%s/%d", rec.ID, rec.N)
		if old, ok := r.vocab[key]; ok {
			if old != string(m.Payload) {
				t.Fatalf("vocabulary record %s was %s and is %s", key, old, m.Payload)
			}
			return
		}
		r.vocab[key] = string(m.Payload)
		r.words = append(r.words, rec.Args[0].EventName)
	}
}

// chained checks that record last carries the hash of the one before.
func (r *reader) chained(t *testing.T) {
	t.Helper()
	want := strings.Repeat("0", 64)
	if r.last > 1 {
		sum := sha256.Sum256([]byte(r.records[r.last-1]))
		want = hex.EncodeToString(sum[:])
	}
	var rec struct{ Prev string }
	if err := json.Unmarshal([]byte(r.records[r.last]), &rec); err != nil || rec.Prev != want {
		t.Fatalf("record %d: prev %s, want %s", r.last, rec.Prev, want)
	}
}

// until reads until record last is there, and what came with it.
func (r *reader) until(t *testing.T, w wire, last uint64) {
	t.Helper()
	for r.last < last {
		r.take(t, next(t, w.seen()))
	}
}

func (r *reader) drain(t *testing.T, w wire) {
	t.Helper()
	for {
		select {
		case m := <-w.seen():
			r.take(t, m)
		default:
			return
		}
	}
}

var callWords = []string{"joinedRoomByCaller", "startVoip", "hangUpVoip", "endVoip"}

func TestEventsArriveInOrderWithTheirVocabulary(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		c := config(t, w.url())
		c.Vocabularies = []string{"wmpf"}
		x := run(t, c)
		x.online(t)
		x.call("a")
		r := newReader()
		for len(r.words) < 4 {
			r.take(t, next(t, w.seen()))
		}
		if diff := cmp.Diff(callWords, r.words); diff != "" || r.last != 5 {
			t.Errorf("%d records (-want +got):\n%s", r.last, diff)
		}
		x.delivered(t)
		if r.journal != x.JournalID() {
			t.Errorf("journal %s, want %s", r.journal, x.JournalID())
		}
		x.Record(record("a", event.CallTick{TalkMs: 1000}))
		v := on(t, w, topics.EventOf("kiosk-1", "wmpf"))
		if _, numbered := v["seq"]; numbered || v["name"] != "calling" {
			t.Errorf("a tick came as %v", v)
		}
	})
}

// gate keeps a terminal from the broker until open: also from one whose
// backend is not there yet and would miss what is sent.
func gate(open *atomic.Bool) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		if !open.Load() {
			return nil, errors.New("nobody is there")
		}
		return nil, nil // run dials by itself
	}
}

func TestBacklogIsDeliveredWhenTheBrokerComes(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		c := config(t, w.url())
		var there atomic.Bool
		c.Client.Dial = gate(&there)
		x := run(t, c)
		const calls = 300
		for i := range calls {
			x.call(fmt.Sprint("c", i))
			x.Record(record(fmt.Sprint("c", i), event.CallTick{TalkMs: 1000})) // lost: transient
		}
		soon(t, func() error {
			if n := x.Backlog(); n != 5*calls {
				return fmt.Errorf("backlog %d, want %d", n, 5*calls)
			}
			return nil
		})
		w.start(t)
		there.Store(true)
		r := newReader()
		r.until(t, w, 5*calls)
		x.delivered(t)
	})
}

func TestBrokerRestartsLoseNothing(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		c := config(t, w.url())
		c.Vocabularies, c.Delivery = []string{"wmpf"}, link.ByBackend
		c.RepeatFirst, c.RepeatMax = 200*time.Millisecond, 400*time.Millisecond
		x := run(t, c)
		r := newReader()
		r.patient = true // a broker that dies may have acknowledged what it passes on to nobody
		const rounds, calls = 4, 40
		for round := range rounds {
			x.online(t)
			for i := range calls {
				x.call(fmt.Sprint(round, "-", i))
			}
			if round < rounds-1 {
				w.stop(t) // in the middle of it, as like as not
				w.start(t)
			}
			r.until(t, w, uint64((round+1)*calls*5))
			acknowledge(t, w, x.JournalID(), r.last)
		}
		x.delivered(t)
		r.drain(t, w)
		if want := rounds * calls * len(callWords); len(r.vocab) != want {
			t.Errorf("%d vocabulary records, want %d", len(r.vocab), want)
		}
	})
}

func acknowledge(t *testing.T, w wire, journal string, seq uint64) {
	t.Helper()
	w.publish(t, mqtt.Message{Topic: topics.Ack("kiosk-1"), QoS: 1, Payload: encode(t, map[string]any{"journal": journal, "seq": seq})})
}

func TestBackendAcknowledges(t *testing.T) {
	overBoth(t, func(t *testing.T, w wire) {
		w.start(t)
		c := config(t, w.url())
		c.Delivery = link.ByBackend
		c.RepeatFirst, c.RepeatMax = 100*time.Millisecond, 400*time.Millisecond
		x := run(t, c)
		x.online(t)
		x.call("a")
		r := newReader()
		r.until(t, w, 5)
		for r.repeats < 10 { // each again at least twice: nobody says that it is stored
			r.take(t, next(t, w.seen()))
		}
		if x.Backlog() != 5 {
			t.Errorf("backlog %d before any ack", x.Backlog())
		}
		ack := func(journal string, seq uint64) { acknowledge(t, w, journal, seq) }
		ack(newID(), 5)             // another journal
		ack(x.JournalID(), 6)       // above what was sent
		ack(x.JournalID(), 1<<63+1) // far above
		w.publish(t, mqtt.Message{Topic: topics.Ack("kiosk-1"), QoS: 1, Payload: []byte(`{"seq":"x"}`)})
		ack(x.JournalID(), 3)
		soon(t, func() error {
			if n := x.Backlog(); n != 2 {
				return fmt.Errorf("backlog %d after ack 3 of 5", n)
			}
			return nil
		})
		if f, m := x.Counters().ForeignAcks.Load(), x.Counters().Malformed.Load(); f != 3 || m != 1 {
			t.Errorf("%d foreign and %d malformed acks counted, want 3 and 1", f, m)
		}
		ack(x.JournalID(), 5)
		x.delivered(t)
	})
}

func TestUnacknowledgedEventsComeAgainAfterARestart(t *testing.T) {
	w := newEmbedded(t)
	w.start(t)
	c := config(t, w.url())
	c.Delivery, c.Vocabularies = link.ByBackend, []string{"wmpf"}
	x := run(t, c)
	x.online(t)
	r := newReader()
	// A restart in the middle of a call: the encoder must still know that it was
	// connected.
	for _, e := range []event.Event{event.CallCreated{}, event.RoomJoined{}, event.CallConnected{Media: event.Audio}} {
		x.Record(record("a", e))
	}
	r.until(t, w, 3)
	journal := x.JournalID()
	acknowledge(t, w, journal, 3)
	x.delivered(t)
	x.Record(record("a", event.CallRinging{}))
	r.until(t, w, 4)
	x.end()
	r.drain(t, w)

	c.BootID = newID()
	x = run(t, c)
	if x.JournalID() != journal || x.Backlog() != 1 {
		t.Errorf("reopened: journal %s, was %s; backlog %d", x.JournalID(), journal, x.Backlog())
	}
	x.Record(record("a", event.CallHungUp{ByRole: event.Caller, Local: true, Origin: event.Manual}))
	x.Record(record("a", event.CallEnded{}))
	for len(r.words) < 4 {
		r.take(t, next(t, w.seen()))
	}
	if diff := cmp.Diff(callWords, r.words); diff != "" || r.repeats == 0 {
		t.Errorf("%d repeats (-want +got):\n%s", r.repeats, diff)
	}
}

func TestCallOfADeadProcessIsEndedFirst(t *testing.T) {
	c := config(t, "mqtt://127.0.0.1:1")
	died := []event.Record{
		record("a", event.CallAborted{Local: true, Cause: event.Internal, TalkMs: 4000}),
		record("a", event.CallEnded{Reason: event.EndAborted, TalkMs: 4000}),
	}
	x := run(t, c)
	x.Record(record("a", event.CallCreated{}))
	x.Running(died)
	x.end() // as good as killed: nothing took the mark away

	w := newEmbedded(t)
	w.start(t)
	c.Client.Brokers = []string{w.url()}
	x = run(t, c)
	x.call("b")
	r := newReader()
	r.until(t, w, 8)
	for seq, name := range map[uint64]string{1: "call.created", 2: "call.aborted", 3: "call.ended", 4: "call.created"} {
		if !strings.Contains(r.records[seq], `"name":"`+name+`"`) {
			t.Errorf("record %d is not %s: %s", seq, name, r.records[seq])
		}
	}
	if !strings.Contains(r.records[2], died[0].ID) || !strings.Contains(r.records[2], `"talk_ms":4000`) {
		t.Errorf("the abort is not the one that was marked: %s", r.records[2])
	}
	// Killed between recording the end and taking the mark away: no second end.
	x.Record(record("c", event.CallCreated{}))
	x.Record(record("c", event.CallEnded{}))
	x.Running([]event.Record{record("c", event.CallAborted{}), record("c", event.CallEnded{})})
	x.end()
	x = run(t, c)
	x.call("d")
	r.until(t, w, 15)
	if !strings.Contains(r.records[11], `"call_id":"d"`) {
		t.Errorf("after the call ended, record 11 is %s", r.records[11])
	}
}
