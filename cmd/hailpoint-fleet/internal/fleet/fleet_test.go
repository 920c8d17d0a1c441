package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"hailpoint/callagent/event"
	"hailpoint/cmd/hailpoint-fleet/internal/fleet"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var topics = topic.Default()

// bench is a Fleet with a broker that the test holds in its hands.
type bench struct {
	*fleet.Fleet
	t      *testing.T
	store  *store.Store
	events chan []mqtt.Message
	stored chan error

	mu   sync.Mutex // guards the fields below
	subs []func(mqtt.Message)
	sent []string
	news []fleet.Change
}

// Publish implements fleet.Broker.
func (b *bench) Publish(_ context.Context, m mqtt.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, fmt.Sprintf("%s %s", m.Topic, m.Payload))
	return nil
}

// Subscribe implements fleet.Broker.
func (b *bench) Subscribe(_ context.Context, _ string, handle func(mqtt.Message)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = append(b.subs, handle)
	return func() {}, nil
}

// Events implements fleet.Broker.
func (b *bench) Events(ctx context.Context, handle func(context.Context, []mqtt.Message) error) error {
	for {
		select {
		case m := <-b.events:
			b.stored <- handle(ctx, m)
		case <-ctx.Done():
			return nil
		}
	}
}

// run runs f in a bubble of time with a Fleet at work.
func run(t *testing.T, f func(*bench)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{t: t, store: s, events: make(chan []mqtt.Message), stored: make(chan error)}
		b.Fleet = fleet.New(fleet.Default(), b, s, slog.New(slog.DiscardHandler))
		_, cancel := b.Follow(func(c fleet.Change) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.news = append(b.news, c)
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		synctest.Wait()
		f(b)
		cancel()
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// report has the terminal door publish events of these numbers, in one batch.
func (b *bench) report(seqs ...uint64) {
	b.t.Helper()
	var batch []mqtt.Message
	for _, seq := range seqs {
		r := event.Record{
			Journal: "j", Seq: seq, ID: fmt.Sprintf("id-%d", seq), DeviceID: "door", BootID: "b",
			Call: event.Call{CallID: "call", Role: event.Caller}, At: 1000 + int64(seq), Data: event.RoomJoined{},
		}
		raw, err := r.Encode()
		if err != nil {
			b.t.Fatal(err)
		}
		batch = append(batch, mqtt.Message{Topic: topics.Event("door"), Payload: raw, QoS: 1})
	}
	b.deliver(batch...)
}

// translate has it publish a vocabulary record.
func (b *bench) translate(seq uint64) {
	b.t.Helper()
	b.deliver(mqtt.Message{Topic: topics.EventOf("door", "wmpf"), QoS: 1, Payload: fmt.Appendf(nil,
		`{"v":1,"system":"wmpf","name":"e","id":"id-%d","n":0,"seq":%d,"device_id":"door"}`, seq, seq)})
}

func (b *bench) deliver(batch ...mqtt.Message) {
	b.t.Helper()
	b.events <- batch
	if err := <-b.stored; err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// status has a terminal's status arrive.
func (b *bench) status(payload string, retained bool) {
	b.mu.Lock()
	handle := b.subs[0]
	b.mu.Unlock()
	handle(mqtt.Message{Topic: topics.Status("door"), Payload: []byte(payload), Retained: retained})
	synctest.Wait()
}

// acked returns the numbers acknowledged since the last look.
func (b *bench) acked() []uint64 {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	seqs := []uint64{}
	for _, line := range b.sent {
		to, payload, _ := strings.Cut(line, " ")
		var a struct {
			Journal string
			Seq     uint64
		}
		if err := json.Unmarshal([]byte(payload), &a); err != nil || to != topics.Ack("door") || a.Journal != "j" {
			b.t.Errorf("published %s", line)
		}
		seqs = append(seqs, a.Seq)
	}
	b.sent = nil
	return seqs
}

func (b *bench) wants(what string, want ...uint64) {
	b.t.Helper()
	if diff := cmp.Diff(append([]uint64{}, want...), b.acked()); diff != "" {
		b.t.Errorf("%s: acknowledged (-want +got):\n%s", what, diff)
	}
}

var settle = fleet.Default().Settle

func TestTheNewestEventIsAcknowledgedWhenItsTerminalIsQuiet(t *testing.T) {
	run(t, func(b *bench) {
		b.report(1, 2)
		b.wants("at once")
		time.Sleep(settle - time.Millisecond)
		b.wants("a moment before")
		time.Sleep(time.Millisecond)
		b.wants("after the quiet", 2)
		time.Sleep(time.Hour)
		b.wants("not again")
	})
}

func TestAnEventIsWholeOnceALaterOneCame(t *testing.T) {
	run(t, func(b *bench) {
		for seq := uint64(1); seq <= 6; seq++ { // faster than it settles
			b.report(seq)
			time.Sleep(settle / 2)
		}
		got := b.acked()
		for i, seq := range got {
			if seq >= 6 || (i > 0 && seq < got[i-1]) {
				t.Errorf("while it reports: %v", got)
			}
		}
		if len(got) == 0 {
			t.Error("nothing while it reports")
		}
		time.Sleep(settle)
		b.wants("after the quiet", 6)
	})
}

func TestVocabularyRecordsKeepTheTerminalFromBeingQuiet(t *testing.T) {
	run(t, func(b *bench) {
		b.report(1)
		time.Sleep(settle * 2 / 3)
		b.translate(1)
		time.Sleep(settle * 2 / 3)
		b.wants("a moment after the vocabulary record")
		time.Sleep(settle/3 + time.Millisecond)
		b.wants("later", 1)
	})
}

func TestAConnectionThatEndsWithdrawsTheAcknowledgement(t *testing.T) {
	run(t, func(b *bench) {
		b.report(1)
		b.status(`{"online":false,"reason":"lost","at":1}`, false)
		time.Sleep(time.Hour)
		b.wants("its vocabulary record may be lost")
		b.report(1) // it is back, and repeats
		b.translate(1)
		time.Sleep(settle)
		b.wants("after the repeat", 1)
	})
}

func TestAGapIsNotAcknowledged(t *testing.T) {
	run(t, func(b *bench) {
		b.report(1, 3)
		time.Sleep(settle)
		b.wants("with a gap", 1)
		b.report(2)
		time.Sleep(settle)
		b.wants("without", 3)
	})
}

func TestAStoreThatFailsAcknowledgesNothing(t *testing.T) {
	run(t, func(b *bench) {
		if err := b.store.Close(); err != nil {
			t.Fatal(err)
		}
		b.events <- []mqtt.Message{{Topic: topics.Event("door"), Payload: []byte(
			`{"v":1,"journal":"j","seq":1,"id":"a","name":"room.joined","device_id":"door"}`)}}
		if err := <-b.stored; err == nil {
			t.Error("the broker was told that the events are stored")
		}
		time.Sleep(time.Hour)
		b.wants("ever")
	})
}

func TestWhatIsNoRecordIsLeftOutAndTheRestStored(t *testing.T) {
	run(t, func(b *bench) {
		good := `{"v":1,"journal":"j","seq":1,"id":"a","name":"room.joined","device_id":"door","call_id":"c"}`
		b.deliver(
			mqtt.Message{Topic: topics.Event("door"), Payload: []byte(`{`)},
			mqtt.Message{Topic: topics.Event("desk"), Payload: []byte(good)}, // in another's name
			mqtt.Message{Topic: topics.Event("door"), Payload: []byte(`{"v":1,"id":"t","name":"call.tick","device_id":"door"}`)},
			mqtt.Message{Topic: topics.EventOf("door", "wmpf"), Payload: []byte(`{}`)},
			mqtt.Message{Topic: "elsewhere/x", Payload: []byte(good)},
			mqtt.Message{Topic: topics.Event("door"), Payload: []byte(good)},
		)
		time.Sleep(settle)
		b.wants("the good one", 1)
	})
}

func TestFollowersHearOfTerminalsAndCalls(t *testing.T) {
	run(t, func(b *bench) {
		b.status(`{"online":true,"at":1,"state":"idle"}`, true)
		b.status(`{"online":true,"at":1,"state":"idle"}`, false)
		b.status(`nonsense`, false)
		b.report(1, 2)
		b.mu.Lock()
		b.subs[1](mqtt.Message{Topic: topics.Telemetry("door"), Payload: []byte(`{}`)})
		b.mu.Unlock()
		time.Sleep(3*registry.DefaultInterval + time.Second)
		synctest.Wait()
		var got []string
		for _, c := range b.news {
			switch c := c.(type) {
			case fleet.TerminalChanged:
				got = append(got, string(c.Terminal.Presence))
			case fleet.CallChanged:
				got = append(got, fmt.Sprintf("call %s with %d events", c.Call.ID, len(c.Timeline)))
			}
		}
		want := []string{"unheard", "online", "call call with 2 events", "lost"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if all := b.Terminals(); len(all) != 1 || all[0].Presence != registry.Lost {
			t.Errorf("terminals: %+v", all)
		}
	})
}
