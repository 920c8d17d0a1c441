//go:build cgo

package portaudio

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that will come.
const patience = 90 * time.Second

// require skips the test if a program is missing, or fails it where the real
// parts are required.
func require(tb testing.TB, programs ...string) {
	tb.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" || os.Getenv("HAILPOINT_REQUIRE_REAL") == "1" {
				tb.Fatalf("%s is not installed", p)
			}
			tb.Skipf("%s is not installed (apt-get install pulseaudio pulseaudio-utils libasound2-plugins jackd2)", p)
		}
	}
}

// room is a place for sound servers and terminals that know of no other.
type room struct {
	dir string
	env []string
}

func newRoom(tb testing.TB) *room {
	tb.Helper()
	dir, err := os.MkdirTemp("", "hp") //nolint:usetesting // the path of a socket in TempDir could exceed 107 bytes (unix(7))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &room{dir: dir}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		tb.Fatal(err)
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PULSE_") && !strings.HasPrefix(v, "JACK_") {
			r.env = append(r.env, v)
		}
	}
	r.env = append(r.env, "HOME="+dir, "XDG_RUNTIME_DIR="+filepath.Join(dir, "run"),
		"PULSE_SERVER=unix:"+r.socket(), "JACK_DEFAULT_SERVER="+filepath.Base(dir), "JACK_NO_AUDIO_RESERVATION=1")
	return r
}

// jackName is the name of every JACK server of these tests. JACK keeps eight
// names for a whole machine, and one whose server was killed is lost until a
// server of the same name starts.
const jackName = "hailpoint-test"

// newJACKRoom is a room for a JACK server, the only one until the test ends.
func newJACKRoom(tb testing.TB) *room {
	tb.Helper()
	require(tb, "jackd", "jack_connect", "jack_lsp")
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), jackName+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		tb.Fatal(err)
	}
	r := newRoom(tb)
	r.env = append(r.env, "JACK_DEFAULT_SERVER="+jackName)
	return r
}

func (r *room) socket() string { return filepath.Join(r.dir, "run", "native") }

// command prepares a program in the room.
func (r *room) command(tb testing.TB, name string, args ...string) *exec.Cmd {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Env = r.env
	cmd.Cancel = func() error { // at the end of the test
		_ = cmd.Process.Signal(syscall.SIGCONT) // it may be stopped
		return cmd.Process.Signal(syscall.SIGTERM)
	}
	cmd.WaitDelay = 30 * time.Second // then it is killed
	return cmd
}

// spawn starts cmd, which ends with the test, or earlier by the signal given
// to end.
func spawn(tb testing.TB, cmd *exec.Cmd) (end func(syscall.Signal)) {
	tb.Helper()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	wait := sync.OnceFunc(func() { _ = cmd.Wait() }) // it is ended by a signal: its status says nothing
	tb.Cleanup(wait)
	return func(sig syscall.Signal) {
		_ = cmd.Process.Signal(sig)
		wait()
	}
}

// until polls ready, which must come true.
func until(tb testing.TB, what string, ready func() bool) {
	tb.Helper()
	timeout := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-timeout:
			tb.Fatalf("%s: not within %v", what, patience)
		case <-ticker.C:
		}
	}
}

// server is a running sound server.
type server struct {
	process *os.Process
	end     func(syscall.Signal)
}

// pulse starts PulseAudio with two cards of one direction each: qa_spk to
// play to, qa_mic to capture from. ALSA's PulseAudio plugin makes them visible
// to PortAudio. Null sinks keep real time only with norewinds.
func (r *room) pulse(tb testing.TB) server {
	tb.Helper()
	require(tb, "pulseaudio", "pacat", "parec")
	const asoundrc = `
pcm.qa_spk { type pulse; device qa_out; hint { show on description "speaker" } }
pcm.qa_mic { type pulse; device qa_in.monitor; hint { show on description "microphone" } }
pcm.qa_back { type pulse; device qa_out.monitor; hint { show on description "the speaker's own sound" } }
pcm.!default { type pulse }
ctl.!default { type pulse }
`
	if err := os.WriteFile(filepath.Join(r.dir, ".asoundrc"), []byte(asoundrc), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.RemoveAll(r.socket()); err != nil {
		tb.Fatal(err)
	}
	cmd := r.command(tb, "pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--disallow-exit",
		"-L", "module-native-protocol-unix socket="+r.socket()+" auth-anonymous=1",
		"-L", "module-null-sink sink_name=qa_out rate=48000 channels=1 norewinds=1",
		"-L", "module-null-sink sink_name=qa_in rate=48000 channels=1 norewinds=1")
	end := spawn(tb, cmd)
	until(tb, "PulseAudio is up", func() bool {
		conn, err := net.Dial("unix", r.socket())
		if err != nil {
			return false
		}
		_ = conn.Close()
		return r.command(tb, "pactl", "list", "short", "sinks").Run() == nil
	})
	return server{cmd.Process, end}
}

// jack starts JACK without a card, at 10 ms a period.
func (r *room) jack(tb testing.TB) server {
	tb.Helper()
	cmd := r.command(tb, "jackd", "-n", jackName, "-r", "--no-mlock", "-d", "dummy", "-r", "48000", "-p", "480", "-C", "2", "-P", "2")
	end := spawn(tb, cmd)
	until(tb, "JACK is up", func() bool { return r.command(tb, "jack_lsp").Run() == nil })
	return server{cmd.Process, end}
}

// loop connects the terminal's output to its input, in JACK.
func (r *room) loop(tb testing.TB) {
	tb.Helper()
	until(tb, "the terminal's ports are connected", func() bool {
		return r.command(tb, "jack_connect", "PortAudio:out_0", "PortAudio:in_0").Run() == nil
	})
}

// looped does nothing: the cards of pulse are connected to each other.
func (*room) looped(testing.TB) {}

// signal sends s to the server.
func (s server) signal(tb testing.TB, sig syscall.Signal) {
	tb.Helper()
	if err := s.process.Signal(sig); err != nil {
		tb.Fatal(err)
	}
}

// child is this test binary in another role.
type child struct {
	tb     testing.TB
	cmd    *exec.Cmd
	lines  chan line
	stdin  io.WriteCloser
	exited chan error
	log    *bytes.Buffer // to be read after it has exited
}

// start runs this test binary in a role.
func (r *room) start(tb testing.TB, role, input, output string) *child {
	tb.Helper()
	cmd := r.command(tb, os.Args[0])
	cmd.Env = append(append([]string(nil), r.env...), roleKey+"="+role, inputKey+"="+input, outputKey+"="+output)
	c := &child{tb: tb, cmd: cmd, lines: make(chan line), exited: make(chan error, 1), log: new(bytes.Buffer)}
	cmd.Stderr = c.log
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(c.lines)
		for d := json.NewDecoder(stdout); ; {
			var l line
			if d.Decode(&l) != nil {
				break
			}
			c.lines <- l
		}
		c.exited <- cmd.Wait()
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range c.lines { // until it has exited
		}
		if tb.Failed() {
			tb.Logf("the terminal said:\n%s", c.log)
		}
	})
	return c
}

// await returns the first line that is as expected.
func (c *child) await(what string, expected func(line) bool) line {
	c.tb.Helper()
	timeout := time.After(patience)
	var last line
	for {
		select {
		case l, open := <-c.lines:
			switch {
			case !open:
				c.tb.Fatalf("%s: the terminal ended (%v) after %+v:\n%s", what, <-c.exited, last, c.log)
			case expected(l):
				return l
			}
			last = l
		case <-timeout:
			c.tb.Fatalf("%s: not within %v; last: %+v", what, patience, last)
		}
	}
}

func (c *child) awaitSound() {
	c.tb.Helper()
	c.await("sound works", func(l line) bool { return l.Fault == "" })
}

func (c *child) awaitFault() {
	c.tb.Helper()
	c.await("sound does not work", func(l line) bool { return l.Fault != "" && l.Fault != ErrNotOpen.Error() })
}

// suspend stops the terminal for d or somewhat longer.
func (c *child) suspend(d time.Duration) {
	c.tb.Helper()
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := c.cmd.Process.Signal(sig); err != nil {
			c.tb.Fatal(err)
		}
		if sig == syscall.SIGSTOP {
			<-time.After(d)
		}
	}
}

// end ends the terminal as SIGTERM would, and checks that it ended well.
func (c *child) end() {
	c.tb.Helper()
	_ = c.stdin.Close()
	timeout := time.After(patience)
	for {
		select {
		case _, open := <-c.lines:
			if open {
				continue
			}
			if err := <-c.exited; err != nil {
				c.tb.Errorf("the terminal ended with %v:\n%s", err, c.log)
			}
			return
		case <-timeout:
			c.tb.Fatalf("the terminal did not end within %v", patience)
		}
	}
}
