package portaudio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hailpoint/audio"
)

var (
	// ErrNotOpen is the state of a stream that is not open: Run has not been
	// called, has not come to a result yet, or has ended.
	ErrNotOpen = errors.New("sound is not open")
	// ErrStalled is in the fault of a card that was open and stopped asking
	// for sound.
	ErrStalled = errors.New("the sound card has stopped")
	// ErrHung is in the fault of a sound system that does not answer a call.
	// What Run can do about it is to wait, and to open another stream beside
	// the one that hangs; a restart of the process does more.
	ErrHung = errors.New("the sound system does not answer")
	// ErrUnsupported is the fault of a program that was built without cgo.
	ErrUnsupported = errors.New("this program was built without sound card support: build it with CGO_ENABLED=1, or use the sound device \"sim\"")
)

const (
	beat      = 250 * time.Millisecond // between two looks at the count of blocks
	stallTime = time.Second            // without a block: the card has stopped
	startTime = 3 * time.Second        // likewise, before the first block
	openTime  = 10 * time.Second       // opening takes longer: the sound system hangs
	closeTime = 2 * time.Second        // closing takes longer: it hangs

	window    = time.Second           // over which the shortest delay is taken
	lateBy    = 15 * time.Millisecond // of growth since the stream was opened: it is opened again
	lateEvery = 10 * time.Second      // but not more often than this

	firstPause = 500 * time.Millisecond // before opening again
	lastPause  = 5 * time.Second

	// maxHung is how many streams may hang while closing before no other is
	// opened: each keeps a thread.
	maxHung = 4
)

// errLate ends the session of a stream whose delay has grown.
var errLate = errors.New("sound is late")

// Counts says what a stream has done since it was made.
type Counts struct {
	Blocks     uint64 // blocks of 10 ms exchanged
	Overflows  uint64 // times sound from the microphone was lost
	Underflows uint64 // times the speaker ran out of sound
	Reopenings uint64 // times sound worked again after a fault, or was opened again for being late
}

// Stream keeps one sound card open in both directions. Run drives it; the
// other methods may be called from any goroutine at any time.
type Stream struct {
	config Config
	log    *slog.Logger
	block  func(in, out *audio.Frame)
	driver driver

	blocks, overflows, underflows, reopenings atomic.Uint64

	delay   atomic.Int64 // shortest delay of a block, in nanoseconds, since watch took it last
	inBlock atomic.Bool  // block is being called
	hung    atomic.Int32 // connections being closed

	mu    sync.Mutex // guards fault
	fault error

	// The fields below belong to Run's goroutine.
	worked   bool      // sound has worked before
	lastLate time.Time // when the stream was opened again for being late
}

// New makes a stream that calls block for every 10 ms of sound: in holds what
// the microphone heard, out is silence, to be filled with what the speaker
// shall play. The frames are valid only during the call.
//
// block is called on a thread of the sound system, never twice at a time. It
// must not allocate, lock or wait: sound that is late is lost. Nor may it call
// C code that waits or does input or output, which could be cancelled there.
//
// New opens nothing and does not look at config, which Config.Validate checks.
func New(config Config, log *slog.Logger, block func(in, out *audio.Frame)) *Stream {
	return newStream(config, log, block, newDriver())
}

func newStream(config Config, log *slog.Logger, block func(in, out *audio.Frame), d driver) *Stream {
	return &Stream{config: config, log: log, block: block, driver: d, fault: ErrNotOpen}
}

// State is nil while sound works, else why it does not, in words for people.
func (s *Stream) State() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// Counts returns what the stream has done so far.
func (s *Stream) Counts() Counts {
	return Counts{
		Blocks:     s.blocks.Load(),
		Overflows:  s.overflows.Load(),
		Underflows: s.underflows.Load(),
		Reopenings: s.reopenings.Load(),
	}
}

// Run opens the sound card and keeps it open until ctx ends; then it closes it
// and returns nil. A card that is missing, breaks or stops is no reason to
// return: State tells the fault, and the card is opened again, after 0.5 s at
// first and 5 s at last, for ever.
//
// All that Run has started has ended when it returns, except for calls into
// the sound system that hang: for these it waits 2 s. Run must not be called
// again before it has returned.
func (s *Stream) Run(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		before := s.blocks.Load()
		fault := s.session(ctx)
		if fault == errLate { //nolint:errorlint // session returns it bare
			continue
		}
		if fault != nil {
			s.report(fault)
		}
		if s.blocks.Load() != before {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
	_ = s.set(ErrNotOpen)
	return nil
}

// session opens the card, watches it until it breaks or ctx ends, and closes
// it. The error is the fault; it is nil if ctx has ended.
func (s *Stream) session(ctx context.Context) error {
	if hung := s.hung.Load(); hung >= maxHung {
		return fmt.Errorf("%w: %d streams hang while closing (restart the sound server, or this program)", ErrHung, hung)
	}
	var begun, over atomic.Bool // over: a connection that hung may come back to life
	first := make(chan struct{})
	connection, err := s.open(ctx, func(in, out *audio.Frame, note note) {
		clear(out[:])
		if over.Load() {
			return
		}
		s.exchange(in, out, note)
		if !begun.Load() && begun.CompareAndSwap(false, true) {
			close(first)
		}
	})
	if err != nil && s.hung.Load() > 0 {
		return fmt.Errorf("%w; an earlier stream still hangs while closing: %w (restart this program if it lasts)", err, ErrHung)
	}
	if err != nil || connection == nil {
		return err
	}
	fault := s.watch(ctx, connection, first)
	over.Store(true)
	switch closing := s.close(connection, fault != nil); {
	case fault == nil, fault == errLate && closing != nil: //nolint:errorlint // watch returns it bare
		return closing
	case closing == nil:
		return fault
	default:
		return fmt.Errorf("%w; %w", fault, closing)
	}
}

// exchange is one block of sound both ways, on the sound system's thread.
func (s *Stream) exchange(in, out *audio.Frame, note note) {
	if note.overflow {
		s.overflows.Add(1)
	}
	if note.underflow {
		s.underflows.Add(1)
	}
	if d := int64(note.delay); d < s.delay.Load() {
		s.delay.Store(d)
	}
	if !s.inBlock.CompareAndSwap(false, true) {
		return // the block of a connection given up is still in there
	}
	s.block(in, out)
	s.inBlock.Store(false)
	s.blocks.Add(1)
}

// open opens the card. While that hangs, the state says so and open waits,
// because whatever else could be tried would hang as well. Without connection
// and error, ctx has ended.
func (s *Stream) open(ctx context.Context, exchange exchange) (connection, error) {
	type opened struct {
		connection connection
		err        error
	}
	results, gone := make(chan opened), make(chan struct{})
	defer close(gone)
	go func() {
		c, err := s.driver.open(s.config, exchange)
		select {
		case results <- opened{c, err}:
		case <-gone: // nobody waits any more
			if err == nil {
				s.log.Info("sound opened too late", "close_error", c.close(true))
			}
		}
	}()

	slow := time.NewTimer(openTime)
	defer slow.Stop()
	done := ctx.Done()
	for {
		select {
		case r := <-results:
			return r.connection, r.err
		case <-slow.C:
			if done == nil {
				s.log.Warn("sound system hangs at the end", "call", "open")
				return nil, nil
			}
			s.report(fmt.Errorf("open microphone %q and speaker %q: %w for %v (restart the sound server, or this program)",
				s.config.Input, s.config.Output, ErrHung, openTime))
		case <-done:
			done = nil
			slow.Reset(closeTime)
		}
	}
}

// close closes a connection, or gives it up if that hangs.
func (s *Stream) close(c connection, abort bool) error {
	done := make(chan error, 1)
	s.hung.Add(1)
	go func() {
		err := c.close(abort)
		s.hung.Add(-1)
		done <- err
	}()
	timeout := time.NewTimer(closeTime)
	defer timeout.Stop()
	select {
	case err := <-done:
		return err
	case <-timeout.C:
		s.log.Warn("sound system hangs", "call", "close", "hung", s.hung.Load())
		return fmt.Errorf("close microphone %q and speaker %q: %w for %v (another stream is tried beside it)",
			s.config.Input, s.config.Output, ErrHung, closeTime)
	}
}

// report makes fault the state, and tells log and OnState if that is news.
func (s *Stream) report(fault error, attrs ...any) {
	before := s.set(fault)
	switch {
	case fault == nil && before == nil, fault != nil && before != nil && fault.Error() == before.Error():
		return
	case fault == nil:
		if s.worked {
			s.reopenings.Add(1)
		}
		s.worked = true
		s.log.Info("sound works", attrs...)
	default:
		s.log.Warn("sound does not work", "error", fault)
	}
	if s.config.OnState != nil {
		s.config.OnState(fault)
	}
}

// set makes fault the state and returns the state before.
func (s *Stream) set(fault error) (before error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.fault = s.fault, fault
	return before
}
