package link

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strconv"
	"time"

	"hailpoint/mqtt"
)

// telemetry publishes health figures, and the status again, at each interval.
func (l *Link) telemetry(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.Telemetry)
	defer tick.Stop()
	for {
		b, err := json.Marshal(l.figures())
		if err != nil {
			return fmt.Errorf("encode the telemetry: %w", err)
		}
		l.post(mqtt.Message{Topic: l.cfg.Topics.Telemetry(l.cfg.Self), Payload: b})
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		l.status.poke()
	}
}

// figures are the health figures of this moment.
func (l *Link) figures() map[string]any {
	c := &l.counters
	figures := map[string]any{
		"v": 1, "at": time.Now().UnixMilli(), "boot_id": l.cfg.BootID,
		"uptime_ms": time.Since(l.cfg.Boot).Milliseconds(), "clock": l.cfg.Clock(),
		"interval_ms": l.cfg.Telemetry.Milliseconds(),
		"rss_bytes":   residentBytes(), "goroutines": runtime.NumGoroutine(),
		"journal": map[string]any{
			"id": l.journal.ID(), "last": l.journal.Last(), "acknowledged": l.journal.Acknowledged(),
			"backlog": l.Backlog(), "damage": len(l.journal.Damage()),
		},
		"link": map[string]any{
			"connects": c.Connects.Load(), "too_large": c.TooLarge.Load(), "malformed": c.Malformed.Load(),
			"foreign_acks": c.ForeignAcks.Load(), "overflow": c.Overflow.Load() + l.client.Dropped(),
			"unrecordable": c.Unrecordable.Load(), "repeats": c.Repeats.Load(),
		},
	}
	if l.cfg.Figures != nil {
		maps.Copy(figures, l.cfg.Figures())
	}
	return figures
}

// residentBytes is the memory this process has in RAM, or 0 where the system
// does not tell (proc(5), statm).
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
