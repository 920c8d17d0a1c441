package rtc

import (
	"errors"
	"io"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// readBuffer holds one packet of any network we send on.
	readBuffer = 1500
	// maxReadFailures is how many packets in a row may be unreadable before the
	// stream counts as broken.
	maxReadFailures = 1000
)

// receive reads a track of the other side until the peer is closed. Pion calls
// it in a goroutine of its own for each track; only the first is read.
func (p *Peer) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	p.mu.Lock()
	if p.phase == closed || p.receiving || track.Kind() != webrtc.RTPCodecTypeAudio {
		p.mu.Unlock()
		return
	}
	p.receiving = true
	p.group.Add(1)
	p.group.Go(func() { p.readRTCP(receiver.Read) })
	p.mu.Unlock()
	defer p.group.Done()

	buf := make([]byte, readBuffer)
	var packet rtp.Packet
	for failures := 0; failures < maxReadFailures; {
		n, _, err := track.Read(buf)
		if p.ended(err) {
			return
		}
		// An unknown payload type or a malformed packet: the next may be good.
		if err == nil {
			err = p.take(&packet, buf[:n])
		}
		if err != nil {
			failures++
			continue
		}
		failures = 0
	}
	p.log.Warn("call sound given up: the other side's packets cannot be read", "packets", maxReadFailures)
}

// take counts one decrypted RTP packet and hands it on. packet is scratch, reused
// so that nothing is allocated.
func (p *Peer) take(packet *rtp.Packet, raw []byte) error {
	if err := packet.Unmarshal(raw); err != nil {
		return err
	}
	p.heard()
	p.in.add(packet.SequenceNumber, packet.Timestamp, len(packet.Payload), p.endpoint.now())
	if len(packet.Payload) > 0 && p.handler.Packet != nil {
		p.handler.Packet(packet.SequenceNumber, packet.Timestamp, packet.Payload)
	}
	return nil
}

// readReports reads the RTCP packets about what we send.
func (p *Peer) readReports() { p.readRTCP(p.sender.Read) }

// readRTCP reads RTCP packets until the peer is closed. Pion handles RTCP only
// as far as somebody reads it, on both the sender and the receiver.
func (p *Peer) readRTCP(read func([]byte) (int, interceptor.Attributes, error)) {
	ours := uint32(p.sender.GetParameters().Encodings[0].SSRC)
	buf := make([]byte, readBuffer)
	for failures := 0; failures < maxReadFailures; {
		n, _, err := read(buf)
		if p.ended(err) {
			return
		}
		var packets []rtcp.Packet
		if err == nil {
			packets, err = rtcp.Unmarshal(buf[:n])
		}
		if err != nil {
			failures++
			continue
		}
		failures = 0
		p.heard()
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.SenderReport:
				p.remote.add(ours, packet.Reports, p.endpoint.now())
			case *rtcp.ReceiverReport:
				p.remote.add(ours, packet.Reports, p.endpoint.now())
			}
		}
	}
}

// ended tells whether err, or Close, ends a reader.
func (p *Peer) ended(err error) bool {
	select {
	case <-p.leaving:
		return true
	default:
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
	}
}
