package audio

import (
	"fmt"
	"sync/atomic"
)

// Queue is a ring of a fixed number of slots that passes values from one
// goroutine to one other without locks, without waiting and without allocating:
// the producer fills a slot in place, the consumer reads it in place.
//
//	producer                          consumer
//	if v := q.Claim(); v != nil {     for v := q.Front(); v != nil; v = q.Front() {
//		fill(v)                           use(v)
//		q.Commit()                        q.Release()
//	}                                 }
//
// A full queue takes nothing: Claim returns nil and counts the value as dropped.
// It is the newest that is lost, since taking back the oldest would race with
// the consumer that may be reading it; a consumer that comes late and wants only
// fresh values releases the older ones itself.
type Queue[T any] struct {
	slots []T
	mask  uint32

	_       [64]byte      // the two ends work on cache lines of their own
	head    atomic.Uint32 // the next slot to fill; written by the producer only
	dropped atomic.Uint64

	_    [64]byte
	tail atomic.Uint32 // the next slot to read; written by the consumer only
}

// NewQueue returns a queue of size slots. It panics unless size is a power of
// two of at least 1, which is a mistake in the program.
func NewQueue[T any](size int) *Queue[T] {
	if size < 1 || size&(size-1) != 0 || size > 1<<30 {
		panic(fmt.Sprintf("audio: queue of %d slots: not a power of two", size))
	}
	return &Queue[T]{slots: make([]T, size), mask: uint32(size - 1)}
}

// Claim returns the slot to fill next, with whatever it held before, or nil
// when the queue is full. Nothing is passed on before Commit. Producer only.
func (q *Queue[T]) Claim() *T {
	head := q.head.Load()
	if head-q.tail.Load() > q.mask {
		q.dropped.Add(1)
		return nil
	}
	return &q.slots[head&q.mask]
}

// Commit passes the claimed slot on. It is called only after a Claim that did
// not return nil. Producer only.
func (q *Queue[T]) Commit() { q.head.Add(1) }

// Front returns the oldest value, or nil when the queue is empty. The value
// stays the consumer's until Release. Consumer only.
func (q *Queue[T]) Front() *T {
	tail := q.tail.Load()
	if tail == q.head.Load() {
		return nil
	}
	return &q.slots[tail&q.mask]
}

// Release gives the slot of the oldest value back. It is called only after a
// Front that did not return nil. Consumer only.
func (q *Queue[T]) Release() { q.tail.Add(1) }

// Len is the number of values in the queue. Both ends may call it; what it
// returns may have changed by then, in the caller's favour only.
func (q *Queue[T]) Len() int { return int(q.head.Load() - q.tail.Load()) }

// Dropped is the number of values that found the queue full. Any goroutine may
// call it.
func (q *Queue[T]) Dropped() uint64 { return q.dropped.Load() }
