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

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"hailpoint/callagent/signal"
	"hailpoint/cmd/hailpoint-fleet/internal/fleet"
	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

const (
	maxFrame   = signal.MaxBytes + 1<<10 // bytes of one message of a page
	greetFor   = 10 * time.Second        // for the page to say hello
	writeFor   = 10 * time.Second        // for one message to be written
	pingEvery  = 20 * time.Second        // finds pages that died silently
	pollSims   = 100 * time.Millisecond  // lamps and levels of simulated terminals
	firstCalls = 50
)

// upward is a message of a page: one of its fields is set.
type upward struct {
	Hello   *greeting       `json:"hello"`
	To      string          `json:"to"`
	Message json.RawMessage `json:"message"`
	Watch   *string         `json:"watch"`
	Hold    *hold           `json:"hold"`
	More    int64           `json:"more"`
}

type greeting struct {
	Address string `json:"address"`
	Secret  string `json:"secret"`
}

type hold struct {
	ID     string `json:"id"`
	Button string `json:"button"`
	Down   bool   `json:"down"`
}

// page is a desk with its connection.
type page struct {
	*desk
	s    *Server
	conn *websocket.Conn
	log  *slog.Logger
	held map[hold]bool // buttons it holds down; only read's goroutine uses it

	mu    sync.Mutex // guards the fields below
	watch string     // call whose timeline it shows
	live  bool       // it has the state that changes change
	early []fleet.Change
}

// socket serves one page.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	operator, err := s.operator(r)
	switch {
	case errors.Is(err, login.ErrRefused):
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	case err != nil:
		s.broken(w, err)
		return
	}
	// Accept refuses pages of other origins.
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		s.Log.Warn("console page refused", "from", remote(r), "error", err)
		return
	}
	conn.SetReadLimit(maxFrame)
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	err = s.serve(ctx, cancel, conn, operator)
	if cause := context.Cause(ctx); cause != nil && r.Context().Err() == nil {
		err = cause
	}
	s.Log.Info("console page closed", "operator", operator, "why", err)
	why := websocket.StatusNormalClosure
	if r.Context().Err() != nil {
		why = websocket.StatusGoingAway
	}
	_ = conn.Close(why, "") // it is over either way
}

// serve greets a page and works for it until its connection ends.
func (s *Server) serve(ctx context.Context, slow context.CancelCauseFunc, conn *websocket.Conn, operator string) error {
	hello, err := greet(ctx, conn)
	if err != nil {
		return err
	}
	d, err := s.seat(operator, hello, slow)
	if err != nil {
		return errors.Join(err, conn.Close(websocket.StatusTryAgainLater, err.Error()))
	}
	defer s.leave(d)
	p := &page{desk: d, s: s, conn: conn, log: s.Log.With("desk", d.address), held: map[hold]bool{}}
	defer p.release()
	p.log.Info("console page open", "operator", operator)

	silence, err := s.Broker.Subscribe(ctx, s.Topics.SignalsTo(d.address), p.deliver)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", d.address, err)
	}
	defer silence()
	p.send(map[string]any{"hello": map[string]any{
		"address": d.address, "secret": d.secret, "name": operator, "group": s.Group.Name, "ring_ms": s.Group.RingMs,
	}})
	terminals, unfollow := s.Fleet.Follow(p.tell)
	defer unfollow()
	p.send(map[string]any{"terminals": terminals})
	calls, err := s.Store.Calls(ctx, firstCalls, 0)
	if err != nil {
		return err
	}
	p.send(map[string]any{"calls": calls})
	p.begin()

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.write(ctx) })
	g.Go(func() error { return p.read(ctx) })
	return g.Wait()
}

// greet reads the page's first message.
func greet(ctx context.Context, conn *websocket.Conn) (greeting, error) {
	ctx, cancel := context.WithTimeout(ctx, greetFor)
	defer cancel()
	_, b, err := conn.Read(ctx)
	if err != nil {
		return greeting{}, fmt.Errorf("wait for hello: %w", err)
	}
	var m upward
	if err := json.Unmarshal(b, &m); err != nil || m.Hello == nil {
		return greeting{}, errors.New("the page did not begin with hello")
	}
	return *m.Hello, nil
}

// read takes the page's messages until the connection ends.
func (p *page) read(ctx context.Context) error {
	for {
		_, b, err := p.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("read from the page: %w", err)
		}
		var m upward
		if err := json.Unmarshal(b, &m); err != nil {
			p.refuse("", "not a JSON object of this kind")
			continue
		}
		switch {
		case m.Message != nil:
			p.post(ctx, m.To, m.Message)
		case m.Watch != nil:
			p.look(ctx, *m.Watch)
		case m.Hold != nil:
			p.press(*m.Hold)
		case m.More > 0:
			p.older(ctx, m.More)
		}
	}
}

// write writes to the page what is queued, asks now and then whether it is
// still there, and reports on the simulated terminals.
func (p *page) write(ctx context.Context) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	poll := &time.Ticker{}
	if len(p.s.Simulated) > 0 {
		poll = time.NewTicker(pollSims)
		defer poll.Stop()
	}
	panels := newPanels(p.s.Simulated)
	if len(p.s.Simulated) > 0 {
		p.send(map[string]any{"sims": panels.all()})
	}
	for {
		select {
		case b := <-p.out:
			if err := p.put(ctx, b); err != nil {
				return err
			}
		case <-poll.C:
			for _, news := range panels.news() {
				p.send(news)
			}
		case <-ping.C:
			within, cancel := context.WithTimeout(ctx, writeFor)
			err := p.conn.Ping(within)
			cancel()
			if err != nil {
				return fmt.Errorf("ping the page: %w", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *page) put(ctx context.Context, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, b); err != nil {
		return fmt.Errorf("write to the page: %w", err)
	}
	return nil
}

// post carries a signalling message of the page to its receiver. What the page
// says is passed on as it is, but never in another's name: the broker's access
// list, which stops terminals from that, does not apply to the service.
func (p *page) post(ctx context.Context, to string, raw json.RawMessage) {
	if !topic.ValidAddress(to) {
		p.refuse("", fmt.Sprintf("%.70q is no address", to))
		return
	}
	m, err := signal.Decode(raw)
	if bad, ok := errors.AsType[*signal.DecodeError](err); ok && bad.Code != signal.CodeUnknownType {
		p.refuse(bad.ID, bad.Err.Error())
		return
	}
	if invite, ok := m.Body.(signal.Invite); ok && invite.Caller.ID != p.address {
		p.log.Warn("invite in another name refused", "claimed", invite.Caller.ID)
		p.refuse(m.ID, fmt.Sprintf("caller.id must be %s, the address of this page", p.address))
		return
	}
	if err := p.s.Broker.Publish(ctx, mqtt.Message{Topic: p.s.Topics.Signal(to, p.address), Payload: raw}); err != nil {
		p.log.Warn("signalling message lost", "to", to, "error", err) // the page repeats it
	}
}

// deliver carries a signalling message to the page. The topic proves who sent
// it.
func (p *page) deliver(m mqtt.Message) {
	from, err := p.s.Topics.Parse(m.Topic)
	if err != nil || len(m.Payload) > signal.MaxBytes || !json.Valid(m.Payload) {
		p.log.Warn("signalling message dropped", "topic", m.Topic, "bytes", len(m.Payload))
		return
	}
	p.send(map[string]any{"from": from.From, "message": json.RawMessage(m.Payload)})
}

// tell passes on what changed in the fleet, once the page knows how it was
// before.
func (p *page) tell(c fleet.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		p.pass(c)
	} else {
		p.early = append(p.early, c)
	}
}

// begin passes on what changed while the page's first state was collected.
func (p *page) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.early {
		p.pass(c)
	}
	p.early, p.live = nil, true
}

// pass sends a change to the page. The caller holds mu.
func (p *page) pass(c fleet.Change) {
	switch c := c.(type) {
	case fleet.TerminalChanged:
		p.send(map[string]any{"terminal": c.Terminal})
	case fleet.CallChanged:
		p.send(map[string]any{"call": c.Call})
		if p.watch == c.Call.ID {
			p.send(map[string]any{"timeline": timeline{c.Call, c.Timeline}})
		}
	}
}

// look shows the timeline of a call, now and at each change.
func (p *page) look(ctx context.Context, id string) {
	p.mu.Lock()
	p.watch = id
	p.mu.Unlock()
	if id == "" {
		return
	}
	call, events, err := p.s.Store.Call(ctx, id)
	if err != nil {
		p.refuse(id, err.Error())
		return
	}
	p.send(map[string]any{"timeline": timeline{call, events}})
}

// older sends calls further back.
func (p *page) older(ctx context.Context, before int64) {
	calls, err := p.s.Store.Calls(ctx, firstCalls, before)
	if err != nil {
		p.refuse("", err.Error())
		return
	}
	p.send(map[string]any{"older": calls})
}

// refuse tells the page what could not be done.
func (p *page) refuse(id, detail string) {
	p.send(map[string]any{"refused": map[string]string{"id": id, "detail": detail}})
}
