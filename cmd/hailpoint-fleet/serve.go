package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/cmd/hailpoint-fleet/internal/api"
	"hailpoint/cmd/hailpoint-fleet/internal/fleet"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/simulated"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	buildinfo "hailpoint/cmd/internal/version"
	"hailpoint/mqtt/broker"
	"hailpoint/mqtt/topic"
	"hailpoint/systemd"
)

// closeWithin bounds the orderly end of requests.
const closeWithin = 5 * time.Second

// serve is the service. It ends with ctx, or when it cannot go on.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	s := service{options: o, log: slog.New(slog.NewTextHandler(stderr, nil)), out: stdout}
	return s.run(ctx)
}

// service is the fleet service, put together.
type service struct {
	options
	log *slog.Logger
	out io.Writer // for the person who started it
	// alter, if not nil, may change a simulated terminal before it is made; up,
	// if not nil, is told the console's address, and a link that logs in, when
	// all works.
	alter func(*simulated.Config)
	up    func(console, link string)

	topics   topic.Topics
	store    *store.Store
	keys     *login.Keys
	broker   *broker.Broker
	fleet    *fleet.Fleet
	group    api.Group
	listener net.Listener
	secret   string // of the simulated terminals at the broker
	sims     []*simulated.Terminal
}

// run works until ctx ends.
func (s *service) run(ctx context.Context) (err error) {
	notify, err := systemd.New()
	if err != nil {
		return err
	}
	s.topics, s.secret = topic.Topics{Base: s.base}, login.Generate()
	if s.store, err = store.Open(ctx, s.data); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	s.keys = login.New(s.store, 0)
	operator, password, err := s.keys.FirstOperator(ctx)
	if err != nil {
		return err
	}
	if s.group, err = api.LoadGroup(ctx, s.store); err != nil {
		return err
	}
	// The port is taken before anything else happens: a second service on the
	// same machine finds out at once.
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.http); err != nil {
		return fmt.Errorf("listen for the console: %w (another program may use this port: choose another with --http)", err)
	}
	defer s.listener.Close() //nolint:errcheck // closed already if all went well
	if s.broker, err = s.newBroker(ctx); err != nil {
		return err
	}
	watch := fleet.Default()
	watch.Topics = s.topics
	if every := notify.Interval(); every > 0 {
		watch.BeatEvery = every / 2
		watch.Beat = func() { s.tell("watchdog", notify.Beat()) }
	}
	s.fleet = fleet.New(watch, s.broker, s.store, s.log)
	built := make(chan struct{})
	err = inOrder(ctx,
		func() error {
			s.announce(operator, password)
			s.tell("ready", notify.Ready("console at "+s.console()))
			return nil
		},
		func() { s.tell("stopping", notify.Stopping()) },
		stage{name: "broker", run: s.broker.Run, up: s.broker.Wait},
		stage{name: "fleet", run: s.fleet.Run},
		stage{
			name: "simulated terminals",
			run:  func(ctx context.Context) error { return s.simulate(ctx, built) },
			up:   until(built),
		},
		stage{name: "console", run: s.serveConsole},
	)
	return err
}

// until waits for a channel to be closed.
func until(done <-chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell logs what the service manager could not be told.
func (s *service) tell(what string, err error) {
	if err != nil {
		s.log.Warn("service manager not told", "what", what, "error", err)
	}
}

// newBroker sets the broker up. A terminal without a password of its own may
// connect only if the broker is for this machine alone.
func (s *service) newBroker(ctx context.Context) (*broker.Broker, error) {
	c := broker.Default()
	c.MQTT, c.Dir, c.Topics, c.TLS = s.mqtt, filepath.Join(s.data, "broker"), s.topics, s.tls
	open := loopback(s.mqtt)
	lookup := context.WithoutCancel(ctx) // terminals say goodbye to a service that stops
	c.Authenticate = func(l broker.Login) bool {
		if s.isSimulated(l.User) {
			return subtle.ConstantTimeCompare([]byte(l.Password), []byte(s.secret)) == 1
		}
		ok, err := s.keys.Terminal(lookup, l.User, l.Password, open)
		if err != nil {
			s.log.Error("terminal not looked up", "device_id", l.User, "error", err)
		}
		return ok
	}
	return broker.New(c, s.log)
}

// serveConsole serves HTTP until ctx ends.
func (s *service) serveConsole(ctx context.Context) error {
	parts := api.Parts{
		Topics: s.topics, Broker: s.broker, Fleet: s.fleet, Store: s.store, Keys: s.keys, Group: s.group, Log: s.log,
		Recovery: commandFor(s.data, "operator add admin"),
	}
	for _, t := range s.sims {
		parts.Simulated = append(parts.Simulated, t)
	}
	console := api.New(parts)
	server := &http.Server{
		Handler: console.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }, // pages end with it
		TLSConfig:   s.tls, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return console.Run(ctx) })
	g.Go(func() error {
		var err error
		if s.tls != nil {
			err = server.ServeTLS(s.listener, "", "")
		} else {
			err = server.Serve(s.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the console: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			return errors.Join(fmt.Errorf("end requests: %w", err), server.Close())
		}
		return nil
	})
	return g.Wait()
}

// console is the address to open, with the real port.
func (s *service) console() string {
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return scheme + "://" + s.http
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(reachable(host), port), Path: "/"}).String()
}

// brokerURL is where terminals connect, with the real port.
func (s *service) brokerURL() string {
	u, err := url.Parse(s.broker.URL())
	if err != nil {
		return s.broker.URL()
	}
	if host, _, err := net.SplitHostPort(s.mqtt); err == nil {
		u.Host = net.JoinHostPort(reachable(host), u.Port())
	}
	return u.String()
}

// reachable is the host to connect to where host is listened on: this machine's
// name where that is every address.
func reachable(host string) string {
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return host
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// announce tells the person who started the service how to go on. The
// password of the first operator is shown here once and never again.
func (s *service) announce(operator, password string) {
	console, link := s.console(), ""
	if loopback(s.http) && os.Getenv("NOTIFY_SOCKET") == "" {
		// Whoever reads this process's output is its owner; a journal has more readers.
		link = console + "?token=" + s.keys.Link(operator)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nHailpoint fleet service %s\n\n", buildinfo.Version)
	if link != "" {
		fmt.Fprintf(&b, "  Console:   %s\n             (logs you in, once; later: %s)\n", link, console)
	} else {
		fmt.Fprintf(&b, "  Console:   %s\n", console)
	}
	if password != "" {
		fmt.Fprintf(&b, "  Operator:  %s, password %s (not shown again)\n", operator, password)
	}
	fmt.Fprintf(&b, "  Broker:    %s\n", s.brokerURL())
	fmt.Fprintf(&b, "  Data:      %s\n\n", s.data)
	fmt.Fprintf(&b, "A new password for an operator: %s\n", commandFor(s.data, "operator add NAME"))
	b.WriteString("Browsers give the microphone only to pages on localhost or https.\n")
	if s.tls == nil && !loopback(s.http) {
		b.WriteString("This console is on the network without https: give --cert and --key, or put a web server with a certificate in front.\n")
	}
	if !loopback(s.mqtt) {
		fmt.Fprintf(&b, "Terminals need a password each: %s\n", commandFor(s.data, "terminal add ID"))
	}
	if _, err := io.WriteString(s.out, b.String()); err != nil {
		s.log.Warn("address not printed", "error", err)
	}
	s.log.Info("ready", "console", console, "broker", s.brokerURL(), "simulated", len(s.sims))
	if s.up != nil {
		s.up(console, link)
	}
}
