package portaudio

import (
	"context"
	"fmt"
	"math"
	"time"
)

// watch returns when the card has stopped, with the fault, when sound has
// become late, with errLate, or when ctx ends, with nil. It reports that sound
// works at the first block.
func (s *Stream) watch(ctx context.Context, c connection, first <-chan struct{}) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	// Time is counted in ticks that were seen, not on a clock: a process that
	// was suspended has not watched the card.
	limit, still, last := startTime, time.Duration(0), s.blocks.Load()
	var delays delays
	s.delay.Store(math.MaxInt64)
	for beats := 1; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-first:
			first, limit = nil, stallTime
			in, out := c.latency()
			s.report(nil, "input", s.config.Input, "output", s.config.Output, "input_latency", in, "output_latency", out)
			continue
		case <-ticker.C:
		}
		if n := s.blocks.Load(); n != last {
			last, still = n, 0
		} else if still += beat; still >= limit {
			return fmt.Errorf("microphone %q, speaker %q: %w: no block for %v (is the card still connected? it is opened again)",
				s.config.Input, s.config.Output, ErrStalled, limit)
		}
		if beats++; beats%int(window/beat) != 0 {
			continue
		}
		shortest := time.Duration(s.delay.Swap(math.MaxInt64))
		if delays.late(shortest) && (s.lastLate.IsZero() || time.Since(s.lastLate) >= lateEvery) {
			s.lastLate = time.Now()
			s.reopenings.Add(1)
			s.log.Info("sound has become late, opening again", "delay", shortest, "delay_at_first", delays.least)
			return errLate
		}
	}
}

// delays judges the delay of a connection by the shortest of each window: a
// single block that comes late delays nothing but itself.
type delays struct {
	windows int
	least   time.Duration // in the first two windows
	above   int           // windows in a row with too long a delay
}

// late takes the shortest delay of one more window and says whether the delay
// has grown, for two windows now, by more than lateBy. A window without a
// block, whose delay is the longest possible, says nothing.
func (d *delays) late(shortest time.Duration) bool {
	switch {
	case shortest == math.MaxInt64:
		return false
	case d.windows == 0:
		d.least = shortest
	case d.windows == 1:
		d.least = min(d.least, shortest)
	case shortest > d.least+lateBy:
		d.above++
		return d.above >= 2
	}
	d.windows++
	d.above = 0
	return false
}
