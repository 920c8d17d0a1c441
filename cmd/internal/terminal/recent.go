package terminal

import (
	"context"
	"slices"
	"sync"
)

// keepRecent is how many event records are kept for those who ask at the box.
const keepRecent = 256

// recent holds the latest event records.
type recent struct {
	mu      sync.Mutex // guards all
	records [][]byte
	count   uint64 // of all records ever
	more    chan struct{}
}

func newRecent() *recent { return &recent{more: make(chan struct{})} }

// add keeps a record, which must not change any more.
func (r *recent) add(record []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) == keepRecent {
		r.records = slices.Delete(r.records, 0, 1)
	}
	r.records = append(r.records, record)
	r.count++
	close(r.more)
	r.more = make(chan struct{})
}

// since returns the records after the first n ever, the new n, and what is
// closed when there are more.
func (r *recent) since(n uint64) ([][]byte, uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing := min(r.count-n, uint64(len(r.records)))
	return slices.Clone(r.records[len(r.records)-int(missing):]), r.count, r.more //nolint:gosec // at most keepRecent
}

// each calls f for the kept records, and with follow for new ones until ctx
// ends.
func (r *recent) each(ctx context.Context, follow bool, f func(record []byte) error) error {
	var seen uint64
	for {
		records, n, more := r.since(seen)
		seen = n
		for _, rec := range records {
			if err := f(rec); err != nil {
				return err
			}
		}
		if !follow {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}
