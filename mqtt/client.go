package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/errgroup"
)

// ErrStop says that there is to be no further session: wrapped in the error of
// Handlers.Up it ends the session with DISCONNECT, and Run returns that error.
var ErrStop = errors.New("not to be connected again")

// steady is how long a session must have lasted for the next wait to start
// from the smallest again.
const steady = 10 * time.Second

// Handlers are what a Client calls. Each may be nil.
type Handlers struct {
	// Will is asked before each connect for the last will, which the broker
	// publishes when the connection ends without DISCONNECT.
	Will func() Message
	// Up is called when a session begins, in a goroutine of its own, and may
	// work on it for as long as it lives: ctx ends with it, and Up returns then. An
	// error of Up closes the session.
	Up func(ctx context.Context, s *Session) error
	// Message is called for each message received, in order, one at a time. It
	// may block; the messages behind it wait, up to a bound.
	Message func(ctx context.Context, s *Session, m Message)
	// Down is called when a session has ended and Up and Message have returned,
	// with the reason; nil means an orderly stop.
	Down func(err error)
	// Bye is asked at an orderly stop for a last message, published before
	// DISCONNECT once Up has returned; none if it has no topic.
	Bye func() Message
}

// Client keeps a session with one of several brokers. Its methods may be
// called from any goroutine.
type Client struct {
	config   Config
	log      *slog.Logger
	handlers Handlers

	session atomic.Pointer[Session]
	dropped atomic.Uint64
	trouble atomic.Pointer[error] // of the last attempt; nil after a connect
}

// New returns a client that does nothing until Run. The error is that of
// Config.Validate.
func New(c Config, log *slog.Logger, h Handlers) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Client{config: c, log: log, handlers: h}, nil
}

// Session returns the present session, or nil while there is none.
func (c *Client) Session() *Session { return c.session.Load() }

// Connected reports whether there is a session now.
func (c *Client) Connected() bool { return c.session.Load() != nil }

// Trouble is why the last attempt to connect came to nothing; nil when there was
// none since the last connect.
func (c *Client) Trouble() error {
	if err := c.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Dropped counts the messages that came in faster than they were handled and
// found the queue full.
func (c *Client) Dropped() uint64 { return c.dropped.Load() }

// Run connects, and connects again for ever, until ctx ends; then it says
// goodbye (Handlers.Bye, DISCONNECT) within Config.StopTimeout and returns nil.
// It returns an error only for an ErrStop; after that it may be called again.
func (c *Client) Run(ctx context.Context) error {
	failures, said := 0, troubles{}
	for {
		for _, broker := range c.config.Brokers {
			s, err := c.connect(ctx, broker)
			if ctx.Err() != nil && s == nil {
				return nil
			}
			if err != nil {
				level := slog.LevelDebug
				if said.worth(broker, err, time.Now()) {
					level = slog.LevelWarn
				}
				c.trouble.Store(&err)
				c.log.Log(ctx, level, "broker not reached", "broker", broker, "error", err, "failures", failures+1)
				continue
			}
			said.over(broker)
			c.trouble.Store(nil)
			c.log.Info("broker connected", "broker", broker, "client_id", c.config.ClientID)
			began := time.Now()
			err = c.serve(ctx, s)
			if ctx.Err() != nil {
				return nil //nolint:nilerr // an orderly stop, which serve has completed
			}
			c.log.Warn("broker connection ended", "broker", broker, "error", err, "lasted", time.Since(began).Round(time.Millisecond))
			if errors.Is(err, ErrStop) {
				return err
			}
			if time.Since(began) >= steady {
				failures = 0
			}
			break
		}
		failures++
		delay := time.NewTimer(c.config.Backoff.Delay(failures, rand.Float64())) //nolint:gosec // spreads load, guards nothing
		select {
		case <-ctx.Done():
			delay.Stop()
			return nil
		case <-delay.C:
		}
	}
}

// connect makes one attempt on one broker.
func (c *Client) connect(ctx context.Context, broker string) (*Session, error) {
	var will Message
	if c.handlers.Will != nil {
		will = c.handlers.Will()
	}
	u, err := parseBroker(broker)
	if err != nil {
		return nil, err
	}
	password, err := c.config.password()
	if err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	s := &Session{broker: broker, in: newInbox(), lost: make(chan struct{})}
	o := paho.NewClientOptions().AddBroker(u.String()).SetClientID(c.config.ClientID).
		SetUsername(c.config.Username).SetPassword(password).
		SetProtocolVersion(4).SetCleanSession(true).SetStore(noStore{}).
		SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true).
		SetKeepAlive(c.config.KeepAlive).SetPingTimeout(c.config.KeepAlive).
		SetConnectTimeout(c.config.ConnectTimeout).SetWriteTimeout(handWithin).
		SetConnectionLostHandler(func(_ paho.Client, err error) { s.end(err) }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			if !s.in.put(Message{Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retained: m.Retained()}) {
				c.dropped.Add(1)
			}
		})
	var stopWatching func() bool
	var dialErr error
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		conn, err := c.config.dial(attempt, u, s.end)
		if err != nil {
			dialErr = err // paho's own error hides the chain
			return nil, err
		}
		// Ends the wait for the CONNACK; paho itself knows no context.
		stopWatching = context.AfterFunc(attempt, func() { _ = conn.Close() })
		return conn, nil
	})
	if will.Topic != "" {
		o.SetBinaryWill(will.Topic, will.Payload, will.QoS, will.Retained)
	}
	s.client = paho.NewClient(o)
	token := s.client.Connect()
	token.Wait()
	err = token.Error()
	if dialErr != nil {
		err = dialErr
	}
	if err == nil && !stopWatching() {
		s.client.Disconnect(0) // ended in the moment of its success
		err = context.Cause(attempt)
	}
	if err != nil {
		err = fmt.Errorf("connect to broker %s as %q: %w", broker, c.config.ClientID, err)
		if h := hint(err); h != "" {
			err = fmt.Errorf("%w (%s)", err, h)
		}
		return nil, err
	}
	return s, nil
}

// serve works on one session until it ends or ctx does, and returns why.
func (c *Client) serve(ctx context.Context, s *Session) error {
	c.session.Store(s)
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	g, live := errgroup.WithContext(live)
	g.Go(func() error { // ends the others with the session
		select {
		case <-s.lost:
			return s.ended()
		case <-live.Done():
			return nil
		}
	})
	g.Go(func() error { c.deliver(live, s); return nil })
	if c.handlers.Up != nil {
		g.Go(func() error {
			if err := c.handlers.Up(live, s); err != nil && live.Err() == nil {
				return fmt.Errorf("work on the session: %w", err)
			}
			return nil
		})
	}
	err := g.Wait()
	c.session.Store(nil)
	if ctx.Err() != nil && s.Err() == nil {
		c.bye(ctx, s)
		err = nil
	}
	s.client.Disconnect(250)
	s.end(err)
	if c.handlers.Down != nil {
		c.handlers.Down(err)
	}
	return err
}

// bye publishes the last message and waits for it, within the bound.
func (c *Client) bye(ctx context.Context, s *Session) {
	if c.handlers.Bye == nil {
		return
	}
	m := c.handlers.Bye()
	if m.Topic == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.StopTimeout)
	defer cancel()
	if err := s.Send(ctx, m); err != nil {
		c.log.Warn("last message not acknowledged", "error", err)
	}
}

// deliver hands the messages of s to the handler until live ends.
func (c *Client) deliver(live context.Context, s *Session) {
	for {
		select {
		case <-live.Done():
			return
		case <-s.in.more:
		}
		for _, m := range s.in.take() {
			if live.Err() != nil {
				return
			}
			if c.handlers.Message != nil {
				c.handlers.Message(live, s, m)
			}
		}
	}
}
