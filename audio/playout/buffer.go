package playout

import (
	"fmt"
	"time"

	"hailpoint/audio"
)

// MaxPayload is the size in bytes of the largest packet a Buffer takes; no more
// fits into one Ethernet frame.
const MaxPayload = 1500

// maxSamples is the longest packet: 120 ms.
const maxSamples = 120 * audio.SampleRate / 1000

// Decoder turns packets into samples; *opus.Decoder is one. The samples of a
// packet are those that follow the packet before, so a Decoder is called in
// playing order. Its methods must not allocate where the audio path must not.
type Decoder interface {
	// Samples is the length of packet, 1 to 5760 samples, or an error when it is
	// not a packet.
	Samples(packet []byte) (int, error)
	// IsComfort says whether packet announces that the sender is silent from here
	// on, so that Conceal makes comfort noise.
	IsComfort(packet []byte) bool
	// Decode writes the samples of packet to pcm and returns their number.
	Decode(packet []byte, pcm []int16) (int, error)
	// Redundancy is the number of samples before packet that it has a coarse copy
	// of; 0 when it has none.
	Redundancy(packet []byte) int
	// Recover writes the samples before packet, which were lost, to pcm, and
	// returns their number. It is called only where Redundancy is not 0.
	Recover(packet []byte, pcm []int16) (int, error)
	// Conceal fills pcm, a multiple of 120 samples, with what may have been there.
	Conceal(pcm []int16) error
	// Reset forgets all sound, before the first packet of another stream.
	Reset() error
}

// Packet is one packet as it came in.
type Packet struct {
	// Seq and Timestamp are those of the RTP header (RFC 3550, section 5.1); the
	// timestamp counts at audio.SampleRate (RFC 7587, section 4.1).
	Seq       uint16
	Timestamp uint32
	// Payload is copied by Put.
	Payload []byte
	// Arrival is when the packet came, on the clock that Pull is called with.
	Arrival time.Duration
}

// Buffer is the playout buffer of one stream. It belongs to one goroutine. Put
// and Pull do not allocate.
type Buffer struct {
	decoder Decoder
	target  time.Duration
	stats   Stats

	stream stream        // numbers of what comes in
	store  store         // what came and was not played
	sound  sound         // what was rendered and not played
	delay  delay         // how long sound waits
	scaler stretch       // shortens and lengthens what was rendered
	now    time.Duration // of the last Pull

	// playing says that sound goes out on schedule; else the buffer waits until
	// what it holds has waited long enough.
	playing bool
	// positioned says that nextSeq is known: packets below it are late.
	positioned bool
	nextSeq    int64 // of the packet to render next
	nextTime   int64 // its timestamp, if nothing is missing
	lastLength int64 // samples of the packet rendered last
	// ahead is what has been concealed beyond nextTime.
	ahead int64
	// tail is what has been concealed since the last sample that was received;
	// it decides how far the sound has faded.
	tail int64
	// comfort is for how many samples yet the sender's silence is filled with
	// comfort noise.
	comfort int64
}

const (
	// Concealment goes on at full level to fadeFrom, then fades out to fadeTo:
	// longer invention sounds worse than silence.
	fadeFrom = 60 * audio.SampleRate / 1000
	fadeTo   = 120 * audio.SampleRate / 1000
	// maxComfort is how long comfort noise goes on after the packet that
	// announced it. A silent Opus encoder sends one each 400 ms.
	maxComfort = 1000 * audio.SampleRate / 1000
	// minGap is the shortest hole in the timestamps that is filled; a shorter one
	// is a sender's rounding.
	minGap = 120
	// maxBacklog is how much more than the target may be held, or a packet may
	// have waited: beyond, the oldest sound is thrown away at once, because
	// playing faster would take seconds.
	maxBacklog = 200 * time.Millisecond
	// early is how much before its time a stream may start: half a frame, since
	// starts fall on frames.
	early = audio.FrameTime / 2
)

// New returns an empty buffer that renders with decoder, or an error that names
// what in cfg cannot be used.
func New(cfg Config, decoder Decoder) (*Buffer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("make playout buffer: %w", err)
	}
	b := &Buffer{decoder: decoder, target: cfg.Target, lastLength: audio.PacketSamples}
	b.store.clear()
	b.delay.restart()
	b.tail = fadeTo // nothing to continue from
	return b, nil
}

// Put takes a packet in. What cannot be used is counted and dropped.
func (b *Buffer) Put(p Packet) {
	b.stats.Received++
	if len(p.Payload) == 0 || len(p.Payload) > MaxPayload {
		b.stats.Malformed++
		return
	}
	samples, err := b.decoder.Samples(p.Payload)
	if err != nil || samples < 1 || samples > maxSamples {
		b.stats.Malformed++
		return
	}
	seq, timestamp, verdict := b.stream.place(p.Seq, p.Timestamp, b.positioned, b.nextSeq)
	switch verdict {
	case duplicate:
		b.stats.Duplicate++
		return
	case unexpected:
		b.stats.Unexpected++
		return
	case late:
		b.stats.Late++
		return
	case restarted:
		b.restart()
	case wanted:
	}
	b.stats.Dropped += b.store.put(seq, timestamp, samples, p.Arrival, p.Payload)
	b.delay.came(timestamp, p.Arrival)
}

// restart prepares for a stream that has nothing to do with the one before.
func (b *Buffer) restart() {
	b.stats.Dropped += uint64(b.store.count)
	b.store.clear()
	b.cut()
	b.playing, b.positioned = false, false
	b.delay.fresh = false
	b.ahead, b.comfort, b.tail = 0, 0, fadeTo
	if err := b.decoder.Reset(); err != nil {
		b.stats.Malformed++ // the first packets may sound of the old stream
	}
}

// Pull fills out with the 10 ms that are played at now. Now is on the clock of
// Packet.Arrival and normally 10 ms after that of the last Pull; when the sound
// card has paused it is more, and what became too old in the pause is not
// played.
func (b *Buffer) Pull(now time.Duration, out *audio.Frame) {
	b.now = max(b.now, now)
	b.discard()
	b.extend(audio.FrameSamples)
	if b.playing {
		b.measure()
		b.adjust()
	}
	b.sound.read(out)
	b.delay.tick()
}

// Stats returns what the buffer has done since New.
func (b *Buffer) Stats() Stats {
	s := b.stats
	s.Depth = length(int64(b.sound.len()) + b.store.held)
	s.Delay = b.delay.recent()
	s.Target = b.target
	return s
}

// discard throws the oldest packets away while too much is held or what is held
// is out of date.
func (b *Buffer) discard() {
	limit := b.target + maxBacklog
	for p := b.store.first(); p != nil; p = b.store.first() {
		held := length(int64(b.sound.len()) + b.store.held)
		if held <= limit && b.now-p.arrival <= limit {
			return
		}
		b.cut()
		b.stats.Dropped++
		b.advance(p)
	}
}

// advance takes p as rendered: what comes next is what follows it.
func (b *Buffer) advance(p *slot) {
	if b.positioned {
		b.stats.Lost += uint64(p.seq - b.nextSeq)
	}
	b.positioned = true
	b.nextSeq, b.nextTime = p.seq+1, p.timestamp+int64(p.samples)
	b.lastLength = int64(p.samples)
	b.ahead = 0
	b.store.remove(p)
}

// measure notes how long the newest packet will have waited when it is played.
func (b *Buffer) measure() {
	if b.ahead == 0 {
		b.delay.measure(b.now, b.nextTime-int64(b.sound.len()))
	}
}

// adjust shortens or lengthens the sound at hand when the delay has left the
// target for a while.
func (b *Buffer) adjust() {
	excess := samples(b.delay.excess(b.target))
	if !b.scaler.wanted(excess) {
		return
	}
	for b.sound.len() < scaleSamples && b.next() {
		b.extend(b.sound.len() + 1)
	}
	change := b.scaler.apply(&b.sound, excess)
	b.delay.moved(length(int64(change)))
	if change < 0 {
		b.stats.RemovedSamples += uint64(-change)
	} else {
		b.stats.InsertedSamples += uint64(change)
	}
}

// next says whether the packet to render next is at hand.
func (b *Buffer) next() bool {
	p := b.store.first()
	return b.playing && p != nil && p.seq == b.nextSeq && p.timestamp == b.nextTime && b.ahead == 0
}

// length is the time that samples take.
func length(samples int64) time.Duration {
	return time.Duration(samples) * time.Second / audio.SampleRate
}

// samples is the number of samples in d.
func samples(d time.Duration) int {
	return int(d * audio.SampleRate / time.Second)
}
