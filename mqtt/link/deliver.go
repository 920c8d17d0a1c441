package link

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
	"hailpoint/mqtt"
	"hailpoint/mqtt/journal"
)

const (
	// window bounds the records that are sent but not acknowledged.
	window = 512
	// inFlight bounds the records whose PUBACK is awaited, and so what stands
	// before a signalling message on a slow line.
	inFlight = 64
	// readAhead is how many records are read from the journal at once.
	readAhead = 64
	// ackWithin is how long a PUBACK may take.
	ackWithin = 30 * time.Second
)

var errNoAck = errors.New("the broker does not acknowledge what is published")

// flight is one durable record on its way, with its vocabulary records.
type flight struct {
	seq      uint64
	messages []mqtt.Message
	tries    int
}

// deliverer sends the journal's records, in order, until each is acknowledged.
type deliverer struct {
	link *Link
	wake chan struct{} // holds a token when there may be something to do

	mu       sync.Mutex        // guards the fields below
	encoders []dialect.Encoder // where next is
	ahead    []journal.Entry   // read, not yet looked at
	next     uint64            // number of the next record to look at after ahead
	flights  []*flight         // sent or being sent, not acknowledged, in order
	cursor   int               // flights[cursor] is the next to send
	waiting  int               // sent in this session, PUBACK awaited
	sent     uint64            // highest number ever sent, as far as is known
	progress time.Time         // when something was last acknowledged or sent again
	patience time.Duration     // until sent again
	still    chan struct{}     // closed and replaced when something changes
}

// newDeliverer brings the encoders up to what was acknowledged.
func newDeliverer(l *Link) (*deliverer, error) {
	d := &deliverer{
		link: l, wake: make(chan struct{}, 1), still: make(chan struct{}),
		next: l.journal.First(), patience: l.cfg.RepeatFirst,
		sent: l.journal.Last(), // an earlier run may have sent them all
	}
	var err error
	d.encoders, err = newEncoders(l.cfg.Vocabularies)
	return d, err
}

func (d *deliverer) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run sends on s until ctx ends.
func (d *deliverer) run(ctx context.Context, s *mqtt.Session) error {
	d.mu.Lock()
	d.cursor, d.waiting = 0, 0 // what was in flight may be lost
	d.progress, d.patience = time.Now(), d.link.cfg.RepeatFirst
	d.mu.Unlock()
	type sent struct {
		f        *flight
		receipts []*mqtt.Receipt
	}
	g, ctx := errgroup.WithContext(ctx)
	acks := make(chan sent, inFlight)
	g.Go(func() error {
		defer close(acks)
		for {
			f, err := d.pick(ctx)
			if f == nil {
				return err
			}
			x := sent{f: f}
			for _, m := range f.messages {
				x.receipts = append(x.receipts, s.Publish(m))
			}
			select {
			case acks <- x:
			case <-ctx.Done():
				return nil
			}
		}
	})
	g.Go(func() error {
		for x := range acks {
			for _, r := range x.receipts {
				if err := waitFor(ctx, r); err != nil {
					return err
				}
			}
			d.taken(x.f)
		}
		return nil
	})
	return g.Wait()
}

// waitFor waits for the outcome of a publication, but not for ever: a broker
// that does not answer is one to be left.
func waitFor(ctx context.Context, r *mqtt.Receipt) error {
	within, cancel := context.WithTimeoutCause(ctx, ackWithin, errNoAck)
	defer cancel()
	if err := r.Wait(within); err != nil {
		if cause := context.Cause(within); errors.Is(cause, errNoAck) {
			return cause
		}
		return err
	}
	return nil
}

// pick waits for the next record to send; nil when ctx ends.
func (d *deliverer) pick(ctx context.Context) (*flight, error) {
	for {
		f, again, err := d.tryPick()
		if f != nil || err != nil {
			return f, err
		}
		repeat := time.NewTimer(again)
		if again == 0 {
			repeat.Stop()
		}
		select {
		case <-ctx.Done():
			repeat.Stop()
			return nil, nil //nolint:nilnil // documented: the session is over
		case <-d.wake:
			repeat.Stop()
		case <-repeat.C:
			d.repeat()
		}
	}
}

// tryPick returns the next record to send, or after what time to send again
// what is not acknowledged (0: never).
func (d *deliverer) tryPick() (f *flight, again time.Duration, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cursor == len(d.flights) && len(d.flights) < window {
		if err := d.load(); err != nil {
			return nil, 0, err
		}
	}
	if d.cursor < len(d.flights) {
		f := d.flights[d.cursor]
		d.cursor++
		d.waiting++
		if f.tries++; f.tries > 1 {
			d.link.counters.Repeats.Add(1)
		}
		d.sent = max(d.sent, f.seq)
		return f, 0, nil
	}
	if len(d.flights) > 0 && d.link.cfg.Delivery == ByBackend {
		again = max(time.Millisecond, time.Until(d.progress.Add(d.patience)))
	}
	return nil, again, nil
}

// load makes a flight of the next record, if there is one. What is
// acknowledged already is for the encoders only.
func (d *deliverer) load() error {
	j := d.link.journal
	for {
		if len(d.ahead) == 0 {
			var err error
			if d.ahead, err = j.Read(d.next, readAhead); err != nil || len(d.ahead) == 0 {
				return err
			}
			d.next = d.ahead[len(d.ahead)-1].Seq + 1
		}
		e := d.ahead[0]
		d.ahead = d.ahead[1:]
		messages := []mqtt.Message{{Topic: d.link.cfg.Topics.Event(d.link.cfg.Self), Payload: e.Data, QoS: 1}}
		if len(d.encoders) > 0 {
			// A record of a newer version, read after a step back, goes out as it is.
			if rec, err := event.Decode(e.Data); err == nil {
				messages = d.link.messages(rec, e.Data, d.encoders)
			} else {
				d.link.log.Warn("record has no vocabulary records", "seq", e.Seq, "error", err)
			}
		}
		if e.Seq <= j.Acknowledged() {
			continue
		}
		if len(d.flights) == 0 {
			d.progress = time.Now()
		}
		d.flights = append(d.flights, &flight{seq: e.Seq, messages: messages})
		return nil
	}
}

// repeat sends everything again that is not acknowledged.
func (d *deliverer) repeat() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.progress) < d.patience {
		return
	}
	d.cursor = 0
	d.progress = time.Now()
	d.patience = min(2*d.patience, d.link.cfg.RepeatMax)
}

// taken notes that the broker has f and its vocabulary records.
func (d *deliverer) taken(f *flight) {
	d.mu.Lock()
	d.waiting--
	d.change()
	d.mu.Unlock()
	if d.link.cfg.Delivery == ByBroker {
		d.acknowledged(f.seq)
	}
}

// ack takes an acknowledgement of the backend; false if it is none of ours.
func (d *deliverer) ack(id string, seq uint64) bool {
	d.mu.Lock()
	ours := id == d.link.journal.ID() && seq <= d.sent
	d.mu.Unlock()
	if ours {
		d.acknowledged(seq)
	}
	return ours
}

// acknowledged lets go of all records up to seq.
func (d *deliverer) acknowledged(seq uint64) {
	d.mu.Lock()
	n := 0
	for n < len(d.flights) && d.flights[n].seq <= seq {
		n++
	}
	clear(d.flights[:n])
	d.flights = d.flights[n:]
	d.cursor = max(0, d.cursor-n)
	if n > 0 {
		d.progress, d.patience = time.Now(), d.link.cfg.RepeatFirst
	}
	d.change()
	d.mu.Unlock()
	j := d.link.journal
	if err := j.Acknowledge(seq); err != nil {
		d.link.log.Warn("acknowledgement not noted; events will be repeated after a restart", "seq", seq, "error", err)
	}
	if err := j.Keep(d.link.recorder.needed(j.Acknowledged())); err != nil {
		d.link.log.Warn("delivered events not removed", "error", err)
	}
	d.wakeUp()
}

// change tells those who wait in idle. mu is held.
func (d *deliverer) change() {
	close(d.still)
	d.still = make(chan struct{})
}

// idle waits until the broker has everything that is recorded; false if ctx
// ends first.
func (d *deliverer) idle(ctx context.Context) bool {
	for {
		d.mu.Lock()
		done := d.waiting == 0 && d.cursor == len(d.flights) && len(d.ahead) == 0 && d.next > d.link.journal.Last()
		still := d.still
		d.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-still:
		case <-ctx.Done():
			return false
		}
	}
}
