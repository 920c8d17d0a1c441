// Command hailpoint is the terminal: run, check, devices, ctl and version.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // a mistake in the command line or the configuration
)

const usage = `hailpoint makes a call terminal of a board with a button, a lamp, a microphone and a speaker.

  hailpoint run     [--config FILE] [--sim]   be the terminal
  hailpoint check   [--config FILE] [--sim]   look for mistakes in a configuration
  hailpoint devices                           list microphones, speakers and GPIO lines
  hailpoint ctl     [--socket FILE] COMMAND   speak to the running terminal (hailpoint ctl help)
  hailpoint version                           say which version this is

A configuration is read from /etc/hailpoint/hailpoint.toml unless --config names another.
`

// defaultConfig is where the package installs the configuration.
const defaultConfig = "/etc/hailpoint/hailpoint.toml"

// errUsage marks a mistake of the person who called.
var errUsage = errors.New("a mistake in the command line or the configuration")

// usageError is a mistake of the person who called, in words.
type usageError struct{ err error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format+" (see hailpoint help)", args...)}
}

func (u usageError) Error() string { return u.err.Error() }

func (u usageError) Unwrap() error { return u.err }

// Is makes it errUsage.
func (u usageError) Is(target error) bool { return target == errUsage }

// helpError is no mistake: somebody asked how a subcommand is used.
type helpError struct{ text string }

func (h helpError) Error() string { return h.text }

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
	case "run":
		err = run(ctx, args[1:], stderr)
	case "check":
		err = check(args[1:], stdout)
	case "devices":
		err = devices(args[1:], stdout)
	case "ctl":
		err = ctl(ctx, args[1:], stdout)
	case "version", "-version", "--version":
		err = version(stdout)
	case "help", "-h", "-help", "--help":
		_, err = io.WriteString(stdout, usage)
	default:
		err = usageErrorf("there is no subcommand %q", args[0])
	}
	if help, ok := errors.AsType[helpError](err); ok {
		_, err = io.WriteString(stdout, help.text)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(stderr, "hailpoint:", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintln(stderr, "hailpoint:", err)
		return exitFailed
	}
}
