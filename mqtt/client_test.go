package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"go.uber.org/goleak"

	"hailpoint/mqtt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a client against a broker that the test plays, on pipes and fake
// time.
type bubble struct {
	t     *testing.T
	dials chan net.Conn // the broker's end of each connection
	up    chan *mqtt.Session
	down  chan error
	got   chan mqtt.Message
	ended chan error // Run's result
	stop  func()
}

func inBubble(t *testing.T, test func(t *testing.T, b *bubble), change ...func(*mqtt.Config, *mqtt.Handlers)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{
			t: t, dials: make(chan net.Conn, 4096), up: make(chan *mqtt.Session, 4096), down: make(chan error, 4096),
			got: make(chan mqtt.Message, 1<<16), ended: make(chan error, 1),
		}
		c := mqtt.Default()
		c.Brokers, c.ClientID = []string{"mqtt://pipe"}, "kiosk-1"
		c.Dial = func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			b.dials <- far
			return near, nil
		}
		h := mqtt.Handlers{
			Up:      func(_ context.Context, s *mqtt.Session) error { b.up <- s; return nil },
			Down:    func(err error) { b.down <- err },
			Message: func(_ context.Context, _ *mqtt.Session, m mqtt.Message) { b.got <- m },
		}
		for _, f := range change {
			f(&c, &h)
		}
		client, err := mqtt.New(c, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})), h)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { b.ended <- client.Run(ctx) }()
		b.stop = cancel
		test(t, b)
		cancel()
		for { // let go of what still dials
			select {
			case conn := <-b.dials:
				_ = conn.Close()
				continue
			case err := <-b.ended:
				if err != nil {
					t.Errorf("Run: %v", err)
				}
			}
			break
		}
	})
}

// accept takes the next connection and its CONNECT.
func (b *bubble) accept() (net.Conn, *packets.ConnectPacket) {
	b.t.Helper()
	conn := <-b.dials
	return conn, read[*packets.ConnectPacket](b.t, conn)
}

// session accepts a connection and lets it in.
func (b *bubble) session() (net.Conn, *mqtt.Session) {
	b.t.Helper()
	conn, _ := b.accept()
	connack(b.t, conn)
	return conn, <-b.up
}

func connack(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte{0x20, 2, 0, 0}); err != nil {
		t.Error(err)
	}
}

func read[P packets.ControlPacket](t *testing.T, conn net.Conn) P {
	t.Helper()
	p, err := packets.ReadPacket(conn)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := p.(P)
	if !ok {
		t.Fatalf("got %v, want a %T", p, want)
	}
	return want
}

func TestConnectSaysWhoAndLeavesAWill(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, p := b.accept()
		if p.ClientIdentifier != "kiosk-1" || p.Username != "u" || string(p.Password) != "geheim" || !p.CleanSession ||
			p.Keepalive != 20 || p.ProtocolVersion != 4 {
			t.Errorf("CONNECT %v", p)
		}
		if !p.WillFlag || p.WillTopic != "status" || string(p.WillMessage) != "lost" || p.WillQos != 1 || !p.WillRetain {
			t.Errorf("will %v", p)
		}
		connack(t, conn)
		<-b.up
		b.stop()
		if bye := read[*packets.PublishPacket](t, conn); string(bye.Payload) != "shutdown" || bye.Qos != 1 {
			t.Errorf("last message %v", bye)
		} else {
			ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			ack.MessageID = bye.MessageID
			_ = ack.Write(conn)
		}
		read[*packets.DisconnectPacket](t, conn)
		if err := <-b.down; err != nil {
			t.Errorf("an orderly stop is told as %v", err)
		}
	}, func(c *mqtt.Config, h *mqtt.Handlers) {
		c.Username, c.Password = "u", "geheim"
		h.Will = func() mqtt.Message {
			return mqtt.Message{Topic: "status", Payload: []byte("lost"), QoS: 1, Retained: true}
		}
		h.Bye = func() mqtt.Message {
			return mqtt.Message{Topic: "status", Payload: []byte("shutdown"), QoS: 1, Retained: true}
		}
	})
}

func TestStopIsBoundedWhenTheBrokerDoesNotAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.session() // which reads nothing from now on
		began := time.Now()
		b.stop()
		if err := <-b.ended; err != nil || time.Since(began) > 3*time.Second {
			t.Errorf("Run took %v: %v", time.Since(began), err)
		}
		b.ended <- nil
	}, func(_ *mqtt.Config, h *mqtt.Handlers) {
		h.Bye = func() mqtt.Message { return mqtt.Message{Topic: "status", QoS: 1} }
	})
}

func TestStopDoesNotWaitForAConnect(t *testing.T) {
	for name, dial := range map[string]func(context.Context) (net.Conn, error){
		"that is being dialled": func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"that gets no CONNACK": func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { _, _ = packets.ReadPacket(far) }()
			return near, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				time.Sleep(time.Second)
				began := time.Now()
				b.stop()
				if err := <-b.ended; err != nil || time.Since(began) > 0 {
					t.Errorf("Run took %v: %v", time.Since(began), err)
				}
				b.ended <- nil
			}, func(c *mqtt.Config, _ *mqtt.Handlers) { c.Dial = dial })
		})
	}
}

func TestSilentLineIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, _ := b.session()
		began := time.Now()
		go func() { // half open: what we send is taken, and nothing comes
			for {
				if _, err := packets.ReadPacket(conn); err != nil {
					return
				}
			}
		}()
		err := <-b.down
		if took := time.Since(began); took > 30*time.Second || took < 20*time.Second {
			t.Errorf("found after %v: %v", took, err)
		}
		if !errors.Is(err, mqtt.ErrLost) || !strings.Contains(err.Error(), "nothing heard") {
			t.Errorf("told as %v", err)
		}
		b.session() // and it comes back
	})
}

func TestLineThatAnswersPingsIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, s := b.session()
		go func() {
			for {
				p, err := packets.ReadPacket(conn)
				if err != nil {
					return
				}
				if _, ping := p.(*packets.PingreqPacket); ping {
					_, _ = conn.Write([]byte{0xd0, 0})
				}
			}
		}()
		time.Sleep(time.Hour)
		if err := s.Err(); err != nil {
			t.Errorf("ended by itself: %v", err)
		}
	})
}

func TestKeepsTryingForEver(t *testing.T) {
	const attempts = 60
	tries := 0
	began := time.Time{}
	inBubble(t, func(t *testing.T, b *bubble) {
		<-b.up
		if tries != attempts {
			t.Errorf("up at attempt %d, want %d", tries, attempts)
		}
		// 60 waits of at most 30 s, and of 15 s on average once they have grown.
		if took := time.Since(began); took < 2*time.Minute || took > 30*time.Minute {
			t.Errorf("%d attempts took %v", tries, took)
		}
	}, func(c *mqtt.Config, _ *mqtt.Handlers) {
		began = time.Now()
		c.Dial = func(context.Context) (net.Conn, error) {
			if tries++; tries < attempts {
				return nil, errors.New("no route to host")
			}
			near, far := net.Pipe()
			go func() {
				if _, err := packets.ReadPacket(far); err == nil {
					_, _ = far.Write([]byte{0x20, 2, 0, 0})
				}
				for {
					if _, err := packets.ReadPacket(far); err != nil {
						return
					}
				}
			}()
			return near, nil
		}
	})
}

func TestMessagesKeepTheirOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, _ := b.session()
		const n = 5000
		for i := range n {
			p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
			p.TopicName, p.Payload = "t", fmt.Append(nil, i)
			if err := p.Write(conn); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			if m := <-b.got; string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m.Payload)
			}
		}
	})
}

func TestWhatIsInFlightAtALossFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, s := b.session()
		got := make(chan error, 1)
		go func() { got <- s.Send(t.Context(), mqtt.Message{Topic: "t", QoS: 1}) }()
		read[*packets.PublishPacket](t, conn)
		_ = conn.Close()
		if err := <-got; !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("in flight: %v", err)
		}
		<-s.Done()
		if err := s.Send(t.Context(), mqtt.Message{Topic: "t", QoS: 1}); !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("after the end: %v", err)
		}
		if err := s.Subscribe(t.Context(), "t"); !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("subscribe after the end: %v", err)
		}
		if err := <-b.down; !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("told as %v", err)
		}
		conn, _ = b.session()
		// Nothing is sent again by itself: the journal does that.
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if p, err := packets.ReadPacket(conn); err == nil {
			t.Errorf("the new session began with %v", p)
		}
	})
}

func TestRefusedFiltersAreNamed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, s := b.session()
		got := make(chan error, 1)
		go func() { got <- s.Subscribe(t.Context(), "a", "b", "c") }()
		p := read[*packets.SubscribePacket](t, conn)
		ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
		ack.MessageID = p.MessageID
		for i, topic := range p.Topics {
			code := byte(0)
			if topic != "b" {
				code = 0x80
			}
			if p.Qoss[i] != 0 {
				t.Errorf("%s subscribed at QoS %d", topic, p.Qoss[i])
			}
			ack.ReturnCodes = append(ack.ReturnCodes, code)
		}
		if err := ack.Write(conn); err != nil {
			t.Fatal(err)
		}
		err := <-got
		refused, ok := errors.AsType[*mqtt.RefusedError](err)
		if !ok || strings.Join(refused.Filters, " ") != "a c" || !strings.Contains(err.Error(), "access list") {
			t.Errorf("Subscribe: %v", err)
		}
	})
}

func TestPacketTooLargeEndsTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, _ := b.session()
		_, _ = conn.Write([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}) // a PUBLISH of 256 MiB
		if err := <-b.down; err == nil || !strings.Contains(err.Error(), "1 MiB") {
			t.Errorf("told as %v", err)
		}
	})
}

func TestTheSameTroubleIsWarnedOfOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mqtt.Default()
		c.Brokers, c.ClientID = []string{"mqtt://first", "mqtt://second"}, "kiosk-1"
		attempts := 0
		c.Dial = func(context.Context) (net.Conn, error) {
			if attempts++; attempts%2 == 1 {
				return nil, fmt.Errorf("expired: current time %v", time.Now())
			}
			return nil, fmt.Errorf("connection from port %d refused", 40_000+attempts)
		}
		log := &logBuffer{}
		client, err := mqtt.New(c, slog.New(slog.NewTextHandler(log, nil)), mqtt.Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		if err := client.Run(ctx); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 4 { // two at the beginning, two after an hour
			t.Fatalf("%d lines of %d attempts:\n%s", len(lines), attempts, log)
		}
		for i, want := range []string{"mqtt://first", "mqtt://second"} {
			if !strings.Contains(lines[i], want) || !strings.HasSuffix(lines[i], "failures=1") {
				t.Errorf("line %d is %q", i, lines[i])
			}
		}
	})
}

func TestErrStopEndsRunWithDisconnect(t *testing.T) {
	mine := errors.New("somebody else is here")
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, _ := b.accept()
		connack(t, conn)
		read[*packets.DisconnectPacket](t, conn)
		if err := <-b.ended; !errors.Is(err, mine) {
			t.Errorf("Run: %v", err)
		}
		b.ended <- nil
	}, func(_ *mqtt.Config, h *mqtt.Handlers) {
		h.Up = func(context.Context, *mqtt.Session) error { return fmt.Errorf("%w, %w", mine, mqtt.ErrStop) }
	})
}

func TestErrorOfUpReconnects(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		conn, _ := b.accept()
		connack(t, conn)
		read[*packets.DisconnectPacket](t, conn)
		if err := <-b.down; err == nil || !strings.Contains(err.Error(), "cannot subscribe") {
			t.Errorf("told as %v", err)
		}
		if _, s := b.session(); s.Broker() != "mqtt://pipe" {
			t.Errorf("broker %s", s.Broker())
		}
	}, func(_ *mqtt.Config, h *mqtt.Handlers) {
		up, calls := h.Up, 0
		h.Up = func(ctx context.Context, s *mqtt.Session) error {
			if calls++; calls == 1 {
				return errors.New("cannot subscribe")
			}
			return up(ctx, s)
		}
	})
}
