package link

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hailpoint/callagent/command"
)

const (
	// commandsAhead bounds the commands that wait for the agent.
	commandsAhead = 64
	// commandWithin bounds one command.
	commandWithin = 15 * time.Second
	// replyKept is how long a reply is kept for a repeat (PROTOCOL, section 7).
	replyKept = 24 * time.Hour
	// repliesKept bounds how many are; the oldest go first.
	repliesKept = 1000
)

// commands does each command once. What was begun, and what came of it, is on
// disk: a line of JSON each.
type commands struct {
	queue chan command.Command
	now   func() time.Time
	path  string

	mu    sync.Mutex // guards the fields below
	file  *os.File
	lines int
	kept  map[string]*kept
}

// kept is one command that was begun. Without a Reply it is being done, or was
// when the process died.
type kept struct {
	ID    string          `json:"id"`
	At    int64           `json:"at"` // ms since the epoch
	Reply json.RawMessage `json:"reply,omitempty"`

	running bool // in this process
}

// openCommands reads the commands of the last 24 hours.
func openCommands(path string, now func() time.Time) (*commands, error) {
	c := &commands{queue: make(chan command.Command, commandsAhead), now: now, path: path, kept: map[string]*kept{}}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the commands done before: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 4*command.MaxBytes)
	for lines.Scan() {
		var k kept
		if json.Unmarshal(lines.Bytes(), &k) == nil && k.ID != "" { // else: torn by a power cut
			c.kept[k.ID] = &k
		}
	}
	if err := c.rewrite(); err != nil {
		return nil, err
	}
	return c, nil
}

// rewrite drops what need not be kept any more and writes the rest anew.
func (c *commands) rewrite() error {
	all := make([]*kept, 0, len(c.kept))
	oldest := c.now().Add(-replyKept).UnixMilli()
	for _, k := range c.kept {
		if k.At >= oldest || k.running {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *kept) int { return int(a.At - b.At) })
	all = all[max(0, len(all)-repliesKept):]
	var b []byte
	clear(c.kept)
	for _, k := range all {
		line, err := json.Marshal(k)
		if err != nil {
			return fmt.Errorf("encode a command done before: %w", err)
		}
		b = append(append(b, line...), '\n')
		c.kept[k.ID] = k
	}
	if err := replace(c.path, b); err != nil {
		return fmt.Errorf("keep the commands done before: %w", err)
	}
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep the commands done before: %w", err)
	}
	if c.file != nil {
		err = c.file.Close()
	}
	c.file, c.lines = f, len(all)
	return err
}

// write puts one line on disk.
func (c *commands) write(k *kept) error {
	if c.lines >= 4*repliesKept {
		if err := c.rewrite(); err != nil {
			return err
		}
	}
	line, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encode command %s: %w", k.ID, err)
	}
	if _, err = c.file.Write(append(line, '\n')); err == nil {
		err = unix.Fdatasync(int(c.file.Fd())) //nolint:gosec // a descriptor fits
	}
	if err != nil {
		return fmt.Errorf("keep command %s in %s: %w", k.ID, filepath.Base(c.path), err)
	}
	c.lines++
	return nil
}

// take queues a command that came in, or answers it at once: a repeat with the
// reply it had, a malformed one with an error.
func (c *commands) take(l *Link, payload []byte) {
	cmd, err := command.Decode(payload)
	if err != nil {
		l.counters.Malformed.Add(1)
		l.reply(command.Fail(cmd.ID, command.AsError(err)))
		return
	}
	c.mu.Lock()
	k, known := c.kept[cmd.ID]
	if !known {
		c.kept[cmd.ID] = &kept{ID: cmd.ID, At: c.now().UnixMilli(), running: true}
	}
	c.mu.Unlock()
	switch {
	case !known:
		select {
		case c.queue <- cmd:
		default:
			c.mu.Lock()
			delete(c.kept, cmd.ID)
			c.mu.Unlock()
			l.counters.Overflow.Add(1)
			l.reply(command.Fail(cmd.ID, command.Errorf(command.Unavailable, "%d commands are waiting already; try again", commandsAhead)))
		}
	case k.Reply != nil:
		l.replyBytes(k.Reply)
	case k.running: // its reply will come
	default:
		l.reply(command.Fail(cmd.ID, command.Errorf(command.Unavailable,
			"the terminal stopped while it did this; whether it was done is not known")))
	}
}

// run does the commands, one at a time, until ctx ends.
func (c *commands) run(ctx context.Context, l *Link) {
	for {
		select {
		case <-ctx.Done():
			return
		case cmd := <-c.queue:
			c.do(ctx, l, cmd)
		}
	}
}

// do stores that cmd is begun, does it, and stores and publishes its reply.
func (c *commands) do(ctx context.Context, l *Link, cmd command.Command) {
	c.mu.Lock()
	k := c.kept[cmd.ID]
	err := c.write(k)
	if err != nil {
		delete(c.kept, cmd.ID)
	}
	c.mu.Unlock()
	if err != nil {
		// A command that is not kept could be done twice.
		l.log.Error("command not done", "command_id", cmd.ID, "name", cmd.Name, "err", err)
		l.reply(command.Fail(cmd.ID, command.Errorf(command.Unavailable, "not done: %v", err)))
		return
	}
	within, cancel := context.WithTimeout(ctx, commandWithin)
	reply := l.agent.Command(within, cmd)
	cancel()
	l.log.Info("command done", "command_id", cmd.ID, "name", cmd.Name, "ok", reply.OK)
	b, err := json.Marshal(reply)
	if err != nil {
		l.log.Error("reply not made", "command_id", cmd.ID, "err", err)
		return
	}
	done := &kept{ID: cmd.ID, At: k.At, Reply: b}
	c.mu.Lock()
	c.kept[cmd.ID] = done
	err = c.write(done) // before it is published: a repeat gets the same reply
	c.mu.Unlock()
	if err != nil {
		l.log.Error("reply not kept", "command_id", cmd.ID, "err", err)
	}
	l.replyBytes(b)
}

func (c *commands) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}
