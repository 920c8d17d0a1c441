package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hailpoint/audio"
	soundsim "hailpoint/audio/sim"
	"hailpoint/audio/stoi"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/simulated"
	"hailpoint/cmd/internal/version"
	"hailpoint/mqtt/topic"
)

const (
	// intelligible is the STOI that the demonstration demands of each recording
	// (1 is the source itself, 0.9 and more is understood without effort).
	intelligible = 0.9
	// demoWithin bounds each step of the demonstration.
	demoWithin = 20 * time.Second
	// demoSpeech bounds the speech, so that the whole stays under a minute.
	demoSpeech = 12 * time.Second
)

// demo is the whole of Hailpoint without a person: the service, two terminals, a
// call in each direction, speech both ways, and a judgement of what was heard
// and reported. It returns an error unless all of it was right.
func demo(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("hailpoint-fleet demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("speech", "", "spoken WAV `file` for the microphones (make demo makes one)")
	verbose := flags.Bool("v", false, "log what service and terminals do")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *file == "" || flags.NArg() > 0 {
		return fmt.Errorf("demo wants --speech FILE and nothing else: %w", errUsage)
	}
	speech, err := readSpeech(*file)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hailpoint-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demonstration: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	d := demonstration{out: stdout, speech: speech, actors: map[string]*actor{}}
	d.service = service{
		options: options{http: "127.0.0.1:0", mqtt: "127.0.0.1:0", data: dir, base: topic.DefaultBase, simulated: 2},
		log:     log, out: io.Discard, alter: d.equip,
	}
	ready := make(chan struct{})
	d.service.up = func(string, string) { close(ready) }
	g, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g.Go(func() error { return d.service.run(ctx) })
	g.Go(func() error {
		defer stop()
		select {
		case <-ready:
			return d.play(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return g.Wait()
}

// readSpeech reads a WAV file, as much of it as the demonstration has time for.
func readSpeech(file string) ([]int16, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the speech: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	pcm, err := audio.ReadWAV(f)
	if err != nil {
		return nil, fmt.Errorf("read the speech in %s: %w", file, err)
	}
	return pcm[:min(len(pcm), int(demoSpeech/time.Second)*audio.SampleRate)], nil
}

// actor is the voice and the ear of one simulated terminal.
type actor struct {
	ear *soundsim.Recorder

	mu   sync.Mutex // guards left
	left []int16    // of the speech
}

// microphone hears the speech once speak was called.
func (a *actor) microphone(in *audio.Frame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := copy(in[:], a.left)
	clear(in[n:])
	a.left = a.left[n:]
}

func (a *actor) speak(pcm []int16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = pcm
}

// demonstration is a service with two terminals on a stage.
type demonstration struct {
	service service
	out     io.Writer
	speech  []int16
	actors  map[string]*actor // by address
	wrong   []error
}

// equip gives a terminal its voice and ear, and somebody to call.
func (d *demonstration) equip(c *simulated.Config) {
	a := &actor{ear: soundsim.NewRecorder(2 * demoSpeech)}
	d.actors[c.ID] = a
	c.Microphone, c.Heard = a.microphone, a.ear.Hear
	c.Target = simID(0)
	if c.ID == c.Target {
		c.Target = simID(1)
	}
}

// play makes the two calls.
func (d *demonstration) play(ctx context.Context) error {
	began := time.Now()
	d.printf("Hailpoint %s: two terminals, their broker, their records. Each says the same %.1f s of speech to the other.\n",
		version.Version, float64(len(d.speech))/audio.SampleRate)
	for _, t := range d.service.sims {
		if err := reached(ctx, t.ID()+" is connected to the broker", func() bool {
			r, err := t.Report(ctx)
			return err == nil && r.Online
		}); err != nil {
			return err
		}
	}
	first, second := d.service.sims[0], d.service.sims[1]
	for _, pair := range [][2]*simulated.Terminal{{first, second}, {second, first}} {
		if err := d.call(ctx, pair[0], pair[1]); err != nil {
			return err
		}
	}
	if err := errors.Join(d.wrong...); err != nil {
		return err
	}
	d.printf("\nAll of it was right, in %.0f s.\n", time.Since(began).Seconds())
	return nil
}

// call is one call: a press, an answer, speech both ways, a hang-up, the record.
func (d *demonstration) call(ctx context.Context, caller, callee *simulated.Terminal) error {
	d.printf("\n%s calls %s\n", caller.ID(), callee.ID())
	press := func(t *simulated.Terminal, button string) error { return t.Press(ctx, button, 80*time.Millisecond) }
	becomes := func(t *simulated.Terminal, state string) error {
		return reached(ctx, t.ID()+" is "+state, func() bool {
			r, err := t.Report(ctx)
			return err == nil && r.State == state
		})
	}
	if err := press(caller, "call"); err != nil {
		return err
	}
	if err := becomes(callee, "ringing_in"); err != nil {
		return err
	}
	if err := press(callee, "call"); err != nil {
		return err
	}
	if err := errors.Join(becomes(caller, "talking"), becomes(callee, "talking")); err != nil {
		return err
	}
	report, err := caller.Report(ctx)
	if err != nil {
		return err
	}
	for _, t := range []*simulated.Terminal{caller, callee} {
		a := d.actors[t.ID()]
		a.ear.Reset()
		a.speak(d.speech)
	}
	if err := pause(ctx, time.Duration(len(d.speech))*time.Second/audio.SampleRate+time.Second); err != nil {
		return err
	}
	if err := errors.Join(d.judge(caller, callee), d.judge(callee, caller)); err != nil {
		return err
	}
	if err := press(caller, "hangup"); err != nil {
		return err
	}
	return d.record(ctx, report.CallID, caller.ID(), callee.ID())
}

// judge compares what one terminal heard with what the other said.
func (d *demonstration) judge(speaker, listener *simulated.Terminal) error {
	score, at, err := stoi.MeasureParts(d.speech, d.actors[listener.ID()].ear.Snapshot())
	if err != nil {
		return fmt.Errorf("compare what %s heard with the speech: %w", listener.ID(), err)
	}
	verdict := "good"
	if score < intelligible {
		verdict = "BAD"
		d.wrong = append(d.wrong, fmt.Errorf("%s heard %s with a STOI of %.3f, below %.1f", listener.ID(), speaker.ID(), score, intelligible))
	}
	d.printf("  %s heard by %s: STOI %.3f (%s; at least %.1f), delay %d ms\n",
		speaker.ID(), listener.ID(), score, verdict, intelligible, at.Delay*1000/audio.SampleRate)
	return nil
}

// The events of a whole call, as each side reports them; ticks are not stored.
var (
	callerTells = "call.created room.joined op.result call.ringing call.accepted call.connected member.joined call.hung_up call.ended"
	calleeTells = "call.incoming call.accepted op.result room.joined call.connected member.joined call.hung_up member.left call.ended"
)

// record waits until both sides' records are stored, prints them, and checks
// them.
func (d *demonstration) record(ctx context.Context, id, caller, callee string) error {
	var call registry.Call
	var entries []registry.Entry
	ended := func(side string) bool {
		return slices.ContainsFunc(entries, func(e registry.Entry) bool { return e.DeviceID == side && e.Name == "call.ended" })
	}
	err := reached(ctx, "both sides' records of the call are stored", func() bool {
		var err error
		call, entries, err = d.service.store.Call(ctx, id)
		return err == nil && ended(caller) && ended(callee)
	})
	if err != nil {
		return err
	}
	told := map[string][]string{}
	for _, e := range entries {
		if e.Seq == 0 {
			continue
		}
		told[e.DeviceID] = append(told[e.DeviceID], e.Name)
		d.printf("  %8.3f s  %-7s #%-3d %-15s %s\n", float64(e.At-call.BeganAt)/1000, e.DeviceID, e.Seq, e.Name, inBrief(e.Data))
	}
	for side, want := range map[string]string{caller: callerTells, callee: calleeTells} {
		if got := strings.Join(told[side], " "); got != want {
			d.wrong = append(d.wrong, fmt.Errorf("%s reported\n  %s\nnot\n  %s", side, got, want))
		}
	}
	d.printf("  talked for %.3f s, ended: %s\n", float64(call.TalkMs)/1000, call.Reason)
	if spoken := int64(len(d.speech)) * 1000 / audio.SampleRate; call.TalkMs < spoken {
		d.wrong = append(d.wrong, fmt.Errorf("the record says %d ms of talk, but the speech alone took %d ms", call.TalkMs, spoken))
	}
	return nil
}

// inBrief writes the data of an event on one line: users by their address, and
// nothing that is empty, false or zero.
func inBrief(data json.RawMessage) string {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return string(data)
	}
	var words []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := fields[key]
		if user, ok := value.(map[string]any); ok {
			value = user["id"]
		}
		switch v := value.(type) {
		case string:
			if v != "" {
				words = append(words, key+"="+v)
			}
		case bool:
			if v {
				words = append(words, key)
			}
		case float64:
			if v != 0 {
				words = append(words, fmt.Sprintf("%s=%.0f", key, v))
			}
		}
	}
	return strings.Join(words, " ")
}

func (d *demonstration) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format, args...) // nobody may read it; the exit status says it all
}

// reached waits until done, at most demoWithin.
func reached(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoWithin)
	defer cancel()
	for !done() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("wait until %s: %w (run again with -v to see why)", what, err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
