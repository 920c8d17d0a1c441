package topic

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultBase is the base of all topics unless configured otherwise.
const DefaultBase = "hailpoint/v1"

// ErrUnknown says that a topic is none of this contract's.
var ErrUnknown = errors.New("topic is not part of the contract")

// Kind is what a topic carries.
type Kind int

// The kinds of topic, in the order of the outside contract, section 2. The zero Kind is
// none of them.
const (
	Status Kind = iota + 1
	Event
	EventOf
	Ack
	Telemetry
	Cmd
	Reply
	ConfigDesired
	ConfigReported
	Signal
	Group
)

var kindNames = map[Kind]string{
	Status: "status", Event: "event", EventOf: "event of a system", Ack: "ack", Telemetry: "telemetry", Cmd: "cmd",
	Reply: "reply", ConfigDesired: "config/desired", ConfigReported: "config/reported", Signal: "sig", Group: "group",
}

// String returns a short name for logs.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Parsed is a topic taken apart.
type Parsed struct {
	Kind Kind
	// ID is the terminal of a t/ topic, the receiver of a Signal and empty for a
	// Group.
	ID string
	// From is the sender of a Signal. The broker's access list makes it
	// trustworthy (the outside contract, section 1).
	From string
	// System is the vocabulary of an EventOf, such as "wmpf".
	System string
	// Name is the name of a Group, with its "@".
	Name string
}

// Topics builds and parses the topics below one base. The zero value is not
// useful: see CheckBase. Addresses are not checked while building: what comes
// from outside is checked where it comes in (ValidAddress, Parse).
type Topics struct {
	// Base stands before every topic, without a slash at its end.
	Base string
}

// Default returns the topics below DefaultBase.
func Default() Topics { return Topics{Base: DefaultBase} }

// Status is the retained status of terminal id.
func (t Topics) Status(id string) string { return t.of(id, "status") }

// Event carries the event records of terminal id.
func (t Topics) Event(id string) string { return t.of(id, "event") }

// EventOf carries the records of terminal id in the words of another system.
func (t Topics) EventOf(id, system string) string { return t.of(id, "event/"+system) }

// Ack tells terminal id up to where its events are stored.
func (t Topics) Ack(id string) string { return t.of(id, "ack") }

// Telemetry carries the health figures of terminal id.
func (t Topics) Telemetry(id string) string { return t.of(id, "telemetry") }

// Cmd carries commands to terminal id.
func (t Topics) Cmd(id string) string { return t.of(id, "cmd") }

// Reply carries the replies of terminal id to its commands.
func (t Topics) Reply(id string) string { return t.of(id, "reply") }

// ConfigDesired is the retained configuration that terminal id shall have.
func (t Topics) ConfigDesired(id string) string { return t.of(id, "config/desired") }

// ConfigReported is the retained configuration that terminal id has.
func (t Topics) ConfigReported(id string) string { return t.of(id, "config/reported") }

// Signal carries call signalling from one endpoint to another.
func (t Topics) Signal(to, from string) string { return t.Base + "/sig/" + to + "/" + from }

// Group is the retained member list of a ring group; name has its "@".
func (t Topics) Group(name string) string { return t.Base + "/group/" + name }

// SignalsTo is the filter of all signalling to one endpoint.
func (t Topics) SignalsTo(id string) string { return t.Signal(id, "+") }

// Below is the filter of every topic of terminal id.
func (t Topics) Below(id string) string { return t.of(id, "#") }

// Everyone returns the filter of one kind over all endpoints, such as
// base/t/+/status. It returns "" for a Kind that does not exist.
func (t Topics) Everyone(k Kind) string {
	switch k {
	case Status:
		return t.Status("+")
	case Event:
		return t.Event("+")
	case EventOf:
		return t.EventOf("+", "+")
	case Ack:
		return t.Ack("+")
	case Telemetry:
		return t.Telemetry("+")
	case Cmd:
		return t.Cmd("+")
	case Reply:
		return t.Reply("+")
	case ConfigDesired:
		return t.ConfigDesired("+")
	case ConfigReported:
		return t.ConfigReported("+")
	case Signal:
		return t.Signal("+", "+")
	case Group:
		return t.Group("+")
	}
	return ""
}

// Parse takes a topic apart. It returns an error that wraps ErrUnknown for a
// topic that this contract does not have, one with a bad address in it, and a
// filter. Parse undoes the building methods exactly.
func (t Topics) Parse(topic string) (Parsed, error) {
	unknown := func(why string) (Parsed, error) {
		return Parsed{}, fmt.Errorf("%.200q: %w: %s", topic, ErrUnknown, why)
	}
	rest, ok := strings.CutPrefix(topic, t.Base+"/")
	if !ok {
		return unknown("it is not below " + t.Base)
	}
	area, rest, _ := strings.Cut(rest, "/")
	switch area {
	case "t":
		id, rest, _ := strings.Cut(rest, "/")
		if !ValidAddress(id) {
			return unknown("the terminal's address is malformed")
		}
		if kind, ok := terminalKinds[rest]; ok {
			return Parsed{Kind: kind, ID: id}, nil
		}
		if system, ok := strings.CutPrefix(rest, "event/"); ok && ValidAddress(system) {
			return Parsed{Kind: EventOf, ID: id, System: system}, nil
		}
		return unknown("no such topic of a terminal")
	case "sig":
		to, from, _ := strings.Cut(rest, "/")
		if !ValidAddress(to) || !ValidAddress(from) {
			return unknown("an address is malformed")
		}
		return Parsed{Kind: Signal, ID: to, From: from}, nil
	case "group":
		if !ValidGroup(rest) {
			return unknown("the group's name is malformed")
		}
		return Parsed{Kind: Group, Name: rest}, nil
	}
	return unknown("no such area")
}

var terminalKinds = map[string]Kind{
	"status": Status, "event": Event, "ack": Ack, "telemetry": Telemetry, "cmd": Cmd, "reply": Reply,
	"config/desired": ConfigDesired, "config/reported": ConfigReported,
}

func (t Topics) of(id, what string) string { return t.Base + "/t/" + id + "/" + what }
