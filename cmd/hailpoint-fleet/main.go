// Command hailpoint-fleet is the fleet service: an MQTT broker for terminals,
// a store for what they report, and a console in the browser to call them and
// be called.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	buildinfo "hailpoint/cmd/internal/version"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // a mistake in the command line
)

const usage = `hailpoint-fleet serves a fleet of call terminals.

  hailpoint-fleet serve [--http ADDR] [--mqtt ADDR] [--data DIR] [--sim N] [--base TOPIC] [--cert FILE --key FILE]
                                             be the service (hailpoint-fleet serve --help)
  hailpoint-fleet demo --speech FILE         call in both directions without a person, and judge what was heard
  hailpoint-fleet terminal add|remove ID     let a terminal in with a password of its own
  hailpoint-fleet operator add|remove NAME   let a person in; add again for a new password
  hailpoint-fleet token    add|remove NAME   let a program read the API
  hailpoint-fleet version                    say which version this is

ID is a terminal's address, NAME one that you choose; both are lower-case letters, digits, - and _.
terminal, operator and token take [--data DIR], the one that serve was given; they work while the service runs.
`

// errUsage marks a mistake of the person who called.
var errUsage = errors.New("see hailpoint-fleet help")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// start runs one subcommand and returns the exit code.
func start(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "serve":
		err = serve(ctx, args[1:], stdout, stderr)
	case "demo":
		err = demo(ctx, args[1:], stdout, stderr)
	case "terminal", "operator", "token":
		err = credential(ctx, args[0], args[1:], stdout, stderr)
	case "version":
		_, err = fmt.Fprintln(stdout, "hailpoint-fleet", buildinfo.Full())
	case "help", "-h", "--help":
		_, err = io.WriteString(stdout, usage)
	default:
		err = fmt.Errorf("there is no subcommand %q: %w", args[0], errUsage)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(stderr, "hailpoint-fleet:", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintln(stderr, "hailpoint-fleet:", err)
		return exitFailed
	}
}
