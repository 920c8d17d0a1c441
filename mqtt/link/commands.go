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
	// replyKept is how long a reply is kept for a repeat (the outside contract, section 7).
	replyKept = 24 * time.Hour
	// repliesKept bounds how many are; the oldest go first.
	repliesKept = 1000
)

// commands does each command once. What was begun, and what came of it, is on
// disk: a line of JSON each.
type commands struct {
	queue chan job
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
	c := &commands{queue: make(chan job, commandsAhead), now: now, path: path, kept: map[string]*kept{}}
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
		err = unix.Fdatasync(int(c.file.Fd()))
	}
	if err != nil {
		return fmt.Errorf("keep command %s in %s: %w", k.ID, filepath.Base(c.path), err)
	}
	c.lines++
	return nil
}

// job is a command and who waits for its reply.
type job struct {
	cmd    command.Command
	answer func(reply []byte)
}

// take queues a command that came over MQTT; a malformed one is answered at
// once.
func (c *commands) take(l *Link, payload []byte) {
	cmd, err := command.Decode(payload)
	if err != nil {
		l.counters.Malformed.Add(1)
		l.answer(command.Fail(cmd.ID, command.AsError(err)), l.reply)
		return
	}
	c.submit(l, job{cmd, l.reply}, func() {}) // being done: the reply will come
}

// submit queues a command, or answers it at once: a repeat with the reply it
// had. twice is called for one that is being done at this moment.
func (c *commands) submit(l *Link, j job, twice func()) {
	id := j.cmd.ID
	c.mu.Lock()
	k, known := c.kept[id]
	if !known {
		c.kept[id] = &kept{ID: id, At: c.now().UnixMilli(), running: true}
	}
	c.mu.Unlock()
	switch {
	case !known:
		select {
		case c.queue <- j:
		default:
			c.mu.Lock()
			delete(c.kept, id)
			c.mu.Unlock()
			l.counters.Overflow.Add(1)
			l.answer(command.Fail(id, command.Errorf(command.Unavailable, "%d commands are waiting already; try again", commandsAhead)), j.answer)
		}
	case k.Reply != nil:
		j.answer(k.Reply)
	case k.running:
		twice()
	default:
		l.answer(command.Fail(id, command.Errorf(command.Unavailable,
			"the terminal stopped while it did this; whether it was done is not known")), j.answer)
	}
}

// run does the commands, one at a time, until ctx ends.
func (c *commands) run(ctx context.Context, l *Link) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-c.queue:
			c.do(ctx, l, j)
		}
	}
}

// do stores that a command is begun, does it, stores its reply, and gives it.
func (c *commands) do(ctx context.Context, l *Link, j job) {
	cmd := j.cmd
	c.mu.Lock()
	k := c.kept[cmd.ID]
	err := c.write(k)
	if err != nil {
		delete(c.kept, cmd.ID)
	}
	c.mu.Unlock()
	if err != nil {
		// A command that is not kept could be done twice.
		l.log.Error("command not done", "command_id", cmd.ID, "name", cmd.Name, "error", err)
		l.answer(command.Fail(cmd.ID, command.Errorf(command.Unavailable, "not done: %v", err)), j.answer)
		return
	}
	within, cancel := context.WithTimeout(ctx, commandWithin)
	reply := l.agent.Command(within, cmd)
	cancel()
	l.log.Info("command done", "command_id", cmd.ID, "name", cmd.Name, "ok", reply.OK)
	b, err := json.Marshal(reply)
	if err != nil {
		l.log.Error("reply not made", "command_id", cmd.ID, "error", err)
		return
	}
	done := &kept{ID: cmd.ID, At: k.At, Reply: b}
	c.mu.Lock()
	c.kept[cmd.ID] = done
	err = c.write(done) // before it is given: a repeat gets the same reply
	c.mu.Unlock()
	if err != nil {
		l.log.Error("reply not kept", "command_id", cmd.ID, "error", err)
	}
	j.answer(b)
}

// Execute carries out a command that did not come over MQTT, and returns its
// reply: the same for a repeat of the same id, wherever it came from before.
func (l *Link) Execute(ctx context.Context, cmd command.Command) command.Reply {
	replies := make(chan []byte, 1)
	give := func(b []byte) { replies <- b }
	l.commands.submit(l, job{cmd, give}, func() {
		l.answer(command.Fail(cmd.ID, command.Errorf(command.Unavailable, "command %s is being done now", cmd.ID)), give)
	})
	select {
	case b := <-replies:
		var r command.Reply
		if err := json.Unmarshal(b, &r); err != nil {
			return command.Fail(cmd.ID, command.Errorf(command.Unavailable, "reply not readable: %v", err))
		}
		return r
	case <-l.ended:
	case <-ctx.Done():
	}
	return command.Fail(cmd.ID, command.Errorf(command.Unavailable, "the terminal did not answer in time"))
}

func (c *commands) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}
