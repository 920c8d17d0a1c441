package terminal_test

import (
	"context"
	"testing"
	"time"

	"hailpoint/audio"
	"hailpoint/cmd/internal/config"
	"hailpoint/device/sim"
	"hailpoint/mqtt"
)

// debounce is that of the benchmarks' buttons; figures say whether it counts.
const debounce = 20 * time.Millisecond

// measured runs a benchmark on a door whose target is a desk: once measures one
// time, after the calls of the round before have ended.
func measured(b *testing.B, unit string, prepare func(h house, door, desk *box) (once func() time.Duration)) {
	b.Helper()
	h := ownBroker(b)
	desk := newBox(b, "desk", h, nil)
	door := newBox(b, "door", h, func(c *config.Config) { c.Call.Target = config.List{"desk"} })
	door.online()
	desk.online()
	once := prepare(h, door, desk)
	var total, worst time.Duration
	n := 0
	for b.Loop() {
		d := once()
		total += d
		worst = max(worst, d)
		n++
		for _, x := range []*box{door, desk} {
			for _, button := range x.buttons {
				button.Set(false)
			}
		}
		time.Sleep(2 * debounce)
		door.press("hangup")
		door.becomes("idle")
		desk.becomes("idle")
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(total)/float64(n), "ms/"+unit)
	b.ReportMetric(ms(worst), "ms-worst")
	b.ReportMetric(0, "ns/op")
}

// hold presses a button down and returns when that was.
func (b *box) hold(name string) time.Time {
	began := time.Now()
	b.buttons[name].Set(true)
	return began
}

// first returns a channel for a time and the function that gives it, but for
// the first time only.
func first() (<-chan time.Time, func()) {
	c := make(chan time.Time, 1)
	return c, func() {
		select {
		case c <- time.Now():
		default:
		}
	}
}

// BenchmarkAnswerToSound is the time from the edge of the answering button,
// debounce included, to the first sound of the answering side in the caller's
// loudspeaker.
func BenchmarkAnswerToSound(b *testing.B) {
	measured(b, "answer", func(_ house, door, desk *box) func() time.Duration {
		return func() time.Duration {
			door.press("call")
			desk.becomes("ringing_in")
			door.becomes("ringing_out")
			time.Sleep(100 * time.Millisecond) // the transport is up before a person answers
			heard, hear := first()
			door.frames.Store(&frameHook{func(f *audio.Frame) {
				if audio.ToneLevel(f[:], hz["desk"]) > 0.1 {
					hear()
				}
			}})
			defer door.frames.Store(nil)
			pressed := desk.hold("call")
			return (<-heard).Sub(pressed)
		}
	})
}

// BenchmarkEdgeToInvite is the time from the edge of the calling button,
// without the debounce, to the invite at a program that listens at the broker.
func BenchmarkEdgeToInvite(b *testing.B) {
	measured(b, "invite", func(h house, door, desk *box) func() time.Duration {
		seen := make(chan time.Time, 64)
		end, err := h.Subscribe(context.Background(), "hailpoint/v1/sig/desk/door", func(mqtt.Message) {
			select {
			case seen <- time.Now():
			default:
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(end)
		return func() time.Duration {
			for len(seen) > 0 {
				<-seen
			}
			pressed := door.hold("call")
			d := (<-seen).Sub(pressed) - debounce
			desk.becomes("ringing_in")
			return d
		}
	})
}

// BenchmarkEdgeToLamp is the time from the edge of the calling button, without
// the debounce, to the change of the lamp that shows the call.
func BenchmarkEdgeToLamp(b *testing.B) {
	measured(b, "lamp", func(_ house, door, desk *box) func() time.Duration {
		return func() time.Duration {
			lit, light := first()
			door.onLamp.Store(&lampHook{"calling", func(c sim.Change) {
				if c.On {
					light()
				}
			}})
			pressed := door.hold("call")
			d := (<-lit).Sub(pressed) - debounce
			desk.becomes("ringing_in")
			return d
		}
	})
}

// lampHook is told of one lamp's changes.
type lampHook struct {
	name string
	do   func(sim.Change)
}

// frameHook is told of what the speaker plays.
type frameHook struct{ do func(*audio.Frame) }
