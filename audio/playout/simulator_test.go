package playout_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/playout"
)

const ms = time.Millisecond

// codec is a decoder whose sound can be read: every sample of a packet is as
// loud as the packet's number says, so what is heard tells which packet is
// played. A packet is its number, its length in samples and flags.
type codec struct {
	loud   int16
	noise  bool
	resets int
}

const (
	withRedundancy = 1
	asComfort      = 2

	payloadSize = 7
	base        = 1000  // loudness of packet 0
	comfortLoud = 30000 // loudness of comfort noise
)

var errNoPacket = errors.New("not a packet")

func payload(number uint32, samples int, flags byte) []byte {
	p := binary.BigEndian.AppendUint32(nil, number)
	p = binary.BigEndian.AppendUint16(p, uint16(samples))
	return append(p, flags)
}

func (*codec) Samples(p []byte) (int, error) {
	if len(p) != payloadSize {
		return 0, errNoPacket
	}
	return int(binary.BigEndian.Uint16(p[4:])), nil
}

func (*codec) IsComfort(p []byte) bool { return p[6]&asComfort != 0 }

func (c *codec) Redundancy(p []byte) int {
	if p[6]&withRedundancy == 0 {
		return 0
	}
	n, _ := c.Samples(p)
	return n
}

func (c *codec) Decode(p []byte, pcm []int16) (int, error) {
	n, err := c.Samples(p)
	if err != nil {
		return 0, err
	}
	c.noise = c.IsComfort(p)
	c.fill(pcm[:n], base+int16(binary.BigEndian.Uint32(p)%25000))
	return n, nil
}

func (c *codec) Recover(p []byte, pcm []int16) (int, error) {
	n := c.Redundancy(p)
	c.fill(pcm[:n], base-1+int16(binary.BigEndian.Uint32(p)%25000))
	return n, nil
}

func (c *codec) Conceal(pcm []int16) error {
	if len(pcm) == 0 || len(pcm)%120 != 0 {
		return errNoPacket
	}
	if c.noise {
		c.loud = comfortLoud
	}
	c.fill(pcm, c.loud)
	return nil
}

func (c *codec) Reset() error { c.resets++; c.loud = 0; return nil }

func (c *codec) fill(pcm []int16, loud int16) {
	c.loud = loud
	for i := range pcm {
		pcm[i] = loud
	}
}

// packet is one packet on its way.
type packet struct {
	number  int
	seq     uint16
	time    uint32
	sent    time.Duration
	arrival time.Duration
	flags   byte
	lost    bool
	repeats int
}

// trace is all that a sender sends, and when it comes.
type trace struct {
	length  int // samples per packet
	packets []packet
}

// even is a sender of d of sound in packets of that many samples, over a
// network that delivers at once. Its numbers wrap soon.
func even(d time.Duration, length int) *trace {
	tr := &trace{length: length}
	each := time.Duration(length) * time.Second / audio.SampleRate
	for i := range int(d / each) {
		at := time.Duration(i+1) * each
		tr.packets = append(tr.packets, packet{
			number: i, seq: uint16(65500 + i), time: uint32(i*length) - 30*48000, sent: at, arrival: at,
			flags: withRedundancy,
		})
	}
	return tr
}

// each changes every packet sent from one time to another.
func (tr *trace) each(from, to time.Duration, change func(p *packet)) *trace {
	for i := range tr.packets {
		if p := &tr.packets[i]; p.sent >= from && p.sent < to {
			change(p)
		}
	}
	return tr
}

const end = time.Hour

// heard is the beginning of a packet in what was played.
type heard struct {
	number int
	at     time.Duration
	// delay is how long after it was due at the receiver at the earliest.
	delay time.Duration
}

// play runs the trace through a buffer and returns what was heard. No frame is
// pulled while stalled.
func (tr *trace) play(t *testing.T, b *playout.Buffer, until time.Duration, stalled func(time.Duration) bool) []heard {
	t.Helper()
	var order []packet
	due := map[int]time.Duration{}
	for _, p := range tr.packets {
		due[p.number] = p.sent
		if !p.lost {
			for range p.repeats + 1 {
				order = append(order, p)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b packet) int { return cmp.Compare(a.arrival, b.arrival) })
	var starts []heard
	last := -1
	var out audio.Frame
	for now := time.Duration(0); now < until; now += 10 * ms {
		if stalled != nil && stalled(now) {
			continue
		}
		for len(order) > 0 && order[0].arrival <= now {
			p := order[0]
			order = order[1:]
			b.Put(playout.Packet{
				Seq: p.seq, Timestamp: p.time,
				Payload: payload(uint32(p.number), tr.length, p.flags), Arrival: p.arrival,
			})
		}
		b.Pull(now, &out)
		for i, v := range out {
			if n := int(v) - base; n == last+1 || n > last && i == 240 {
				if sent, ok := due[n]; ok {
					at := now + time.Duration(i)*time.Second/audio.SampleRate
					if n == last+1 {
						starts = append(starts, heard{n, at, at - sent})
					}
					last = n
				}
			}
		}
	}
	return starts
}

func newBuffer(tb testing.TB, target time.Duration) (*playout.Buffer, *codec) {
	tb.Helper()
	c := &codec{}
	b, err := playout.New(playout.Config{Target: target}, c)
	if err != nil {
		tb.Fatal(err)
	}
	return b, c
}

// TestDelayReturnsToTarget disturbs a stream at 5 s and looks at how long
// packets wait afterwards, by what is heard.
func TestDelayReturnsToTarget(t *testing.T) {
	const target = 60 * ms
	jitter := func(most time.Duration) func(*packet) {
		rng := rand.New(rand.NewPCG(1, 2))
		return func(p *packet) { p.arrival += time.Duration(rng.Int64N(int64(most))) }
	}
	lose := func(share float64) func(*packet) {
		rng := rand.New(rand.NewPCG(3, 4))
		return func(p *packet) { p.lost = rng.Float64() < share }
	}
	for name, tt := range map[string]struct {
		trace   *trace
		stalled func(time.Duration) bool
		until   time.Duration // 15 s
		after   time.Duration // when the delay must be right again: 8 s
		slack   time.Duration // how far from the target; 20 ms
		check   func(playout.Stats) bool
	}{
		"an even stream": {
			trace: even(15*time.Second, 960),
			check: func(s playout.Stats) bool {
				return s.Lost+s.ConcealedSamples+s.InsertedSamples+s.RemovedSamples == 0 && s.Resyncs == 1
			},
		},
		"packets of 10 ms":  {trace: even(15*time.Second, 480)},
		"packets of 60 ms":  {trace: even(15*time.Second, 2880)},
		"packets of 120 ms": {trace: even(15*time.Second, 5760)},
		"jitter within the target": {
			trace: even(15*time.Second, 960).each(0, end, jitter(40*ms)),
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.Late == 0 },
		},
		"jitter beyond the target": {
			trace: even(15*time.Second, 960).each(0, end, jitter(90*ms)), slack: 60 * ms,
		},
		"one packet 100 ms late": {
			trace: even(15*time.Second, 960).each(5*time.Second, 5*time.Second+20*ms, func(p *packet) { p.arrival += 100 * ms }),
			check: func(s playout.Stats) bool { return s.Recovered == 1 && s.Late == 1 && s.Lost == 1 },
		},
		"a network that holds all packets for 150 ms": {
			trace: even(15*time.Second, 960).each(5*time.Second, 5150*ms, func(p *packet) { p.arrival = 5150 * ms }),
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.Underruns == 1 && s.RemovedSamples > 0 },
		},
		"a network that holds all packets for 2 s": {
			trace: even(15*time.Second, 960).each(5*time.Second, 7*time.Second, func(p *packet) { p.arrival = 7 * time.Second }),
			after: 9 * time.Second,
			check: func(s playout.Stats) bool { return s.Dropped > 50 },
		},
		"a way that becomes 80 ms shorter": {
			trace: even(15*time.Second, 960).each(0, 5*time.Second, func(p *packet) { p.arrival += 80 * ms }),
			check: func(s playout.Stats) bool { return s.RemovedSamples > 3000 },
		},
		"10 % loss": {
			trace: even(15*time.Second, 960).each(0, end, lose(0.1)),
			check: func(s playout.Stats) bool { return s.Lost > 50 && s.Recovered > s.Lost*8/10 },
		},
		"50 % loss": {trace: even(15*time.Second, 960).each(0, end, lose(0.5))},
		"a burst of 200 ms lost": {
			trace: even(15*time.Second, 960).each(5*time.Second, 5200*ms, func(p *packet) { p.lost = true }),
			check: func(s playout.Stats) bool { return s.Lost == 10 && s.InsertedSamples == 0 },
		},
		"2 s lost": {
			trace: even(15*time.Second, 960).each(5*time.Second, 7*time.Second, func(p *packet) { p.lost = true }),
		},
		"every tenth packet overtaken by the next": {
			trace: even(15*time.Second, 960).each(0, end, func(p *packet) {
				if p.number%10 == 5 {
					p.arrival += 30 * ms
				}
			}),
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.Late == 0 },
		},
		"every packet three times": {
			trace: even(15*time.Second, 960).each(0, end, func(p *packet) { p.repeats = 2 }),
			check: func(s playout.Stats) bool { return s.Duplicate+s.Late == s.Received*2/3 && s.Lost == 0 },
		},
		"a pause of 2 s in which the timestamp goes on": {
			trace: even(15*time.Second, 960).each(5*time.Second, 7*time.Second, func(p *packet) { p.lost = true }).
				each(7*time.Second, end, func(p *packet) { p.seq -= 100 }),
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.Resyncs == 2 },
		},
		"a pause of 2 s in which the timestamp stands still": {
			trace: even(15*time.Second, 960).each(5*time.Second, 7*time.Second, func(p *packet) { p.lost = true }).
				each(7*time.Second, end, func(p *packet) { p.seq -= 100; p.time -= 96000 }),
			check: func(s playout.Stats) bool { return s.Lost == 0 },
		},
		"many pauses of 100 ms": {
			trace: func() *trace {
				tr, gone := even(15*time.Second, 960), 0
				return tr.each(0, end, func(p *packet) {
					if p.number%20 < 5 {
						p.lost = true
						gone++
					}
					p.seq -= uint16(gone)
				})
			}(),
			check: func(s playout.Stats) bool { return s.Lost == 0 },
		},
		"a timestamp that jumps an hour ahead": {
			trace: even(15*time.Second, 960).each(5*time.Second, end, func(p *packet) { p.time += 3600 * 48000 }),
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.Resyncs == 2 },
		},
		"a timestamp that jumps an hour back": {
			trace: even(15*time.Second, 960).each(5*time.Second, end, func(p *packet) { p.time -= 3600 * 48000 }),
			check: func(s playout.Stats) bool { return s.Lost == 0 },
		},
		"a timestamp that jumps 40 ms back": {
			trace: even(15*time.Second, 960).each(5*time.Second, end, func(p *packet) { p.time -= 1920 }),
		},
		"another stream with other numbers": {
			trace: even(15*time.Second, 960).each(5*time.Second, end, func(p *packet) { p.seq += 30000; p.time += 1 << 31 }),
			check: func(s playout.Stats) bool { return s.Unexpected == 1 && s.Resyncs == 2 },
		},
		"another stream 50 numbers below": {
			trace: even(15*time.Second, 960).each(5*time.Second, end, func(p *packet) { p.seq -= 50; p.time += 1 << 30 }),
		},
		"a sender whose clock is 300 ppm fast": {
			trace: even(15*time.Second, 960).each(0, end, func(p *packet) {
				p.sent -= p.sent * 300 / 1e6
				p.arrival = p.sent
			}),
			check: func(s playout.Stats) bool { return s.Lost == 0 },
		},
		"a sender whose clock is 2 % fast": {
			trace: even(15*time.Second, 960).each(0, end, func(p *packet) {
				p.sent -= p.sent / 50
				p.arrival = p.sent
			}),
			until: 14 * time.Second, slack: 30 * ms,
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.RemovedSamples > 6000 && s.Dropped == 0 },
		},
		"a sender whose clock is 2 % slow": {
			trace: even(15*time.Second, 960).each(0, end, func(p *packet) {
				p.sent += p.sent / 50
				p.arrival = p.sent
			}),
			slack: 30 * ms,
			check: func(s playout.Stats) bool { return s.Lost == 0 && s.InsertedSamples > 6000 && s.Underruns == 0 },
		},
		"a sound card that stands still for 100 ms": {
			trace:   even(15*time.Second, 960),
			stalled: func(at time.Duration) bool { return at > 5*time.Second && at < 5100*ms },
			check:   func(s playout.Stats) bool { return s.RemovedSamples > 2000 && s.Dropped == 0 },
		},
		"a sound card that stands still for 3 s": {
			trace:   even(15*time.Second, 960),
			stalled: func(at time.Duration) bool { return at > 4*time.Second && at < 7*time.Second },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.until == 0 {
				tt.until = 15 * time.Second
			}
			if tt.after == 0 {
				tt.after = 8 * time.Second
			}
			if tt.slack == 0 {
				tt.slack = 20 * ms
			}
			b, _ := newBuffer(t, target)
			starts := tt.trace.play(t, b, tt.until, tt.stalled)
			n := 0
			for _, h := range starts {
				if h.at < tt.after {
					continue
				}
				n++
				if d := h.delay - target; d > tt.slack || d < -tt.slack {
					t.Errorf("packet %d heard at %v, %v after it came, want about %v", h.number, h.at, h.delay, target)
					break
				}
			}
			if n < 20 {
				t.Errorf("heard the beginning of %d packets after %v only", n, tt.after)
			}
			s := b.Stats()
			if tt.check != nil && !tt.check(s) {
				t.Errorf("unexpected account %+v", s)
			}
			if d := s.Delay - target; tt.slack == 20*ms && (d > tt.slack || d < -tt.slack) {
				t.Errorf("account says %v of delay, want about %v", s.Delay, target)
			}
		})
	}
}
