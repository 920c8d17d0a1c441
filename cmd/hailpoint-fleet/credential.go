package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

// credential adds or removes a credential of a terminal, an operator or a
// program.
func credential(ctx context.Context, kind string, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("hailpoint-fleet "+kind, flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := dataFlag(flags)
	if len(args) == 0 {
		return fmt.Errorf("%s: say add or remove, and a name: %w", kind, errUsage)
	}
	act := args[0]
	if err := parse(flags, args[1:]); err != nil {
		return err
	}
	if (act != "add" && act != "remove") || flags.NArg() != 1 {
		return fmt.Errorf("%s: write %s add NAME or %s remove NAME: %w", kind, kind, kind, errUsage)
	}
	name := flags.Arg(0)
	s, err := store.Open(ctx, *data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if act == "remove" {
		return s.RemoveCredential(ctx, store.Kind(kind), name)
	}
	secret, err := login.New(s, 0).Add(ctx, store.Kind(kind), name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, secret)
	return err
}

// dataFlag is the flag that every subcommand with a store has.
func dataFlag(flags *flag.FlagSet) *string {
	return flags.String("data", "/var/lib/hailpoint-fleet", "`directory` of the database and of the broker's store")
}

// parse parses a subcommand's flags, and marks a mistake as the caller's.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	return err
}
