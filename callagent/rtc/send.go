package rtc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// maxPayload is the largest Opus frame in bytes (RFC 6716, section 3.4, R2).
const maxPayload = 1275

// outgoing is the RTP stream to the other side. packet and pause belong to the
// one goroutine that sends.
type outgoing struct {
	track  *webrtc.TrackLocalStaticRTP
	packet rtp.Packet
	pause  bool // the next packet begins a talk spurt

	sent, bytes atomic.Uint64
}

// start prepares the first packet: numbers and times begin at random (RFC 3550,
// section 5.1).
func (o *outgoing) start(track *webrtc.TrackLocalStaticRTP) error {
	var seed [6]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("choose the first RTP sequence number: %w", err)
	}
	o.track = track
	o.packet.Version = 2
	o.packet.SequenceNumber = binary.BigEndian.Uint16(seed[:2])
	o.packet.Timestamp = binary.BigEndian.Uint32(seed[2:])
	o.pause = true
	return nil
}

// Send sends one Opus packet of samples 48 kHz samples (960 for 20 ms). The
// first packet, and the first after Skip, is marked as the begin of a talk
// spurt (RFC 7587, section 4.1). It does not keep payload.
//
// It returns ErrNotUp before Up, ErrPayloadSize, or ErrClosed; RTP time goes on
// by samples all the same. Another error is the network's, and may pass.
func (p *Peer) Send(payload []byte, samples uint32) error {
	o := &p.out
	at := o.packet.Timestamp
	o.packet.Timestamp += samples
	if len(payload) == 0 || len(payload) > maxPayload {
		return ErrPayloadSize
	}
	if !p.up.Load() {
		o.pause = true
		select {
		case <-p.leaving:
			return ErrClosed
		default:
			return ErrNotUp
		}
	}
	o.packet.Payload = payload
	o.packet.Marker = o.pause
	o.packet.Timestamp = at
	err := o.track.WriteRTP(&o.packet)
	o.packet.Payload = nil
	o.packet.Timestamp = at + samples
	o.packet.SequenceNumber++
	if err != nil {
		if errors.Is(err, io.ErrClosedPipe) {
			return ErrClosed
		}
		return fmt.Errorf("send RTP: %w", err)
	}
	o.pause = false
	o.sent.Add(1)
	o.bytes.Add(uint64(len(payload)))
	return nil
}

// Skip lets RTP time go on by samples for which nothing is sent: while muted,
// or in a silence that the encoder did not encode.
func (p *Peer) Skip(samples uint32) {
	p.out.packet.Timestamp += samples
	p.out.pause = true
}
