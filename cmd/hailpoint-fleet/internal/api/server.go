package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"hailpoint/cmd/hailpoint-fleet/internal/console"
	"hailpoint/cmd/hailpoint-fleet/internal/fleet"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
	"hailpoint/mqtt/topic"
)

// Simulated is a terminal that runs inside the service, with a panel on the
// page. Its methods may be called from any goroutine and do not block.
type Simulated interface {
	// ID is its address.
	ID() string
	// Buttons are the names of its buttons, in the order of the panel.
	Buttons() []string
	// Hold presses a button down or lets it go. The error says that there is no
	// such button.
	Hold(button string, down bool) error
	// Lamps are the names of its lamps and whether each is lit now.
	Lamps() map[string]bool
	// Level is how loud its speaker is now: 0 is silence, 100 is full scale.
	Level() int
}

// Group is the ring group of the open consoles.
type Group struct {
	Name     string `json:"name"`     // with its "@"
	Strategy string `json:"strategy"` // all or sequence
	RingMs   int64  `json:"ring_ms"`  // how long it rings
}

// DefaultGroup is used where none is set.
func DefaultGroup() Group { return Group{Name: "@frontdesk", Strategy: "all", RingMs: 60_000} }

// GroupSetting is the key of the Group among the store's settings.
const GroupSetting = "ring_group"

// LoadGroup reads the Group from the settings; DefaultGroup if none is set.
func LoadGroup(ctx context.Context, s *store.Store) (Group, error) {
	g := DefaultGroup()
	text, err := s.Setting(ctx, GroupSetting)
	if err != nil || text == "" {
		return g, err
	}
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		return g, fmt.Errorf("read setting %s: %w", GroupSetting, err)
	}
	return g, g.Validate()
}

// Validate reports every impossible value by its key.
func (g Group) Validate() error {
	var errs []error
	if !topic.ValidGroup(g.Name) {
		errs = append(errs, fmt.Errorf("name: %.70q is no group: write @ and an address, such as @frontdesk", g.Name))
	}
	if g.Strategy != "all" && g.Strategy != "sequence" {
		errs = append(errs, fmt.Errorf("strategy: %.70q is neither all nor sequence", g.Strategy))
	}
	if g.RingMs < 1000 || g.RingMs > 600_000 {
		errs = append(errs, fmt.Errorf("ring_ms: %d is not from 1000 to 600000", g.RingMs))
	}
	return errors.Join(errs...)
}

// Parts are what a Server works with.
type Parts struct {
	Topics    topic.Topics
	Broker    fleet.Broker
	Fleet     *fleet.Fleet
	Store     *store.Store
	Keys      *login.Keys
	Group     Group
	Simulated []Simulated
	// Recovery is the command that gives the operator admin a new password, for
	// the login page.
	Recovery string
	Log      *slog.Logger
}

// Server serves the console and the API. Its methods may be called from any
// goroutine.
type Server struct {
	Parts
	limit        login.Limit
	groupChanged chan struct{} // holds one token while the members are not published

	mu       sync.Mutex // guards the fields below
	stopping bool
	desks    map[string]*desk
	resting  map[string]rest // addresses whose page may come back
	open     sync.WaitGroup  // pages; added to only while not stopping
}

// New returns a Server that does nothing until Run.
func New(p Parts) *Server {
	s := &Server{
		Parts: p, groupChanged: make(chan struct{}, 1),
		desks: map[string]*desk{}, resting: map[string]rest{},
	}
	s.groupChanged <- struct{}{} // an earlier run may have left members behind
	return s
}

// Run publishes the ring group until ctx ends; then it waits for the pages'
// connections to end, which they do with the context of their requests, and
// returns nil.
func (s *Server) Run(ctx context.Context) error {
	defer func() {
		s.mu.Lock()
		s.stopping = true
		s.mu.Unlock()
		s.open.Wait()
	}()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-s.groupChanged:
		case <-retry.C:
		case <-ctx.Done():
			return nil
		}
		if err := s.publishGroup(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("ring group not published", "group", s.Group.Name, "error", err)
			retry.Reset(time.Second)
		}
	}
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /login", s.loginPage)
	mux.HandleFunc("POST /login", s.logIn)
	mux.HandleFunc("POST /logout", s.logOut)
	mux.Handle("GET /assets/", console.Assets())
	mux.HandleFunc("GET /ws", s.socket)
	mux.HandleFunc("GET /api/terminals", s.known(s.listTerminals))
	mux.HandleFunc("GET /api/calls", s.known(s.listCalls))
	mux.HandleFunc("GET /api/calls/{id}/events", s.known(s.listEvents))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	// Refuses forms and fetches that another site's page makes a browser send.
	return console.Secure(http.NewCrossOriginProtection().Handler(mux))
}
