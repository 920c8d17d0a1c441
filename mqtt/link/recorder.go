package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
	"hailpoint/mqtt"
	"hailpoint/mqtt/journal"
)

const (
	// recordsAhead bounds what waits for the disk.
	recordsAhead = 4096
	// maxRecord is the size of the largest record, in bytes, well below what
	// brokers take.
	maxRecord = 64 << 10
	// diskRetry is the wait before records are written again.
	diskRetry = time.Second
)

// recorder takes events from the agent, writes them to the journal and says so
// to the deliverer.
type recorder struct {
	link     *Link
	encoders []dialect.Encoder // at the journal's end, for transient events
	more     chan struct{}     // holds a token while there is work
	fault    bool              // the disk's, as told to the agent; run's own

	mu    sync.Mutex // guards the fields below
	queue []work
	busy  bool
	still chan struct{} // closed and replaced when the queue has become empty
	calls map[string]callSpan
}

// work is an event to record or a mark to leave.
type work struct {
	record event.Record
	mark   []event.Record
	isMark bool
}

// callSpan is where a call's records stand: from first to end; end is 0 while the
// call runs.
type callSpan struct{ first, last, end uint64 }

// newRecorder brings the encoders up to the journal's end and records the end
// of the call that the last process died in.
func newRecorder(l *Link) (*recorder, error) {
	r := &recorder{link: l, more: make(chan struct{}, 1), still: make(chan struct{}), calls: map[string]callSpan{}}
	var err error
	if r.encoders, err = newEncoders(l.cfg.Vocabularies); err != nil {
		return nil, err
	}
	for from := l.journal.First(); ; {
		entries, err := l.journal.Read(from, 256)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			from = e.Seq + 1
			if rec, err := event.Decode(e.Data); err == nil {
				rec.Seq = e.Seq
				r.follow(rec)
			}
		}
	}
	if err := r.bury(); err != nil {
		return nil, err
	}
	// Calls of earlier runs that never ended, mark lost: nothing more will come.
	for id, c := range r.calls {
		if c.end == 0 {
			c.end = c.last
			r.calls[id] = c
		}
	}
	return r, nil
}

// bury records what the mark of a dead process asks for, unless that process
// still recorded the end itself.
func (r *recorder) bury() error {
	mark := r.link.journal.Running()
	if mark == nil {
		return nil
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(mark, &raws); err != nil {
		r.link.log.Error("mark of the last running call not readable", "error", err)
		return r.link.journal.SetRunning(nil)
	}
	var records []event.Record
	for _, raw := range raws {
		rec, err := event.Decode(raw)
		if err != nil {
			r.link.log.Error("mark of the last running call not readable", "error", err)
			continue
		}
		if r.calls[rec.CallID].end == 0 {
			records = append(records, rec)
		}
	}
	if len(records) > 0 {
		r.link.log.Warn("the last run ended in a call; recording its end", "call_id", records[0].CallID)
		if err := r.append(records); err != nil {
			return err
		}
	}
	return r.link.journal.SetRunning(nil)
}

func (r *recorder) record(rec event.Record) { r.put(work{record: rec}) }

func (r *recorder) running(died []event.Record) { r.put(work{mark: died, isMark: true}) }

func (r *recorder) put(w work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.queue); n > 0 && w.isMark && r.queue[n-1].isMark {
		r.queue[n-1] = w // only the newest mark counts
	} else if n >= recordsAhead {
		r.link.counters.Overflow.Add(1)
		return
	} else {
		r.queue = append(r.queue, w)
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *recorder) take() []work {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.queue
	r.queue = nil
	r.busy = len(all) > 0
	if !r.busy {
		close(r.still)
		r.still = make(chan struct{})
	}
	return all
}

// idle waits until everything handed over is on disk; false if ctx ends first.
func (r *recorder) idle(ctx context.Context) bool {
	for {
		r.mu.Lock()
		empty, still := len(r.queue) == 0 && !r.busy, r.still
		r.mu.Unlock()
		if empty {
			return true
		}
		select {
		case <-still:
		case <-ctx.Done():
			return false
		}
	}
}

// run works until ctx ends.
func (r *recorder) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.more:
		}
		for {
			all := r.take()
			if len(all) == 0 {
				break
			}
			r.process(ctx, all)
		}
	}
}

// process does all work in order, with one sync for neighbouring records.
func (r *recorder) process(ctx context.Context, all []work) {
	var batch []event.Record
	for _, w := range all {
		switch {
		case w.isMark:
			r.keep(ctx, batch)
			batch = nil
			r.leaveMark(w.mark)
		case !r.recordable(w.record):
		case event.Transient(w.record.Data):
			r.keep(ctx, batch)
			batch = nil
			r.transient(w.record)
		default:
			batch = append(batch, w.record)
		}
	}
	r.keep(ctx, batch)
}

// recordable reports whether rec can be published at all.
func (r *recorder) recordable(rec event.Record) bool {
	b, err := rec.Encode()
	if err == nil && len(b) <= maxRecord-512 { // journal, seq and prev are still to come
		return true
	}
	if err == nil {
		err = fmt.Errorf("it has %d bytes, at most %d are allowed", len(b), maxRecord-512)
	}
	r.link.counters.Unrecordable.Add(1)
	r.link.log.Error("event cannot be recorded", "call_id", rec.CallID, "event_id", rec.ID, "error", err)
	return false
}

// keep puts records on disk, trying again for as long as ctx lives: they are
// not forgotten because the disk is full for a while.
func (r *recorder) keep(ctx context.Context, records []event.Record) {
	if len(records) == 0 {
		return
	}
	for {
		err := r.append(records)
		if (err != nil) != r.fault {
			r.fault = err != nil
			r.link.agent.Fault("journal", err)
		}
		if err == nil {
			return
		}
		again := time.NewTimer(diskRetry)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			r.link.log.Error("events lost: the disk did not take them before the stop", "events", len(records), "error", err)
			return
		}
	}
}

func (r *recorder) append(records []event.Record) error {
	l := r.link
	builds := make([]journal.Build, len(records))
	for i := range records {
		builds[i] = func(seq uint64, prev string) ([]byte, error) {
			rec := &records[i]
			rec.Journal, rec.Seq, rec.Prev = l.journal.ID(), seq, prev
			return rec.Encode()
		}
	}
	entries, err := l.journal.Append(builds...)
	if err != nil {
		return err
	}
	for i, rec := range records {
		r.follow(rec)
		l.observe(entries[i].Data)
	}
	l.deliver.wakeUp()
	return nil
}

// follow keeps the encoders, and the calls' places, up with the journal.
func (r *recorder) follow(rec event.Record) {
	for _, e := range r.encoders {
		e.Encode(rec)
	}
	if rec.CallID == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c, known := r.calls[rec.CallID]
	if !known {
		c.first = rec.Seq
	}
	c.last = rec.Seq
	if _, ended := rec.Data.(event.CallEnded); ended || c.end > 0 {
		c.end = rec.Seq
	}
	r.calls[rec.CallID] = c
}

// needed is the lowest number that is still needed once all up to acked is
// delivered: a call's records are, from its first, until its end is delivered.
func (r *recorder) needed(acked uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	lowest := acked + 1
	for id, c := range r.calls {
		if c.end > 0 && c.end <= acked {
			delete(r.calls, id)
			continue
		}
		lowest = min(lowest, c.first)
	}
	return lowest
}

// transient publishes an event that is not kept.
func (r *recorder) transient(rec event.Record) {
	rec.Journal = r.link.journal.ID()
	b, err := rec.Encode()
	if err != nil {
		return // recordable has said so
	}
	r.link.observe(b)
	for _, m := range r.link.messages(rec, b, r.encoders) {
		m.QoS = 0
		r.link.post(m)
	}
}

func (r *recorder) leaveMark(died []event.Record) {
	var mark []byte
	if len(died) > 0 {
		raws := make([]json.RawMessage, 0, len(died))
		for _, rec := range died {
			b, err := rec.Encode()
			if err != nil {
				r.link.log.Error("running call not marked", "call_id", rec.CallID, "error", err)
				return
			}
			raws = append(raws, b)
		}
		var err error
		if mark, err = json.Marshal(raws); err != nil {
			r.link.log.Error("running call not marked", "error", err)
			return
		}
	}
	if err := r.link.journal.SetRunning(mark); err != nil && !errors.Is(err, journal.ErrClosed) {
		r.link.log.Error("running call not marked", "error", err)
	}
}

func (l *Link) observe(record []byte) {
	if l.cfg.Observe != nil {
		l.cfg.Observe(record)
	}
}

// newEncoders returns an encoder for each system.
func newEncoders(systems []string) ([]dialect.Encoder, error) {
	encoders := make([]dialect.Encoder, 0, len(systems))
	for _, s := range systems {
		e, err := dialect.New(s)
		if err != nil {
			return nil, err
		}
		encoders = append(encoders, e)
	}
	return encoders, nil
}

// messages are what is published for one record: its own bytes, then the
// records of each vocabulary, in order, all at QoS 1.
func (l *Link) messages(rec event.Record, b []byte, encoders []dialect.Encoder) []mqtt.Message {
	out := []mqtt.Message{{Topic: l.cfg.Topics.Event(l.cfg.Self), Payload: b, QoS: 1}}
	for _, e := range encoders {
		for _, v := range e.Encode(rec) {
			b, err := json.Marshal(v)
			if err != nil {
				l.log.Error("vocabulary record not made", "system", e.System(), "event_id", rec.ID, "error", err)
				continue
			}
			out = append(out, mqtt.Message{Topic: l.cfg.Topics.EventOf(l.cfg.Self, e.System()), Payload: b, QoS: 1})
		}
	}
	return out
}
