package playout

// verdict is what a stream makes of a packet's numbers.
type verdict uint8

const (
	// wanted: a packet that is yet to be played.
	wanted verdict = iota
	// restarted: the same, and it begins another stream.
	restarted
	duplicate
	late
	// unexpected: the numbers belong to no stream known so far.
	unexpected
)

const (
	// maxDropout and maxMisorder are how far a sequence number may lie ahead of
	// and behind the newest (RFC 3550, appendix A.1).
	maxDropout  = 3000
	maxMisorder = 100
	// lateRun is how many late packets in a row, in order, are taken for a
	// stream that began again a little lower.
	lateRun = 5

	historySize = 128 // a power of two above maxMisorder
)

// stream gives packets numbers that do not wrap, and tells those of the stream
// from those that repeat, come late or come from another stream.
type stream struct {
	started bool
	seq     int64 // of the newest packet
	time    int64 // its timestamp

	// history has the numbers of the packets that came, to know a repetition
	// from a late packet and from another stream that uses the same numbers.
	history [historySize]struct {
		seq, time int64
		came      bool
	}

	stray   uint16 // the last unexpected sequence number
	strayed bool
	lateSeq int64 // the last late one
	lateRun int
}

// place gives the packet with the RTP header's seq and timestamp its numbers,
// and says what to do with it. While positioned, packets before next are late.
func (s *stream) place(seq16 uint16, timestamp32 uint32, positioned bool, next int64) (seq, timestamp int64, v verdict) {
	if !s.started {
		return s.start(seq16, timestamp32, wanted)
	}
	seq = s.seq + int64(int16(seq16-uint16(s.seq)))
	timestamp = s.time + int64(int32(timestamp32-uint32(s.time)))
	past := &s.history[seq&(historySize-1)]
	known := past.came && past.seq == seq
	switch {
	case seq-s.seq > maxDropout, s.seq-seq > maxMisorder, known && past.time != timestamp:
		// Two in order are another stream, one alone is a stray (appendix A.1).
		if s.strayed && seq16 == s.stray+1 {
			return s.start(seq16, timestamp32, restarted)
		}
		s.stray, s.strayed = seq16, true
		return seq, timestamp, unexpected
	case known:
		return seq, timestamp, duplicate
	}
	past.seq, past.time, past.came = seq, timestamp, true
	s.strayed = false
	if positioned && seq < next {
		if seq == s.lateSeq+1 {
			s.lateRun++
		} else {
			s.lateRun = 1
		}
		s.lateSeq = seq
		if s.lateRun < lateRun {
			return seq, timestamp, late
		}
		return s.start(seq16, timestamp32, restarted)
	}
	s.lateRun = 0
	if seq > s.seq {
		s.seq, s.time = seq, timestamp
	}
	return seq, timestamp, wanted
}

// start begins a stream with this packet. The numbers begin one round up, so
// that a packet before the first is not negative.
func (s *stream) start(seq16 uint16, timestamp32 uint32, v verdict) (seq, timestamp int64, _ verdict) {
	*s = stream{started: true, seq: 1<<16 + int64(seq16), time: 1<<32 + int64(timestamp32)}
	past := &s.history[s.seq&(historySize-1)]
	past.seq, past.time, past.came = s.seq, s.time, true
	return s.seq, s.time, v
}
