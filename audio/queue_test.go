package audio_test

import (
	"runtime"
	"testing"

	"hailpoint/audio"
)

func TestQueueGivesWhatItTookInOrder(t *testing.T) {
	q := audio.NewQueue[int](4)
	if q.Front() != nil {
		t.Error("an empty queue has a front")
	}
	next, got := 0, 0
	for range 10 { // round and round
		for range 3 {
			*q.Claim() = next
			q.Commit()
			next++
		}
		if q.Len() != 3 {
			t.Errorf("length %d, want 3", q.Len())
		}
		for v := q.Front(); v != nil; v = q.Front() {
			if *v != got {
				t.Fatalf("got %d, want %d", *v, got)
			}
			got++
			q.Release()
		}
	}
}

func TestAFullQueueRefusesTheNewest(t *testing.T) {
	q := audio.NewQueue[int](2)
	for i := range 2 {
		*q.Claim() = i
		q.Commit()
	}
	for range 2 {
		if q.Claim() != nil {
			t.Error("a full queue has room")
		}
	}
	if q.Dropped() != 2 {
		t.Errorf("dropped %d, want 2", q.Dropped())
	}
	if v := q.Front(); v == nil || *v != 0 {
		t.Errorf("the oldest is %v, want 0", v)
	}
	q.Release()
	if q.Claim() == nil {
		t.Error("no room after one was taken")
	}
}

func TestAClaimWithoutCommitIsNotSeen(t *testing.T) {
	q := audio.NewQueue[int](2)
	*q.Claim() = 7
	if q.Front() != nil || q.Len() != 0 {
		t.Error("seen before Commit")
	}
}

func TestQueueSizeIsAPowerOfTwo(t *testing.T) {
	for _, size := range []int{-1, 0, 3, 100} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("size %d was accepted", size)
				}
			}()
			audio.NewQueue[int](size)
		}()
	}
}

// TestQueueBetweenGoroutines passes frames whose samples must belong together.
func TestQueueBetweenGoroutines(t *testing.T) {
	const frames = 2000
	q := audio.NewQueue[audio.Frame](8)
	go func() {
		for n := 0; n < frames; {
			f := q.Claim()
			if f == nil {
				runtime.Gosched()
				continue
			}
			for i := range f {
				f[i] = int16(n)
			}
			q.Commit()
			n++
		}
	}()
	for n := 0; n < frames; {
		f := q.Front()
		if f == nil {
			runtime.Gosched()
			continue
		}
		for _, v := range f {
			if v != int16(n) {
				t.Fatalf("frame %d holds %d", n, v)
			}
		}
		q.Release()
		n++
	}
}

func BenchmarkQueue(b *testing.B) {
	q := audio.NewQueue[audio.Frame](8)
	b.ReportAllocs()
	for b.Loop() {
		q.Claim()[0] = 1
		q.Commit()
		q.Front()
		q.Release()
	}
}
