package link_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"hailpoint/callagent/event"
	"hailpoint/mqtt/link"
)

// BenchmarkBacklogToMosquitto delivers what gathered while the broker was away.
// It reports records per second; run it with -benchtime 100000x for the figure
// of a hundred thousand.
func BenchmarkBacklogToMosquitto(b *testing.B) {
	w := newMosquitto(b)
	c := config(b, w.url())
	l, err := link.Open(c, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	a := newAgent()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, a) }()
	written := time.Now()
	for i := range b.N {
		l.Record(record(fmt.Sprint("call-", i/8), event.CallRinging{}))
		for i%1000 == 999 && l.Backlog()+1000 < uint64(i) { // the queue to the disk is bounded
			<-time.After(time.Millisecond)
		}
	}
	for l.Backlog() < uint64(b.N) {
		<-time.After(time.Millisecond)
	}
	recorded := float64(b.N) / time.Since(written).Seconds()
	drained := make(chan struct{})
	go func() { // nobody else reads what the backend sees
		for {
			select {
			case <-w.seen():
			case <-drained:
				return
			}
		}
	}()
	b.ResetTimer()
	w.start(b)
	for l.Backlog() > 0 {
		<-time.After(time.Millisecond)
	}
	b.ReportMetric(recorded, "recorded/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "delivered/s")
	b.StopTimer()
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	w.stop(b)
	close(drained)
}

// BenchmarkEventToBroker is the time from an event to its record's arrival
// at a backend: queue, journal, sync, publication, broker.
func BenchmarkEventToBroker(b *testing.B) {
	w := newMosquitto(b)
	w.start(b)
	l, err := link.Open(config(b, w.url()), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	a := newAgent()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, a) }()
	for !<-a.links {
	}
	for b.Loop() {
		l.Record(record("call", event.CallRinging{}))
		for {
			if m := <-w.seen(); m.Topic == topics.Event("kiosk-1") {
				break
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
