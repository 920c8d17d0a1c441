package rtc

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// Bounds of the settings in Config.
const (
	minMediaTimeout  = 2 * time.Second
	maxMediaTimeout  = 2 * time.Minute
	minGatherTimeout = 100 * time.Millisecond
	maxGatherTimeout = 30 * time.Second
)

// Secret is text that must not be shown: it prints, logs and encodes as ***.
// Convert it to string to use it.
type Secret string

// String returns *** for a secret and nothing for none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString returns the same as String, so that %#v shows no secret either.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText encodes the same as String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue logs the same as String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// ICEServer is a STUN or TURN server, asked for further addresses by which
// this terminal can be reached.
type ICEServer struct {
	// URLs are addresses of the same server: stun:, turn: or turns: (RFC 7064,
	// RFC 7065), e.g. "turn:relay.example.org:3478?transport=udp".
	URLs []string
	// Username and Password are the long-term credential of a TURN server
	// (RFC 8489, section 9.2). STUN servers need none; a TURN server that has
	// none is not asked.
	Username string
	Password Secret
}

// Config is what all peers of an Endpoint share.
type Config struct {
	// ICEServers are asked for candidates during each call. None are needed
	// where terminals and operators reach each other directly. One that does
	// not answer delays nothing.
	ICEServers []ICEServer
	// CertificateFile holds the DTLS certificate and its private key, PEM. It
	// is made when missing, and made anew when it cannot be used. Empty keeps
	// a certificate in memory that changes with each start.
	CertificateFile string
	// MediaTimeout is the silence after which a connected path counts as lost:
	// no RTP, no RTCP and no STUN consent. 2 s to 2 min.
	MediaTimeout time.Duration
	// GatherTimeout bounds the wait for each STUN server; calls do not wait for
	// it, but candidates found later are not offered. 100 ms to 30 s.
	GatherTimeout time.Duration
	// Interfaces are the names of the network interfaces to use, e.g. "eth0".
	// Empty uses all.
	Interfaces []string
	// Loopback also offers the loopback interface's addresses: for calls
	// within one machine.
	Loopback bool
	// RelayOnly uses the TURN servers' addresses and no others: for networks
	// that filter direct traffic, or sites that must not show their addresses.
	RelayOnly bool
}

// Default returns the settings used when nothing is configured: no servers,
// all interfaces but loopback, 8 s of silence, 1 s for STUN, and a certificate
// in memory.
func Default() Config {
	return Config{MediaTimeout: 8 * time.Second, GatherTimeout: time.Second}
}

// Validate reports every problem of c by key. It changes nothing.
func (c Config) Validate() error {
	var errs []error
	if c.MediaTimeout < minMediaTimeout || c.MediaTimeout > maxMediaTimeout {
		errs = append(errs, fmt.Errorf("media_timeout: %v is outside %v to %v", c.MediaTimeout, minMediaTimeout, maxMediaTimeout))
	}
	if c.GatherTimeout < minGatherTimeout || c.GatherTimeout > maxGatherTimeout {
		errs = append(errs, fmt.Errorf("gather_timeout: %v is outside %v to %v", c.GatherTimeout, minGatherTimeout, maxGatherTimeout))
	}
	for i, name := range c.Interfaces {
		if name == "" {
			errs = append(errs, fmt.Errorf("interfaces[%d]: the name is empty; run \"ip link\" for the names", i))
		}
	}
	if c.RelayOnly && !slices.ContainsFunc(c.ICEServers, ICEServer.relays) {
		errs = append(errs, errors.New("relay_only: needs a turn: or turns: address with user name and password in ice_servers"))
	}
	for i, s := range c.ICEServers {
		errs = append(errs, s.validate(fmt.Sprintf("ice_servers[%d]", i))...)
	}
	return errors.Join(errs...)
}

// relays tells whether s is a TURN server that can be used.
func (s ICEServer) relays() bool { return s.Username != "" && slices.ContainsFunc(s.URLs, isTURN) }

// unused returns the addresses of s that nobody can ask: of a TURN server for
// which there is no credential.
func (s ICEServer) unused() []string {
	if s.Username != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.URLs), func(u string) bool { return !isTURN(u) })
}

// isTURN tells whether url is a turn: or turns: address.
func isTURN(url string) bool { return strings.HasPrefix(url, "turn") }

// validate reports every problem of s below key.
func (s ICEServer) validate(key string) []error {
	var errs []error
	if len(s.URLs) == 0 {
		errs = append(errs, fmt.Errorf("%s.urls: none given; use e.g. \"stun:stun.example.org:3478\"", key))
	}
	for i, u := range s.URLs {
		if _, err := stun.ParseURI(u); err != nil {
			errs = append(errs, fmt.Errorf("%s.urls[%d]: %q is not a stun:, turn: or turns: address: %w", key, i, u, err))
		}
	}
	if turn := slices.ContainsFunc(s.URLs, isTURN); turn && s.Username == "" && s.Password != "" {
		errs = append(errs, fmt.Errorf("%s.username: a TURN server with a password needs one", key))
	}
	if s.relays() && s.Password == "" {
		errs = append(errs, fmt.Errorf("%s.password: a TURN server with a user name needs one", key))
	}
	return errs
}
