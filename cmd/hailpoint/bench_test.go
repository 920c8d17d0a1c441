package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hailpoint/cmd/internal/control"
	"hailpoint/mqtt/broker"
)

// These benchmarks measure the program itself, as its own process:
//
//	go test -run '^$' -bench . -benchtime 1x ./cmd/hailpoint

// build makes the program as it is shipped.
func build(b *testing.B) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "hailpoint")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".").CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return file
}

// process is one running terminal.
type process struct {
	b      *testing.B
	cmd    *exec.Cmd
	client *control.Client
	ready  time.Duration // from the start of the program to READY=1
}

// launch starts a terminal and waits until it says that it is ready.
func launch(b *testing.B, program, id, target, url, sound string) *process {
	b.Helper()
	dir := b.TempDir()
	text := fmt.Sprintf(`id = %q
state_dir = %q
control_socket = %q
[mqtt]
broker = %q
vocabularies = ["wmpf"]
[call]
target = %q
[rtc]
loopback = true
[audio]
input = %q
output = %q
[device]
driver = "sim"
`, id, filepath.Join(dir, "state"), filepath.Join(dir, "s"), url, target, sound, sound)
	file := filepath.Join(dir, "hailpoint.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		b.Fatal(err)
	}
	defer manager.Close() //nolint:errcheck // a test's socket
	p := &process{b: b, client: control.NewClient(filepath.Join(dir, "s"))}
	p.cmd = exec.Command(program, "run", "--config", file)
	p.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "JACK_NO_START_SERVER=1")
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.stop)
	if err := manager.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := manager.Read(buf)
		if err != nil {
			b.Fatalf("%s is not ready: %v", id, err)
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			p.ready = time.Since(began)
			return p
		}
	}
}

func (p *process) stop() {
	p.client.Close()
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.cmd.Wait()
	}
}

// becomes waits for a state.
func (p *process) becomes(state string) {
	p.b.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		r, err := p.client.Status(context.Background())
		if err == nil && (r.State == state || (state == "online" && r.Online)) {
			return
		}
		if time.Now().After(deadline) {
			p.b.Fatalf("is %s (%v), not %s", r.State, err, state)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// memory is the resident set in MB, and that part of it that is no file.
func (p *process) memory() (rss, anonymous float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			rss = kb / 1000
		case "RssAnon:":
			anonymous = kb / 1000
		}
	}
	return rss, anonymous
}

// cpu is the processor time used so far.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.ParseInt(f[11], 10, 64) // proc(5): utime and stime, in ticks of 10 ms
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// BenchmarkStartToReady is the time from the start of the program to READY=1.
func BenchmarkStartToReady(b *testing.B) {
	program := build(b)
	var total time.Duration
	n := 0
	for b.Loop() {
		p := launch(b, program, "door", "desk", "mqtt://127.0.0.1:1", "default")
		total += p.ready
		n++
		p.stop()
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(n), "ms/start")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCall is the memory of an idle and of a talking terminal, and the
// processor time of one call, with simulated sound and, where the environment
// names one in HAILPOINT_BENCH_SOUND, with a real sound device.
func BenchmarkCall(b *testing.B) {
	program := build(b)
	sounds := []string{"sim"}
	if card := os.Getenv("HAILPOINT_BENCH_SOUND"); card != "" {
		sounds = append(sounds, card)
	}
	for _, sound := range sounds {
		b.Run(sound, func(b *testing.B) {
			c := broker.Default()
			c.MQTT, c.Dir, c.Sync = "127.0.0.1:0", b.TempDir(), false
			c.Authenticate = func(broker.Login) bool { return true }
			br, err := broker.New(c, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- br.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-done; err != nil {
					b.Error(err)
				}
			}()
			if err := br.Wait(ctx); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				desk := launch(b, program, "desk", "door", br.URL(), "sim")
				door := launch(b, program, "door", "desk", br.URL(), sound)
				door.becomes("online")
				desk.becomes("online")
				time.Sleep(2 * time.Second)
				before := door.cpu()
				time.Sleep(5 * time.Second)
				b.ReportMetric(float64(door.cpu()-before)/float64(5*time.Second)*100, "%cpu-idle")
				rss, anonymous := door.memory()
				b.ReportMetric(rss, "MB-idle")
				b.ReportMetric(anonymous, "MB-idle-anonymous")
				if err := door.client.Press(ctx, "call", 80*time.Millisecond); err != nil {
					b.Fatal(err)
				}
				desk.becomes("ringing_in")
				if err := desk.client.Press(ctx, "call", 80*time.Millisecond); err != nil {
					b.Fatal(err)
				}
				door.becomes("talking")
				time.Sleep(time.Second)
				before = door.cpu()
				time.Sleep(10 * time.Second)
				b.ReportMetric(float64(door.cpu()-before)/float64(10*time.Second)*100, "%cpu-call")
				rss, anonymous = door.memory()
				b.ReportMetric(rss, "MB-call")
				b.ReportMetric(anonymous, "MB-call-anonymous")
				door.stop()
				desk.stop()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
