package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strings"
	"time"
)

// Secret is a text that prints as "***", whatever prints it.
type Secret string

// String returns "***", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString masks the secret for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue masks the secret in a log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config says which broker to connect to, and as whom.
type Config struct {
	// Brokers are URLs, tried in turn from the first: mqtt://host:1883,
	// mqtts://host:8883, ws://host/mqtt, wss://host/mqtt. A missing port is the
	// scheme's own; a missing path of ws and wss is /mqtt.
	Brokers []string
	// ClientID is the MQTT client id: the terminal's address.
	ClientID string
	// Username and Password log in; an empty name logs in as nobody.
	Username string
	Password Secret
	// PasswordFile, where set, is read at each connect and stands for Password,
	// so that a new password needs no restart. Space at its ends is ignored.
	PasswordFile string
	// CAFile holds the PEM certificates that may have signed the broker's; empty
	// means the system's. CertFile and KeyFile are this client's certificate. All
	// are read at each connect. There is no switch to turn verification off.
	CAFile, CertFile, KeyFile string
	// KeepAlive is the longest silence on the line, in whole seconds. A dead
	// line is found within one and a half of it (if it is 15 s or more).
	KeepAlive time.Duration
	// ConnectTimeout bounds one attempt: name, TCP, TLS, CONNACK.
	ConnectTimeout time.Duration
	// Backoff is the wait between rounds over Brokers.
	Backoff Backoff
	// StopTimeout bounds an orderly stop: Bye acknowledged, DISCONNECT written.
	StopTimeout time.Duration
	// Dial, where set, opens the connection to a broker that no URL can say how
	// to reach, TLS included. Brokers then only name it in logs.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Default returns a Config that lacks only Brokers and ClientID.
func Default() Config {
	return Config{
		KeepAlive:      20 * time.Second,
		ConnectTimeout: 10 * time.Second,
		Backoff:        Backoff{Min: 200 * time.Millisecond, Max: 30 * time.Second},
		StopTimeout:    2 * time.Second,
	}
}

// Validate reports every impossible value by its key. It changes nothing and
// reads no file.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("broker: none given; write for example mqtts://fleet.example:8883"))
	}
	for _, b := range c.Brokers {
		if _, err := parseBroker(b); err != nil {
			errs = append(errs, fmt.Errorf("broker: %w", err))
		}
	}
	if c.ClientID == "" || len(c.ClientID) > 64 {
		errs = append(errs, fmt.Errorf("client_id: %.70q needs 1 to 64 bytes", c.ClientID))
	}
	if c.Password != "" && c.PasswordFile != "" {
		errs = append(errs, errors.New("password_file: set together with a password; remove one of them"))
	}
	if c.Username == "" && (c.Password != "" || c.PasswordFile != "") {
		errs = append(errs, errors.New("username: empty, but a password is set; MQTT has no password without a name"))
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		errs = append(errs, errors.New("cert_file, key_file: set both or neither"))
	}
	if c.KeepAlive < 4*time.Second || c.KeepAlive > math.MaxUint16*time.Second || c.KeepAlive%time.Second != 0 {
		errs = append(errs, fmt.Errorf("keep_alive: %v is not a whole number of seconds from 4s to 18h12m15s", c.KeepAlive))
	}
	if c.ConnectTimeout <= 0 {
		errs = append(errs, fmt.Errorf("connect_timeout: %v is not positive; 10s is usual", c.ConnectTimeout))
	}
	if c.Backoff.Min <= 0 || c.Backoff.Max < c.Backoff.Min {
		errs = append(errs, fmt.Errorf("backoff: from %v to %v is no range; 200ms to 30s is usual", c.Backoff.Min, c.Backoff.Max))
	}
	if c.StopTimeout <= 0 {
		errs = append(errs, fmt.Errorf("stop_timeout: %v is not positive; 2s is usual", c.StopTimeout))
	}
	return errors.Join(errs...)
}

// Backoff is the wait before attempt after attempt: random between nothing
// and a bound that doubles from Min to Max ("full jitter"), so that a fleet
// that lost its broker does not come back all at once.
type Backoff struct {
	Min, Max time.Duration
}

// Delay returns the wait after the given number of failed rounds in a row (1
// or more). r is the randomness, 0 <= r < 1.
func (b Backoff) Delay(failures int, r float64) time.Duration {
	bound := b.Min
	for range failures - 1 {
		if bound >= b.Max/2 {
			bound = b.Max
			break
		}
		bound *= 2
	}
	return time.Duration(r * float64(min(bound, b.Max)))
}

// parseBroker returns the broker's URL with its port and path filled in.
func parseBroker(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: %w", redact(s), errors.Unwrap(err))
	}
	port := map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}[u.Scheme]
	switch {
	case port == "":
		return nil, fmt.Errorf("%q: the scheme is not one of mqtt, mqtts, ws, wss; write for example mqtts://fleet.example:8883", redact(s))
	case u.User != nil:
		return nil, fmt.Errorf("%q holds a user name; set username and password_file instead, so that it is not logged", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q has no host", s)
	case u.Fragment != "" || (u.Path != "" && u.Path != "/" && port != "80" && port != "443"):
		return nil, fmt.Errorf("%q: %s takes a host and a port only", s, u.Scheme)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	if u.Scheme[0] == 'w' && (u.Path == "" || u.Path == "/") {
		u.Path = "/mqtt" // where nats-server expects it; others take any path
	}
	return u, nil
}

// redact hides what stands before an @, where a password may be.
func redact(s string) string {
	if _, host, ok := strings.Cut(s, "@"); ok {
		return "***@" + host
	}
	return s
}
