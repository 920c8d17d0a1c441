package gesture_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/device"
	"hailpoint/device/gesture"
	"hailpoint/device/sim"
)

// run is a Detector in its natural place: between a button that is watched and
// a timer.
func run(ctx context.Context, cfg gesture.Config, edges <-chan device.Edge, give func(gesture.Gesture)) {
	d := gesture.New(cfg)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Stop()
		if at, ok := d.Next(); ok {
			timer.Reset(time.Until(at))
		}
		var found []gesture.Gesture
		select {
		case e := <-edges:
			found = d.Edge(e)
		case now := <-timer.C:
			found = d.At(now)
		case <-ctx.Done():
			return
		}
		for _, g := range found {
			give(g)
		}
	}
}

// watched runs hands on a simulated button and returns what was understood, with
// times since the start, by the time hands has returned and all is quiet.
func watched(t *testing.T, cfg gesture.Config, hands func(context.Context, *sim.Button)) []given {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	button := sim.NewButton("call")
	edges := make(chan device.Edge)
	var (
		wg  sync.WaitGroup
		got []given
	)
	wg.Go(func() {
		if err := button.Watch(ctx, edges); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		run(ctx, cfg, edges, func(g gesture.Gesture) { got = append(got, given{time.Since(began), g}) })
	})
	synctest.Wait()
	hands(ctx, button)
	time.Sleep(5 * time.Second)
	cancel()
	wg.Wait()
	return got
}

func TestAButtonInTime(t *testing.T) {
	all := config(func(c *gesture.Config) { c.Long, c.Double = true, true })
	for name, tt := range map[string]struct {
		cfg   gesture.Config
		hands func(context.Context, *sim.Button)
		want  []given
	}{
		"a worn button is one press": {
			gesture.Default(),
			func(ctx context.Context, b *sim.Button) {
				_ = b.Bounce(ctx, true, 9, 2*ms)
				time.Sleep(150 * ms)
				_ = b.Bounce(ctx, false, 5, 3*ms)
			},
			[]given{{36 * ms, gesture.Press}},
		},
		"a finger that trembles for a second presses once it is firm": {
			gesture.Default(),
			func(ctx context.Context, b *sim.Button) { _ = b.Bounce(ctx, true, 101, 10*ms) },
			[]given{{1020 * ms, gesture.Press}},
		},
		"a press, a double press and a long press are told apart": {
			all,
			func(ctx context.Context, b *sim.Button) {
				_ = b.Press(ctx, 80*ms)
				time.Sleep(920 * ms)
				_ = b.Press(ctx, 80*ms)
				time.Sleep(120 * ms)
				_ = b.Press(ctx, 80*ms)
				time.Sleep(720 * ms)
				_ = b.Press(ctx, 1500*ms)
			},
			[]given{{420 * ms, gesture.Press}, {1220 * ms, gesture.DoublePress}, {3020 * ms, gesture.LongPress}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if diff := cmp.Diff(tt.want, watched(t, tt.cfg, tt.hands)); diff != "" {
					t.Errorf("gestures (-want +got):\n%s", diff)
				}
			})
		})
	}
}
