package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hailpoint/callagent/command"
	"hailpoint/callagent/dialect"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

// Delivery says what proves that an event is stored.
type Delivery string

// The proofs of delivery (the outside contract, section 4).
const (
	// ByBroker is the broker's PUBACK for the record and its vocabulary records.
	ByBroker Delivery = "broker"
	// ByBackend is an ack message of the backend.
	ByBackend Delivery = "backend"
)

// Agent is what a Link tells of the outside. Its methods may block for a
// moment, but must not wait for a Link.
type Agent interface {
	// Message hands over a signalling message of the endpoint from.
	Message(from string, m signal.Message)
	// Unreadable hands over what could be read of a message of the endpoint from
	// that is none; the agent answers it.
	Unreadable(from string, err *signal.DecodeError)
	// Group tells the members of a ring group.
	Group(name string, members []event.User)
	// PeerName tells the name that an endpoint is shown by.
	PeerName(address, name string)
	// LinkChanged tells whether the broker is connected.
	LinkChanged(up bool)
	// Fault tells that a part of the terminal fails, or works again (nil).
	Fault(source string, err error)
	// Command carries out a command.
	Command(ctx context.Context, c command.Command) command.Reply
}

// Config is what a Link is made of.
type Config struct {
	// Self is the terminal's address.
	Self string
	// BootID is a UUIDv7, new for each start; Boot is when that was.
	BootID string
	Boot   time.Time
	// Topics is the base of all topics.
	Topics topic.Topics
	// Client says where the broker is; an empty ClientID and Username mean Self.
	Client mqtt.Config
	// StateDir holds the journal and what else must outlive a restart.
	StateDir string
	// Delivery is what proves that an event is stored.
	Delivery Delivery
	// Vocabularies are the systems whose records are published too.
	Vocabularies []string
	// Telemetry is the time between two reports of health.
	Telemetry time.Duration
	// Figures, where set, adds to each report of health.
	Figures func() map[string]any
	// Observe, where set, is given each event record as it is published, in
	// order, durable ones once they are on disk. It must not block, nor change
	// the record.
	Observe func(record []byte)
	// RepeatFirst and RepeatMax are the wait for an ack before events are sent
	// again (ByBackend); it doubles from one to the other.
	RepeatFirst, RepeatMax time.Duration
	// FlushTimeout bounds the delivery of what is left at an orderly stop.
	FlushTimeout time.Duration
	// NewID makes UUIDv7s.
	NewID func() string
	// Clock says whether the wall clock can be trusted.
	Clock func() event.Clock
}

// Default returns a Config that lacks who and where.
func Default() Config {
	return Config{
		Topics: topic.Default(), Client: mqtt.Default(), Delivery: ByBroker, Telemetry: 30 * time.Second,
		RepeatFirst: 5 * time.Second, RepeatMax: time.Minute, FlushTimeout: 3 * time.Second,
		Clock: func() event.Clock { return event.Synced },
	}
}

// Validate reports every impossible value by its key; it changes nothing.
func (c Config) Validate() error {
	var errs []error
	if err := topic.CheckAddress(c.Self); err != nil {
		errs = append(errs, fmt.Errorf("id: %w", err))
	}
	if err := topic.CheckBase(c.Topics.Base); err != nil {
		errs = append(errs, fmt.Errorf("base: %w", err))
	}
	if err := c.client().Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.StateDir == "" {
		errs = append(errs, errors.New("state_dir: empty; name a directory that survives a restart"))
	}
	if c.Delivery != ByBroker && c.Delivery != ByBackend {
		errs = append(errs, fmt.Errorf("delivery: %q is neither %q nor %q", c.Delivery, ByBroker, ByBackend))
	}
	for i, v := range c.Vocabularies {
		if _, err := dialect.New(v); err != nil {
			errs = append(errs, fmt.Errorf("vocabularies: %w", err))
		}
		if slices.Contains(c.Vocabularies[:i], v) {
			errs = append(errs, fmt.Errorf("vocabularies: %q stands there twice", v))
		}
	}
	if c.Telemetry < time.Second || c.Telemetry > time.Hour {
		errs = append(errs, fmt.Errorf("telemetry interval: %v is outside 1s to 1h", c.Telemetry))
	}
	if c.RepeatFirst <= 0 || c.RepeatMax < c.RepeatFirst {
		errs = append(errs, fmt.Errorf("repeat: from %v to %v is no range", c.RepeatFirst, c.RepeatMax))
	}
	if c.BootID == "" || c.Boot.IsZero() || c.NewID == nil || c.Clock == nil {
		errs = append(errs, errors.New("boot id, boot time, ids and clock: each must be set"))
	}
	return errors.Join(errs...)
}

// client completes the client's configuration.
func (c Config) client() mqtt.Config {
	m := c.Client
	if m.ClientID == "" {
		m.ClientID = c.Self
	}
	if m.Username == "" {
		m.Username = c.Self
	}
	return m
}
