package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"

	"hailpoint/mqtt/topic"
)

// DefaultMaxPayload is the largest message taken, in bytes. A client that
// sends more is disconnected.
const DefaultMaxPayload = 256 << 10

// Login is what a client shows when it connects. Its client id has already
// been found equal to User.
type Login struct {
	// User is a valid address.
	User     string
	Password string
	// Certificate is the verified client certificate, or nil. Its common name
	// has already been found equal to User.
	Certificate *x509.Certificate
}

// Config says where the broker listens, where it stores and whom it lets in.
type Config struct {
	// MQTT is the host and port for MQTT over TCP; port 0 takes a free one.
	MQTT string
	// WebSocket is the host and port for MQTT over WebSocket, path /mqtt; empty
	// means none.
	WebSocket string
	// TLS, where set, is used on both. For client certificates set ClientCAs and
	// ClientAuth to tls.VerifyClientCertIfGiven.
	TLS *tls.Config
	// Dir is the directory of stored messages. One broker at a time uses it.
	Dir string
	// Sync has each message on disk before it is acknowledged.
	Sync bool
	// MaxPayload is the largest message in bytes.
	MaxPayload int
	// Topics is the base of all topics.
	Topics topic.Topics
	// Authenticate decides on a login; it is called from several goroutines and
	// must not block for long. Nil lets nobody in.
	Authenticate func(Login) bool
}

// Default returns a Config that listens on the loopback interface and lacks
// only Dir and Authenticate.
func Default() Config {
	return Config{MQTT: "127.0.0.1:1883", Sync: true, MaxPayload: DefaultMaxPayload, Topics: topic.Default()}
}

// Validate reports every impossible value by its key; it changes nothing.
func (c Config) Validate() error {
	var errs []error
	if _, _, err := hostPort(c.MQTT); err != nil {
		errs = append(errs, fmt.Errorf("mqtt: %w", err))
	}
	if c.WebSocket != "" {
		if _, _, err := hostPort(c.WebSocket); err != nil {
			errs = append(errs, fmt.Errorf("websocket: %w", err))
		}
	}
	if c.Dir == "" {
		errs = append(errs, errors.New("dir: empty; name a directory on a disk that survives a restart"))
	}
	if c.MaxPayload < 64<<10 || c.MaxPayload > 8<<20 {
		errs = append(errs, fmt.Errorf("max_payload: %d is not from 65536 to 8388608", c.MaxPayload))
	}
	if err := topic.CheckBase(c.Topics.Base); err != nil {
		errs = append(errs, fmt.Errorf("base: %w", err))
	}
	if c.TLS != nil && len(c.TLS.Certificates) == 0 {
		errs = append(errs, errors.New("tls: it holds no certificate"))
	}
	return errors.Join(errs...)
}

// hostPort takes an address to listen on apart. Port 0 becomes -1, which is
// what the server calls "any".
func hostPort(s string) (string, int, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port: %w", s, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q: the port is not a number from 0 to 65535", s)
	}
	if n == 0 {
		return host, -1, nil
	}
	return host, int(n), nil
}
