//go:build !cgo

package portaudio

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"hailpoint/audio"
)

func TestABuildWithoutCgoSaysSo(t *testing.T) {
	if _, err := Devices(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Devices: %v, want ErrUnsupported", err)
	}
	told := make(chan error, 1)
	config := Default()
	config.OnState = func(fault error) { told <- fault }
	s := New(config, slog.New(slog.DiscardHandler), func(_, _ *audio.Frame) {})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := <-told; !errors.Is(err, ErrUnsupported) {
		t.Errorf("OnState was told %v, want ErrUnsupported", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}
