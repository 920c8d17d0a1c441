package playout_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/playout"
)

func TestNewRefusesATargetOutOfBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		target time.Duration
		ok     bool
	}{
		"the default is accepted":      {playout.Default().Target, true},
		"the least is accepted":        {playout.MinTarget, true},
		"the most is accepted":         {playout.MaxTarget, true},
		"below the least is refused":   {playout.MinTarget - 1, false},
		"above the most is refused":    {playout.MaxTarget + 1, false},
		"no target at all is refused":  {0, false},
		"a negative target is refused": {-time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := playout.New(playout.Config{Target: tt.target}, &codec{})
			if (err == nil) != tt.ok {
				t.Errorf("New with target %v: %v", tt.target, err)
			}
		})
	}
}

// TestAccount plays short traces and looks at what was counted.
func TestAccount(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(tr *trace)
		check  func(s playout.Stats) bool
	}{
		"a lost packet with redundancy behind it is rebuilt": {
			func(tr *trace) { tr.packets[50].lost = true },
			func(s playout.Stats) bool {
				return s.Lost == 1 && s.Recovered == 1 && s.ConcealedSamples == 0
			},
		},
		"a lost packet without redundancy behind it is concealed": {
			func(tr *trace) { tr.packets[50].lost, tr.packets[51].flags = true, 0 },
			func(s playout.Stats) bool {
				return s.Lost == 1 && s.Recovered == 0 && s.ConcealedSamples == 960
			},
		},
		"of two lost packets the second is rebuilt": {
			func(tr *trace) { tr.packets[50].lost, tr.packets[51].lost = true, true },
			func(s playout.Stats) bool {
				return s.Lost == 2 && s.Recovered == 1 && s.ConcealedSamples == 960
			},
		},
		"a silent sender is filled with comfort noise, not counted as concealed": {
			func(tr *trace) {
				for i := range tr.packets {
					p := &tr.packets[i]
					switch {
					case i == 50:
						p.flags = asComfort
					case i > 50 && i <= 70:
						p.lost = true
					case i > 70:
						p.seq -= 20
					}
				}
			},
			func(s playout.Stats) bool {
				return s.ComfortSamples >= 18*960 && s.ConcealedSamples == 0 && s.Lost == 0 && s.Underruns == 0
			},
		},
		"a packet that the network repeats much later is a duplicate": {
			func(tr *trace) {
				p := tr.packets[50]
				p.arrival += 500 * ms
				tr.packets = append(tr.packets, p)
			},
			func(s playout.Stats) bool { return s.Duplicate == 1 && s.Late == 0 },
		},
		"one stray packet changes nothing": {
			func(tr *trace) {
				p := tr.packets[50]
				p.seq, p.arrival = p.seq+20000, p.arrival+ms
				tr.packets = append(tr.packets, p)
			},
			func(s playout.Stats) bool {
				return s.Unexpected == 1 && s.Resyncs == 1 && s.Lost == 0 && s.ConcealedSamples == 0
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := even(2*time.Second, 960)
			tt.change(tr)
			b, _ := newBuffer(t, 60*ms)
			tr.play(t, b, 1900*ms, nil)
			if s := b.Stats(); !tt.check(s) {
				t.Errorf("account %+v", s)
			}
		})
	}
}

func TestMalformedPacketsAreCounted(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"an empty packet":              {},
		"a packet too large":           make([]byte, playout.MaxPayload+1),
		"a packet the decoder refuses": {1, 2, 3},
		"a packet of no samples":       payload(1, 0, 0),
		"a packet of more than 120 ms": payload(1, 5761, 0),
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newBuffer(t, 40*ms)
			b.Put(playout.Packet{Payload: bytes})
			if s := b.Stats(); s.Malformed != 1 || s.Received != 1 || s.Depth != 0 {
				t.Errorf("account %+v", s)
			}
		})
	}
}

func TestConcealmentFadesToSilence(t *testing.T) {
	b, _ := newBuffer(t, 40*ms)
	even(time.Second, 960).play(t, b, 1050*ms, nil)
	var out audio.Frame
	was := int16(math.MaxInt16)
	for i := range 20 {
		b.Pull(1050*ms+time.Duration(i)*10*ms, &out)
		if out[479] > was {
			t.Errorf("frame %d is louder (%d) than the one before (%d)", i, out[479], was)
		}
		was = out[479]
	}
	if was != 0 {
		t.Errorf("200 ms after the last packet %d is played, want silence", was)
	}
}

func TestNothingIsPlayedBeforeAnythingCame(t *testing.T) {
	b, _ := newBuffer(t, 40*ms)
	out := audio.Frame{1, 2, 3}
	b.Pull(0, &out)
	if out != (audio.Frame{}) || b.Stats() != (playout.Stats{Target: 40 * ms}) {
		t.Errorf("played %v, account %+v", out[:3], b.Stats())
	}
}

func TestAnotherStreamResetsTheDecoder(t *testing.T) {
	b, c := newBuffer(t, 40*ms)
	even(2*time.Second, 960).each(time.Second, end, func(p *packet) { p.seq += 30000 }).play(t, b, 2*time.Second, nil)
	if c.resets != 1 {
		t.Errorf("decoder was reset %d times, want 1", c.resets)
	}
}

// TestScalingKeepsTheVoice has the buffer take 100 ms out of a sine, and looks
// for edges in what is heard.
func TestScalingKeepsTheVoice(t *testing.T) {
	b, err := playout.New(playout.Config{Target: 40 * ms}, &sineCodec{})
	if err != nil {
		t.Fatal(err)
	}
	var out audio.Frame
	var heard []int16
	for now := time.Duration(0); now < 4*time.Second; now += 10 * ms {
		if now%(20*ms) == 0 {
			n := uint32(now / (20 * ms))
			if now < 2*time.Second || now >= 2*time.Second+100*ms {
				b.Put(playout.Packet{Seq: uint16(n), Timestamp: n * 960, Payload: payload(n, 960, 0), Arrival: now})
			} else if now == 2*time.Second+80*ms {
				for k := n - 4; k <= n; k++ { // held up by the network
					b.Put(playout.Packet{Seq: uint16(k), Timestamp: k * 960, Payload: payload(k, 960, 0), Arrival: now})
				}
			}
		}
		b.Pull(now, &out)
		heard = append(heard, out[:]...)
	}
	s := b.Stats()
	if s.RemovedSamples == 0 || s.InsertedSamples == 0 {
		t.Fatalf("nothing was stretched: %+v", s)
	}
	// A sine of 200 Hz and amplitude 8000 moves by 209 a sample at most.
	for i := 48000; i < len(heard); i++ {
		if step := int(heard[i]) - int(heard[i-1]); step > 300 || step < -300 {
			t.Errorf("a step of %d at sample %d", step, i)
		}
	}
}

// sineCodec decodes every packet to its part of one long sine of 200 Hz.
type sineCodec struct {
	codec
	at int
}

func (c *sineCodec) Decode(p []byte, pcm []int16) (int, error) {
	c.at = int(binary.BigEndian.Uint32(p)) * 960
	return 960, c.Conceal(pcm[:960])
}

func (c *sineCodec) Conceal(pcm []int16) error {
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*200*float64(c.at)/audio.SampleRate))
		c.at++
	}
	return nil
}

func TestPutAndPullDoNotAllocate(t *testing.T) {
	for name, step := range map[string]func(b *playout.Buffer, n int){
		"in an even stream": stepEven,
		"in a bad network":  stepBad,
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newBuffer(t, 40*ms)
			n := 0
			if got := testing.AllocsPerRun(2000, func() { step(b, n); n++ }); got != 0 {
				t.Errorf("%v allocations for each packet, want none", got)
			}
		})
	}
}

var (
	anyPayload = payload(7, 960, withRedundancy)
	anyFrame   audio.Frame
)

// stepEven puts packet n and pulls its two frames.
func stepEven(b *playout.Buffer, n int) {
	now := time.Duration(n) * 20 * ms
	b.Put(playout.Packet{Seq: uint16(n), Timestamp: uint32(n * 960), Payload: anyPayload, Arrival: now})
	b.Pull(now, &anyFrame)
	b.Pull(now+10*ms, &anyFrame)
}

// stepBad does the same with losses, reordering and bursts.
func stepBad(b *playout.Buffer, n int) {
	now := time.Duration(n) * 20 * ms
	switch n % 17 {
	case 3, 4, 11:
	case 5:
		for k := n - 2; k <= n; k++ {
			b.Put(playout.Packet{Seq: uint16(k), Timestamp: uint32(k * 960), Payload: anyPayload, Arrival: now})
		}
	default:
		b.Put(playout.Packet{Seq: uint16(n), Timestamp: uint32(n * 960), Payload: anyPayload, Arrival: now})
	}
	b.Pull(now, &anyFrame)
	b.Pull(now+10*ms, &anyFrame)
}

func BenchmarkPutAndPull(b *testing.B) {
	for name, step := range map[string]func(b *playout.Buffer, n int){"even": stepEven, "bad": stepBad} {
		b.Run(name, func(b *testing.B) {
			buffer, _ := newBuffer(b, 40*ms)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				step(buffer, n)
				n++
			}
		})
	}
}

// FuzzBuffer gives the buffer arbitrary packets at arbitrary times: it must
// neither fail nor hold more than its bounds, and be in step again afterwards.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("0123456789012345678901234567890123456789"))
	f.Add([]byte{0, 1, 0, 0, 3, 192, 1, 1, 0, 2, 0, 0, 7, 128, 1, 1, 255, 255, 255, 255, 3, 192, 0, 200})
	f.Fuzz(func(t *testing.T, moves []byte) {
		b, _ := newBuffer(t, 40*ms)
		var out audio.Frame
		var seq uint16
		var stamp uint32
		now := time.Duration(0)
		for len(moves) >= 8 {
			m := moves[:8]
			moves = moves[8:]
			// small moves are likelier to meet the interesting cases
			if m[0] < 128 {
				seq += uint16(int16(int8(m[1])) / 16)
				stamp += uint32(int32(int8(m[2])) * 480)
			} else {
				seq += binary.BigEndian.Uint16(m[1:])
				stamp += binary.BigEndian.Uint32(m[1:])
			}
			b.Put(playout.Packet{
				Seq: seq, Timestamp: stamp, Arrival: now - time.Duration(m[3])*ms,
				Payload: payload(uint32(seq), int(binary.BigEndian.Uint16(m[4:]))%6000, m[6]),
			})
			for range m[7] % 8 {
				b.Pull(now, &out)
				now += 10 * ms
			}
			if m[7] > 250 {
				now += time.Duration(m[6]) * 20 * ms
			}
			if s := b.Stats(); s.Depth < 0 || s.Depth > 64*120*ms+400*ms {
				t.Fatalf("depth %v", s.Depth)
			}
		}
		// An even stream follows.
		for i := range 200 {
			seq++
			stamp += 960
			b.Put(playout.Packet{Seq: seq, Timestamp: stamp, Payload: payload(uint32(i), 960, 0), Arrival: now})
			b.Pull(now, &out)
			b.Pull(now+10*ms, &out)
			now += 20 * ms
		}
		if s := b.Stats(); s.Delay < 20*ms || s.Delay > 60*ms {
			t.Fatalf("4 s into an even stream the delay is %v, want about 40 ms: %+v", s.Delay, s)
		}
	})
}
