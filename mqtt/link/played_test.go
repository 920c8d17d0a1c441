package link_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/command"
	"hailpoint/mqtt/link"
)

// played is a broker played by a test, to see what a terminal does and when.
type played struct {
	mu   sync.Mutex // guards what and qos
	what []string   // in order: "sub FILTER", "unsub FILTER", "pub TOPIC"
	qos  []byte     // of each subscription
}

func (p *played) note(s string, qos ...byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = append(p.what, s)
	p.qos = append(p.qos, qos...)
}

func (p *played) seen() ([]string, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.what), slices.Clone(p.qos)
}

// dial makes a connection and serves it until it is closed.
func (p *played) dial(t *testing.T) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			for {
				in, err := packets.ReadPacket(far)
				if err != nil {
					return
				}
				for _, out := range p.answer(in) {
					if err := out.Write(far); err != nil {
						t.Log(err)
					}
				}
			}
		}()
		return near, nil
	}
}

func (p *played) answer(in packets.ControlPacket) []packets.ControlPacket {
	switch in := in.(type) {
	case *packets.ConnectPacket:
		return []packets.ControlPacket{packets.NewControlPacket(packets.Connack)}
	case *packets.SubscribePacket:
		for i, f := range slices.Sorted(slices.Values(in.Topics)) {
			p.note("sub "+f, in.Qoss[i])
		}
		ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
		ack.MessageID, ack.ReturnCodes = in.MessageID, make([]byte, len(in.Topics))
		return []packets.ControlPacket{ack}
	case *packets.UnsubscribePacket:
		for _, f := range in.Topics {
			p.note("unsub " + f)
		}
		ack := packets.NewControlPacket(packets.Unsuback).(*packets.UnsubackPacket)
		ack.MessageID = in.MessageID
		return []packets.ControlPacket{ack}
	case *packets.PublishPacket:
		p.note("pub " + in.TopicName)
		if in.Qos == 1 {
			ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			ack.MessageID = in.MessageID
			return []packets.ControlPacket{ack}
		}
		if in.TopicName == topics.Signal("kiosk-1", "kiosk-1") {
			return []packets.ControlPacket{in.Copy()}
		}
	}
	return nil
}

func TestSubscribesExactlyWhatTheContractSays(t *testing.T) {
	p := &played{}
	c := config(t, "mqtt://played")
	c.Client.Dial = p.dial(t)
	l, err := link.Open(c, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Status(command.Status{State: "idle"})
	l.Follow([]string{"@desk", "@desk"}, []string{"desk-1", "kiosk-1"})
	a := newAgent()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, a) }()
	want := []string{
		// The own status is read before anything of it is published.
		"sub " + topics.SignalsTo("kiosk-1"), "sub " + topics.Status("kiosk-1"),
		"pub " + topics.Signal("kiosk-1", "kiosk-1"),
		"sub " + topics.Ack("kiosk-1"), "sub " + topics.Cmd("kiosk-1"), "sub " + topics.ConfigDesired("kiosk-1"),
		// These three have no order among each other.
		"pub " + topics.Status("kiosk-1"), "pub " + topics.Telemetry("kiosk-1"),
		"sub " + topics.Group("@desk"), "sub " + topics.Status("desk-1"),
	}
	const ordered = 6
	soon(t, func() error {
		if got, _ := p.seen(); len(got) < len(want) {
			return errNotYet
		}
		return nil
	})
	got, qos := p.seen()
	slices.Sort(got[ordered:])
	slices.Sort(want[ordered:])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("at connect (-want +got):\n%s", diff)
	}
	if slices.Max(qos) != 0 {
		t.Errorf("subscribed at QoS %v, want 0", qos)
	}
	l.Follow([]string{"@other"}, []string{"desk-1"})
	soon(t, func() error {
		if got, _ := p.seen(); len(got) < len(want)+2 {
			return errNotYet
		}
		return nil
	})
	got, _ = p.seen()
	if diff := cmp.Diff([]string{"sub " + topics.Group("@other"), "unsub " + topics.Group("@desk")}, got[len(want):]); diff != "" {
		t.Errorf("after a change (-want +got):\n%s", diff)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
