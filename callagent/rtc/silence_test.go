package rtc_test

import (
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hailpoint/callagent/rtc"
)

// relay is a UDP path between two legs that can be cut. Each leg is told one of
// its two addresses as the other's.
type relay struct {
	ends  [2]*net.UDPConn
	peers [2]atomic.Pointer[net.UDPAddr] // who is behind each end
	drop  atomic.Pointer[func(from int, datagram []byte) bool]
	group sync.WaitGroup
}

// newRelay makes a relay that ends with the test.
func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{}
	for i := range r.ends {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		r.ends[i] = c
	}
	for i := range r.ends {
		r.group.Go(func() { r.forward(i) })
	}
	t.Cleanup(func() {
		for _, c := range r.ends {
			_ = c.Close()
		}
		r.group.Wait()
	})
	return r
}

// forward sends what comes in at one end out of the other.
func (r *relay) forward(in int) {
	buf := make([]byte, 2048)
	for {
		n, _, err := r.ends[in].ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if drop := r.drop.Load(); drop != nil && (*drop)(in, buf[:n]) {
			continue
		}
		if to := r.peers[1-in].Load(); to != nil {
			_, _ = r.ends[1-in].WriteToUDP(buf[:n], to)
		}
	}
}

// cut drops everything from now on.
func (r *relay) cut() {
	all := func(int, []byte) bool { return true }
	r.drop.Store(&all)
}

// via returns a change of candidates of the leg behind end: the IPv4 one becomes
// the relay's other end, the rest vanish.
func (r *relay) via(t *testing.T, end int) func(json.RawMessage) json.RawMessage {
	t.Helper()
	return func(raw json.RawMessage) json.RawMessage {
		if string(raw) == "null" {
			return raw
		}
		var c struct {
			Candidate string `json:"candidate"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(c.Candidate)
		ip := net.ParseIP(f[4])
		if ip.To4() == nil {
			return nil
		}
		port, err := strconv.Atoi(f[5])
		if err != nil {
			t.Fatal(err)
		}
		r.peers[end].Store(&net.UDPAddr{IP: ip, Port: port})
		f[5] = strconv.Itoa(r.ends[1-end].LocalAddr().(*net.UDPAddr).Port)
		raw, err = json.Marshal(map[string]any{"candidate": strings.Join(f, " "), "sdpMid": "0"})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
}

// connectVia brings two new legs up over r, the caller behind end 0.
func connectVia(t *testing.T, r *relay, cfg rtc.Config) (caller, callee *leg) {
	t.Helper()
	caller, callee = newLeg(t, endpoint(t, cfg)), newLeg(t, endpoint(t, cfg))
	describe(t, caller, callee)
	trickle(t, caller, callee, r.via(t, 0))
	trickle(t, callee, caller, r.via(t, 1))
	await(t, "caller's Up", caller.up)
	await(t, "callee's Up", callee.up)
	return caller, callee
}

func TestASilentPathIsReportedOnce(t *testing.T) {
	t.Parallel()
	cfg := loopback()
	cfg.MediaTimeout = 3 * time.Second
	r := newRelay(t)
	caller, callee := connectVia(t, r, cfg)

	// No sound for longer than the timeout: RTCP and STUN keep the call up.
	select {
	case <-caller.down:
		t.Fatal("down although the path works")
	case <-callee.down:
		t.Fatal("down although the path works")
	case <-time.After(4 * time.Second):
	}

	heard := time.Now()
	hears(t, caller, callee)
	if callee.LastHeard().Before(heard) {
		t.Error("LastHeard missed a packet")
	}
	r.cut()
	for _, l := range []*leg{caller, callee} {
		last := await(t, "Down", l.down)
		if quiet := time.Since(last); quiet < cfg.MediaTimeout {
			t.Errorf("down after a silence of %v", quiet)
		}
		if !last.Equal(l.LastHeard()) {
			t.Errorf("Down says last heard %v, LastHeard %v", last, l.LastHeard())
		}
	}
	select {
	case <-caller.down:
		t.Error("down twice")
	case <-time.After(time.Second):
	}
}

func TestAPeerThatVanishesIsReportedAfterTheTimeout(t *testing.T) {
	t.Parallel()
	cfg := loopback()
	cfg.MediaTimeout = 2 * time.Second
	caller, callee := connect(t, endpoint(t, cfg), endpoint(t, cfg))
	before := time.Now()
	if err := callee.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := await(t, "Down", caller.down)
	if took := time.Since(before); took < time.Second {
		t.Errorf("down after %v: the hang-up that explains it may still be on its way", took)
	}
	if last.IsZero() {
		t.Error("last heard is zero")
	}
}

func TestAWrongCertificateIsReportedWithoutUp(t *testing.T) {
	t.Parallel()
	caller, callee := newLeg(t, endpoint(t, loopback())), newLeg(t, endpoint(t, loopback()))
	offer, err := caller.Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := callee.Answer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	_, digest, _ := strings.Cut(endpoint(t, loopback()).Fingerprint(), " ")
	lines := strings.Split(answer, "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "a=fingerprint:") {
			lines[i] = "a=fingerprint:sha-256 " + strings.ToUpper(digest)
		}
	}
	if err := caller.SetAnswer(strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
	trickle(t, caller, callee, nil)
	trickle(t, callee, caller, nil)
	if last := await(t, "Down", caller.down); !last.IsZero() {
		t.Errorf("last heard %v from a stranger", last)
	}
	select {
	case <-caller.up:
		t.Error("up with a stranger")
	default:
	}
}

func TestADeadServerDelaysNothing(t *testing.T) {
	t.Parallel()
	dead, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close() //nolint:errcheck // nothing to lose
	cfg := loopback()
	cfg.GatherTimeout = 20 * time.Second
	cfg.ICEServers = []rtc.ICEServer{
		{URLs: []string{"stun:" + dead.LocalAddr().String()}},
		{URLs: []string{"turn:" + dead.LocalAddr().String()}, Username: "u", Password: "p"},
		{URLs: []string{"turn:" + dead.LocalAddr().String(), "stun:" + dead.LocalAddr().String()}}, // without a login: only its STUN is used
	}
	caller, callee := newLeg(t, endpoint(t, cfg)), newLeg(t, endpoint(t, cfg))
	describe(t, caller, callee)
	limit := time.After(patience)
	for up := false; !up; {
		select {
		case c := <-caller.candidates:
			if string(c) == "null" {
				t.Error("the search for candidates ended before the path was up")
			}
			if err := callee.AddCandidate(c); err != nil {
				t.Error(err)
			}
		case c := <-callee.candidates:
			if err := caller.AddCandidate(c); err != nil {
				t.Error(err)
			}
		case <-caller.up:
			up = true
		case <-limit:
			t.Fatal("not connected")
		}
	}
	// Close, in Cleanup, does not wait for the servers either.
}

func TestLossIsCounted(t *testing.T) {
	t.Parallel()
	r := newRelay(t)
	caller, callee := connectVia(t, r, loopback())
	hears(t, caller, callee)
	before := callee.Stats()
	var n atomic.Int64
	everyFourth := func(from int, datagram []byte) bool {
		rtp := len(datagram) > 1 && datagram[0]>>6 == 2 && datagram[1]&0x7f == 111
		return from == 0 && rtp && n.Add(1)%4 == 0
	}
	r.drop.Store(&everyFourth)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 42 { // the last two arrive, so all 10 losses are seen
		<-tick.C
		if err := caller.Send([]byte("sound"), 960); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(patience)
	for callee.Stats().Received-before.Received < 32 {
		<-tick.C
		if time.Now().After(deadline) {
			t.Fatalf("received %+v", callee.Stats())
		}
	}
	if lost := callee.Stats().Lost - before.Lost; lost != 10 {
		t.Errorf("lost %d packets, want 10", lost)
	}
	for caller.Stats().RemoteLost == 0 { // by the next report
		<-tick.C
		if time.Now().After(deadline) {
			t.Fatalf("the loss was not reported back: %+v", caller.Stats())
		}
		if err := caller.Send([]byte("sound"), 960); err != nil {
			t.Fatal(err)
		}
	}
}
