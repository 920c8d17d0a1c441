package mqtt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// ErrLost says that the session ended before the broker took or answered
// something. Whether it arrived is not known.
var ErrLost = errors.New("the session with the broker ended")

// RefusedError names the filters that the broker refused in a SUBACK.
type RefusedError struct {
	Filters []string // sorted
}

// Error tells what to try.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the broker refused to subscribe %s (check its access list for this user)", strings.Join(e.Filters, ", "))
}

// Message is one MQTT message.
type Message struct {
	Topic    string
	Payload  []byte // not to be changed once handed over
	QoS      byte   // 0 or 1
	Retained bool
}

// Session is one connection to a broker, from CONNACK to its end. Its methods
// may be called from any goroutine.
type Session struct {
	broker string
	client paho.Client
	in     *inbox
	lost   chan struct{} // closed when the connection has ended

	once sync.Once
	err  error // why it ended; set before lost is closed
}

// Broker is the URL of the broker, as configured.
func (s *Session) Broker() string { return s.broker }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.lost }

// Err is why the session ended, or nil before that.
func (s *Session) Err() error {
	select {
	case <-s.lost:
		return s.err
	default:
		return nil
	}
}

// Receipt waits for the outcome of one Publish.
type Receipt struct {
	token paho.Token
	s     *Session
}

// Wait returns nil once the message is done: acknowledged by the broker for
// QoS 1, written for QoS 0. It returns an error that wraps ErrLost if the session
// ended first, and ctx's if that did. A PUBACK says that the broker took the message,
// not that it was allowed (the outside contract, section 1).
func (r *Receipt) Wait(ctx context.Context) error {
	select {
	case <-r.token.Done():
	case <-r.s.lost:
		select {
		case <-r.token.Done():
		default:
			return r.s.ended()
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := r.token.Error(); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return nil
}

// Publish hands m to the connection and returns a receipt for its outcome.
// Messages published by one goroutine keep their order. It blocks while the
// line is full, for at most the 10 s after which such a line is given up.
func (s *Session) Publish(m Message) *Receipt {
	return &Receipt{token: s.hand(func() paho.Token {
		return s.client.Publish(m.Topic, m.QoS, m.Retained, m.Payload)
	}), s: s}
}

// handWithin is how long paho waits for its writer, which may be busy, or gone.
const handWithin = 250 * time.Millisecond

// hand gives a packet to paho's writer. Paho cannot be told that the session
// has ended, so it is asked again and again while it has not. A packet that it
// timed out on was not given to the writer.
func (s *Session) hand(try func() paho.Token) paho.Token {
	for {
		token := try()
		select {
		case <-token.Done():
			if err := token.Error(); err != nil && s.Err() == nil && strings.HasSuffix(err.Error(), "was broken by timeout") {
				continue
			}
		default:
		}
		return token
	}
}

// Send publishes m and waits for its outcome.
func (s *Session) Send(ctx context.Context, m Message) error { return s.Publish(m).Wait(ctx) }

// Subscribe subscribes the filters at QoS 0, in one packet, and checks every
// granted code: the result is a *RefusedError if the broker refused any of them.
func (s *Session) Subscribe(ctx context.Context, filters ...string) error {
	return s.SubscribeQoS(ctx, 0, filters...)
}

// SubscribeQoS is Subscribe at another QoS. Terminals have no use for it: a
// subscription at QoS 1 costs some brokers a stored queue each.
func (s *Session) SubscribeQoS(ctx context.Context, qos byte, filters ...string) error {
	if len(filters) == 0 {
		return nil
	}
	want := make(map[string]byte, len(filters))
	for _, f := range filters {
		want[f] = qos
	}
	token := s.hand(func() paho.Token { return s.client.SubscribeMultiple(want, nil) })
	if err := s.wait(ctx, token); err != nil {
		return fmt.Errorf("subscribe %s: %w", strings.Join(filters, ", "), err)
	}
	granted := token.(*paho.SubscribeToken).Result()
	var refused []string
	for f := range want {
		if code, ok := granted[f]; !ok || code > 2 { // MQTT 3.1.1, section 3.9.3: 0x80 is failure
			refused = append(refused, f)
		}
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		return &RefusedError{Filters: refused}
	}
	return nil
}

// Unsubscribe ends subscriptions made with Subscribe.
func (s *Session) Unsubscribe(ctx context.Context, filters ...string) error {
	if len(filters) == 0 {
		return nil
	}
	token := s.hand(func() paho.Token { return s.client.Unsubscribe(filters...) })
	if err := s.wait(ctx, token); err != nil {
		return fmt.Errorf("unsubscribe %s: %w", strings.Join(filters, ", "), err)
	}
	return nil
}

func (s *Session) wait(ctx context.Context, token paho.Token) error {
	return (&Receipt{token: token, s: s}).Wait(ctx)
}

// end marks the session as ended; the first reason stands.
func (s *Session) end(why error) {
	s.once.Do(func() {
		s.err = why
		close(s.lost)
	})
}

func (s *Session) ended() error {
	if s.err == nil {
		return ErrLost
	}
	return fmt.Errorf("%w: %w", ErrLost, s.err)
}

// inbox is the queue between paho, which must not be kept waiting, and the
// one goroutine that handles messages.
type inbox struct {
	more chan struct{} // holds a token while messages may be waiting

	mu    sync.Mutex // guards the fields below
	queue []Message
	bytes int
}

// Bounds of an inbox. What does not fit is dropped and counted: waiting would
// stop the answers to our pings too.
const (
	inboxMessages = 8192
	inboxBytes    = 8 << 20
)

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

// put queues m and reports whether it fitted.
func (q *inbox) put(m Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= inboxMessages || q.bytes+len(m.Payload) > inboxBytes {
		return false
	}
	q.queue = append(q.queue, m)
	q.bytes += len(m.Payload)
	select {
	case q.more <- struct{}{}:
	default:
	}
	return true
}

// take returns all that is waiting, oldest first.
func (q *inbox) take() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.queue
	q.queue, q.bytes = nil, 0
	return all
}

// noStore keeps nothing: what was in flight when a connection ended is the
// caller's to repeat.
type noStore struct{}

func (noStore) Open()                             {}
func (noStore) Put(string, packets.ControlPacket) {}
func (noStore) Get(string) packets.ControlPacket  { return nil }
func (noStore) All() []string                     { return nil }
func (noStore) Del(string)                        {}
func (noStore) Close()                            {}
func (noStore) Reset()                            {}
