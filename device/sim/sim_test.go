package sim_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"hailpoint/device"
	"hailpoint/device/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

type seen struct {
	Active bool
	At     time.Duration
}

// watch collects what a Watch of b sends until the returned function is called,
// which ends the Watch and returns it.
func watch(t *testing.T, b *sim.Button) func() []seen {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	edges := make(chan device.Edge)
	var (
		wg  sync.WaitGroup
		got []seen
	)
	wg.Go(func() {
		defer close(edges)
		if err := b.Watch(ctx, edges); err != nil {
			t.Errorf("Watch: %v", err)
		}
	})
	wg.Go(func() {
		for e := range edges {
			got = append(got, seen{e.Active, e.At.Sub(began)})
		}
	})
	synctest.Wait()
	return func() []seen {
		synctest.Wait()
		cancel()
		wg.Wait()
		return got
	}
}

func TestButtonEdges(t *testing.T) {
	for name, tt := range map[string]struct {
		held  bool // before Watch
		hands func(context.Context, *sim.Button) error
		want  []seen
	}{
		"a press is two edges": {
			false,
			func(ctx context.Context, b *sim.Button) error { return b.Press(ctx, 80*ms) },
			[]seen{{true, 0}, {false, 80 * ms}},
		},
		"setting the level it has is no edge": {
			false,
			func(_ context.Context, b *sim.Button) error { b.Set(false); b.Set(true); b.Set(true); return nil },
			[]seen{{true, 0}},
		},
		"a contact that is active at the start is the first edge": {
			true,
			func(_ context.Context, b *sim.Button) error { b.Set(false); return nil },
			[]seen{{true, 0}, {false, 0}},
		},
		"bounce alternates and ends at the level": {
			false,
			func(ctx context.Context, b *sim.Button) error { return b.Bounce(ctx, true, 3, 2*ms) },
			[]seen{{true, 0}, {false, 2 * ms}, {true, 4 * ms}},
		},
		"bounce takes one edge more where it must, to end at the level": {
			true,
			func(ctx context.Context, b *sim.Button) error { return b.Bounce(ctx, true, 1, 2*ms) },
			[]seen{{true, 0}, {false, 0}, {true, 2 * ms}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := sim.NewButton("call")
				b.Set(tt.held)
				end := watch(t, b)
				if err := tt.hands(t.Context(), b); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.want, end()); diff != "" {
					t.Errorf("edges (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestEdgesNobodyWatchesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.NewButton("call")
		end := watch(t, b)
		end()
		if err := b.Press(t.Context(), 80*ms); err != nil {
			t.Error(err)
		}
		if got := watch(t, b)(); len(got) != 0 {
			t.Errorf("a later Watch saw %v, want nothing", got)
		}
	})
}

func TestAPressCutShortIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.NewButton("call")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Press(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Press = %v, want the context's error", err)
		}
		if b.Active() {
			t.Error("the button is still held")
		}
	})
}

func TestAFailureEndsWatchAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.NewButton("call")
		broken := errors.New("unplugged")
		done := make(chan error, 1)
		go func() { done <- b.Watch(t.Context(), nil) }()
		synctest.Wait()
		b.Fail(broken)
		if err := <-done; !errors.Is(err, broken) || !strings.Contains(err.Error(), `"call"`) {
			t.Errorf("Watch = %v, want the failure with the button's name", err)
		}
		end := watch(t, b)
		b.Set(true)
		if diff := cmp.Diff([]seen{{true, 0}}, end()); diff != "" {
			t.Errorf("edges of the next Watch (-want +got):\n%s", diff)
		}
	})
}

func TestASecondWatchIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.NewButton("call")
		end := watch(t, b)
		if err := b.Watch(t.Context(), nil); err == nil {
			t.Error("a second Watch ran beside the first")
		}
		end()
	})
}

func TestWatchEndsWhileNobodyReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.NewButton("call")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Watch(ctx, make(chan device.Edge)) }()
		b.Set(true)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch = %v, want nil at the end of its context", err)
		}
	})
}

func TestPinRemembersItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var told []bool
		p := sim.NewPinFunc("ring", func(c sim.Change) { told = append(told, c.On) })
		for _, on := range []bool{false, true, true, false, true} {
			time.Sleep(10 * ms)
			if err := p.Set(on); err != nil {
				t.Fatal(err)
			}
		}
		want := []sim.Change{{true, began.Add(20 * ms)}, {false, began.Add(40 * ms)}, {true, began.Add(50 * ms)}}
		if diff := cmp.Diff(want, p.History()); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]bool{true, false, true}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if !p.On() || p.Name() != "ring" {
			t.Errorf("On() = %v, Name() = %q", p.On(), p.Name())
		}
	})
}

func TestPinForgetsItsOldestChanges(t *testing.T) {
	p := sim.NewPin("ring")
	for n := range 5000 {
		if err := p.Set(n%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	h := p.History()
	if len(h) != 1024 || h[len(h)-1].On {
		t.Errorf("%d changes remembered, the last %+v; want 1024, the last one off", len(h), h[len(h)-1])
	}
}

func TestPinWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sim.NewPin("ring")
		if err := p.Wait(t.Context(), false); err != nil {
			t.Errorf("Wait for what it is = %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = p.Set(true)
		}()
		if err := p.Wait(t.Context(), true); err != nil {
			t.Errorf("Wait = %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx, false); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `"ring" to be off`) {
			t.Errorf("Wait = %v, want the context's error with what was waited for", err)
		}
	})
}

func TestABrokenPinChangesNothing(t *testing.T) {
	p := sim.NewPin("ring")
	broken := errors.New("unplugged")
	p.Fail(broken)
	if err := p.Set(true); !errors.Is(err, broken) || p.On() {
		t.Errorf("Set = %v, On = %v; want the failure and no change", err, p.On())
	}
	p.Fail(nil)
	if err := p.Set(true); err != nil || !p.On() {
		t.Errorf("Set = %v, On = %v after mending", err, p.On())
	}
}
