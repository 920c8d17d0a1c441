package voice

import (
	"context"

	"hailpoint/audio"
	"hailpoint/audio/playout"
)

// talk is what only the goroutine of Run touches.
type talk struct {
	encoder Encoder
	loss    int // as the encoder was told

	pcm    [audio.PacketSamples]int16
	first  uint64 // block in the first half of pcm
	time   uint32 // its timestamp
	next   uint64 // block after the last packet
	since  uint64 // opening of the last packet
	packet [playout.MaxPayload]byte
}

// Run encodes the microphone and sends it to the lines until ctx ends; then it
// returns nil. It is called once. Without it, Block still plays.
func (p *Path) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
			p.encodeAll()
		}
	}
}

// encodeAll takes what the microphone heard off the queue, and leaves nothing of
// it behind.
func (p *Path) encodeAll() {
	for c := p.mic.Front(); c != nil; c = p.mic.Front() {
		if p.listeners.Load() > 0 && c.block >= p.since.Load() {
			p.take(c)
		} else {
			p.forget()
		}
		c.pcm = audio.Frame{}
		p.mic.Release()
	}
	if p.listeners.Load() == 0 {
		p.forget()
	}
}

// forget wipes the half of a packet.
func (p *Path) forget() {
	p.talk.pcm = [audio.PacketSamples]int16{}
	p.half.Store(false)
}

// take adds a block to the packet in the making and sends it when it is whole.
func (p *Path) take(c *captured) {
	t := &p.talk
	if !p.half.Load() || c.block != t.first+1 || c.time != t.time+audio.FrameSamples {
		t.first, t.time = c.block, c.time
		copy(t.pcm[:audio.FrameSamples], c.pcm[:])
		p.half.Store(true)
		return
	}
	p.half.Store(false)
	copy(t.pcm[audio.FrameSamples:], c.pcm[:])
	if since := p.since.Load(); t.first != t.next || since != t.since {
		// Nothing from before the gap may be in the packet.
		if err := t.encoder.Reset(); err != nil {
			p.counts.failed.Add(1)
			return
		}
		t.since = since
	}
	if loss := int(p.loss.Load()); loss != t.loss {
		if err := t.encoder.SetPacketLoss(loss); err != nil {
			p.counts.failed.Add(1)
		}
		t.loss = loss
	}
	t.next = t.first + 2
	n, err := t.encoder.Encode(&t.pcm, t.packet[:])
	if err != nil {
		p.counts.failed.Add(1)
		return
	}
	p.counts.encoded.Add(1)
	for i := range p.lines {
		if l := p.lines[i].Load(); l != nil {
			l.talk(t.packet[:n], t.first, t.time)
		}
	}
}
