package rtc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hailpoint/callagent/rtc"
)

// page is a call terminal in a browser, driven by the test.
const page = `<!DOCTYPE html><script>
const pc = new RTCPeerConnection(), candidates = [];
const gathered = new Promise(done => pc.onicecandidate = e => {
	candidates.push(e.candidate && e.candidate.toJSON());
	if (!e.candidate) done();
});
async function sound(microphone) {
	if (!microphone) { pc.addTransceiver("audio"); return; }
	const stream = await navigator.mediaDevices.getUserMedia({audio: true});
	for (const track of stream.getTracks()) pc.addTrack(track, stream);
}
async function offer(microphone, video) {
	await sound(microphone);
	if (video) pc.addTransceiver("video");
	await pc.setLocalDescription();
	return pc.localDescription.sdp;
}
async function answer(microphone, sdp) {
	await pc.setRemoteDescription({type: "offer", sdp});
	await sound(microphone);
	await pc.setLocalDescription();
	return pc.localDescription.sdp;
}
async function heard() {
	let n = 0;
	(await pc.getStats()).forEach(s => { if (s.type === "inbound-rtp" && s.kind === "audio") n = s.packetsReceived - s.packetsDiscarded; });
	return n;
}
</script>`

// browser opens page in a headless Chromium and returns a function that
// evaluates an expression there and decodes what it, or the promise it made,
// comes to.
func browser(t *testing.T) func(result any, format string, args ...any) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no browser to call: %v", err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(server.Close)
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("allow-loopback-in-peer-connection", true), // for a machine without a network
		chromedp.WSURLReadTimeout(2*time.Minute),
	)
	limited, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
	t.Cleanup(cancel)
	allocated, stop := chromedp.NewExecAllocator(limited, flags...)
	t.Cleanup(stop)
	ctx, done := chromedp.NewContext(allocated)
	t.Cleanup(done)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("close the browser: %v", err)
		}
	})
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	return func(result any, format string, args ...any) {
		t.Helper()
		for i, a := range args {
			raw, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			args[i] = string(raw)
		}
		raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](fmt.Sprintf(format, args...), chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if err := json.Unmarshal(raw, result); err != nil {
			t.Fatalf("%s came to %s: %v", format, raw, err)
		}
	}
}

func TestABrowserCanBeCalled(t *testing.T) {
	// One 20 ms frame of Opus silence: CELT, fullband, mono.
	silence := []byte{0xf8, 0xff, 0xfe}
	// Headless, the browser has no name service to hide its addresses by.
	address := regexp.MustCompile(`(candidate:\S+ \d udp \d+ )\S+ `)
	for name, tt := range map[string]struct {
		weOffer    bool
		microphone bool // without it, a browser sends nothing and hides its addresses
		video      bool
	}{
		"the browser calls":                             {false, true, false},
		"the browser calls with video":                  {false, true, true},
		"the browser is called":                         {true, true, false},
		"the browser calls and hides its addresses":     {false, false, false},
		"the browser is called and hides its addresses": {true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			eval := browser(t)
			cfg := rtc.Default()
			cfg.Loopback = true
			p := newLeg(t, endpoint(t, cfg))

			var sdp, none string
			if tt.weOffer {
				offer, err := p.Offer(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				eval(&sdp, "answer(%s, %s)", tt.microphone, offer)
				if err := p.SetAnswer(sdp); err != nil {
					t.Fatalf("%v\n%s", err, sdp)
				}
			} else {
				eval(&sdp, "offer(%s, %s)", tt.microphone, tt.video)
				answer, err := p.Answer(t.Context(), sdp)
				if err != nil {
					t.Fatalf("%v\n%s", err, sdp)
				}
				eval(&none, "pc.setRemoteDescription({type: 'answer', sdp: %s}).then(() => '')", answer)
			}
			for last := false; !last; {
				c := await(t, "candidate", p.candidates)
				last = string(c) == "null"
				eval(&none, "pc.addIceCandidate(%s).then(() => '')", c)
			}
			var candidates []json.RawMessage
			eval(&candidates, "gathered.then(() => candidates)")
			for _, c := range candidates {
				if !tt.microphone {
					c = address.ReplaceAll(c, []byte("${1}5a7b1c2d-0000-4000-8000-0123456789ab.local "))
				}
				if err := p.AddCandidate(c); err != nil {
					t.Errorf("AddCandidate(%s): %v", c, err)
				}
			}
			await(t, "Up", p.up)
			t.Logf("path: %v", p.Stats().Path)

			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			deadline := time.Now().Add(patience)
			for sent, heard := 0, 0; heard < 20 || tt.microphone && p.Stats().Received < 20; sent++ {
				<-tick.C
				if err := p.Send(silence, 960); err != nil {
					t.Fatal(err)
				}
				if sent%25 == 0 {
					eval(&heard, "heard()")
				}
				if time.Now().After(deadline) {
					t.Fatalf("the browser heard %d packets; we %+v", heard, p.Stats())
				}
			}
			t.Logf("figures: %+v", p.Stats())
		})
	}
}
