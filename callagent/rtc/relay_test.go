package rtc_test

import (
	"net"
	"testing"

	"github.com/pion/turn/v5"

	"hailpoint/callagent/rtc"
)

// turnServer starts a TURN server on the loopback interface and returns its
// addresses over UDP and TCP. It ends with the test.
func turnServer(t *testing.T) map[string]string {
	t.Helper()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addresses := &turn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "hailpoint",
		AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
			return a.Username, turn.GenerateAuthKey(a.Username, a.Realm, "secret"), a.Username == "kiosk"
		},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: addresses}},
		ListenerConfigs:   []turn.ListenerConfig{{Listener: tcp, RelayAddressGenerator: addresses}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return map[string]string{
		"udp": "turn:" + udp.LocalAddr().String() + "?transport=udp",
		"tcp": "turn:" + tcp.Addr().String() + "?transport=tcp",
	}
}

func TestACallGoesThroughARelay(t *testing.T) {
	for network, url := range turnServer(t) {
		t.Run("over "+network, func(t *testing.T) {
			cfg := loopback()
			cfg.ICEServers = []rtc.ICEServer{{URLs: []string{url}, Username: "kiosk", Password: "secret"}}
			cfg.RelayOnly = true
			caller, callee := connect(t, endpoint(t, cfg), endpoint(t, cfg))
			hears(t, caller, callee)
			hears(t, callee, caller)
			for name, l := range map[string]*leg{"caller": caller, "callee": callee} {
				if p := l.Stats().Path; !p.Relayed() {
					t.Errorf("%s: path %v goes through no relay", name, p)
				}
			}
		})
	}
}
