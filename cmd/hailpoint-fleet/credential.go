package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"hailpoint/cmd/hailpoint-fleet/internal/login"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

// credential adds or removes a credential of a terminal, an operator or a
// program.
func credential(ctx context.Context, kind string, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("hailpoint-fleet "+kind, flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := dataFlag(flags)
	words, err := parseMixed(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 2 || (words[0] != "add" && words[0] != "remove") {
		noun := "NAME"
		if store.Kind(kind) == store.Terminal {
			noun = "ID"
		}
		return fmt.Errorf("write hailpoint-fleet %s add %s or %s remove %s, and --data DIR where the service has it: %w", kind, noun, kind, noun, errUsage)
	}
	act, name := words[0], words[1]
	database := filepath.Join(*data, store.File)
	_, err = os.Stat(database) //nolint:gosec // the directory is the choice of whoever runs the command
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && act == "remove" {
		return fmt.Errorf("remove credential of %s %q: %w: there is no database %s (is --data right?)", kind, name, store.ErrNoCredential, database)
	}
	s, err := store.Open(ctx, *data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if missing {
		if _, err := fmt.Fprintf(stderr, "made a new database %s; is --data right?\n", database); err != nil {
			return err
		}
	}
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

// parseMixed parses flags wherever they stand among the other words, and
// returns those.
func parseMixed(flags *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := parse(flags, args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}

// defaultData is where the service keeps its data if not told otherwise.
const defaultData = "/var/lib/hailpoint-fleet"

// commandFor is a command of this program as it is to be typed for the service
// whose data is in dir.
func commandFor(dir, words string) string {
	command := "hailpoint-fleet " + words
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	if dir == defaultData {
		return command
	}
	if strings.ContainsFunc(dir, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+", r)
	}) {
		dir = "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return command + " --data " + dir
}

// dataFlag is the flag that every subcommand with a store has.
func dataFlag(flags *flag.FlagSet) *string {
	return flags.String("data", defaultData, "`directory` of the database and of the broker's store")
}

// parse parses a subcommand's flags, and marks a mistake as the caller's.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	return err
}
