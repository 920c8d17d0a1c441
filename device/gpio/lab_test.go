package gpio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/device"
	"hailpoint/device/gesture"
	"hailpoint/device/gpio"
)

// patience bounds the wait for something that takes milliseconds on an idle
// machine.
const patience = 30 * time.Second

func needLab(tb testing.TB) {
	tb.Helper()
	if os.Getenv(labVar) == "" {
		tb.Skipf("needs simulated GPIO chips of the kernel: set %s=1 as root on a kernel with CONFIG_GPIO_SIM, or run make test-vm", labVar)
	}
}

func open(tb testing.TB, buttons []gpio.ButtonConfig, pins []gpio.PinConfig) *gpio.Board {
	tb.Helper()
	b, err := gpio.Open(slog.New(slog.DiscardHandler), buttons, pins)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return b
}

// button returns the configuration of a button that is pressed when the line is
// pulled low.
func button(line string) gpio.ButtonConfig {
	return gpio.ButtonConfig{Name: strings.ToLower(line), Line: line, ActiveLow: true, Pull: gpio.PullUp}
}

// watch runs Watch until the test ends.
func watch(tb testing.TB, b device.Button) <-chan device.Edge {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	edges := make(chan device.Edge)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Watch(ctx, edges); err != nil {
			tb.Errorf("Watch: %v", err)
		}
	})
	tb.Cleanup(func() { cancel(); wg.Wait() })
	return edges
}

func next(tb testing.TB, edges <-chan device.Edge) device.Edge {
	tb.Helper()
	select {
	case e := <-edges:
		return e
	case <-time.After(patience):
		tb.Fatal("no edge came")
		return device.Edge{}
	}
}

// watched pulls the button until Watch has seen it, and leaves it open with
// nothing more to come: Watch throws away what happened before it was ready, and
// may send a change just then twice, as the level and as the edge.
func watched(tb testing.TB, chip *simChip, line string, edges <-chan device.Edge) {
	tb.Helper()
	const quiet = 400 * ms
	for try := range 100 {
		chip.pull(tb, line, try%2 == 1)
		select {
		case <-edges:
			chip.pull(tb, line, true)
			for {
				select {
				case <-edges:
					continue
				case <-time.After(quiet):
				}
				return
			}
		case <-time.After(quiet):
		}
	}
	tb.Fatal("Watch saw none of 100 edges")
}

func TestLabAPressIsTwoEdges(t *testing.T) {
	needLab(t)
	b := open(t, []gpio.ButtonConfig{button("BTN_CALL")}, nil)
	edges := watch(t, b.Buttons()[0])
	watched(t, &bench1, "BTN_CALL", edges)

	before := time.Now()
	bench1.pull(t, "BTN_CALL", false)
	down := next(t, edges)
	bench1.pull(t, "BTN_CALL", true)
	up := next(t, edges)
	if !down.Active || up.Active {
		t.Errorf("edges active %v, then %v; want a press, then a release", down.Active, up.Active)
	}
	if down.At.Before(before) || up.At.Before(down.At) {
		t.Errorf("times %v and %v, of a press begun at %v", down.At, up.At, before)
	}
}

func TestLabABouncingPressIsOneGesture(t *testing.T) {
	needLab(t)
	b := open(t, []gpio.ButtonConfig{button("BTN_CALL")}, nil)
	edges := watch(t, b.Buttons()[0])
	watched(t, &bench1, "BTN_CALL", edges)

	cfg := gesture.Default()
	cfg.Debounce = 2 * time.Second // a busy virtual machine may pause between two edges
	d := gesture.New(cfg)
	var got []gesture.Gesture
	for n := range 9 { // one by one: the kernel may make one edge of two
		bench1.pull(t, "BTN_CALL", n%2 == 1)
		got = append(got, d.Edge(next(t, edges))...)
	}
	defer bench1.pull(t, "BTN_CALL", true)
	settled, ok := d.Next()
	if !ok {
		t.Fatal("nine edges, and nothing to come")
	}
	select {
	case e := <-edges:
		t.Errorf("a tenth edge: %+v", e)
	case <-time.After(time.Until(settled)):
	}
	got = append(got, d.At(time.Now())...)
	if !slices.Equal(got, []gesture.Gesture{gesture.Press}) || !d.Down() {
		t.Errorf("nine edges gave %v, want one press", got)
	}
}

func TestLabAHeldButtonIsTheFirstEdge(t *testing.T) {
	needLab(t)
	b := open(t, []gpio.ButtonConfig{button("BTN_MUTE")}, nil)
	bench1.pull(t, "BTN_MUTE", false)
	defer bench1.pull(t, "BTN_MUTE", true)
	if e := next(t, watch(t, b.Buttons()[0])); !e.Active {
		t.Error("the first edge is inactive, want the press that was there")
	}
}

func TestLabEdgesThatOverflowEndAtTheLevel(t *testing.T) {
	needLab(t)
	b := open(t, []gpio.ButtonConfig{button("BTN_CALL")}, nil)
	edges := watch(t, b.Buttons()[0])
	watched(t, &bench1, "BTN_CALL", edges)
	for n := range 101 { // while nobody receives; the kernel keeps 16
		bench1.pull(t, "BTN_CALL", n%2 == 1)
	}
	defer bench1.pull(t, "BTN_CALL", true)
	var last device.Edge
	got := 0
	for more := true; more; {
		select {
		case last = <-edges:
			got++
		case <-time.After(2 * time.Second):
			more = false
		}
	}
	if got < 2 || got > 101 || !last.Active {
		t.Errorf("%d edges, the last active %v; want the level of the line at last", got, last.Active)
	}
}

func TestLabThePullReachesTheKernel(t *testing.T) {
	needLab(t)
	down := gpio.ButtonConfig{Name: "down", Line: "BTN_DOWN", Pull: gpio.PullDown}
	bench1.pull(t, "BTN_DOWN", true)
	bench1.pull(t, "BTN_BIAS", false)
	open(t, []gpio.ButtonConfig{button("BTN_BIAS"), down}, nil)
	if got := bench1.read(t, "BTN_BIAS", "pull"); got != "pull-up" {
		t.Errorf("pull up asked for, %s set", got)
	}
	if got := bench1.read(t, "BTN_DOWN", "pull"); got != "pull-down" {
		t.Errorf("pull down asked for, %s set", got)
	}
}

func TestLabLamps(t *testing.T) {
	needLab(t)
	b := open(t, nil, []gpio.PinConfig{
		{Name: "ring", Line: "LED_RING"},
		{Name: "low", Line: "LED_LOW", ActiveLow: true},
	})
	levels := func() [2]string {
		return [2]string{bench1.read(t, "LED_RING", "value"), bench1.read(t, "LED_LOW", "value")}
	}
	check := func(when string, want [2]string) {
		t.Helper()
		if got := levels(); got != want {
			t.Errorf("%s the lines are %v, want %v", when, got, want)
		}
	}
	check("at first", [2]string{"0", "1"})
	for _, p := range b.Pins() {
		if err := p.Set(true); err != nil {
			t.Error(err)
		}
	}
	check("switched on", [2]string{"1", "0"})
	for _, p := range b.Pins() {
		if err := p.Set(false); err != nil {
			t.Error(err)
		}
	}
	check("switched off", [2]string{"0", "1"})
}

func TestLabEveryProblemIsReportedAndNoLineKept(t *testing.T) {
	needLab(t)
	held := open(t, []gpio.ButtonConfig{button("BTN_MUTE")}, nil)
	_, err := gpio.Open(slog.New(slog.DiscardHandler),
		[]gpio.ButtonConfig{button("BTN_CALL"), button("BTN_MUTE"), button("BTN_CAL"), button("_")},
		[]gpio.PinConfig{{Name: "ring", Line: "LED_RING"}, {Name: "hog", Line: "HOGGED"}})
	if !errors.Is(err, gpio.ErrBusy) || !errors.Is(err, gpio.ErrNoLine) {
		t.Fatalf("Open = %v, want ErrBusy and ErrNoLine", err)
	}
	for _, part := range []string{
		`claim line "BTN_MUTE" for button "btn_mute": GPIO line in use`, "gpioinfo",
		`claim line "BTN_CAL" for button "btn_cal": no such GPIO line`,
		`claim line "_" for button "_": no such GPIO line`,
		`claim line "HOGGED" for led "hog": GPIO line in use`, `"the-kernel" held it`,
		"the lines of this machine are: BTN_BIAS, BTN_CALL, BTN_DOWN, BTN_GONE,",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in:\n%v", part, err)
		}
	}
	open(t, []gpio.ButtonConfig{button("BTN_CALL")}, []gpio.PinConfig{{Name: "ring", Line: "LED_RING"}}) // both free again
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	open(t, []gpio.ButtonConfig{button("BTN_MUTE")}, nil)
}

func TestLabLines(t *testing.T) {
	needLab(t)
	got, err := gpio.Lines()
	if err != nil {
		t.Fatal(err)
	}
	chip := strings.TrimPrefix(bench1.dev, "/dev/")
	want := []string{
		"BTN_BIAS", "BTN_CALL", "BTN_DOWN", "BTN_GONE", "BTN_LATE", "BTN_MUTE", "BTN_STDIN",
		"HOGGED", "LED_GONE", "LED_LOW", "LED_RING", "TWIN", chip + "-TWIN",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	twin := button(chip + "-TWIN")
	open(t, []gpio.ButtonConfig{button("TWIN"), twin}, nil) // two lines, not one twice
}

func TestLabAChipThatIsUnpluggedEndsWatch(t *testing.T) {
	needLab(t)
	b, err := gpio.Open(slog.New(slog.DiscardHandler), []gpio.ButtonConfig{button("BTN_GONE")}, []gpio.PinConfig{{Name: "gone", Line: "LED_GONE"}})
	if err != nil {
		t.Fatal(err)
	}
	edges, done := make(chan device.Edge), make(chan error, 1)
	go func() { done <- b.Buttons()[0].Watch(t.Context(), edges) }()
	watched(t, &bench2, "BTN_GONE", edges)
	if err := bench2.unplug(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "BTN_GONE") {
			t.Errorf("Watch = %v, want an error with the line", err)
		}
	case <-time.After(patience):
		t.Fatal("Watch goes on without a chip")
	}
	if err := b.Pins()[0].Set(true); err == nil || !strings.Contains(err.Error(), "LED_GONE") {
		t.Errorf("Set = %v, want an error with the line", err)
	}
	_ = b.Close() // the lamp cannot be switched off any more, and says so
}

// childVar names the variable that gives a process of this test its role.
const childVar = "HAILPOINT_GPIO_TEST_ROLE"

// child is what another process does; the result is its exit code.
func child(role string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	attempt := func() error {
		b, err := gpio.Open(log, []gpio.ButtonConfig{button(role)}, nil)
		if err != nil {
			return err
		}
		return b.Close()
	}
	in := bufio.NewScanner(os.Stdin)
	switch role {
	case "BTN_STDIN": // claim a line, and again, then copy standard input
		if err := errors.Join(attempt(), attempt()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "BTN_LATE": // claim a line each time when told to, and say how it went
		for in.Scan() {
			fmt.Println(strings.ReplaceAll(fmt.Sprint(attempt()), "\n", "; "))
		}
	}
	return 0
}

// TestLabStandardInputSurvives runs where one chip has two names, which makes
// the driver close descriptor 0.
func TestLabStandardInputSurvives(t *testing.T) {
	needLab(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=BTN_STDIN")
	cmd.Stdin = strings.NewReader("still here")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil || string(out) != "still here" {
		t.Errorf("another process read %q from its input after it opened the pins, %v", out, err)
	}
}

// TestLabOpenCanBeTriedAgain runs as a user who may not open the chips until
// udev has said so.
func TestLabOpenCanBeTriedAgain(t *testing.T) {
	needLab(t)
	exe, err := os.Open(os.Args[0]) // which that user might not reach by its path
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = exe.Close() }()
	cmd := exec.CommandContext(t.Context(), "/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), childVar+"=BTN_LATE")
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewScanner(stdout)
	attempt := func() string {
		if _, err := io.WriteString(stdin, "\n"); err != nil {
			t.Fatal(err)
		}
		if !out.Scan() {
			t.Fatal("the other process said nothing")
		}
		return out.Text()
	}
	if got := attempt(); !strings.Contains(got, gpio.ErrNoChip.Error()) {
		t.Errorf("without permission: %s, want %v", got, gpio.ErrNoChip)
	}
	if err := os.Chmod(bench1.dev, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := attempt(); got != "<nil>" {
		t.Errorf("with permission: %s, want success", got)
	}
	if err := errors.Join(os.Chmod(bench1.dev, 0o600), stdin.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// BenchmarkLabEdgeToLamp is the time from before a contact changes to after a
// lamp has been switched, through the kernel both ways.
func BenchmarkLabEdgeToLamp(b *testing.B) {
	needLab(b)
	board := open(b, []gpio.ButtonConfig{button("BTN_CALL")}, []gpio.PinConfig{{Name: "ring", Line: "LED_RING"}})
	edges, lamp := watch(b, board.Buttons()[0]), board.Pins()[0]
	watched(b, &bench1, "BTN_CALL", edges)
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		bench1.pull(b, "BTN_CALL", n%2 == 1)
		e := next(b, edges)
		if err := lamp.Set(e.Active); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	bench1.pull(b, "BTN_CALL", true)
	slices.Sort(took)
	report := func(percent int, unit string) {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds())/1000, unit)
	}
	report(50, "p50-ms")
	report(99, "p99-ms")
	report(100, "max-ms")
}
