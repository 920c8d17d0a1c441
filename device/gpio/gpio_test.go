package gpio_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	pgpio "periph.io/x/conn/v3/gpio"

	"hailpoint/device"
	"hailpoint/device/gpio"
)

const ms = time.Millisecond

// line is a kernel line as the driver presents it, with its habits: it keeps 16
// edges, forgets the oldest, and loses a Halt that meets no wait.
type line struct {
	mu      sync.Mutex // guards the fields below
	high    bool
	queue   []pgpio.Edge
	waiting bool
	dead    error
	closed  bool
	writes  []bool

	news chan struct{}
	halt chan struct{}
}

func newLine() *line {
	return &line{news: make(chan struct{}, 1), halt: make(chan struct{}, 1)}
}

// pull sets the level; the edge is lost if quiet is true.
func (l *line) pull(high, quiet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if high == l.high {
		return
	}
	l.high = high
	if quiet {
		return
	}
	edge := pgpio.FallingEdge
	if high {
		edge = pgpio.RisingEdge
	}
	if len(l.queue) == 16 {
		l.queue = l.queue[1:]
	}
	l.queue = append(l.queue, edge)
	l.wake()
}

func (l *line) die(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = err
}

func (l *line) wake() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *line) setWaiting(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = on
}

func (l *line) next() (pgpio.Edge, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil || len(l.queue) == 0 {
		return pgpio.NoEdge, false, nil // a dead line only stays quiet
	}
	e := l.queue[0]
	l.queue = l.queue[1:]
	return e, true, nil
}

func (l *line) WaitForEdge(timeout time.Duration) (int, pgpio.Edge, error) {
	l.setWaiting(true)
	defer l.setWaiting(false)
	t := time.NewTimer(timeout)
	defer t.Stop()
	for {
		if e, ok, err := l.next(); ok || err != nil {
			return 0, e, err
		}
		select {
		case <-l.news:
		case <-l.halt:
			return 0, pgpio.NoEdge, os.ErrDeadlineExceeded
		case <-t.C:
			return 0, pgpio.NoEdge, os.ErrDeadlineExceeded
		}
	}
}

func (l *line) Read(pgpio.GPIOValue) (pgpio.GPIOValue, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.high && l.dead == nil {
		return 1, nil
	}
	return 0, l.dead
}

func (l *line) Out(bits, _ pgpio.GPIOValue) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.high = bits == 1
	l.writes = append(l.writes, l.high)
	return l.dead
}

func (l *line) Halt() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting {
		l.halt <- struct{}{}
	}
	return nil
}

func (l *line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// bench is a board with one button and one output on lines of the test.
type bench struct {
	board   *gpio.Board
	button  device.Button
	pin     device.Pin
	in, out *line
	log     *strings.Builder
}

func newBench(activeLow bool) *bench {
	b := &bench{in: newLine(), out: newLine(), log: new(strings.Builder)}
	b.board, b.button, b.pin = gpio.BoardOn(
		slog.New(slog.NewTextHandler(b.log, nil)),
		gpio.ButtonConfig{Name: "call", Line: "BTN_CALL", ActiveLow: activeLow}, b.in,
		gpio.PinConfig{Name: "ring", Line: "LED_RING", ActiveLow: activeLow}, b.out,
	)
	return b
}

type seen struct {
	Active bool
	At     time.Duration
}

// watch runs Watch on the button. The function returned ends it and returns the
// edges, Watch's error, and how long Watch took to end.
func (b *bench) watch(t *testing.T) func() ([]seen, time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	edges := make(chan device.Edge, 64)
	done := make(chan error, 1)
	go func() { done <- b.button.Watch(ctx, edges) }()
	time.Sleep(10 * ms) // past the draining
	return func() ([]seen, time.Duration, error) {
		synctest.Wait()
		cancel()
		ending := time.Now()
		err := <-done
		took := time.Since(ending)
		var got []seen
		for len(edges) > 0 {
			e := <-edges
			got = append(got, seen{e.Active, e.At.Sub(began)})
		}
		return got, took, err
	}
}

func TestWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		activeLow bool
		before    func(*line)
		hands     func(*line)
		want      []seen
		warns     bool
	}{
		"rising is active on an active-high line": {
			hands: func(l *line) { l.pull(true, false); time.Sleep(80 * ms); l.pull(false, false) },
			want:  []seen{{true, 10 * ms}, {false, 90 * ms}},
		},
		"falling is active on an active-low line": {
			activeLow: true,
			before:    func(l *line) { l.high = true },
			hands:     func(l *line) { l.pull(false, false); time.Sleep(80 * ms); l.pull(true, false) },
			want:      []seen{{true, 10 * ms}, {false, 90 * ms}},
		},
		"edges from before are forgotten": {
			before: func(l *line) { l.pull(true, false); l.pull(false, false) },
			hands:  func(*line) { time.Sleep(time.Second) },
		},
		"an active contact at the start is the first edge": {
			before: func(l *line) { l.pull(true, false) },
			hands:  func(l *line) { l.pull(false, false) },
			want:   []seen{{true, 2 * ms}, {false, 10 * ms}},
		},
		"a lost edge is made up for and noted": {
			hands: func(l *line) { l.pull(true, true); time.Sleep(time.Second) },
			want:  []seen{{true, 254 * ms}},
			warns: true,
		},
		"a level that changes and changes back unseen is nothing": {
			hands: func(l *line) { l.pull(true, true); time.Sleep(100 * ms); l.pull(false, true); time.Sleep(time.Second) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(tt.activeLow)
				if tt.before != nil {
					tt.before(b.in)
				}
				end := b.watch(t)
				tt.hands(b.in)
				got, took, err := end()
				if err != nil {
					t.Errorf("Watch = %v, want nil at the end of its context", err)
				}
				if took != 0 {
					t.Errorf("Watch took %v to end, want none: the wait is halted", took)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("edges (-want +got):\n%s", diff)
				}
				if warned := strings.Contains(b.log.String(), "lost"); warned != tt.warns {
					t.Errorf("log: %s; want a lost edge noted: %v", b.log, tt.warns)
				}
			})
		})
	}
}

func TestADeadLineEndsWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(false)
		gone := errors.New("no such device")
		done := make(chan error, 1)
		go func() { done <- b.button.Watch(t.Context(), nil) }()
		time.Sleep(10 * ms)
		b.in.die(gone)
		err := <-done
		if !errors.Is(err, gone) || !strings.Contains(err.Error(), `button "call" on line "BTN_CALL"`) {
			t.Errorf("Watch = %v; want the driver's error, with the button and its line", err)
		}
	})
}

func TestALineThatNeverRestsIsWatchedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(false)
		ctx, cancel := context.WithCancel(t.Context())
		var noise sync.WaitGroup
		noise.Go(func() {
			for high := true; ctx.Err() == nil; high = !high {
				b.in.pull(high, false)
				time.Sleep(ms)
			}
		})
		edges, done := make(chan device.Edge), make(chan error, 1)
		go func() { done <- b.button.Watch(ctx, edges) }()
		<-edges
		cancel()
		noise.Wait()
		if err := <-done; err != nil {
			t.Errorf("Watch = %v", err)
		}
	})
}

func TestASecondWatchIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(false)
		end := b.watch(t)
		if err := b.button.Watch(t.Context(), nil); err == nil {
			t.Error("a second Watch ran beside the first")
		}
		if _, _, err := end(); err != nil {
			t.Errorf("the first Watch = %v", err)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(false)
		done := make(chan error, 1)
		go func() { done <- b.button.Watch(t.Context(), nil) }()
		time.Sleep(10 * ms)
		if err := b.pin.Set(true); err != nil {
			t.Error(err)
		}
		if err := errors.Join(b.board.Close(), b.board.Close()); err != nil {
			t.Errorf("Close = %v", err)
		}
		if err := <-done; !errors.Is(err, gpio.ErrClosed) {
			t.Errorf("Watch = %v, want ErrClosed", err)
		}
		if err := b.button.Watch(t.Context(), nil); !errors.Is(err, gpio.ErrClosed) {
			t.Errorf("a later Watch = %v, want ErrClosed", err)
		}
		if err := b.pin.Set(true); !errors.Is(err, gpio.ErrClosed) {
			t.Errorf("a later Set = %v, want ErrClosed", err)
		}
		if !b.in.closed || !b.out.closed {
			t.Error("a line was not given back")
		}
		if diff := cmp.Diff([]bool{true, false}, b.out.writes); diff != "" {
			t.Errorf("levels of the output, which is switched off last (-want +got):\n%s", diff)
		}
	})
}

func TestPinPolarity(t *testing.T) {
	for name, tt := range map[string]struct {
		activeLow bool
		want      []bool
	}{
		"an active-high output is on when high": {false, []bool{true, false}},
		"an active-low output is on when low":   {true, []bool{false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(tt.activeLow)
			if err := errors.Join(b.pin.Set(true), b.pin.Set(false)); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, b.out.writes); diff != "" {
				t.Errorf("levels for on, off (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPinThatFailsSaysWhich(t *testing.T) {
	b := newBench(false)
	gone := errors.New("no such device")
	b.out.die(gone)
	if err := b.pin.Set(true); !errors.Is(err, gone) || !strings.Contains(err.Error(), `led "ring" on line "LED_RING"`) {
		t.Errorf("Set = %v; want the driver's error, with the led and its line", err)
	}
}
