package systemd_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hailpoint/systemd"
)

// manager is the receiving end of sd_notify.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // t.TempDir can exceed the 108 bytes of a socket's address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

// next returns the datagram that was sent; unixgram delivers before send
// returns, so there is nothing to wait for.
func next(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatalf("nothing reached the manager: %v", err)
	}
	return string(buf[:n])
}

func notifier(t *testing.T) *systemd.Notifier {
	t.Helper()
	n, err := systemd.New()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheManagerReceives(t *testing.T) {
	for name, tt := range map[string]struct {
		send func(*systemd.Notifier) error
		want string
	}{
		"readiness with a status": {
			func(n *systemd.Notifier) error { return n.Ready("idle") },
			"READY=1\nSTATUS=idle",
		},
		"a stop":           {(*systemd.Notifier).Stopping, "STOPPING=1\nSTATUS=stopping"},
		"a watchdog beat":  {(*systemd.Notifier).Beat, "WATCHDOG=1"},
		"a status in UTF8": {func(n *systemd.Notifier) error { return n.Status("talking to Büro") }, "STATUS=talking to Büro"},
		"a status on one line, which cannot smuggle in another word": {
			func(n *systemd.Notifier) error { return n.Status("fault\nREADY=1\r\n\x00x\xff") },
			"STATUS=fault READY=1 x?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := manager(t)
			t.Setenv("WATCHDOG_USEC", "3000000")
			t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
			if err := tt.send(notifier(t)); err != nil {
				t.Fatal(err)
			}
			if got := next(t, conn); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for name, tt := range map[string]struct {
		usec, pid string
		want      time.Duration
	}{
		"half of the watchdog's time":             {"10000000", self, 5 * time.Second},
		"also when no process is named":           {"10000000", "", 5 * time.Second},
		"nothing without a watchdog":              {"", "", 0},
		"nothing when another process is watched": {"10000000", "1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			manager(t)
			t.Setenv("WATCHDOG_USEC", tt.usec)
			t.Setenv("WATCHDOG_PID", tt.pid)
			if got := notifier(t).Interval(); got != tt.want {
				t.Errorf("Interval() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	all := func(n *systemd.Notifier) error {
		return errors.Join(n.Ready("idle"), n.Status("idle"), n.Beat(), n.Stopping())
	}
	t.Run("without a manager nothing happens", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", "")
		t.Setenv("WATCHDOG_USEC", "10000000")
		t.Setenv("WATCHDOG_PID", "")
		n := notifier(t)
		if err := all(n); err != nil || n.Interval() != 0 {
			t.Errorf("error %v, interval %v, want neither", err, n.Interval())
		}
	})
	t.Run("the zero value does nothing", func(t *testing.T) {
		manager(t)
		var n systemd.Notifier
		if err := all(&n); err != nil || n.Interval() != 0 {
			t.Errorf("error %v, interval %v, want neither", err, n.Interval())
		}
	})
	t.Run("a manager that is gone is an error that names its socket", func(t *testing.T) {
		gone := filepath.Join(t.TempDir(), "gone")
		t.Setenv("NOTIFY_SOCKET", gone)
		t.Setenv("WATCHDOG_USEC", "")
		t.Setenv("WATCHDOG_PID", "")
		err := notifier(t).Ready("idle")
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), gone) {
			t.Errorf("Ready() = %v, want one that names %s", err, gone)
		}
	})
	t.Run("a beat that nobody expects is not sent", func(t *testing.T) {
		conn := manager(t)
		t.Setenv("WATCHDOG_USEC", "")
		t.Setenv("WATCHDOG_PID", "")
		n := notifier(t)
		if err := errors.Join(n.Beat(), n.Status("after")); err != nil {
			t.Fatal(err)
		}
		if got := next(t, conn); got != "STATUS=after" {
			t.Errorf("sent %q first, want only the status", got)
		}
	})
	t.Run("a watchdog time that is no number is an error", func(t *testing.T) {
		manager(t)
		t.Setenv("WATCHDOG_USEC", "soon")
		if _, err := systemd.New(); err == nil || !strings.Contains(err.Error(), "soon") {
			t.Errorf("New() = %v, want an error that quotes it", err)
		}
	})
}
