package voice

import (
	"sync/atomic"
	"time"

	"hailpoint/audio/playout"
)

// account carries a playout.Stats from the sound thread to others without a
// lock: each figure is right, and they are at most one block apart.
type account struct {
	counts [14]atomic.Uint64
	times  [3]atomic.Int64
}

// figures returns where the figures of s are, in a fixed order.
func figures(s *playout.Stats) (counts [14]*uint64, times [3]*time.Duration) {
	counts = [...]*uint64{
		&s.Received, &s.Late, &s.Duplicate, &s.Malformed, &s.Unexpected, &s.Lost, &s.Recovered, &s.Dropped,
		&s.Underruns, &s.Resyncs, &s.ConcealedSamples, &s.ComfortSamples, &s.InsertedSamples, &s.RemovedSamples,
	}
	times = [...]*time.Duration{&s.Depth, &s.Delay, &s.Target}
	return counts, times
}

func (a *account) store(s playout.Stats) {
	counts, times := figures(&s)
	for i, n := range counts {
		a.counts[i].Store(*n)
	}
	for i, d := range times {
		a.times[i].Store(int64(*d))
	}
}

func (a *account) load() (s playout.Stats) {
	counts, times := figures(&s)
	for i := range counts {
		*counts[i] = a.counts[i].Load()
	}
	for i := range times {
		*times[i] = time.Duration(a.times[i].Load())
	}
	return s
}

// publish makes the buffer's account readable for others. Sound thread only.
func (l *Line) publish() { l.account.store(l.buffer.Stats()) }
