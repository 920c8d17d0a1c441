package voice

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hailpoint/audio"
	"hailpoint/audio/playout"
)

// MaxLines is the number of lines a Path carries at once.
const MaxLines = 8

// ErrNoLine is returned by Attach when MaxLines lines are attached.
var ErrNoLine = errors.New("all lines are in use: close one first")

// Send hands one Opus packet of 20 ms to a line's transport. Timestamp is the
// media time of its first sample in 48 kHz ticks: it runs on while the
// microphone is closed, so a packet whose timestamp is not the previous one
// plus 960 starts a talk spurt (RFC 3550, section 5.1, marker bit). The
// transport adds its own random offset. Send is called from the goroutine of
// Run, never from two at a time; it must not keep payload, must not wait, and
// must not call a method of the line. An error is counted, and the line goes on.
type Send func(payload []byte, timestamp uint32) error

// Path is one terminal's sound path. Its methods are safe for concurrent use,
// except that Block belongs to the sound thread.
type Path struct {
	cfg   Config
	sound soundThread
	talk  talk

	mic  *audio.Queue[captured]
	wake chan struct{} // for the encoder; room for one

	// half says that the encoder has the first half of a packet. It is set before
	// the encoder looks at the queue for the last time, so that a block which
	// comes after that look finds it set, and wakes the encoder.
	half atomic.Bool

	// begun is the number of blocks the device has delivered.
	begun atomic.Uint64
	// since is the first block of the present opening of the microphone.
	since atomic.Uint64
	// listeners is the number of lines with an open microphone.
	listeners atomic.Int32

	opening sync.Mutex // for changes of lines, since and listeners; not on the sound thread
	lines   [MaxLines]atomic.Pointer[Line]

	volume atomic.Int32
	muted  atomic.Bool
	loss   atomic.Int32
	// asked is the tone wanted, in the low 8 bits, and a number that makes each
	// request another; ended is the request that has come to its end.
	asked, ended  atomic.Uint32
	input, output atomic.Int32 // levels
	counts        counts
}

// captured is one block of the microphone.
type captured struct {
	block uint64
	time  uint32 // timestamp
	pcm   audio.Frame
}

// micBlocks is the room between sound thread and encoder: 320 ms.
const micBlocks = 32

// New returns a path with no lines and no tone, not muted. It returns an error
// that names every value of cfg that cannot be used, or opus.ErrNoCodec.
func New(cfg Config) (*Path, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("make sound path: %w", err)
	}
	cfg = cfg.complete()
	encoder, err := cfg.NewEncoder()
	if err != nil {
		return nil, fmt.Errorf("make sound path: %w", err)
	}
	p := &Path{
		cfg:  cfg,
		mic:  audio.NewQueue[captured](micBlocks),
		wake: make(chan struct{}, 1),
	}
	p.talk.encoder = encoder
	p.talk.loss = cfg.PacketLoss
	p.loss.Store(int32(cfg.PacketLoss))
	p.volume.Store(int32(cfg.Volume))
	p.sound.gain = audio.VolumeGain(cfg.Volume)
	return p, nil
}

// Play starts tone t from its beginning, in place of the one that sounds;
// audio.NoTone is Silence.
func (p *Path) Play(t audio.Tone) {
	for {
		was := p.asked.Load()
		if p.asked.CompareAndSwap(was, was&^0xff+0x100|uint32(t)) {
			return
		}
	}
}

// Silence ends the tone that sounds, without a click.
func (p *Path) Silence() { p.Play(audio.NoTone) }

// Tone is the tone that sounds or is about to; audio.NoTone when none was asked
// for or when it has come to its end.
func (p *Path) Tone() audio.Tone {
	asked := p.asked.Load()
	if p.ended.Load() == asked {
		return audio.NoTone
	}
	return audio.Tone(asked & 0xff)
}

// SetVolume sets the loudspeaker's volume in percent. It returns an error, and
// changes nothing, outside 0 to 100.
func (p *Path) SetVolume(volume int) error {
	if err := percent("volume", volume); err != nil {
		return err
	}
	p.volume.Store(int32(volume))
	return nil
}

// Volume is the loudspeaker's volume in percent.
func (p *Path) Volume() int { return int(p.volume.Load()) }

// SetMute mutes or unmutes the microphone for all lines. While it is muted,
// silence is sent.
func (p *Path) SetMute(on bool) { p.muted.Store(on) }

// Muted says whether the microphone is muted.
func (p *Path) Muted() bool { return p.muted.Load() }

// SetPacketLoss tells the encoder the loss, in percent, that the far ends
// report, so that it spends as many bits on redundancy as that needs. It returns
// an error, and changes nothing, outside 0 to 100.
func (p *Path) SetPacketLoss(loss int) error {
	if err := percent("packet_loss", loss); err != nil {
		return err
	}
	p.loss.Store(int32(loss))
	return nil
}

// InputLevel is the level of the last block from the microphone, before mute, 0
// (silence) to 100 (full scale), as audio.Level gives it.
func (p *Path) InputLevel() int { return int(p.input.Load()) }

// OutputLevel is the level of the last block for the loudspeaker, after volume;
// see InputLevel.
func (p *Path) OutputLevel() int { return int(p.output.Load()) }

// Attach adds a line whose packets go out through send. Its microphone is
// closed and its loudspeaker open. It returns ErrNoLine when MaxLines are
// attached.
func (p *Path) Attach(send Send) (*Line, error) {
	decoder, err := p.cfg.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("attach line: %w", err)
	}
	buffer, err := playout.New(p.cfg.Playout, decoder)
	if err != nil {
		return nil, fmt.Errorf("attach line: %w", err)
	}
	l := &Line{path: p, send: send, buffer: buffer, packets: audio.NewQueue[arrived](packetRoom)}
	l.speaker.Store(true)
	l.publish()
	p.opening.Lock()
	defer p.opening.Unlock()
	for i := range p.lines {
		if p.lines[i].CompareAndSwap(nil, l) {
			return l, nil
		}
	}
	return nil, fmt.Errorf("attach line: %w", ErrNoLine)
}

// Counts says what a Path has done since New.
type Counts struct {
	// Blocks is the number of blocks the sound device has delivered.
	Blocks uint64
	// Stalls is how often it stood still for more than 100 ms.
	Stalls uint64
	// Encoded is the number of packets made of the microphone's sound, and
	// EncodeFailed that of packets the encoder refused to make.
	Encoded, EncodeFailed uint64
	// Overrun is the number of blocks of an open microphone that were lost
	// because the encoder did not keep up.
	Overrun uint64
}

type counts struct{ stalls, encoded, failed atomic.Uint64 }

// Counts returns what the path has done.
func (p *Path) Counts() Counts {
	return Counts{
		Blocks:       p.begun.Load(),
		Stalls:       p.counts.stalls.Load(),
		Encoded:      p.counts.encoded.Load(),
		EncodeFailed: p.counts.failed.Load(),
		Overrun:      p.mic.Dropped(),
	}
}

// wakeEncoder makes the goroutine of Run look at the queue. It never waits.
func (p *Path) wakeEncoder() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// soundThread is what only the sound thread touches.
type soundThread struct {
	mix     audio.Mix
	frame   audio.Frame
	lines   [MaxLines]*Line // as of the last block
	players [2]audio.Player // the tone, and the one that fades out
	played  uint32          // the request that the first of them answers
	gain    float32         // of the last sample
	clock   uint32          // timestamp of this block
	last    time.Duration   // when the last block came
	running bool            // there was one
}
