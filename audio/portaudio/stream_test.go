package portaudio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hailpoint/audio"
)

var _ interface {
	Run(ctx context.Context) error
	State() error
} = (*Stream)(nil)

var errUnplugged = errors.New("unplugged")

// fake is a sound system whose card breaks on demand. Its blocks come from a
// goroutine, every 10 ms.
type fake struct {
	mu       sync.Mutex    // guards the fields below
	broken   error         // open answers with it
	stalled  bool          // blocks do not come
	hanging  chan struct{} // open and close wait for it, if not nil
	opens    int
	closes   []bool        // with abort or not
	overflow bool          // the next block has both flags
	delay    time.Duration // of every block
	opened   exchange
	onOpen   func(exchange) // set before Run, or nil
}

func (f *fake) change(do func(f *fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}

func (f *fake) wait() {
	f.mu.Lock()
	hanging := f.hanging
	f.mu.Unlock()
	if hanging != nil {
		<-hanging
	}
}

func (f *fake) open(_ Config, exchange exchange) (connection, error) {
	f.wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens++
	if f.broken != nil {
		return nil, f.broken
	}
	c := &fakeConnection{fake: f, exchange: exchange, end: make(chan struct{})}
	f.opened = exchange
	if f.onOpen != nil {
		f.onOpen(exchange)
	}
	c.wg.Go(c.run)
	return c, nil
}

type fakeConnection struct {
	fake     *fake
	exchange exchange
	end      chan struct{}
	wg       sync.WaitGroup
}

func (c *fakeConnection) run() {
	ticker := time.NewTicker(audio.FrameTime)
	defer ticker.Stop()
	for {
		select {
		case <-c.end:
			return
		case <-ticker.C:
		}
		c.fake.mu.Lock()
		stalled, n := c.fake.stalled, note{c.fake.overflow, c.fake.overflow, c.fake.delay}
		c.fake.overflow = false
		c.fake.mu.Unlock()
		if !stalled {
			var in audio.Frame
			out := audio.Frame{1, 2, 3}
			c.exchange(&in, &out, n)
		}
	}
}

func (c *fakeConnection) latency() (in, out time.Duration) { return 0, 0 }

func (c *fakeConnection) close(abort bool) error {
	c.fake.wait()
	close(c.end)
	c.wg.Wait()
	c.fake.change(func(f *fake) { f.closes = append(f.closes, abort) })
	return nil
}

// rig is a stream on a fake card, running, and what it told.
type rig struct {
	*Stream
	*fake
	told []error
	stop func()
}

// start runs a stream on a fake card in a synctest bubble.
func start(t *testing.T, f *fake) *rig {
	t.Helper()
	b := &rig{fake: f}
	config := Default()
	config.OnState = func(fault error) { b.told = append(b.told, fault) }
	b.Stream = newStream(config, slog.New(slog.DiscardHandler), func(_, _ *audio.Frame) {}, f)
	if err := b.State(); !errors.Is(err, ErrNotOpen) {
		t.Errorf("State before Run: %v, want ErrNotOpen", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.stop = func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		if err := b.State(); !errors.Is(err, ErrNotOpen) {
			t.Errorf("State after Run: %v, want ErrNotOpen", err)
		}
	}
	return b
}

// settle lets d pass in the bubble.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect checks what OnState was told, by errors.Is.
func (b *rig) expect(t *testing.T, want ...error) {
	t.Helper()
	if !slices.EqualFunc(b.told, want, errors.Is) {
		t.Errorf("OnState was told %v, want %v", b.told, want)
	}
}

func TestSoundWorksFromTheFirstBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{})
		settle(11 * time.Millisecond)
		if err := b.State(); err != nil {
			t.Errorf("State after the first block: %v, want nil", err)
		}
		settle(10 * time.Second)
		b.change(func(f *fake) { f.overflow = true })
		settle(10 * time.Second)
		b.stop()
		b.expect(t, nil)
		want := Counts{Blocks: 2001, Overflows: 1, Underflows: 1}
		if got := b.Counts(); got != want {
			t.Errorf("Counts: %+v, want %+v", got, want)
		}
		if b.opens != 1 || !slices.Equal(b.closes, []bool{false}) {
			t.Errorf("%d openings and closings (aborted: %v), want one of each, not aborted", b.opens, b.closes)
		}
	})
}

func TestAMissingCardIsTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{broken: errUnplugged})
		settle(time.Millisecond)
		if err := b.State(); !errors.Is(err, errUnplugged) {
			t.Errorf("State without a card: %v, want the driver's error", err)
		}
		settle(7500 * time.Millisecond) // 0.5 + 1 + 2 + 4 s
		if b.opens != 5 {
			t.Errorf("opened %d times in 7.5 s, want 5: pauses of 0.5, 1, 2 and 4 s", b.opens)
		}
		settle(time.Minute)
		if b.opens != 17 {
			t.Errorf("opened %d times a minute later, want 17: every 5 s", b.opens)
		}
		b.expect(t, errUnplugged) // said once, not at every attempt

		b.change(func(f *fake) { f.broken = nil })
		settle(6 * time.Second)
		if err := b.State(); err != nil {
			t.Errorf("State with the card connected: %v, want nil", err)
		}
		b.stop()
		b.expect(t, errUnplugged, nil)
		if got := b.Counts().Reopenings; got != 0 {
			t.Errorf("%d reopenings, want 0: it had not worked before", got)
		}
	})
}

func TestAStalledCardIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{})
		settle(3 * time.Second)
		b.change(func(f *fake) { f.stalled = true })
		settle(time.Second + beat)
		if err := b.State(); !errors.Is(err, ErrStalled) {
			t.Errorf("State of a stalled card: %v, want ErrStalled", err)
		}
		b.change(func(f *fake) { f.stalled = false; f.broken = errUnplugged })
		settle(2 * time.Second)
		b.change(func(f *fake) { f.broken = nil })
		settle(2 * time.Second)
		b.stop()
		b.expect(t, nil, ErrStalled, errUnplugged, nil)
		if got := b.Counts().Reopenings; got != 1 {
			t.Errorf("%d reopenings, want 1", got)
		}
		if !slices.Equal(b.closes, []bool{true, false}) {
			t.Errorf("closings aborted: %v, want the stalled one only", b.closes)
		}
	})
}

func TestACardThatNeverStartsIsStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{stalled: true})
		settle(startTime - time.Millisecond)
		if err := b.State(); !errors.Is(err, ErrNotOpen) {
			t.Errorf("State just before the time to start is over: %v, want ErrNotOpen", err)
		}
		settle(beat)
		if err := b.State(); !errors.Is(err, ErrStalled) {
			t.Errorf("State after it: %v, want ErrStalled", err)
		}
		b.stop()
	})
}

func TestAConnectionThatHangsInCloseIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{})
		settle(time.Second)
		hanging := make(chan struct{})
		old := b.opened
		b.change(func(f *fake) { f.stalled = true; f.hanging = hanging })
		settle(stallTime + beat + closeTime)
		if err := b.State(); !errors.Is(err, ErrHung) || !errors.Is(err, ErrStalled) {
			t.Errorf("State: %v, want both ErrStalled and ErrHung", err)
		}
		b.change(func(f *fake) { f.stalled = false; f.hanging = nil })
		settle(2 * time.Second)
		if err := b.State(); err != nil {
			t.Errorf("State with another stream open beside the one that hangs: %v, want nil", err)
		}

		before, out := b.Counts().Blocks, audio.Frame{1, 2, 3}
		old(new(audio.Frame), &out, note{})
		if got := b.Counts().Blocks; got != before || out != (audio.Frame{}) {
			t.Error("a connection given up still exchanges sound")
		}
		close(hanging)
		b.stop()
		settle(0)
	})
}

func TestASoundSystemThatAlwaysHangsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{})
		hangings := make(chan struct{})
		for range maxHung {
			settle(10 * time.Second)
			b.change(func(f *fake) { f.stalled = true; f.hanging = hangings })
			settle(stallTime + beat + closeTime)
			b.change(func(f *fake) { f.stalled = false; f.hanging = nil })
		}
		settle(time.Minute)
		if err := b.State(); !errors.Is(err, ErrHung) || b.opens != maxHung {
			t.Errorf("State: %v after %d openings, want ErrHung after %d", err, b.opens, maxHung)
		}
		close(hangings)
		settle(10 * time.Second)
		if err := b.State(); err != nil {
			t.Errorf("State after the sound system came back: %v, want nil", err)
		}
		b.stop()
	})
}

func TestAnOpeningThatHangsIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := make(chan struct{})
		b := start(t, &fake{hanging: hanging})
		settle(time.Minute)
		if err := b.State(); !errors.Is(err, ErrHung) {
			t.Errorf("State: %v, want ErrHung", err)
		}
		b.change(func(f *fake) { f.hanging = nil })
		close(hanging)
		settle(time.Second)
		if err := b.State(); err != nil || b.opens != 1 {
			t.Errorf("State: %v after %d openings, want nil after 1", err, b.opens)
		}
		b.stop()
		b.expect(t, ErrHung, nil)
	})
}

func TestLateSoundIsOpenedAgain(t *testing.T) {
	const usual = 30 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{delay: usual})
		settle(10 * time.Second)
		b.change(func(f *fake) { f.delay = usual + lateBy })
		settle(time.Minute)
		if b.opens != 1 {
			t.Errorf("%d openings for a delay within bounds, want 1", b.opens)
		}
		b.change(func(f *fake) { f.delay = usual + 2*lateBy })
		settle(3 * window)
		if b.opens != 2 {
			t.Errorf("%d openings after the delay has grown, want 2", b.opens)
		}
		// What the delay is from now on is what it is.
		settle(time.Minute)
		if b.opens != 2 {
			t.Errorf("%d openings at a steady delay, want 2", b.opens)
		}
		for i := range 10 {
			b.change(func(f *fake) { f.delay = time.Duration(i+3) * 2 * lateBy })
			settle(lateEvery / 2)
		}
		if b.opens > 2+5+1 {
			t.Errorf("%d openings in %v of growing delay, want at most one in %v", b.opens-2, 5*lateEvery, lateEvery)
		}
		b.stop()
		b.expect(t, nil) // no fault: nobody has to do anything about it
		if got := int(b.Counts().Reopenings); got != b.opens-1 {
			t.Errorf("%d reopenings, want %d", got, b.opens-1)
		}
	})
}

func TestOneLateBlockIsNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fake{})
		settle(5 * time.Second)
		for range 10 {
			b.change(func(f *fake) { f.delay = time.Second })
			settle(window / 2)
			b.change(func(f *fake) { f.delay = 0 })
			settle(window / 2)
		}
		b.stop()
		if b.opens != 1 {
			t.Errorf("%d openings, want 1", b.opens)
		}
	})
}

func TestRunEndsThoughTheSoundSystemHangs(t *testing.T) {
	for name, duringOpen := range map[string]bool{"while opening": true, "while closing": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hanging := make(chan struct{})
				f := &fake{}
				if duringOpen {
					f.hanging = hanging
				}
				b := start(t, f)
				settle(time.Second)
				b.change(func(f *fake) { f.hanging = hanging })
				before := time.Now()
				b.stop()
				if took := time.Since(before); took != closeTime {
					t.Errorf("Run took %v to end, want %v", took, closeTime)
				}
				b.change(func(f *fake) { f.hanging = nil })
				close(hanging)
				settle(time.Second)
				if len(b.closes) != 1 {
					t.Errorf("closed %d times, want once, when the sound system came back", len(b.closes))
				}
			})
		})
	}
}

func TestTheBlockFunctionIsNeverCalledTwiceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		enter, leave := make(chan struct{}), make(chan struct{})
		calls := 0
		s := newStream(Default(), slog.New(slog.DiscardHandler), func(_, _ *audio.Frame) {
			if calls++; calls == 1 {
				close(enter)
				<-leave
			}
		}, f)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		<-enter
		out := audio.Frame{1, 2, 3}
		f.opened(new(audio.Frame), &out, note{}) // as another connection would
		if calls != 1 || out != (audio.Frame{}) {
			t.Errorf("%d calls, want 1 and silence", calls)
		}
		close(leave)
		settle(100 * time.Millisecond)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// exchanger is the function a sound system calls for each block, of a stream
// that echoes and gets no other blocks.
func exchanger(tb testing.TB) exchange {
	tb.Helper()
	f := &fake{stalled: true}
	worked := make(chan struct{}, 1)
	config := Default()
	config.OnState = func(error) {
		select {
		case worked <- struct{}{}:
		default:
		}
	}
	opened := make(chan exchange, 1)
	f.onOpen = func(e exchange) { opened <- e }
	s := newStream(config, slog.New(slog.DiscardHandler), func(in, out *audio.Frame) { *out = *in }, f)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
	e := <-opened
	e(new(audio.Frame), new(audio.Frame), note{})
	<-worked
	return e
}

func TestABlockDoesNotAllocate(t *testing.T) {
	exchange := exchanger(t)
	var in, out audio.Frame
	if n := testing.AllocsPerRun(1000, func() { exchange(&in, &out, note{overflow: true, underflow: true}) }); n != 0 {
		t.Errorf("%v allocations a block, want 0", n)
	}
}

func BenchmarkBlock(b *testing.B) {
	exchange := exchanger(b)
	var in, out audio.Frame
	b.ReportAllocs()
	for b.Loop() {
		exchange(&in, &out, note{})
	}
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		keys   []string
	}{
		"the default is valid":      {func(*Config) {}, nil},
		"names must not be empty":   {func(c *Config) { c.Input, c.Output = "", "" }, []string{"input", "output"}},
		"a latency can be too low":  {func(c *Config) { c.Latency = MinLatency - 1 }, []string{"latency"}},
		"a latency can be too high": {func(c *Config) { c.Latency = MaxLatency + 1 }, []string{"latency"}},
		"every problem is reported": {func(c *Config) { *c = Config{} }, []string{"input", "output", "latency"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Default()
			tt.change(&c)
			checkKeys(t, c.Validate(), tt.keys)
		})
	}
}

// checkKeys checks that err has one line for each key, in order.
func checkKeys(t *testing.T, err error, keys []string) {
	t.Helper()
	var got []string
	if err != nil {
		joined, ok := errors.AsType[interface {
			error
			Unwrap() []error
		}](err)
		if !ok {
			t.Fatalf("Validate: %v is not a list of errors", err)
		}
		for _, e := range joined.Unwrap() {
			var key string
			if _, err := fmt.Sscanf(e.Error(), "%s", &key); err != nil {
				t.Fatal(err)
			}
			got = append(got, key[:len(key)-1])
		}
	}
	if !slices.Equal(got, keys) {
		t.Errorf("Validate reports %v, want %v: %v", got, keys, err)
	}
}
