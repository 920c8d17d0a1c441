package portaudio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hailpoint/audio"
)

// PortAudio reads the environment once, so every test with a sound server of
// its own runs this test binary again as a terminal in that environment.
const (
	roleKey   = "HAILPOINT_TEST_ROLE" // devices, terminal or meter
	inputKey  = "HAILPOINT_TEST_INPUT"
	outputKey = "HAILPOINT_TEST_OUTPUT"

	playedHz, playedLevel = 440, 0.25 // what a terminal plays
	spokenHz, spokenLevel = 1000, 0.3 // what is spoken into its microphone
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// line is what a terminal prints, ten times a second.
type line struct {
	Fault   string  // empty while sound works
	Spoken  float64 // level of the tones in the last 100 ms of the microphone
	Played  float64
	Counts  Counts
	Devices []DeviceInfo // of the role devices, which prints one line
	Meter   meter        // of the role meter, likewise
}

// play is the part of a terminal in a process of its own, until standard
// input ends.
func play(role string) error {
	config := Default()
	config.Input, config.Output = os.Getenv(inputKey), os.Getenv(outputKey)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	out := json.NewEncoder(os.Stdout)
	switch role {
	case "devices":
		devices, err := Devices()
		if err != nil {
			return err
		}
		return out.Encode(line{Devices: devices})
	case "meter":
		return measure(ctx, config, out)
	default:
		return terminal(ctx, config, out)
	}
}

// terminal plays a tone and tells what it hears.
func terminal(ctx context.Context, config Config, out *json.Encoder) error {
	heard := make(chan audio.Frame, 1000)
	var at int
	stream := New(config, slog.New(slog.NewTextHandler(os.Stderr, nil)), func(in, out *audio.Frame) {
		for i := range out {
			out[i] = sample(playedHz, playedLevel, at)
			at++
		}
		select {
		case heard <- *in:
		default:
		}
	})
	done := make(chan error, 1)
	go func() { done <- stream.Run(ctx) }()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	last := make([]int16, 10*audio.FrameSamples)
	for {
		select {
		case err := <-done:
			return err
		case f := <-heard:
			last = append(last[audio.FrameSamples:], f[:]...)
		case <-ticker.C:
			l := line{Spoken: audio.ToneLevel(last, spokenHz), Played: audio.ToneLevel(last, playedHz), Counts: stream.Counts()}
			if err := stream.State(); err != nil {
				l.Fault = err.Error()
			}
			if err := out.Encode(l); err != nil {
				return err
			}
		}
	}
}

// sample is sample number at of a sine.
func sample(hz, level float64, at int) int16 {
	return int16(math.Round(level * math.MaxInt16 * math.Sin(2*math.Pi*hz*float64(at%audio.SampleRate)/audio.SampleRate)))
}

// meter is what the role meter finds out about 500 blocks.
type meter struct {
	AllocsPerBlock float64
	CPUPercent     float64 // of one core
	RoundTrip      time.Duration
}

// measure sends a click every half second and looks for it in what it hears.
func measure(ctx context.Context, config Config, out *json.Encoder) error {
	var n, sent, got int
	var roundTrip time.Duration
	finished := make(chan meter, 1)
	var before runtime.MemStats
	var cpu time.Duration
	var begin time.Time
	stream := New(config, slog.New(slog.DiscardHandler), func(in, out *audio.Frame) {
		switch n++; n {
		case 100:
			runtime.ReadMemStats(&before)
			cpu, begin = used(), time.Now()
		case 600:
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			finished <- meter{
				AllocsPerBlock: float64(after.Mallocs-before.Mallocs) / 500,
				CPUPercent:     100 * (used() - cpu).Seconds() / time.Since(begin).Seconds(),
				RoundTrip:      roundTrip,
			}
		}
		if n%50 == 0 {
			out[0], sent, got = 20000, n*audio.FrameSamples, 0
		}
		if sent == 0 || got != 0 {
			return
		}
		for i, s := range in {
			if s > 8000 {
				got = n*audio.FrameSamples + i
				roundTrip = max(roundTrip, time.Duration(got-sent)*time.Second/audio.SampleRate)
				return
			}
		}
	})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- stream.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if err := out.Encode(line{}); err != nil { // it is open, or soon will be
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case m := <-finished:
		return out.Encode(line{Meter: m})
	}
}

// used is the CPU time of this process.
func used() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
