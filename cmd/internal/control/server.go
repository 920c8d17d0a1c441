// Package control is the way to a running terminal for those who stand at the
// box: HTTP and JSON on a Unix socket (section 8 of the outside contract), and
// the client that hailpoint ctl uses.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"hailpoint/callagent"
	"hailpoint/callagent/command"
)

// Group is the group that may use the socket.
const Group = "hailpoint"

const (
	defaultHold = 80 * time.Millisecond
	maxHold     = 2 * time.Minute
)

// Terminal is what the socket gives access to.
type Terminal interface {
	// Report says how the terminal is.
	Report(ctx context.Context) (callagent.Report, error)
	// Press presses a button and returns after its release.
	Press(ctx context.Context, name string, hold time.Duration) error
	// Command carries out a command.
	Command(ctx context.Context, c command.Command) command.Reply
	// Reconnect lets a terminal whose address was taken over try again.
	Reconnect()
	// Events calls each for the latest event records, oldest first, and, with
	// follow, for each new one until ctx ends. It stops at each's error.
	Events(ctx context.Context, follow bool, each func(record []byte) error) error
}

// Listen opens the socket, mode 0660, for the group where it exists. A socket
// that nobody answers any more is replaced; one that is in use is an error.
func Listen(ctx context.Context, file string, log *slog.Logger) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // the directory of a socket is for all to pass
		return nil, fmt.Errorf("make the directory of the control socket: %w (set control_socket to a place this user may write)", err)
	}
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", file); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("open control socket %s: another terminal answers there (stop it, or set control_socket)", file)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old control socket: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", file)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w (set control_socket to a place this user may write)", err)
	}
	if err := os.Chmod(file, 0o660); err != nil { //nolint:gosec // the group is meant to use it
		return nil, errors.Join(fmt.Errorf("open control socket to its group: %w", err), l.Close())
	}
	if g, err := user.LookupGroup(Group); err == nil {
		if gid, err := strconv.Atoi(g.Gid); err == nil && !belongsTo(file, gid) {
			if err := os.Chown(file, -1, gid); err != nil {
				log.Warn("control socket is not for its group", "group", Group, "error", err)
			}
		}
	}
	return l, nil
}

// belongsTo tells whether a file has a group already: a service may not be
// allowed to change it.
func belongsTo(file string, gid int) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Gid) == int64(gid)
}

// Serve answers on l until ctx ends, then closes it.
func Serve(ctx context.Context, l net.Listener, t Terminal) error {
	s := &http.Server{
		Handler: Handler(t), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve control socket: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.Shutdown(stop) != nil {
		_ = s.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}

// Handler has the routes.
func Handler(t Terminal) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		if report, ok := report(w, r, t); ok {
			answer(w, http.StatusOK, report)
		}
	})
	mux.HandleFunc("GET /v1/leds", func(w http.ResponseWriter, r *http.Request) {
		if report, ok := report(w, r, t); ok {
			answer(w, http.StatusOK, report.Lamps)
		}
	})
	mux.HandleFunc("POST /v1/buttons/{name}/press", func(w http.ResponseWriter, r *http.Request) { press(w, r, t) })
	mux.HandleFunc("POST /v1/commands", func(w http.ResponseWriter, r *http.Request) { obey(w, r, t) })
	mux.HandleFunc("POST /v1/reconnect", func(w http.ResponseWriter, _ *http.Request) {
		t.Reconnect()
		answer(w, http.StatusOK, struct{}{})
	})
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) { events(w, r, t) })
	return mux
}

func report(w http.ResponseWriter, r *http.Request, t Terminal) (callagent.Report, bool) {
	report, err := t.Report(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, command.Errorf(command.Unavailable, "%v", err))
		return report, false
	}
	return report, true
}

func press(w http.ResponseWriter, r *http.Request, t Terminal) {
	var args struct {
		HoldMs *int64 `json:"hold_ms"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, command.MaxBytes))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &args)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, command.Errorf(command.Malformed, "%v; send {} or {\"hold_ms\": 80}", err))
		return
	}
	hold := defaultHold
	if args.HoldMs != nil {
		hold = time.Duration(*args.HoldMs) * time.Millisecond
	}
	if hold < 0 || hold > maxHold {
		refuse(w, http.StatusBadRequest, command.Errorf(command.BadArgs, "hold_ms: %d is outside 0 to %d", hold.Milliseconds(), maxHold.Milliseconds()))
		return
	}
	if err := t.Press(r.Context(), r.PathValue("name"), hold); err != nil {
		refuse(w, http.StatusNotFound, command.Errorf(command.BadArgs, "%v", err))
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func obey(w http.ResponseWriter, r *http.Request, t Terminal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, command.MaxBytes))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, command.Fail("", command.Errorf(command.Malformed, "%v", err)))
		return
	}
	c, err := command.Decode(body)
	if err != nil {
		answer(w, http.StatusBadRequest, command.Fail(c.ID, command.AsError(err)))
		return
	}
	answer(w, http.StatusOK, t.Command(r.Context(), c))
}

func events(w http.ResponseWriter, r *http.Request, t Terminal) {
	follow := r.URL.Query().Get("follow") != ""
	w.Header().Set("Content-Type", "application/jsonl")
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the header tells a follower that it listens
	_ = t.Events(r.Context(), follow, func(record []byte) error {
		if _, err := w.Write(append(slices.Clip(record), '\n')); err != nil {
			return err
		}
		return flush.Flush()
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, err *command.Error) {
	answer(w, status, map[string]*command.Error{"error": err})
}
