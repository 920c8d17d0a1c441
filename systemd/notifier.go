package systemd

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells the service manager how this process is doing, by sd_notify(3).
// Outside a unit of Type=notify, and as its zero value, it does nothing and
// returns no error. Its methods may be called from any goroutine.
type Notifier struct {
	supervised bool
	interval   time.Duration
}

// New returns the Notifier of this process, from the environment the service
// manager set: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
func New() (*Notifier, error) {
	n := &Notifier{supervised: os.Getenv("NOTIFY_SOCKET") != ""}
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read the watchdog's time from the environment: %w (WATCHDOG_USEC=%q is set by WatchdogSec= of the unit)",
			err, os.Getenv("WATCHDOG_USEC"))
	}
	if n.supervised {
		n.interval = timeout / 2
	}
	return n, nil
}

// Interval is the longest time to leave between two calls of Beat: half of the
// unit's WatchdogSec, as sd_watchdog_enabled(3) advises. 0 means that nobody
// expects a beat.
func (n *Notifier) Interval() time.Duration { return n.interval }

// Ready says that the program does its work now. Units ordered after this one
// start; before it, the manager's start time-out runs. status is shown by
// systemctl status.
func (n *Notifier) Ready(status string) error {
	return n.send("readiness", "READY=1\nSTATUS="+line(status))
}

// Stopping says that the program was asked to stop and is doing so.
func (n *Notifier) Stopping() error {
	return n.send("stop", "STOPPING=1\nSTATUS=stopping")
}

// Status sets the line that systemctl status shows, such as "idle, broker
// unreachable". Line breaks in text become spaces.
func (n *Notifier) Status(text string) error {
	return n.send("status", "STATUS="+line(text))
}

// Beat feeds the watchdog. The goroutine that does the program's work calls it,
// at least once per Interval: it proves that this very loop is alive.
func (n *Notifier) Beat() error {
	if n.interval == 0 {
		return nil
	}
	return n.send("watchdog beat", daemon.SdNotifyWatchdog)
}

func (n *Notifier) send(what, state string) error {
	if !n.supervised {
		return nil
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("tell systemd the %s over %q: %w", what, os.Getenv("NOTIFY_SOCKET"), err)
	}
	return nil
}

// line makes text one line of valid UTF-8: the protocol separates its variables
// by line breaks, and systemd drops a status that is not UTF-8.
func line(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return r == '\n' || r == '\r' || r == 0
	}), " ")
}
