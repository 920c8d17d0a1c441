package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"hailpoint/callagent"
	"hailpoint/callagent/command"
	"hailpoint/cmd/internal/config"
	"hailpoint/cmd/internal/control"
)

const ctlUsage = `hailpoint ctl speaks to the running terminal.

  hailpoint ctl status                         what it does, and what does not work
  hailpoint ctl press NAME [--hold 80ms]       press a button
  hailpoint ctl leds                           which lamps are lit
  hailpoint ctl reconnect                      try the broker again after the address was taken over
  hailpoint ctl events [--follow]              the latest event records
  hailpoint ctl run COMMAND [ARGS-AS-JSON]     a command, e.g. run call.dial '{"to":"desk-1"}'

Before the command: --socket FILE (default: that of /etc/hailpoint/hailpoint.toml), --json for programs.
`

// linkFault begins the fault that says why there is no broker.
const linkFault = "link: "

// remote is one use of ctl.
type remote struct {
	client *control.Client
	json   bool
	stdout io.Writer
}

func ctl(ctx context.Context, args []string, stdout io.Writer) error {
	err := remoteControl(ctx, args, stdout)
	if _, ok := errors.AsType[helpError](err); ok {
		return helpError{ctlUsage}
	}
	return err
}

func remoteControl(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("ctl")
	socket := flags.String("socket", "", "control socket of the terminal")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() == 0 || flags.Arg(0) == "help" {
		return helpError{ctlUsage}
	}
	r := remote{client: control.NewClient(socketFile(*socket)), json: *asJSON, stdout: stdout}
	defer r.client.Close()
	name, rest := flags.Arg(0), flags.Args()[1:]
	sub := newFlags("ctl " + name)
	sub.BoolVar(&r.json, "json", r.json, "print JSON")
	switch name {
	case "status":
		return r.with(sub, rest, func() error { return r.status(ctx) })
	case "leds":
		return r.with(sub, rest, func() error { return r.leds(ctx) })
	case "reconnect":
		return r.with(sub, rest, func() error { return r.client.Reconnect(ctx) })
	case "press":
		hold := sub.Duration("hold", 80*time.Millisecond, "how long")
		given, err := operands(sub, rest, 1)
		switch {
		case err != nil:
			return err
		case len(given) == 0:
			return usageErrorf("press wants the name of a button")
		}
		return r.press(ctx, given[0], *hold)
	case "events":
		follow := sub.Bool("follow", false, "go on with new ones")
		return r.with(sub, rest, func() error { return r.events(ctx, *follow) })
	case "run":
		given, err := operands(sub, rest, 2)
		switch {
		case err != nil:
			return err
		case len(given) == 0:
			return usageErrorf("run wants the name of a command")
		}
		return r.run(ctx, given[0], strings.Join(given[1:], ""))
	}
	return usageError{fmt.Errorf("ctl has no command %q (see hailpoint ctl help)", name)}
}

func (r *remote) with(flags *flag.FlagSet, args []string, do func() error) error {
	if _, err := operands(flags, args, 0); err != nil {
		return err
	}
	return do()
}

// socketFile is the socket of the installed terminal unless one is named.
func socketFile(named string) string {
	if named != "" {
		return named
	}
	cfg, err := config.Load(defaultConfig)
	if err != nil {
		return config.Default().ControlSocket
	}
	return cfg.ControlSocket
}

func (r *remote) print(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err = fmt.Fprintf(r.stdout, "%s\n", text)
	return err
}

func (r *remote) status(ctx context.Context) error {
	s, err := r.client.Status(ctx)
	if err != nil || r.json {
		return errors.Join(err, r.printIf(err == nil, s))
	}
	return printStatus(r.stdout, s)
}

// printStatus tells people how a terminal is.
func printStatus(w io.Writer, s callagent.Report) error {
	link, faults := "connected to the broker", s.Faults
	if !s.Online {
		link = "not connected to the broker"
		isWhy := func(f string) bool { return strings.HasPrefix(f, linkFault) }
		if i := slices.IndexFunc(faults, isWhy); i >= 0 {
			link += ": " + strings.TrimPrefix(faults[i], linkFault)
			faults = slices.Delete(slices.Clone(faults), i, i+1)
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s\n", s.Name, s.State, link)
	if s.Peer != "" {
		_, _ = fmt.Fprintf(w, "call %s with %s\n", s.CallID, s.Peer)
	}
	_, _ = fmt.Fprintf(w, "volume %d%%, microphone %s\n", s.Volume, map[bool]string{true: "muted", false: "on"}[s.Muted])
	for _, f := range faults {
		_, _ = fmt.Fprintf(w, "FAULT %s\n", f)
	}
	return err
}

func (r *remote) printIf(ok bool, v any) error {
	if !ok {
		return nil
	}
	return r.print(v)
}

func (r *remote) leds(ctx context.Context) error {
	lamps, err := r.client.Lamps(ctx)
	if err != nil || r.json {
		return errors.Join(err, r.printIf(err == nil, lamps))
	}
	for _, name := range slices.Sorted(maps.Keys(lamps)) {
		_, _ = fmt.Fprintf(r.stdout, "%s %s\n", name, map[bool]string{true: "on", false: "off"}[lamps[name]])
	}
	return nil
}

func (r *remote) press(ctx context.Context, button string, hold time.Duration) error {
	if err := r.client.Press(ctx, button, hold); err != nil {
		return err
	}
	if r.json {
		return r.print(struct{}{})
	}
	_, err := fmt.Fprintf(r.stdout, "pressed %s for %v\n", button, hold)
	return err
}

func (r *remote) events(ctx context.Context, follow bool) error {
	return r.client.Events(ctx, follow, func(record []byte) error {
		if r.json {
			_, err := fmt.Fprintf(r.stdout, "%s\n", record)
			return err
		}
		var e struct {
			At     int64           `json:"at"`
			Seq    uint64          `json:"seq"`
			Name   string          `json:"name"`
			CallID string          `json:"call_id"`
			Data   json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(record, &e); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		_, err := fmt.Fprintf(r.stdout, "%s %6d %-18s %s %s\n", time.UnixMilli(e.At).Format("15:04:05.000"), e.Seq, e.Name, e.CallID, e.Data)
		return err
	})
}

func (r *remote) run(ctx context.Context, name, args string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	c := command.Command{V: 1, ID: id.String(), Name: name}
	if args != "" {
		if !json.Valid([]byte(args)) {
			return usageErrorf("the arguments of %s are not JSON: %s", name, args)
		}
		c.Args = json.RawMessage(args)
	}
	reply, err := r.client.Command(ctx, c)
	if err != nil {
		return err
	}
	if r.json {
		if err := r.print(reply); err != nil {
			return err
		}
	}
	if !reply.OK {
		return fmt.Errorf("%s not done: %w", name, reply.Error)
	}
	if r.json {
		return nil
	}
	return r.print(reply.Result)
}
