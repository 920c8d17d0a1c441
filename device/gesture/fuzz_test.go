package gesture_test

import (
	"slices"
	"testing"
	"time"

	"hailpoint/device"
	"hailpoint/device/gesture"
)

// FuzzDetector drives a detector with any edges and checks what must hold for
// all of them: a timer is never needed twice for one time, timers that come late
// change no gesture, nothing is given without an active edge before it, and one
// press gives one Stuck at most.
func FuzzDetector(f *testing.F) {
	f.Add(byte(3), []byte{1, 10, 0, 200, 1, 40, 0, 255})
	f.Add(byte(0), []byte{1, 0, 1, 255, 0, 0})
	f.Add(byte(2), []byte{1, 30, 0, 30, 1, 30, 0, 30})
	f.Fuzz(func(t *testing.T, want byte, script []byte) {
		cfg := gesture.Default()
		cfg.Long, cfg.Double = want&1 != 0, want&2 != 0
		if want&4 != 0 {
			cfg.Debounce = 0
		}
		cfg.Stuck = 3 * time.Second

		prompt, late := gesture.New(cfg), gesture.New(cfg)
		var fromPrompt, fromLate []gesture.Gesture
		now := start
		timers := func() {
			for at, ok := prompt.Next(); ok && !at.After(now); {
				fromPrompt = append(fromPrompt, prompt.At(at)...)
				next, more := prompt.Next()
				if more && !next.After(at) {
					t.Fatalf("At(%v) left something due at %v", at, next)
				}
				at, ok = next, more
			}
		}
		actives := 0
		for i := 0; i+1 < len(script); i += 2 {
			e := device.Edge{Active: script[i]&1 != 0, At: now}
			if e.Active {
				actives++
			}
			fromPrompt = append(fromPrompt, prompt.Edge(e)...)
			fromLate = append(fromLate, late.Edge(e)...)
			now = now.Add(time.Duration(script[i+1]) * 10 * ms)
			timers()
		}
		now = now.Add(time.Minute)
		timers()
		fromLate = append(fromLate, late.At(now)...)

		if !slices.Equal(fromPrompt, fromLate) {
			t.Errorf("timers on time gave %v, late ones %v", fromPrompt, fromLate)
		}
		if stuck := count(fromPrompt, gesture.Stuck); stuck > actives || len(fromPrompt)-stuck > actives {
			t.Errorf("%d active edges gave %v", actives, fromPrompt)
		}
		if !cfg.Long && count(fromPrompt, gesture.LongPress) > 0 || !cfg.Double && count(fromPrompt, gesture.DoublePress) > 0 {
			t.Errorf("an unwanted gesture in %v", fromPrompt)
		}
	})
}

func count(gs []gesture.Gesture, g gesture.Gesture) int {
	n := 0
	for _, x := range gs {
		if x == g {
			n++
		}
	}
	return n
}

func BenchmarkEdge(b *testing.B) {
	d := gesture.New(gesture.Default())
	now := start
	for i := 0; b.Loop(); i++ {
		now = now.Add(30 * ms)
		d.Edge(device.Edge{Active: i%2 == 0, At: now})
	}
}
