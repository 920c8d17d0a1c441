package sim_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/sim"
)

// card is the shape that every sound card has for those who use it.
type card interface {
	Run(ctx context.Context) error
	State() error
}

var _ card = (*sim.Card)(nil)

// echo lets the speaker play what the microphone hears.
func echo(in, out *audio.Frame) { *out = *in }

// run starts c and returns a function that ends it and waits.
func run(t *testing.T, c *sim.Card) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestRunKeepsPaceWithTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(sim.Config{}, echo)
		stop := run(t, c)
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		stop()
		if got := c.Counts(); got != (sim.Counts{Blocks: 1000}) {
			t.Errorf("after 10 s: %+v, want 1000 blocks and nothing else", got)
		}
	})
}

func TestALateProgramIsCaughtUp(t *testing.T) {
	for name, tt := range map[string]struct {
		late time.Duration
		lost uint64
	}{
		"a little late loses nothing":           {late: 70 * time.Millisecond},
		"late by the backlog loses nothing":     {late: sim.Backlog},
		"later than the backlog loses the rest": {late: sim.Backlog + 300*time.Millisecond, lost: 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				blocks := 0
				c := sim.New(sim.Config{}, func(_, _ *audio.Frame) {
					if blocks++; blocks == 100 {
						time.Sleep(tt.late)
					}
				})
				stop := run(t, c)
				time.Sleep(5*time.Second + time.Millisecond)
				synctest.Wait()
				stop()
				want := sim.Counts{Blocks: 500 - tt.lost, Overflows: tt.lost, Underflows: tt.lost}
				if got := c.Counts(); got != want {
					t.Errorf("after 5 s: %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestAFailedCardIsSilentUntilItIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unplugged := errors.New("unplugged")
		told := make(chan error, 8)
		c := sim.New(sim.Config{OnState: func(fault error) { told <- fault }}, echo)
		stop := run(t, c)
		settle := func() { time.Sleep(time.Second); synctest.Wait() }

		time.Sleep(time.Millisecond) // off the tick
		settle()
		c.Fail(unplugged)
		settle()
		if err := c.State(); !errors.Is(err, unplugged) {
			t.Errorf("State of a failed card: %v, want %v", err, unplugged)
		}
		c.Fail(nil)
		settle()
		if err := c.State(); !errors.Is(err, sim.ErrFailed) {
			t.Errorf("State of a card failed without reason: %v, want ErrFailed", err)
		}
		c.Repair()
		c.Repair() // the second changes nothing
		settle()
		stop()

		if got, want := c.Counts(), (sim.Counts{Blocks: 200, Reopenings: 1}); got != want {
			t.Errorf("Counts: %+v, want %+v", got, want)
		}
		close(told)
		for _, want := range []error{nil, unplugged, sim.ErrFailed, nil} {
			if got, ok := <-told; !ok || !errors.Is(got, want) {
				t.Errorf("OnState was told %v (called: %v), want %v", got, ok, want)
			}
		}
		if extra, ok := <-told; ok {
			t.Errorf("OnState was told %v, want no more calls", extra)
		}
	})
}

func TestStepsExchangeBlocksAtOnce(t *testing.T) {
	heard := sim.NewRecorder(time.Second)
	c := sim.New(sim.Config{Microphone: sim.Tone(1000, 0.3), Speaker: heard.Hear}, echo)
	if err := c.Step(20); err != nil {
		t.Fatalf("Step: %v", err)
	}
	c.SetMicrophone(nil)
	if err := c.Step(20); err != nil {
		t.Fatalf("Step: %v", err)
	}

	pcm := heard.Snapshot()
	if len(pcm) != 40*audio.FrameSamples {
		t.Fatalf("heard %d samples, want 40 frames", len(pcm))
	}
	half := len(pcm) / 2
	if got := audio.ToneLevel(pcm[:half], 1000); !near(got, 0.3, 0.001) {
		t.Errorf("tone of amplitude %.4f heard, want 0.3", got)
	}
	if got := rms(pcm[half:]); got != 0 {
		t.Errorf("level %.4f heard from a microphone set to silence, want 0", got)
	}

	c.Fail(nil)
	if err := c.Step(1); !errors.Is(err, sim.ErrFailed) {
		t.Errorf("Step of a failed card: %v, want ErrFailed", err)
	}
	if got := c.Counts().Blocks; got != 40 {
		t.Errorf("%d blocks, want 40: a failed card makes none", got)
	}
}

func TestTheSpeakerIsSilentWhereTheProgramWritesNothing(t *testing.T) {
	heard := sim.NewRecorder(time.Second)
	blocks := 0
	c := sim.New(sim.Config{Speaker: heard.Hear}, func(_, out *audio.Frame) {
		if blocks++; blocks == 1 {
			out[0] = 1000
		}
	})
	if err := c.Step(2); err != nil {
		t.Fatalf("Step: %v", err)
	}
	if got := heard.Snapshot()[audio.FrameSamples]; got != 0 {
		t.Errorf("second block starts with %d, want 0: what the first held must not be played again", got)
	}
}

func BenchmarkCardStep(b *testing.B) {
	heard := sim.NewRecorder(time.Second)
	c := sim.New(sim.Config{Microphone: sim.Tone(1000, 0.3), Speaker: heard.Hear}, echo)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Step(1); err != nil {
			b.Fatal(err)
		}
	}
}
