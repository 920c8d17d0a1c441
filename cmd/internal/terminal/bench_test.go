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

// pair is two terminals at one broker, the door's target being the desk.
func pair(b *testing.B) (h house, door, desk *box) {
	b.Helper()
	h = ownBroker(b)
	desk = newBox(b, "desk", h, nil)
	door = newBox(b, "door", h, func(c *config.Config) { c.Call.Target = config.List{"desk"} })
	door.online()
	desk.online()
	return h, door, desk
}

// hold presses a button down and returns when that was.
func (b *box) hold(name string) time.Time {
	began := time.Now()
	b.buttons[name].Set(true)
	return began
}

// idle ends whatever call there is and lets go of all buttons.
func idle(boxes ...*box) {
	for _, b := range boxes {
		for _, button := range b.buttons {
			button.Set(false)
		}
	}
	boxes[0].t.Helper()
	time.Sleep(2 * debounce)
	boxes[0].press("hangup")
	for _, b := range boxes {
		b.becomes("idle")
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkAnswerToSound is the time from the edge of the answering button,
// debounce included, to the first sound of the answering side in the caller's
// loudspeaker.
func BenchmarkAnswerToSound(b *testing.B) {
	_, door, desk := pair(b)
	var total, worst time.Duration
	n := 0
	for b.Loop() {
		door.press("call")
		desk.becomes("ringing_in")
		door.becomes("ringing_out")
		time.Sleep(100 * time.Millisecond) // the transport is up before a person answers
		heard := make(chan time.Time, 1)
		door.onFrame(func(f *audio.Frame) {
			if audio.ToneLevel(f[:], hz["desk"]) > 0.1 {
				select {
				case heard <- time.Now():
				default:
				}
			}
		})
		pressed := desk.hold("call")
		d := (<-heard).Sub(pressed)
		door.onFrame(nil)
		total += d
		worst = max(worst, d)
		n++
		b.StopTimer()
		idle(door, desk)
		b.StartTimer()
	}
	b.ReportMetric(ms(total)/float64(n), "ms/answer")
	b.ReportMetric(ms(worst), "ms-worst")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEdgeToInvite is the time from the edge of the calling button,
// without the debounce, to the invite at a program that listens at the broker.
func BenchmarkEdgeToInvite(b *testing.B) {
	h, door, desk := pair(b)
	seen := make(chan time.Time, 16)
	end, err := h.Subscribe(context.Background(), "hailpoint/v1/sig/desk/door", func(mqtt.Message) {
		select {
		case seen <- time.Now():
		default:
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer end()
	var total, worst time.Duration
	n := 0
	for b.Loop() {
		for len(seen) > 0 {
			<-seen
		}
		pressed := door.hold("call")
		d := (<-seen).Sub(pressed) - debounce
		total += d
		worst = max(worst, d)
		n++
		b.StopTimer()
		desk.becomes("ringing_in")
		idle(door, desk)
		b.StartTimer()
	}
	b.ReportMetric(ms(total)/float64(n), "ms/invite")
	b.ReportMetric(ms(worst), "ms-worst")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEdgeToLamp is the time from the edge of the calling button, without
// the debounce, to the change of the lamp that shows the call.
func BenchmarkEdgeToLamp(b *testing.B) {
	_, door, desk := pair(b)
	var total, worst time.Duration
	n := 0
	for b.Loop() {
		lit := make(chan time.Time, 1)
		door.onLamp.Store(&lampHook{"calling", func(c sim.Change) {
			if c.On {
				select {
				case lit <- time.Now():
				default:
				}
			}
		}})
		pressed := door.hold("call")
		d := (<-lit).Sub(pressed) - debounce
		total += d
		worst = max(worst, d)
		n++
		b.StopTimer()
		desk.becomes("ringing_in")
		idle(door, desk)
		b.StartTimer()
	}
	b.ReportMetric(ms(total)/float64(n), "ms/lamp")
	b.ReportMetric(ms(worst), "ms-worst")
	b.ReportMetric(0, "ns/op")
}

// lampHook is told of one lamp's changes.
type lampHook struct {
	name string
	do   func(sim.Change)
}

// frameHook is told of what the speaker plays.
type frameHook struct{ do func(*audio.Frame) }

func (b *box) onFrame(do func(*audio.Frame)) {
	if do == nil {
		b.frames.Store(nil)
		return
	}
	b.frames.Store(&frameHook{do})
}
