package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hailpoint/audio"
	"hailpoint/audio/opus"
	soundsim "hailpoint/audio/sim"
	"hailpoint/cmd/hailpoint-fleet/internal/simulated"
	"hailpoint/mqtt/topic"
)

// patience is how long a test waits for what must come; it is no measure.
const patience = 60 * time.Second

// chromium returns the browser's path, or skips the test: never in CI.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("chromium is not installed: make deps-test")
	}
	t.Skip("chromium is not installed: make deps-test")
	return ""
}

// house is the service with one simulated terminal, and a browser.
type house struct {
	t        *testing.T
	service  *started
	terminal *simulated.Terminal
	ear      *soundsim.Recorder // what the terminal's speaker played
	browser  context.Context
}

const micHz = 1000 // the tone that the browser's microphone hears

func newHouse(t *testing.T) *house {
	t.Helper()
	if !opus.Available {
		t.Skip("built without cgo: no Opus")
	}
	path := chromium(t)
	h := &house{t: t, ear: soundsim.NewRecorder(5 * time.Second)}
	s := startService(t, options{simulated: 1}, func(s *service) {
		s.alter = func(c *simulated.Config) { c.Name, c.Heard = "Platform 2", h.ear.Hear }
	})
	h.service, h.terminal = s, s.sims[0]
	h.open(path)
	return h
}

// started is a service at work.
type started struct {
	*service
	url, link string // of the console
}

// startService runs a service on free ports until the test ends.
func startService(t *testing.T, o options, change ...func(*service)) *started {
	t.Helper()
	o.http, o.mqtt, o.data, o.base = "127.0.0.1:0", "127.0.0.1:0", t.TempDir(), topic.DefaultBase
	s := &started{service: &service{options: o, log: slog.New(slog.NewTextHandler(t.Output(), nil)), out: t.Output()}}
	for _, f := range change {
		f(s.service)
	}
	ready := make(chan struct{})
	s.up = func(console, link string) {
		s.url, s.link = console, link
		close(ready)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the service ended with: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		t.Fatalf("the service did not start: %v", err)
	}
	return s
}

// open starts a browser whose microphone hears a tone.
func (h *house) open(path string) {
	h.t.Helper()
	dir := h.t.TempDir()
	wav := filepath.Join(dir, "microphone.wav")
	pcm := make([]int16, audio.SampleRate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*micHz*float64(i)/audio.SampleRate))
	}
	var b bytes.Buffer
	if err := audio.WriteWAV(&b, pcm); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(wav, b.Bytes(), 0o600); err != nil {
		h.t.Fatal(err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "profile"))}
	for _, f := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
		"use-fake-ui-for-media-stream", "use-fake-device-for-media-stream", "mute-audio", "hide-scrollbars",
		"disable-background-timer-throttling", "disable-renderer-backgrounding",
	} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	// A name that is this machine but, to the browser, not localhost.
	flags = append(flags, chromedp.Flag("host-resolver-rules", "MAP fleet.example 127.0.0.1"))
	flags = append(flags, chromedp.Flag("use-file-for-fake-audio-capture", wav),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.WindowSize(1360, 900))
	limited, cancel := context.WithTimeout(context.WithoutCancel(h.t.Context()), 5*patience)
	h.t.Cleanup(cancel)
	allocator, stopAllocator := chromedp.NewExecAllocator(limited, flags...)
	h.t.Cleanup(stopAllocator)
	browser, stop := chromedp.NewContext(allocator)
	h.t.Cleanup(stop)
	h.t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil && !errors.Is(err, context.Canceled) {
			h.t.Logf("close the browser: %v", err)
		}
	})
	h.browser = browser
	err := chromedp.Listen(browser, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			h.t.Errorf("the page threw: %+v", ev.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			for _, a := range ev.Args {
				h.t.Logf("page console: %s %s", ev.Type, a.Value)
			}
		}
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.do("open the console", chromedp.Navigate(h.service.link))
}

// do works in the browser.
func (h *house) do(what string, action chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	if err := chromedp.Do(h.browser, action); err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}

// value evaluates JavaScript in the page.
func value[T any](h *house, js string) T {
	h.t.Helper()
	raw, err := chromedp.Run(h.browser, chromedp.Evaluate[[]byte](js))
	if err != nil {
		h.t.Fatalf("%s: %v", js, err)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		h.t.Fatalf("%s = %s: %v", js, raw, err)
	}
	return v
}

// eventually waits until done.
func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			h.shoot("failed")
			h.t.Fatalf("did not come within %v: %s; the page says:\n%s", patience, what, value[string](h, "document.body.innerText"))
		}
		<-tick.C
	}
}

// shows waits for an element.
func (h *house) shows(selector string) {
	h.t.Helper()
	js := fmt.Sprintf("document.querySelector(%q) !== null", selector)
	h.eventually(selector, func() bool { return value[bool](h, js) })
}

// says waits until an element shows some words.
func (h *house) says(selector, words string) {
	h.t.Helper()
	h.eventually(selector+" says "+words, func() bool {
		return value[bool](h, fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q) ?? false", selector, words))
	})
}

// click clicks an element when it is there.
func (h *house) click(selector string) {
	h.t.Helper()
	h.shows(selector)
	value[bool](h, fmt.Sprintf("document.querySelector(%q).click(), true", selector))
}

// button clicks the dock's button with this text.
func (h *house) button(text string) {
	h.t.Helper()
	h.eventually("button "+text, func() bool {
		return value[bool](h, fmt.Sprintf(
			`(() => { const b = [...document.querySelectorAll("#dock button:not([hidden])")].find((b) => b.textContent === %q); b?.click(); return !!b; })()`, text))
	})
}

// state waits for the state of the terminal.
func (h *house) becomes(state string) {
	h.t.Helper()
	h.eventually("the terminal is "+state, func() bool {
		r, err := h.terminal.Report(context.WithoutCancel(h.t.Context()))
		return err == nil && r.State == state
	})
}

// talk waits until each hears the other.
func (h *house) talk() {
	h.t.Helper()
	h.shows(`#dock[data-state="talking"]`)
	h.becomes("talking")
	h.ear.Reset() // what was heard before proves nothing
	h.eventually("the terminal hears the page", func() bool {
		pcm := h.ear.Snapshot()
		if len(pcm) < audio.SampleRate/2 {
			return false
		}
		pcm = pcm[len(pcm)-audio.SampleRate/2:]
		return audio.ToneLevel(pcm, micHz) > 0.02 && audio.TonePurity(pcm, micHz) > 0.8
	})
	root := simulated.ChimeRoot("sim-1")
	h.eventually("the page hears the terminal", func() bool {
		return value[float64](h, fmt.Sprintf("Math.max(-200, hailpoint.sound.strength(%f))", root)) > -45
	})
}

// timeline waits until the newest call's timeline shows these events.
func (h *house) timeline(want string) {
	h.t.Helper()
	if !value[bool](h, `document.querySelector("#calls .call .call-head").getAttribute("aria-expanded") === "true"`) {
		h.click("#calls .call .call-head")
	}
	got := ""
	h.eventually("timeline "+want, func() bool {
		got = value[string](h, `[...document.querySelectorAll("#calls .call:first-child .event")].map((e) => e.dataset.name).join(" ")`)
		return strings.HasSuffix(got, "call.ended")
	})
	if got != want {
		h.t.Errorf("timeline\n %s, want\n %s", got, want)
	}
}

// shoot saves a picture of the page where a person asked for it.
func (h *house) shoot(name string) {
	h.t.Helper()
	dir := os.Getenv("HAILPOINT_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(h.browser, chromedp.CaptureScreenshot())
	if err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		h.t.Error(err)
	}
}

// phone makes the window as narrow as a phone's.
func (h *house) phone(on bool) {
	h.t.Helper()
	width := int64(1360)
	if on {
		width = 400
	}
	h.do("change the window", chromedp.EmulateViewport(width, 900))
}

func (h *house) dark(on bool) {
	scheme := "light"
	if on {
		scheme = "dark"
	}
	h.do("change the colours", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

func TestTheConsoleCallsATerminalAndIsCalled(t *testing.T) {
	h := newHouse(t)
	h.shows(`#terminals [data-key="sim-1"][data-presence="online"]`)
	h.shoot("1-console")
	value[bool](h, "hailpoint.sound.raw = true") // a tone is what the browser's processing takes for noise

	h.click(`#terminals [data-key="sim-1"] button:not([disabled])`)
	h.becomes("ringing_in")
	h.shows(`#dock[data-state="ringing_out"]`)
	h.shoot("2-calling")
	h.click(`#sims [data-key="sim-1"] .push`) // the terminal's button "call", by the panel
	h.talk()
	h.shoot("3-talking")
	h.button("Mute")
	h.eventually("the terminal hears silence", func() bool {
		pcm := h.ear.Snapshot()
		return audio.DBFS(pcm[len(pcm)-audio.SampleRate/5:]) < -60
	})
	h.button("Unmute")
	h.talk()
	h.button("Hang up")
	h.becomes("idle")
	h.timeline("call.incoming call.accepted op.result room.joined call.connected member.joined media.state media.state call.hung_up member.left call.ended")
	h.shoot("4-timeline")

	h.button("Close")
	h.phone(true)
	h.shoot("5-phone")
	h.phone(false)
	if err := h.terminal.Press(t.Context(), "call", 80*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	h.shows(`#dock[data-state="ringing_in"]`)
	h.shoot("6-ringing")
	h.dark(true)
	h.shoot("7-ringing-dark")
	h.button("Answer")
	h.talk()
	h.shoot("8-talking-dark")
	if err := h.terminal.Press(t.Context(), "hangup", 80*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	h.shows(`#dock[data-state="ended"]`)
	h.timeline("call.created room.joined op.result call.ringing call.accepted call.connected member.joined call.hung_up call.ended")
	h.shoot("9-after-dark")
}

func TestTheLoginPageSaysWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	h.do("log out", chromedp.Submit(chromedp.CSS(`form[action="/logout"]`)))
	h.shows(`form[action="/login"]`)
	h.do("give a wrong password", chromedp.SendKeys(chromedp.CSS("input[name=password]"), "wrong"))
	h.do("log in", chromedp.Submit(chromedp.CSS(`form[action="/login"]`)))
	h.shows(`.notice-bad`)
	h.shoot("10-login")
}

func TestARefusedMicrophoneIsExplained(t *testing.T) {
	h := newHouse(t)
	h.shows(`#terminals [data-key="sim-1"] button:not([disabled])`)
	value[bool](h, `(navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "NotAllowedError"); }, true)`)
	h.click(`#terminals [data-key="sim-1"] button`)
	h.says("#dock", "Allow it beside the address bar")
	h.shoot("11-refused")

	// By another name than localhost and without https there is none at all.
	h.do("log out", chromedp.Submit(chromedp.CSS(`form[action="/logout"]`)))
	token := h.service.keys.Link("admin")
	h.do("open it by another name", chromedp.Navigate(strings.Replace(h.service.url, "127.0.0.1", "fleet.example", 1)+"?token="+token))
	h.says("#ready", "only to pages on localhost or https")
	h.shows(`#terminals [data-key="sim-1"][data-presence="online"]`)
	h.shoot("12-insecure")
}
