package topic

import (
	"errors"
	"fmt"
	"strings"
)

// MaxAddress is the longest address, in bytes (the outside contract, section 1).
const MaxAddress = 64

// ErrAddress says that a text is not an address: [a-z0-9][a-z0-9_-]{0,63}.
var ErrAddress = errors.New("not an address (1 to 64 of a-z, 0-9, _ and -, not starting with _ or -)")

// ErrBase says that a text cannot stand before all topics.
var ErrBase = errors.New("not a topic base")

// ValidAddress reports whether s is the address of one endpoint: a terminal,
// an operator's browser, a phone gateway (the outside contract, section 1).
func ValidAddress(s string) bool {
	if s == "" || len(s) > MaxAddress {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '_' || c == '-') && i > 0:
		default:
			return false
		}
	}
	return true
}

// ValidGroup reports whether s names a ring group: "@" and an address
// (the outside contract, section 1).
func ValidGroup(s string) bool {
	name, ok := strings.CutPrefix(s, "@")
	return ok && ValidAddress(name)
}

// CheckAddress returns nil for a valid address, and an error that wraps
// ErrAddress and quotes s otherwise.
func CheckAddress(s string) error {
	if ValidAddress(s) {
		return nil
	}
	return fmt.Errorf("%.80q: %w", s, ErrAddress)
}

// CheckBase returns nil if base can stand before all topics: levels of
// letters, digits, "_" and "-" joined by "/", at most 128 bytes in all. Dots, spaces and
// wildcards are legal or half legal in MQTT, but brokers differ in what they
// do with them. The error wraps ErrBase.
func CheckBase(base string) error {
	if base == "" || len(base) > 128 {
		return fmt.Errorf("%.140q: %w: it needs 1 to 128 bytes, such as hailpoint/v1", base, ErrBase)
	}
	for level := range strings.SplitSeq(base, "/") {
		if level == "" {
			return fmt.Errorf("%q: %w: it has an empty level; write it without a leading, trailing or doubled slash", base, ErrBase)
		}
		for _, c := range level {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
			default:
				return fmt.Errorf("%q: %w: %q is not allowed; use letters, digits, _ and -", base, ErrBase, c)
			}
		}
	}
	return nil
}
