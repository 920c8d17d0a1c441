package broker

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"hailpoint/mqtt"
)

// serviceUser is the name of the service's own client. It is no address, so
// no terminal can have it.
const serviceUser = "_service"

// startWithin bounds the start: a large store is read in this time.
const startWithin = time.Minute

// ErrNotRunning says that the broker is not up (yet, or any more).
var ErrNotRunning = errors.New("the broker is not running")

// Broker is an MQTT broker. Its methods may be called from any goroutine.
type Broker struct {
	config Config
	log    *slog.Logger
	secret string // password of the service's own connections
	srv    *server.Server
	server *server.Options
	own    *mqtt.Client

	up       chan struct{} // closed when everything works and terminals are let in
	closing  chan struct{} // closed when Run begins to stop the server
	over     chan struct{} // closed when Run has returned
	consumer jetstream.Consumer
	runErr   error // set before over is closed

	mu      sync.Mutex // guards the fields below
	present map[string]uint64
	subs    []*subscription
}

// New returns a broker that does nothing until Run. The error is that of
// Config.Validate, or says what the server dislikes.
func New(c Config, log *slog.Logger) (*Broker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b := &Broker{
		config: c, log: log, secret: rand.Text(),
		up: make(chan struct{}), closing: make(chan struct{}), over: make(chan struct{}), present: map[string]uint64{},
	}
	host, port, err := hostPort(c.MQTT)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: "hailpoint", NoSigs: true, DontListen: true,
		JetStream: true, StoreDir: c.Dir, SyncAlways: c.Sync, DisableJetStreamBanner: true,
		MaxPayload: int32(c.MaxPayload), CustomClientAuthentication: (*gate)(b), //nolint:gosec // Validate bounds it
	}
	o.MQTT.Host, o.MQTT.Port, o.MQTT.TLSConfig = host, port, c.TLS
	o.MQTT.TLSTimeout, o.MQTT.AuthTimeout = 10, 10 // seconds; a small board's first handshake is slow
	if c.WebSocket != "" {
		if o.Websocket.Host, o.Websocket.Port, err = hostPort(c.WebSocket); err != nil {
			return nil, err
		}
		o.Websocket.TLSConfig, o.Websocket.NoTLS = c.TLS, c.TLS == nil
	}
	b.server = o
	return b, nil
}

// Run works until ctx ends, then closes every connection and returns nil once
// all has stopped. It returns an error if the broker could not start, or
// broke. It is called once.
func (b *Broker) Run(ctx context.Context) (err error) {
	defer func() {
		b.runErr = err
		close(b.over)
	}()
	srv, err := server.NewServer(b.server)
	if err != nil {
		return fmt.Errorf("set up the broker: %w", err)
	}
	fatal := make(chan error, 1)
	srv.SetLogger(&logger{log: b.log, fatal: fatal}, false, false)
	b.srv = srv
	go srv.Start()
	defer func() {
		close(b.closing) // first: Shutdown waits for the clients that wait at the gate
		srv.Shutdown()
		srv.WaitForShutdown()
	}()
	if err := b.started(ctx, fatal); err != nil {
		return err
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.UserInfo(serviceUser, b.secret), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to the broker in this process: %w", err)
	}
	defer nc.Close()
	g, ctx := errgroup.WithContext(ctx)
	if err := b.startOwn(ctx, g, nc); err != nil {
		return err
	}
	g.Go(func() error {
		select {
		case err := <-fatal:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	return g.Wait()
}

// started waits for the server's listeners.
func (b *Broker) started(ctx context.Context, fatal <-chan error) error {
	deadline := time.Now().Add(startWithin)
	for !b.srv.ReadyForConnections(100 * time.Millisecond) {
		select {
		case err := <-fatal:
			return err
		case <-ctx.Done():
			return nil // Run sees it too
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("start the broker on %s with its store in %s: not ready after %v", b.config.MQTT, b.config.Dir, startWithin)
		}
	}
	return nil
}

// startOwn connects the service's own MQTT client, makes the durable consumer
// and only then opens the door: an event acknowledged before there is a
// consumer would be kept nowhere.
func (b *Broker) startOwn(ctx context.Context, g *errgroup.Group, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open the broker's store: %w", err)
	}
	c := mqtt.Default()
	c.Brokers, c.ClientID = []string{b.ownURL()}, serviceUser
	c.Username, c.Password = serviceUser, mqtt.Secret(b.secret)
	c.Dial = b.dialOwn
	ready := sync.OnceFunc(func() { close(b.up) })
	b.own, err = mqtt.New(c, b.log, mqtt.Handlers{
		Up: func(ctx context.Context, s *mqtt.Session) error {
			if b.consumer == nil {
				consumer, err := b.feed(ctx, js) // the stream appears with the first MQTT session
				if err != nil {
					return err
				}
				b.consumer = consumer
			}
			if err := b.resubscribe(ctx, s); err != nil {
				return err
			}
			ready()
			return nil
		},
		Message: b.dispatch,
	})
	if err != nil {
		return fmt.Errorf("set up the service's own client: %w", err)
	}
	g.Go(func() error { return b.own.Run(ctx) })
	return nil
}

// Wait returns nil once the broker takes clients, ctx's error if that ends
// first, and Run's error, or ErrNotRunning, if Run has returned.
func (b *Broker) Wait(ctx context.Context) error {
	select {
	case <-b.up:
		return nil
	case <-b.over:
		return errors.Join(ErrNotRunning, b.runErr)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// URL is where MQTT clients connect, with the real port, such as
// mqtt://127.0.0.1:1883. It is known once Wait has returned nil.
func (b *Broker) URL() string {
	scheme := "mqtt"
	if b.config.TLS != nil {
		scheme = "mqtts"
	}
	return (&url.URL{Scheme: scheme, Host: reach(b.server.MQTT.Host, b.server.MQTT.Port)}).String()
}

// WebSocketURL is where MQTT over WebSocket connects, or "" if it is off. It
// is known once Wait has returned nil.
func (b *Broker) WebSocketURL() string {
	if b.config.WebSocket == "" {
		return ""
	}
	scheme := "ws"
	if b.config.TLS != nil {
		scheme = "wss"
	}
	return (&url.URL{Scheme: scheme, Host: reach(b.server.Websocket.Host, b.server.Websocket.Port), Path: "/mqtt"}).String()
}

// Publish sends m to all who subscribed it, with the service's full rights. At
// QoS 1 it returns when the broker has it; at QoS 0 when it is written.
func (b *Broker) Publish(ctx context.Context, m mqtt.Message) error {
	select {
	case <-b.up:
	default:
		return fmt.Errorf("publish %s: %w", m.Topic, ErrNotRunning)
	}
	s := b.own.Session()
	if s == nil {
		return fmt.Errorf("publish %s: %w", m.Topic, ErrNotRunning)
	}
	if err := s.Send(ctx, m); err != nil {
		return fmt.Errorf("publish %s: %w", m.Topic, err)
	}
	return nil
}

// Kick closes the connection of a terminal, if it has one, and reports
// whether it had. Unless Authenticate refuses it, it will come back.
func (b *Broker) Kick(address string) bool {
	b.mu.Lock()
	id, ok := b.present[address]
	delete(b.present, address)
	b.mu.Unlock()
	return ok && b.srv.DisconnectClientByID(id) == nil
}

func (b *Broker) ownURL() string { return "mqtt://" + reach(b.server.MQTT.Host, b.server.MQTT.Port) }

// dialOwn connects to the broker's own listener. With TLS the certificate must
// be, byte for byte, the one that this process serves: no name to match, no
// issuer to trust.
func (b *Broker) dialOwn(ctx context.Context) (net.Conn, error) {
	addr := reach(b.server.MQTT.Host, b.server.MQTT.Port)
	if b.config.TLS == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	served := b.config.TLS.Certificates[0].Certificate[0]
	return (&tls.Dialer{Config: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection pins the very certificate, which is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || string(s.PeerCertificates[0].Raw) != string(served) {
				return errors.New("the listener does not show this process's own certificate")
			}
			return nil
		},
	}}).DialContext(ctx, "tcp", addr)
}

// reach turns an address that is listened on into one to connect to.
func reach(host string, port int) string {
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
