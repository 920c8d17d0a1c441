package playout

import "hailpoint/audio"

// extend renders until n samples are at hand.
func (b *Buffer) extend(n int) {
	for b.sound.len() < n {
		p := b.store.first()
		if !b.playing && p != nil && b.due(p) {
			b.start(p)
		}
		switch {
		case !b.playing:
			b.idle()
		case p == nil:
			b.starve()
		default:
			b.render(p)
		}
	}
}

// due says whether it is time to start playing with p.
func (b *Buffer) due(p *slot) bool {
	return b.store.waited(b.now, p) >= b.target-early
}

// start aligns playing to p: it is played now.
func (b *Buffer) start(p *slot) {
	if b.positioned {
		b.stats.Lost += uint64(p.seq - b.nextSeq)
	}
	b.stats.Resyncs++
	b.playing, b.positioned = true, true
	b.nextSeq, b.nextTime, b.ahead = p.seq, p.timestamp, 0
	b.delay.restart()
}

// render makes sound of p, the first packet held, or of what is missing before
// it.
func (b *Buffer) render(p *slot) {
	missing := p.seq - b.nextSeq
	gap := p.timestamp - b.nextTime - b.ahead
	switch {
	case gap < minGap && gap >= -b.ahead:
		// It is p's turn. If less time has gone by in the stream than was
		// concealed, the concealment has stretched the sound while p was late.
		b.stats.InsertedSamples += uint64(max(-gap, 0))
		b.decode(p)
	case missing > 0 && gap > 0 && b.ahead < min(missing*b.lastLength, fadeTo):
		b.repair(p, gap)
	default:
		// The sender paused (RFC 7587, section 3.1.3: the timestamp goes on, the
		// sequence number does not), its clock jumped, or too much was lost to
		// invent it: align anew.
		b.pause()
	}
}

// decode renders p.
func (b *Buffer) decode(p *slot) {
	pcm := b.sound.room()
	n, err := b.decoder.Decode(p.payload(), pcm)
	if err != nil || n != p.samples {
		b.stats.Malformed++
		n = b.invent(pcm[:(p.samples+minGap-1)/minGap*minGap])
		b.stats.ConcealedSamples += uint64(n)
	}
	b.tail, b.comfort = 0, 0
	if b.decoder.IsComfort(p.payload()) {
		b.comfort = maxComfort
	}
	b.advance(p)
	b.sound.append(n, 1, quickRamp)
}

// repair fills the gap of that many samples before p, or a part of it.
func (b *Buffer) repair(p *slot, gap int64) {
	// What p has no redundancy of comes first.
	redundant := int64(b.decoder.Redundancy(p.payload()))
	if before := gap - redundant; before >= minGap {
		b.conceal(min(before, audio.FrameSamples))
		return
	}
	pcm := b.sound.room()
	n, err := b.decoder.Recover(p.payload(), pcm)
	if err != nil || n < minGap {
		b.conceal(min(gap, audio.FrameSamples))
		return
	}
	if skip := int64(n) - gap; skip > 0 { // its beginning was concealed meanwhile
		copy(pcm, pcm[skip:n])
		n = int(gap)
	}
	b.stats.Recovered++
	b.ahead += int64(n)
	b.tail = 0
	b.sound.append(n, 1, quickRamp)
}

// starve conceals while nothing is held: a packet is late, lost, or the sender
// has stopped, which will be known when the next one comes.
func (b *Buffer) starve() {
	if b.comfort > 0 || b.ahead >= fadeTo {
		b.pause()
		return
	}
	if b.ahead == 0 {
		b.stats.Underruns++
	}
	b.conceal(audio.FrameSamples)
}

// pause ends playing on schedule until what comes has waited long enough.
func (b *Buffer) pause() {
	b.playing = false
	b.tail = max(b.tail, fadeFrom)
}

// idle renders a frame while nothing is due: the rest of a fade, comfort noise
// or silence.
func (b *Buffer) idle() {
	switch {
	case b.comfort > 0:
		n := b.invent(b.sound.room()[:audio.FrameSamples])
		b.comfort -= int64(n)
		b.stats.ComfortSamples += uint64(n)
		b.tail = fadeFrom
		b.sound.append(n, 1, quickRamp)
	case b.tail < fadeTo:
		b.conceal(audio.FrameSamples)
	default:
		clear(b.sound.room()[:audio.FrameSamples])
		b.sound.append(audio.FrameSamples, 0, quickRamp)
	}
}

// conceal invents n samples, fewer than 120 less at most, that fade out as
// concealment goes on.
func (b *Buffer) conceal(n int64) {
	n = n / minGap * minGap
	b.invent(b.sound.room()[:n])
	b.ahead += n
	b.tail += n
	b.stats.ConcealedSamples += uint64(n)
	if b.tail > fadeFrom {
		b.sound.append(int(n), 0, slowRamp)
	} else {
		b.sound.append(int(n), 1, quickRamp)
	}
}

// invent fills pcm with concealment and returns its length.
func (b *Buffer) invent(pcm []int16) int {
	if err := b.decoder.Conceal(pcm); err != nil {
		clear(pcm)
	}
	return len(pcm)
}

// cut fades out what is at hand, because what follows will not fit on to it.
func (b *Buffer) cut() {
	if b.sound.gain == 0 {
		return
	}
	if !b.sound.fadeOut() && b.tail < fadeTo {
		n := b.invent(b.sound.room()[:quickRamp])
		b.sound.append(n, 0, quickRamp)
	}
	b.sound.gain = 0
}
