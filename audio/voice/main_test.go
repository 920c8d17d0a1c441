package voice_test

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hailpoint/audio"
	"hailpoint/audio/playout"
	"hailpoint/audio/voice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// codec is an encoder and decoder whose packets can be read: the first samples
// of the two blocks, four bytes.
type codec struct {
	encodes, resets atomic.Int32
	loss            atomic.Int32
}

var errNoPacket = errors.New("not a packet")

func (c *codec) Encode(pcm *[audio.PacketSamples]int16, out []byte) (int, error) {
	c.encodes.Add(1)
	binary.BigEndian.PutUint16(out, uint16(pcm[0]))
	binary.BigEndian.PutUint16(out[2:], uint16(pcm[audio.FrameSamples]))
	return 4, nil
}

func (c *codec) SetPacketLoss(percent int) error { c.loss.Store(int32(percent)); return nil }

func (c *codec) Reset() error { c.resets.Add(1); return nil }

type decoder struct{}

func (decoder) Samples(p []byte) (int, error) {
	if len(p) != 4 {
		return 0, errNoPacket
	}
	return audio.PacketSamples, nil
}

func (decoder) IsComfort([]byte) bool                { return false }
func (decoder) Redundancy([]byte) int                { return 0 }
func (decoder) Recover([]byte, []int16) (int, error) { return 0, errNoPacket }
func (decoder) Reset() error                         { return nil }

func (decoder) Decode(p []byte, pcm []int16) (int, error) {
	for i := range audio.PacketSamples {
		pcm[i] = int16(binary.BigEndian.Uint16(p[2*(i/audio.FrameSamples):]))
	}
	return audio.PacketSamples, nil
}

func (decoder) Conceal(pcm []int16) error { clear(pcm); return nil }

// clock is a clock that tests move.
type clock struct{ now atomic.Int64 }

func (c *clock) read() time.Duration     { return time.Duration(c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

// rig is a path with a readable codec on a clock of its own.
type rig struct {
	*voice.Path
	tb    testing.TB
	codec codec
	clock clock
}

func newRig(tb testing.TB, change ...func(*voice.Config)) *rig {
	tb.Helper()
	r := &rig{tb: tb}
	cfg := voice.Default()
	cfg.Volume = 100
	cfg.Now = r.clock.read
	cfg.NewEncoder = func() (voice.Encoder, error) { return &r.codec, nil }
	cfg.NewDecoder = func() (playout.Decoder, error) { return decoder{}, nil }
	for _, c := range change {
		c(&cfg)
	}
	p, err := voice.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r.Path = p
	return r
}

// block is one block of the device: the microphone hears loud throughout.
func (r *rig) block(loud int16) (out audio.Frame) {
	var in audio.Frame
	for i := range in {
		in[i] = loud
	}
	r.Block(&in, &out)
	r.clock.advance(audio.FrameTime)
	return out
}

// sent is a packet that a line sent.
type sent struct {
	first, second int16
	time          uint32
}

// far records what a line sends.
type far struct {
	packets []sent
	err     error
}

func (f *far) send(p []byte, timestamp uint32) error {
	if f.err != nil {
		return f.err
	}
	f.packets = append(f.packets, sent{
		int16(binary.BigEndian.Uint16(p)), int16(binary.BigEndian.Uint16(p[2:])), timestamp,
	})
	return nil
}

func (r *rig) attach(send voice.Send) *voice.Line {
	r.tb.Helper()
	l, err := r.Attach(send)
	if err != nil {
		r.tb.Fatal(err)
	}
	return l
}

// packet is one whose two blocks are as loud as said.
func packet(first, second int16) []byte {
	p := binary.BigEndian.AppendUint16(nil, uint16(first))
	return binary.BigEndian.AppendUint16(p, uint16(second))
}
