package simulated_test

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hailpoint/audio"
	"hailpoint/audio/opus"
	"hailpoint/cmd/hailpoint-fleet/internal/simulated"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAPressLightsALampEvenWithoutABroker(t *testing.T) {
	if !opus.Available {
		t.Skip("built without cgo: no Opus")
	}
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	s, err := simulated.New(simulated.Config{
		ID: "sim-1", Name: "One", Broker: "mqtt://127.0.0.1:1", Base: "hailpoint/v1", StateDir: t.TempDir(), Target: "desk-abcd",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if got, want := s.Buttons(), []string{"call", "hangup", "mute"}; !slices.Equal(got, want) {
		t.Errorf("buttons %v, want %v", got, want)
	}
	if _, ok := s.Lamps()["calling"]; !ok {
		t.Errorf("lamps %v", slices.Collect(maps.Keys(s.Lamps())))
	}
	if err := s.Hold("fly", true); err == nil {
		t.Error("a button that it does not have was pressed")
	}
	deadline, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for down := false; !s.Lamps()["calling"]; {
		if r, err := s.Report(ctx); err == nil && r.State == "idle" && !down {
			down = true
			if err := s.Hold("call", true); err != nil { // by a finger that stays
				t.Error(err)
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the lamp stayed dark")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(scratch, "hailpoint-sim-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheChimeBeginsOnItsRoot(t *testing.T) {
	root := simulated.ChimeRoot("sim-3")
	pcm := simulated.Chime(root)
	if len(pcm) != audio.SampleRate*24/10 {
		t.Errorf("%d samples", len(pcm))
	}
	if purity := audio.TonePurity(pcm[:audio.SampleRate/5], root); purity < 0.9 {
		t.Errorf("purity of the first note %v", purity)
	}
	if a, b := simulated.ChimeRoot("sim-1"), simulated.ChimeRoot("sim-2"); a == b {
		t.Errorf("neighbours both at %v Hz", a)
	}
}
