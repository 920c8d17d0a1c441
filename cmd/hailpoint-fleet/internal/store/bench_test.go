package store_test

import (
	"fmt"
	"testing"

	"hailpoint/callagent/event"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

// BenchmarkSave stores batches of events, synced, as the broker's feed brings
// them: one at a time, and the most that come together.
func BenchmarkSave(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprintf("batch of %d", size), func(b *testing.B) {
			s, err := store.Open(b.Context(), b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // nothing to lose
			seq := uint64(0)
			for b.Loop() {
				var batch store.Batch
				for range size {
					seq++
					r := event.Record{
						Journal: "j", Seq: seq, ID: fmt.Sprintf("id-%d", seq), DeviceID: "door", BootID: "boot",
						Call: event.Call{CallID: fmt.Sprintf("call-%d", seq/10), Role: event.Caller}, At: int64(seq), Data: event.CallRinging{},
					}
					raw, err := r.Encode()
					if err != nil {
						b.Fatal(err)
					}
					e, err := registry.ParseEntry("door", raw)
					if err != nil {
						b.Fatal(err)
					}
					batch.Events = append(batch.Events, store.Event{Entry: e, Raw: raw})
				}
				if _, err := s.Save(b.Context(), now, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
