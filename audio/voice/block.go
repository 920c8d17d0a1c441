package voice

import (
	"time"

	"hailpoint/audio"
)

// stallAfter is the time between two blocks from which on the device has stood
// still. A device may deliver some blocks at once and then none for as long.
const stallAfter = 100 * time.Millisecond

// Block is called by the sound thread for each 10 ms: in is what the microphone
// heard (nil for a terminal without one), out is filled with what the
// loudspeaker plays. It neither allocates, locks nor blocks.
func (p *Path) Block(in, out *audio.Frame) {
	block := p.begun.Add(1) - 1
	now := p.cfg.Now()
	p.keepTime(now)
	p.capture(block, in)
	p.sound.mix = audio.Mix{}
	p.playLines(now)
	p.playTone()
	gain := audio.VolumeGain(int(p.volume.Load()))
	p.sound.mix.Render(out, p.sound.gain, gain)
	p.sound.gain = gain
	p.output.Store(int32(audio.Level(out[:])))
	p.sound.clock += audio.FrameSamples
}

// keepTime sets the timestamp clock forward when the device has stood still.
func (p *Path) keepTime(now time.Duration) {
	s := &p.sound
	if pause := now - s.last; s.running && pause > stallAfter {
		s.clock += uint32((pause/audio.FrameTime - 1) * audio.FrameSamples)
		p.counts.stalls.Add(1)
	}
	s.last, s.running = now, true
}

// capture passes a block of an open microphone on to the encoder.
func (p *Path) capture(block uint64, in *audio.Frame) {
	level := 0
	if in != nil {
		level = audio.Level(in[:])
	}
	p.input.Store(int32(level))
	if p.listeners.Load() == 0 {
		return
	}
	c := p.mic.Claim()
	if c == nil {
		return
	}
	c.block, c.time = block, p.sound.clock
	if in == nil || p.muted.Load() {
		c.pcm = audio.Frame{}
	} else {
		c.pcm = *in
	}
	p.mic.Commit()
	if p.half.Load() || p.mic.Len() >= 2 { // a packet
		p.wakeEncoder()
	}
}

// playLines adds what comes from the far ends. A line that was closed is faded
// out over one last frame.
func (p *Path) playLines(now time.Duration) {
	s := &p.sound
	for i := range p.lines {
		l, was := p.lines[i].Load(), s.lines[i]
		s.lines[i] = l
		if was != nil && was != l && was.heard {
			was.buffer.Pull(now, &s.frame)
			s.mix.AddFaded(&s.frame, 1, 0)
		}
		if l == nil {
			continue
		}
		l.play(now, &s.frame)
		open := l.speaker.Load()
		switch {
		case open && l.heard:
			s.mix.Add(&s.frame)
		case open:
			s.mix.AddFaded(&s.frame, 0, 1)
		case l.heard:
			s.mix.AddFaded(&s.frame, 1, 0)
		}
		l.heard = open
	}
}

// playTone adds the tone that is asked for.
func (p *Path) playTone() {
	s := &p.sound
	asked := p.asked.Load()
	if asked != s.played {
		s.players[1] = s.players[0]
		s.players[1].Stop()
		s.players[0].Start(audio.Tone(asked & 0xff))
		s.played = asked
	}
	for i := range s.players {
		if s.players[i].Next(&s.frame) {
			s.mix.Add(&s.frame)
		}
	}
	if s.players[0].Tone() == audio.NoTone {
		p.ended.Store(asked)
	}
}
