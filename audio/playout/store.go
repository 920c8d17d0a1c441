package playout

import "time"

// capacity is the number of packets a store has room for: 1.28 s of 20 ms, more
// than a Buffer ever lets wait. It is a power of two.
const capacity = 64

// slot is a packet in the store.
type slot struct {
	seq, timestamp int64
	samples        int
	arrival        time.Duration
	size           int
	data           [MaxPayload]byte
}

func (s *slot) payload() []byte { return s.data[:s.size] }

// store holds the packets that came and are yet to be rendered, by sequence
// number.
type store struct {
	used  [capacity]bool
	slots [capacity]slot
	low   int64 // no packet is below
	high  int64 // none is above
	count int
	held  int64 // samples in all packets
}

// clear empties the store.
func (s *store) clear() {
	s.used = [capacity]bool{}
	s.count, s.held = 0, 0
}

// put takes a packet in that is not in the store. It makes room for it by
// throwing out those that are capacity or more numbers below, and returns how
// many that were. A packet that is itself so far below the newest is the one
// thrown out.
func (s *store) put(seq, timestamp int64, samples int, arrival time.Duration, payload []byte) (dropped uint64) {
	if s.count == 0 {
		s.low, s.high = seq, seq
	}
	if seq <= s.high-capacity {
		return 1
	}
	for p := s.first(); p != nil && p.seq <= seq-capacity; p = s.first() {
		s.remove(p)
		dropped++
	}
	s.low, s.high = min(s.low, seq), max(s.high, seq)
	i := seq & (capacity - 1)
	p := &s.slots[i]
	p.seq, p.timestamp, p.samples, p.arrival = seq, timestamp, samples, arrival
	p.size = copy(p.data[:], payload)
	s.used[i] = true
	s.count++
	s.held += int64(samples)
	return dropped
}

// first is the packet with the lowest number, nil when there is none. It stays
// valid until the next put.
func (s *store) first() *slot {
	if s.count == 0 {
		return nil
	}
	for !s.used[s.low&(capacity-1)] {
		s.low++
	}
	return &s.slots[s.low&(capacity-1)]
}

// remove takes p out.
func (s *store) remove(p *slot) {
	s.used[p.seq&(capacity-1)] = false
	s.count--
	s.held -= int64(p.samples)
}

// waited is the longest that any packet held will have waited if first is
// played at now and the others follow by their timestamps.
func (s *store) waited(now time.Duration, first *slot) time.Duration {
	longest := now - first.arrival
	for seq := first.seq + 1; seq <= s.high; seq++ {
		i := seq & (capacity - 1)
		if p := &s.slots[i]; s.used[i] {
			if after := p.timestamp - first.timestamp; after > 0 && after < maxSpan {
				longest = max(longest, now-p.arrival+length(after))
			}
		}
	}
	return longest
}
