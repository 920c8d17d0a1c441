package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// maxPacket bounds what a broker can make us allocate for one packet, in
// bytes. The largest message of the contract is far below it.
const maxPacket = 1 << 20

var errTooLarge = errors.New("the broker sent a packet of more than 1 MiB")

// dial opens the network connection to a broker, TLS and WebSocket included.
// ctx bounds the dialling only; failed is told when the connection breaks.
func (c Config) dial(ctx context.Context, u *url.URL, failed func(error)) (net.Conn, error) {
	var tlsConfig *tls.Config
	if c.Dial == nil && (u.Scheme == "mqtts" || u.Scheme == "wss") {
		var err error
		if tlsConfig, err = c.tls(u.Hostname()); err != nil {
			return nil, err
		}
	}
	var conn net.Conn
	var err error
	switch {
	case c.Dial != nil:
		conn, err = c.Dial(ctx)
	case u.Scheme == "mqtt":
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	case u.Scheme == "mqtts":
		conn, err = (&tls.Dialer{Config: tlsConfig}).DialContext(ctx, "tcp", u.Host)
	default:
		conn, err = dialWebSocket(ctx, u, tlsConfig)
	}
	if err != nil {
		return nil, err
	}
	silence := c.KeepAlive + max(c.KeepAlive/2, 7500*time.Millisecond)
	if c.KeepAlive <= 10*time.Second { // paho looks every quarter of it, else every 5 s
		silence = c.KeepAlive * 3 / 2
	}
	return &guarded{Conn: conn, readWithin: silence, writeWithin: 10 * time.Second, failed: failed}, nil
}

func dialWebSocket(ctx context.Context, u *url.URL, t *tls.Config) (net.Conn, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: t}
	ws, _, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient:   &http.Client{Transport: transport},
		Subprotocols: []string{"mqtt"}, // MQTT 3.1.1, section 6
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(maxPacket)
	// The connection outlives the dialling: whoever holds it closes it.
	return websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), nil
}

// tls reads the certificate files and returns the configuration to verify host.
func (c Config) tls(host string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s: no PEM certificate in it", c.CAFile)
		}
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load cert_file %s and key_file %s: %w", c.CertFile, c.KeyFile, err)
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}

// password returns the password to log in with.
func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return string(c.Password), nil
	}
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password_file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// hint says what to try about a failed connection, or "".
func hint(err error) string {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var dns *net.DNSError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "compare the certificate's dates with this clock: renew the one or set the other"
	case errors.As(err, &authority):
		return "set ca_file to the certificate of whoever signed the broker's"
	case errors.As(err, &name):
		return "use a name in broker that the certificate carries"
	case errors.As(err, &dns):
		return "check the host name and the DNS server"
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return "check username and password_file, and that the broker knows this client id"
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return "the broker refuses this client id"
	}
	return ""
}

// guarded is a connection that gives up: on a read after too long a silence,
// on a write that does not get through, on a packet too large to be honest.
type guarded struct {
	net.Conn
	readWithin, writeWithin time.Duration
	failed                  func(error) // told of each error; paho keeps some to itself

	left   int // bytes of the packet under way still to come
	header int // bytes of its fixed header seen so far
	length int // its remaining length, as far as it was read
}

// Read reads from the line. Packets are read by one goroutine at a time.
func (g *guarded) Read(p []byte) (int, error) {
	err := g.SetReadDeadline(time.Now().Add(g.readWithin))
	n := 0
	if err == nil {
		n, err = g.Conn.Read(p)
	}
	switch {
	case !g.measure(p[:n]):
		n, err = 0, errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("nothing heard from the broker for %v: %w", g.readWithin, err)
	}
	if err != nil {
		g.failed(err)
	}
	return n, err
}

// Write writes to the line.
func (g *guarded) Write(p []byte) (int, error) {
	err := g.SetWriteDeadline(time.Now().Add(g.writeWithin))
	n := 0
	if err == nil {
		n, err = g.Conn.Write(p)
	}
	if err != nil {
		g.failed(err)
	}
	return n, err
}

// measure follows the fixed headers in b (MQTT 3.1.1, section 2.2) and
// reports whether every packet is within maxPacket.
func (g *guarded) measure(b []byte) bool {
	for len(b) > 0 {
		if g.left > 0 {
			n := min(g.left, len(b))
			g.left -= n
			b = b[n:]
			continue
		}
		if g.header == 0 {
			g.header, g.length = 1, 0
			b = b[1:]
			continue
		}
		g.length |= int(b[0]&0x7f) << (7 * (g.header - 1))
		g.header++
		if g.length > maxPacket || g.header > 5 {
			return false
		}
		if b[0]&0x80 == 0 {
			g.left, g.header = g.length, 0
		}
		b = b[1:]
	}
	return true
}
